"""Payments in and out, and what plans charged."""

from __future__ import annotations

from django.contrib import admin

from portfolios.admin.readonly import ReadOnlyAdmin
from portfolios.models import Invoice, Payment


@admin.register(Payment)
class PaymentAdmin(ReadOnlyAdmin):
    list_display = (
        "id",
        "user",
        "direction",
        "amount",
        "currency",
        "method",
        "status",
        "created_at",
        "completed_at",
    )
    list_filter = ("direction", "status", "method")
    search_fields = ("id", "user__email", "reference")
    list_select_related = ("user",)
    date_hierarchy = "created_at"


@admin.register(Invoice)
class InvoiceAdmin(ReadOnlyAdmin):
    list_display = ("reference", "plan", "amount", "status", "period_start", "period_end", "created_at")
    list_filter = ("status", "plan")
    search_fields = ("reference", "subscription__user__email", "provider_reference")
    list_select_related = ("plan",)
    date_hierarchy = "created_at"
