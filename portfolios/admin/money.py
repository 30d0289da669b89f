"""Payments in and out, what providers told about them, and what plans charged."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from portfolios.admin.readonly import ReadOnlyAdmin, ReadOnlyInline
from portfolios.errors import MoneyError
from portfolios.models import Invoice, Payment, PaymentEvent, User, WithdrawalApproval
from portfolios.services import payments

LIST = "admin:portfolios_payment_changelist"
APPROVE = "portfolios.approve_withdrawal"


class ApprovalInline(ReadOnlyInline):
    model = WithdrawalApproval
    fields = readonly_fields = ("staff", "at")


class EventInline(ReadOnlyInline):
    model = PaymentEvent
    fields = readonly_fields = ("type", "event_id", "kind", "amount", "item", "received_at")


@admin.register(Payment)
class PaymentAdmin(ReadOnlyAdmin):
    """Large withdrawals are decided on a page of their own, by two people, each in their own name."""

    list_display = (
        "id",
        "user",
        "direction",
        "amount",
        "currency",
        "method",
        "status",
        "decide",
        "created_at",
        "completed_at",
    )
    list_filter = ("direction", "status", "method")
    search_fields = ("id", "user__email", "reference", "provider_reference")
    list_select_related = ("user",)
    date_hierarchy = "created_at"
    inlines = (ApprovalInline, EventInline)

    def get_urls(self) -> list[URLPattern]:
        own = path(
            "<uuid:payment_id>/decide/",
            self.admin_site.admin_view(self.decide_view),
            name="portfolios_payment_decide",
        )
        return [own, *super().get_urls()]

    @admin.display(description="decide")
    def decide(self, row: Payment) -> SafeString | str:
        if row.status != Payment.Status.AWAITING_APPROVAL:
            return "-"
        address = reverse("admin:portfolios_payment_decide", args=[row.pk])
        return format_html('<a class="font-semibold underline" href="{}">Decide</a>', address)

    def decide_view(self, request: HttpRequest, payment_id: UUID) -> HttpResponse:
        """What is asked for and who has approved it; a POST approves or refuses in one's own name."""
        staff = request.user
        if not isinstance(staff, User) or not staff.has_perm(APPROVE):
            raise PermissionDenied
        row = Payment.objects.filter(pk=payment_id, direction=Payment.Direction.WITHDRAWAL).first()
        if row is None:
            messages.error(request, f"Nothing was changed: there is no withdrawal {payment_id}.")
            return redirect(LIST)
        if request.method == "POST" and self._decided(request, row, staff):
            return redirect(LIST)
        context: dict[str, Any] = {
            **self.admin_site.each_context(request),
            "title": "Decide about a withdrawal",
            "opts": self.opts,
            "payment": row,
            "approvals": row.approvals.select_related("staff"),
            "is_own": row.user_id == staff.pk,
            "typed": request.POST,
        }
        return TemplateResponse(request, "admin/withdrawal_decide.html", context)

    def _decided(self, request: HttpRequest, row: Payment, staff: User) -> bool:
        try:
            if request.POST.get("decision") == "approve":
                decided = payments.withdrawal_approve(row.pk, staff=staff)
                said = "It is sent now." if decided.status == Payment.Status.HELD else "One more is needed."
                self.log_change(request, row, f"approved the withdrawal of ${row.amount}")
                messages.success(request, f"Approved in your name. {said}")
            else:
                reason = request.POST.get("reason", "")
                payments.withdrawal_refuse(row.pk, staff=staff, reason=reason)
                self.log_change(request, row, f"refused the withdrawal of ${row.amount}: {reason}")
                messages.success(request, "Refused. The money is in its owner's cash again.")
        except MoneyError as error:
            messages.error(request, error.message)
            return False
        return True


@admin.register(PaymentEvent)
class PaymentEventAdmin(ReadOnlyAdmin):
    list_display = (
        "received_at",
        "provider",
        "type",
        "kind",
        "amount",
        "subject",
        "payment",
        "event_id",
    )
    list_filter = ("provider", "type", "kind", ("payment", admin.EmptyFieldListFilter))
    search_fields = ("event_id", "subject", "item")
    list_select_related = ("payment",)


@admin.register(Invoice)
class InvoiceAdmin(ReadOnlyAdmin):
    list_display = ("reference", "plan", "amount", "status", "period_start", "period_end", "created_at")
    list_filter = ("status", "plan")
    search_fields = ("reference", "subscription__user__email", "provider_reference")
    list_select_related = ("plan",)
    date_hierarchy = "created_at"
