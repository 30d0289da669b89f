"""Which venues there are, what they trade, and what our books say is there."""

from collections import defaultdict
from datetime import datetime
from decimal import Decimal

from django.db.models import Sum

from indices import selectors as index_selectors
from portfolios.brokers.registry import BROKERS
from portfolios.models import Balance, BlockOrder, Fill, Reconciliation, VenueAccount, VenueMarket

PAPER = "paper"
ROUTED = "best"
"""The venue of an order that has not been divided over venues yet."""
SMALLEST = Decimal("0.01")


def venue_account(name: str) -> VenueAccount | None:
    """The account of that name, or None."""
    return VenueAccount.objects.select_related("quote_token").filter(name=name).first()


def venue_names() -> list[str]:
    """Every venue that orders may be booked under."""
    return sorted({*BROKERS, *VenueAccount.objects.values_list("name", flat=True)})


def venues_trading() -> list[str]:
    """The venues that new orders go to: every enabled account, or the paper venue while there is none."""
    enabled = VenueAccount.objects.filter(is_enabled=True).order_by("name")
    return list(enabled.values_list("name", flat=True)) or [PAPER]


def venue_for_orders() -> str:
    """Where a new order is booked: the only venue, or ROUTED where it has to be divided first."""
    names = venues_trading()
    return names[0] if len(names) == 1 else ROUTED


def least_notional(venue: str = "", token: str = "") -> Decimal:
    """USD of the smallest order that `venue` takes, of `token` (a slug) or of any it trades; without a venue the least
    at which one of the venues in use trades the token. A cent at venues without a rule. The quote currency counts at
    par: this is a bound for plans, not a price."""
    names = [venue] if venue else venues_trading()
    return min(_least(name, token) for name in names)


def _least(venue: str, token: str) -> Decimal:
    rules = VenueMarket.objects.filter(account__name=venue, is_active=True)
    if token:
        rules = rules.filter(token__slug=token)
    most = max(rules.values_list("least_notional", flat=True), default=Decimal(0))
    # A little room: what is worth the minimum at the mark is worth less at the price it trades at.
    return max(SMALLEST, most * Decimal("1.02"))


def quote_rate(account: VenueAccount, *, at: datetime) -> Decimal | None:
    """USD for one of the account's quote currency at market time `at`; None where its token has no mark."""
    if account.quote_token is None:
        return Decimal(1)
    return index_selectors.mark_prices([account.quote_token.slug], at=at).get(account.quote_token.slug)


def books_balances(account: VenueAccount) -> dict[str, Decimal]:
    """Currency -> what must be at the venue: what was there before our first order, and every fill since."""
    held: dict[str, Decimal] = defaultdict(Decimal)
    for code, amount in account.baseline.items():
        held[code] += Decimal(amount)
    codes = {market.token_id: market.base for market in account.markets.all()}
    fills = Fill.objects.filter(venue=account.name)
    for token, side, amount in (
        fills.values_list("block_order__asset__token", "block_order__side").annotate(sum=Sum("quantity"))
    ).order_by():  # fmt: skip
        held[codes.get(token, f"token {token}")] += amount if side == BlockOrder.Side.BUY else -amount
    for side, spent, fee in (
        fills.values_list("block_order__side").annotate(spent=Sum("quote_amount"), fee=Sum("quote_fee"))
    ).order_by():  # fmt: skip
        held[account.quote] += (-(spent or 0) if side == BlockOrder.Side.BUY else (spent or 0)) - (fee or 0)
    taken = (
        fills.filter(fee_asset__isnull=False)
        .values_list("fee_asset__token")
        .annotate(sum=Sum("fee_quantity"))
    )
    for token, amount in taken.order_by():
        held[codes.get(token, f"token {token}")] -= amount
    return dict(held)


def orders_in_flight(venue: str) -> bool:
    """Whether an order is at the venue, or may be."""
    states = [BlockOrder.Status.SENDING, BlockOrder.Status.OPEN, BlockOrder.Status.UNKNOWN]
    return BlockOrder.objects.filter(venue=venue, status__in=states).exists()


def reconciliation_last(venue: str) -> Reconciliation | None:
    """The newest comparison with the venue, or None."""
    return Reconciliation.objects.filter(venue=venue).order_by("-id").first()


def venue_tokens_held(venue: str) -> dict[str, Decimal]:
    """Ledger code -> what the ledger has at the venue, from its postings: bought less sold. USD may be negative."""
    rows = Balance.objects.filter(account__key=f"venue:{venue}").values_list("asset__code", "amount")
    return {code: -amount for code, amount in rows}
