"""Everything that happened to a person's money, as dated lines."""

from bisect import bisect_left
from datetime import datetime
from decimal import Decimal

from django.db.models import Q

from indices import selectors as index_selectors
from portfolios.core.money import UNIT_SCALE, USD_SCALE, from_base, to_base
from portfolios.core.valuation import cost_share, fraction
from portfolios.models import Invoice, Order, Payment, Rebalance, User
from portfolios.selectors.records import ActivityLine


def activity(user: User, *, limit: int = 50, before: datetime | None = None) -> list[ActivityLine]:
    """The newest `limit` lines, newest first: deposits, withdrawals, orders, rebalances of indices the user held at the
    time, and plan charges. `before` (recorded time) continues a list: pass the last line's `recorded_at`."""
    lines = [
        *_payments(user, limit, before),
        *_orders(user, limit, before),
        *_rebalances(user, limit, before),
        *_invoices(user, limit, before),
    ]
    return sorted(lines, key=lambda line: line.recorded_at, reverse=True)[:limit]


def _payments(user: User, limit: int, before: datetime | None) -> list[ActivityLine]:
    rows = Payment.objects.filter(user=user, **_earlier(before)).order_by("-created_at")
    return [
        ActivityLine(
            at=row.effective_at,
            recorded_at=row.created_at,
            kind=row.direction,
            title=row.get_direction_display().capitalize(),
            detail=f"by {row.method}",
            amount_usd=row.amount if row.direction == Payment.Direction.DEPOSIT else -row.amount,
            cost_usd=None,
            status=row.status,
            index_slug="",
            reference=str(row.pk),
        )
        for row in rows[:limit]
    ]


def _orders(user: User, limit: int, before: datetime | None) -> list[ActivityLine]:
    rows = Order.objects.filter(user=user, **_earlier(before)).select_related("portfolio__index")
    return [_order_line(row) for row in rows.order_by("-created_at")[:limit]]


def _order_line(row: Order) -> ActivityLine:
    name = row.portfolio.index.name
    units = f"{row.units:,.6f}" if row.units is not None else ""
    amount: Decimal | None
    if row.side == Order.Side.INVEST:
        title, amount = f"Invest in {name}", -(row.amount or Decimal(0))
        detail = f"{units} units at ${row.unit_price:,.4f}" if row.unit_price is not None else "set aside"
    else:
        title, amount = f"Redeem from {name}", row.proceeds
        detail = (
            f"{units} units at ${row.unit_price:,.4f}" if row.unit_price is not None else f"{units} units"
        )
    if row.status == Order.Status.CANCELLED:
        amount, detail = Decimal(0), row.reason or "cancelled"
    return ActivityLine(
        at=row.settled_at or row.placed_at,
        recorded_at=row.created_at,
        kind=row.side,
        title=title,
        detail=detail,
        amount_usd=amount,
        cost_usd=row.cost_usd if row.status == Order.Status.SETTLED else None,
        status=row.status,
        index_slug=row.portfolio.index.slug,
        reference=str(row.pk),
    )


def _rebalances(user: User, limit: int, before: datetime | None) -> list[ActivityLine]:
    timelines = _units_held(user)
    held = Q()
    for portfolio, steps in timelines.items():
        for first, last in _spans(steps):
            # A portfolio has one dealing at a time, so dealings of one portfolio come in the order of their ids.
            span = Q(portfolio_id=portfolio, dealing__gt=first)
            held |= span if last is None else span & Q(dealing__lt=last)
    if not held:
        return []
    rows = Rebalance.objects.filter(held, status=Rebalance.Status.DONE, **_earlier(before))
    rows = rows.select_related("portfolio__index", "dealing").order_by("-created_at")
    shown = list(rows[:limit])
    marks = index_selectors.receipt_marks(row.decision_id for row in shown)
    return [_rebalance_line(row, timelines[row.portfolio_id], marks.get(row.decision_id)) for row in shown]


def _rebalance_line(
    row: Rebalance, steps: list[tuple[int, int]], receipt: index_selectors.ReceiptMark | None
) -> ActivityLine:
    dealing = row.dealing
    place = bisect_left(steps, (dealing.pk, 0))
    units, issued = steps[place - 1][1], to_base(dealing.units_before, UNIT_SCALE)
    share = cost_share(to_base(row.cost_usd, USD_SCALE), units, issued)
    return ActivityLine(
        at=row.done_at or row.created_at,
        recorded_at=row.created_at,
        kind="rebalance",
        title=f"{row.portfolio.index.name} was rebalanced",
        detail=(
            f"${row.turnover_usd:,.2f} traded in the whole portfolio for ${row.cost_usd:,.2f}; "
            f"you held {100 * fraction(units, issued):.2f} % of it"
        ),
        amount_usd=None,
        cost_usd=from_base(share, USD_SCALE),
        status=row.status,
        index_slug=row.portfolio.index.slug,
        reference=str(row.pk),
        receipt=receipt,
    )


def _units_held(user: User) -> dict[int, list[tuple[int, int]]]:
    """Portfolio id -> (dealing id, units in base units that the user held after it), in order of dealing."""
    settled = Order.objects.filter(user=user, status=Order.Status.SETTLED, dealing__isnull=False)
    steps: dict[int, dict[int, int]] = {}
    running: dict[int, int] = {}
    for portfolio, dealing, side, moved in settled.order_by("dealing_id").values_list(
        "portfolio_id", "dealing_id", "side", "units"
    ):
        units = to_base(moved or Decimal(0), UNIT_SCALE)
        sign = 1 if side == Order.Side.INVEST else -1
        running[portfolio] = running.get(portfolio, 0) + sign * units
        steps.setdefault(portfolio, {})[dealing] = running[portfolio]
    return {portfolio: list(by_dealing.items()) for portfolio, by_dealing in steps.items()}


def _spans(steps: list[tuple[int, int]]) -> list[tuple[int, int | None]]:
    """(dealing with which a holding began, dealing with which it ended or None) of each time something was held."""
    spans: list[tuple[int, int | None]] = []
    begun: int | None = None
    for dealing, units in steps:
        if units > 0 and begun is None:
            begun = dealing
        elif units <= 0 and begun is not None:
            spans.append((begun, dealing))
            begun = None
    if begun is not None:
        spans.append((begun, None))
    return spans


def _invoices(user: User, limit: int, before: datetime | None) -> list[ActivityLine]:
    rows = Invoice.objects.filter(subscription__user=user, **_earlier(before)).select_related(
        "plan", "subscription"
    )
    return [
        ActivityLine(
            at=row.effective_at,
            recorded_at=row.created_at,
            kind="plan",
            title=f"{row.plan.name} plan",
            detail=f"${row.amount:,.2f} charged through {row.subscription.provider}, not from your cash",
            amount_usd=None,
            cost_usd=row.amount,
            status=row.status,
            index_slug="",
            reference=row.reference,
        )
        for row in rows.order_by("-created_at")[:limit]
    ]


def _earlier(before: datetime | None) -> dict[str, datetime]:
    return {} if before is None else {"created_at__lt": before}
