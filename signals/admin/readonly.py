"""Tables that machines write: shown and searched, never edited."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from unfold.admin import ModelAdmin


class ReadOnlyAdmin(ModelAdmin):
    """Shows and searches; nothing is added, changed or deleted by hand."""

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Every column, those too that a form would leave out."""
        return list(self.fields or [field.name for field in self.opts.concrete_fields])

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
