"""The market for operators: the clock, the assets, and what each load brought in and refused."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from signals.models import Asset, LoadRun, Market


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


@admin.register(Market)
class MarketAdmin(ReadOnlyAdmin):
    """The clock is advanced from the overview, which runs every tick on the way."""

    list_display = ("source", "is_active", "time", "first_day", "last_day", "ticked_through", "replay_until")


@admin.register(Asset)
class AssetAdmin(ReadOnlyAdmin):
    list_display = ("name", "symbol", "slug", "labels", "first_day", "last_day")
    list_filter = ("is_simulated",)
    search_fields = ("name", "symbol", "slug")
    ordering = ("name",)

    @admin.display(description="categories")
    def labels(self, asset: Asset) -> str:
        return ", ".join(asset.categories)


@admin.register(LoadRun)
class LoadRunAdmin(ReadOnlyAdmin):
    list_display = ("source", "started_at", "finished_at", "rows_read", "rows_written", "refused")
    list_filter = ("source",)
    date_hierarchy = "started_at"
