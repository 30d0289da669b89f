"""USDC for operators: what arrived and waits for a word, and what is on its way out."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any

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
from portfolios.models import (
    ChainCheckpoint,
    ChainTransaction,
    ChainTransfer,
    DepositAddress,
    UsdcPayout,
    User,
)
from portfolios.services import usdc


@admin.register(DepositAddress)
class DepositAddressAdmin(ReadOnlyAdmin):
    list_display = ("address", "chain_id", "path", "user", "assigned_at")
    list_filter = ("chain_id", ("user", admin.EmptyFieldListFilter))
    search_fields = ("address", "user__email")
    list_select_related = ("user",)


@admin.register(ChainCheckpoint)
class ChainCheckpointAdmin(ReadOnlyAdmin):
    list_display = ("number", "hash", "chain_id", "scanned_at")
    search_fields = ("hash",)


class DecisionAdmin(ReadOnlyAdmin):
    """A list with one decision that a person may take about a row, on a page of its own. Subclasses name it."""

    decision = ""
    permission = ""

    def get_urls(self) -> list[URLPattern]:
        name = f"{self.opts.app_label}_{self.opts.model_name}_{self.decision}"
        own = path(f"<int:row_id>/{self.decision}/", self.admin_site.admin_view(self.decide), name=name)
        return [own, *super().get_urls()]

    def decide(self, request: HttpRequest, row_id: int) -> HttpResponse:
        """Shows the row and asks; a POST decides in the operator's name."""
        user = request.user
        if not isinstance(user, User) or not user.has_perm(self.permission):
            raise PermissionDenied
        row = self.model._default_manager.filter(pk=row_id).first()
        changelist = f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist"
        if row is None:
            messages.error(request, f"Nothing was changed: there is no row {row_id}.")
            return redirect(changelist)
        if request.method == "POST":
            try:
                said = self.decided(row, request.POST.get("word", "").strip(), user)
            except MoneyError as error:
                messages.error(request, error.message)
            else:
                self.log_change(request, row, said)
                messages.success(request, said)
                return redirect(changelist)
        context = {
            **self.admin_site.each_context(request),
            "title": self.opts.verbose_name,
            "opts": self.opts,
            "row": row,
            "changelist": reverse(changelist),
        }
        return TemplateResponse(request, f"admin/usdc_{self.decision}.html", context)

    def decided(self, row: Any, word: str, by: User) -> str:
        """Do it, and say what was done."""
        raise TypeError(f"{type(self).__name__} does not say what is decided")

    def link(self, row: Any, text: str) -> SafeString:
        name = f"admin:{self.opts.app_label}_{self.opts.model_name}_{self.decision}"
        return format_html(
            '<a class="font-semibold underline" href="{}">{}</a>', reverse(name, args=[row.pk]), text
        )


@admin.register(ChainTransfer)
class ChainTransferAdmin(DecisionAdmin):
    list_display = ("seen_at", "user", "amount", "status", "reason", "block_number", "tx_hash", "action")
    list_filter = ("status", "chain_id")
    search_fields = ("tx_hash", "user__email", "address__address")
    list_select_related = ("user",)
    decision, permission = "release", "portfolios.change_chaintransfer"

    @admin.display(description="decide")
    def action(self, row: ChainTransfer) -> SafeString | str:
        return self.link(row, "Let it through") if row.status == ChainTransfer.Status.WAITING else "-"

    def decided(self, row: ChainTransfer, word: str, by: User) -> str:
        try:
            mark = Decimal(word) if word else None
        except InvalidOperation:
            mark = Decimal(-1)
        usdc.transfer_release(row.pk, by=by, mark=mark)
        return f"Transfer {row.pk} is credited by the next look at the chain, at {word or 'its mark'}."


class ChainTransactionInline(ReadOnlyInline):
    model = ChainTransaction
    fields = ("hash", "nonce", "max_fee", "priority_fee", "signed_at", "sent_at")


@admin.register(UsdcPayout)
class UsdcPayoutAdmin(DecisionAdmin):
    list_display = ("created_at", "destination", "amount", "usd", "status", "reason", "nonce", "action")
    list_filter = ("status", "chain_id")
    search_fields = ("reference", "destination", "tx_hash")
    inlines = (ChainTransactionInline,)
    decision, permission = "refuse", "portfolios.change_usdcpayout"

    @admin.display(description="decide")
    def action(self, row: UsdcPayout) -> SafeString | str:
        return self.link(row, "Give it back") if row.status == UsdcPayout.Status.QUEUED else "-"

    def decided(self, row: UsdcPayout, word: str, by: User) -> str:
        usdc.payout_refuse(row.pk, by=by, reason=word)
        return f"Payout {row.pk} is not sent; its ${row.usd:,.2f} are free again within a minute."
