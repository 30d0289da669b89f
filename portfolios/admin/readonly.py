"""What the back office may look at and not touch."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.http import HttpRequest
from unfold.admin import ModelAdmin, TabularInline


class _Sealed:
    """No adding, changing or deleting, whoever asks: superusers included."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ReadOnlyAdmin(_Sealed, ModelAdmin):
    """Shows and searches. A correction is a new entry made by a service, never an edit."""

    show_full_result_count = False

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Every column, those too that a form would leave out, such as the time of recording."""
        return list(self.fields or [field.name for field in self.opts.concrete_fields])


class ReadOnlyInline(_Sealed, TabularInline):
    """Rows that belong to the one on screen."""

    extra = 0
    can_delete = False
    hide_title = True


def trimmed(value: Decimal | None) -> str:
    """A stored amount without the zeros that its column adds."""
    if value is None:
        return "-"
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
