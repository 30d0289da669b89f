"""Plans, which operators edit, and the contracts for them, which services keep."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from portfolios.admin.readonly import ReadOnlyAdmin, ReadOnlyInline
from portfolios.models import Invoice, Plan, Subscription


@admin.register(Plan)
class PlanAdmin(ModelAdmin):
    """Price, request rate and indices of a plan. A plan once sold is withdrawn (`offered` off), not deleted."""

    list_display = (
        "name",
        "rank",
        "monthly_price",
        "api_requests_per_minute",
        "custom_indices",
        "all_indices",
        "is_offered",
    )
    list_filter = ("is_offered",)
    search_fields = ("name", "slug")
    filter_horizontal = ("indices",)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class InvoiceInline(ReadOnlyInline):
    model = Invoice
    fields = ("reference", "plan", "amount", "status", "period_start", "period_end")
    readonly_fields = fields


@admin.register(Subscription)
class SubscriptionAdmin(ReadOnlyAdmin):
    list_display = (
        "user",
        "plan",
        "status",
        "period_start",
        "period_end",
        "cancel_at_period_end",
        "next_plan",
    )
    list_filter = ("status", "plan", "cancel_at_period_end")
    search_fields = ("user__email",)
    list_select_related = ("user", "plan", "next_plan")
    inlines = (InvoiceInline,)
