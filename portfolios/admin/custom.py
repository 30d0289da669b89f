"""Indices that people built, to be looked at."""

from __future__ import annotations

from django.contrib import admin

from portfolios.admin.readonly import ReadOnlyAdmin
from portfolios.models import CustomIndex


@admin.register(CustomIndex)
class CustomIndexAdmin(ReadOnlyAdmin):
    """Whose an index is, what it was built from, and whether a link shows it. Its owner changes it, nobody else."""

    fields = ("user", "name", "index", "based_on", "is_shared", "created_at", "archived_at")
    readonly_fields = ("is_shared",)
    list_display = ("name", "user", "based_on", "index", "is_shared", "created_at", "archived_at")
    list_filter = ("based_on", ("archived_at", admin.EmptyFieldListFilter))
    search_fields = ("name", "user__email", "index__slug")
    list_select_related = ("user", "index")

    @admin.display(boolean=True, description="shared")
    def is_shared(self, own: CustomIndex) -> bool:
        # The link itself opens the page to whoever reads it: it is the owner's to hand out.
        return own.share_token is not None
