"""Venues: what is connected, which market is which token, and what comparing the books found."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin, messages
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest

from portfolios.admin.readonly import ReadOnlyAdmin, ReadOnlyInline
from portfolios.brokers.base import BrokerUnreachable
from portfolios.models import Reconciliation, VenueAccount, VenueMarket
from portfolios.services import reconciliation, venues


class MarketInline(ReadOnlyInline):
    model = VenueMarket
    fields = ("token", "symbol", "least_notional", "step", "tick", "is_active", "checked_at")
    readonly_fields = fields


@admin.register(VenueAccount)
class VenueAccountAdmin(ReadOnlyAdmin):
    """Sealed keys are not shown: of a key its last four characters are all that can be read."""

    list_display = ("name", "exchange", "quote", "fee", "is_enabled", "key_ends", "withdrawals", "books")
    list_select_related = ("quote_token", "withdrawals_by")
    fields = (
        "name", "exchange", "url", "quote", "quote_token", "fee", "is_enabled", "key_ends", "withdrawals",
        "withdrawals_by", "withdrawals_at", "baseline", "connected_at", "compared_through",
    )  # fmt: skip
    readonly_fields = fields
    inlines = (MarketInline,)
    actions: ClassVar[list[str]] = ["compare", "use", "use_not"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[VenueAccount]:
        """With the result of the last comparison."""
        last = Reconciliation.objects.filter(venue=OuterRef("name")).order_by("-id")
        return super().get_queryset(request).annotate(last_result=Subquery(last.values("result")[:1]))

    @admin.display(description="key")
    def key_ends(self, account: VenueAccount) -> str:
        """The end of the key."""
        return f"...{account.key_end}" if account.key_end else "-"

    @admin.display(description="books")
    def books(self, account: VenueAccount) -> str:
        """What the last comparison found."""
        result = getattr(account, "last_result", None)
        return str(Reconciliation.Result(result).label) if result else "never compared"

    @admin.action(description="Compare the books now", permissions=["operate"])
    def compare(self, request: HttpRequest, queryset: QuerySet[VenueAccount]) -> None:
        """Each comparison is kept; a break pauses the venue."""
        for account in queryset:
            try:
                row = reconciliation.reconcile(account.name)
            except (BrokerUnreachable, venues.UnknownVenue) as error:
                self.message_user(request, str(error), messages.ERROR)
                continue
            good = row.result in (Reconciliation.Result.CLEAN, Reconciliation.Result.WAITING)
            text = f"{account.name}: {row.get_result_display()}. {' '.join(row.findings)}"
            self.message_user(request, text, messages.SUCCESS if good else messages.ERROR)

    @admin.action(description="Send new orders there", permissions=["operate"])
    def use(self, request: HttpRequest, queryset: QuerySet[VenueAccount]) -> None:
        """From the next order on."""
        queryset.update(is_enabled=True)

    @admin.action(description="Send no new orders there", permissions=["operate"])
    def use_not(self, request: HttpRequest, queryset: QuerySet[VenueAccount]) -> None:
        """What was sent is followed to its end."""
        queryset.update(is_enabled=False)

    def has_operate_permission(self, request: HttpRequest) -> bool:
        """Superusers alone: an order goes where the money goes."""
        user: Any = request.user
        return bool(user.is_active and user.is_superuser)


@admin.register(VenueMarket)
class VenueMarketAdmin(ReadOnlyAdmin):
    list_display = ("account", "symbol", "token", "least_notional", "step", "tick", "is_active", "checked_at")
    list_filter = ("account", "is_active")
    search_fields = ("symbol", "token__slug")
    list_select_related = ("account", "token")


@admin.register(Reconciliation)
class ReconciliationAdmin(ReadOnlyAdmin):
    list_display = ("venue", "run_at", "result", "trades", "posted", "first_finding")
    list_filter = ("result", "venue")
    date_hierarchy = "run_at"

    @admin.display(description="finding")
    def first_finding(self, row: Reconciliation) -> str:
        """The first one; all of them stand inside."""
        return str(row.findings[0]) if row.findings else "-"
