"""Personal portfolios: their books, and the batches that changed them. Postings come with a million rows a week and
have no page; `ledger_check` reads them all."""

from __future__ import annotations

from django.contrib import admin

from portfolios.admin.readonly import ReadOnlyAdmin
from portfolios.models import Basket, Batch, Book


@admin.register(Book)
class BookAdmin(ReadOnlyAdmin):
    list_display = ("id", "owner", "nominee", "cash", "max_weight", "risk_share", "version")
    search_fields = ("owner__email",)
    list_select_related = ("owner", "nominee")
    fields = ("nominee", "owner", "basket", "cash", "quantities", "max_weight", "risk_share", "version")


@admin.register(Batch)
class BatchAdmin(ReadOnlyAdmin):
    list_display = ("reference", "nominee", "books", "cash", "effective_at", "recorded_at")
    search_fields = ("reference",)
    list_select_related = ("nominee",)


@admin.register(Basket)
class BasketAdmin(ReadOnlyAdmin):
    list_display = ("id", "digest")
