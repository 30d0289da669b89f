"""The market for operators: the clock, the assets, and what each load brought in and refused."""

from __future__ import annotations

from django.contrib import admin

from signals.admin.readonly import ReadOnlyAdmin
from signals.models import Asset, LoadRun, Market


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
