"""From an investor's order to the fill at a venue, and back."""

from __future__ import annotations

from django.contrib import admin

from portfolios.admin.readonly import ReadOnlyAdmin, ReadOnlyInline
from portfolios.models import (
    Allocation,
    BlockOrder,
    Dealing,
    DealingCycle,
    Fill,
    NavPoint,
    Order,
    Portfolio,
    Rebalance,
)


class DealingInline(ReadOnlyInline):
    model = Dealing
    fields = ("portfolio", "kind", "is_open", "value_before", "net_flow", "cost_usd", "unit_price")
    readonly_fields = fields


class BlockOrderInline(ReadOnlyInline):
    model = BlockOrder
    fields = ("asset", "side", "quantity", "budget", "status", "attempt")
    readonly_fields = fields
    show_change_link = True


class FillInline(ReadOnlyInline):
    model = Fill
    fields = ("venue_trade_id", "quantity", "price", "notional", "fee", "filled_at", "entry")
    readonly_fields = fields


class AllocationInline(ReadOnlyInline):
    model = Allocation
    fields = ("dealing", "size")
    readonly_fields = fields


@admin.register(Portfolio)
class PortfolioAdmin(ReadOnlyAdmin):
    list_display = ("id", "index", "kind", "owner", "units", "created_at")
    list_filter = ("kind",)
    list_select_related = ("index", "owner", "units")


@admin.register(Order)
class OrderAdmin(ReadOnlyAdmin):
    list_display = (
        "id",
        "user",
        "portfolio",
        "side",
        "status",
        "amount",
        "units",
        "cost_usd",
        "created_at",
        "settled_at",
    )
    list_filter = ("status", "side")
    search_fields = ("id", "user__email")
    list_select_related = ("user", "portfolio")
    date_hierarchy = "created_at"


@admin.register(DealingCycle)
class DealingCycleAdmin(ReadOnlyAdmin):
    list_display = ("id", "status", "priced_at", "opened_at", "settled_at")
    list_filter = ("status",)
    date_hierarchy = "priced_at"
    inlines = (DealingInline, BlockOrderInline)


@admin.register(Dealing)
class DealingAdmin(ReadOnlyAdmin):
    list_display = ("id", "cycle", "portfolio", "kind", "is_open", "net_flow", "cost_usd", "unit_price")
    list_filter = ("kind", "is_open")
    list_select_related = ("cycle", "portfolio")


@admin.register(Rebalance)
class RebalanceAdmin(ReadOnlyAdmin):
    list_display = (
        "id",
        "portfolio",
        "epoch",
        "status",
        "turnover_usd",
        "cost_usd",
        "created_at",
        "done_at",
        "reason",
    )
    list_filter = ("status",)
    list_select_related = ("portfolio",)


@admin.register(BlockOrder)
class BlockOrderAdmin(ReadOnlyAdmin):
    list_display = (
        "id",
        "cycle",
        "asset",
        "venue",
        "side",
        "quantity",
        "budget",
        "status",
        "attempt",
        "updated_at",
    )
    list_filter = ("status", "side", "venue")
    search_fields = ("id", "asset__code")
    list_select_related = ("cycle", "asset")
    inlines = (AllocationInline, FillInline)


@admin.register(Fill)
class FillAdmin(ReadOnlyAdmin):
    list_display = (
        "venue",
        "venue_trade_id",
        "block_order",
        "quantity",
        "price",
        "notional",
        "fee",
        "filled_at",
    )
    list_filter = ("venue",)
    search_fields = ("venue_trade_id", "block_order__asset__code")
    list_select_related = ("block_order",)
    date_hierarchy = "filled_at"


@admin.register(NavPoint)
class NavPointAdmin(ReadOnlyAdmin):
    list_display = ("portfolio", "date", "unit_price", "value", "units")
    list_select_related = ("portfolio",)
    date_hierarchy = "date"
