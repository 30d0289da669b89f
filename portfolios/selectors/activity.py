"""Everything that happened to a person's money, as dated lines."""

from datetime import datetime
from decimal import Decimal

from django.db.models import Max, Min, Q

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
    spans = (
        Order.objects.filter(user=user, status=Order.Status.SETTLED)
        .values("portfolio_id")
        .annotate(first=Min("settled_at", filter=Q(side=Order.Side.INVEST)), last=Max("settled_at"))
    )
    held = Q()
    for span in spans:
        if span["first"] is not None:
            held |= Q(portfolio_id=span["portfolio_id"], done_at__gte=span["first"])
    if not held:
        return []
    leaving = _left(user)
    rows = Rebalance.objects.filter(held, status=Rebalance.Status.DONE, **_earlier(before))
    lines = []
    for row in rows.select_related("portfolio__index", "decision").order_by("-created_at")[:limit]:
        left = leaving.get(row.portfolio_id)
        if left is not None and row.done_at is not None and row.done_at > left:
            continue
        lines.append(
            ActivityLine(
                at=row.done_at or row.created_at,
                recorded_at=row.created_at,
                kind="rebalance",
                title=f"{row.portfolio.index.name} was rebalanced",
                detail=f"${row.turnover_usd:,.2f} traded in the whole portfolio for ${row.cost_usd:,.2f}",
                amount_usd=None,
                cost_usd=None,
                status=row.status,
                index_slug=row.portfolio.index.slug,
                reference=str(row.pk),
            )
        )
    return lines


def _left(user: User) -> dict[int, datetime]:
    """Portfolio id -> when the user's last unit left it, for portfolios the user holds no more."""
    units: dict[int, Decimal] = {}
    moment: dict[int, datetime] = {}
    settled = Order.objects.filter(user=user, status=Order.Status.SETTLED, settled_at__isnull=False)
    for key, side, amount, at in settled.values_list("portfolio_id", "side", "units", "settled_at"):
        signed = (amount or Decimal(0)) * (1 if side == Order.Side.INVEST else -1)
        units[key] = units.get(key, Decimal(0)) + signed
        if at is not None:
            moment[key] = max(moment.get(key, at), at)
    return {key: moment[key] for key, amount in units.items() if amount <= 0}


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
