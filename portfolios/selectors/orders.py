"""A person's orders, and how far each has come."""

from decimal import Decimal
from uuid import UUID

from django.db.models import QuerySet

from portfolios.models import BlockOrder, DealingCycle, Order, Switch, User
from portfolios.selectors.records import OrderRow, SwitchRow

_STAGES = {
    DealingCycle.Status.SELLING: "Selling what has to be sold",
    DealingCycle.Status.BUYING: "Buying the tokens of the index",
    DealingCycle.Status.SETTLED: "Settling",
}
_FINISHED = [BlockOrder.Status.DONE, BlockOrder.Status.REJECTED]


def order_queryset(user: User) -> QuerySet[Order]:
    """The user's orders, newest first, ready for `order_row`; a paginator may cut it."""
    return (
        Order.objects.filter(user=user)
        .select_related(
            "portfolio__index",
            "book__nominee__index",
            "dealing__cycle",
            "switch_out__target",
            "switch_out__invest",
            "switch_in__target",
            "switch_in__redeem__portfolio__index",
        )
        .order_by("-created_at")
    )


def orders(user: User, *, open_only: bool = False, limit: int | None = None) -> list[OrderRow]:
    """The user's orders, newest first; `open_only` leaves those that are not at rest."""
    rows = order_queryset(user)
    if open_only:
        rows = rows.filter(status__in=[Order.Status.ACCEPTED, Order.Status.DEALING])
    return [order_row(row) for row in (rows if limit is None else rows[:limit])]


def order(user: User, order_id: UUID | str) -> OrderRow | None:
    """One order of this user, or None when there is no such order of theirs."""
    try:
        key = order_id if isinstance(order_id, UUID) else UUID(str(order_id))
    except ValueError:
        return None
    row = order_queryset(user).filter(pk=key).first()
    return None if row is None else order_row(row)


def order_row(row: Order) -> OrderRow:
    """An order in the form in which its owner sees it."""
    stage, progress = _stage(row)
    return OrderRow(
        id=row.pk,
        index_slug=row.portfolio.index.slug,
        index_name=row.holding_name,
        side=row.side,
        status=row.status,
        amount=row.amount,
        units=row.units,
        unit_price=row.unit_price,
        proceeds=row.proceeds,
        cost_usd=row.cost_usd,
        reason=row.reason,
        created_at=row.created_at,
        placed_at=row.placed_at,
        settled_at=row.settled_at,
        cancellable=row.status == Order.Status.ACCEPTED,
        stage=stage,
        progress=progress,
        percent=row.percent,
        switch=_switch_of(row),
    )


def switch_queryset(user: User) -> QuerySet[Switch]:
    """The user's switches, newest first, ready for `switch_row`."""
    rows = Switch.objects.filter(user=user).select_related("target", "redeem__portfolio__index", "invest")
    return rows.order_by("-created_at", "-id")


def switch(user: User, switch_id: UUID) -> SwitchRow | None:
    """One switch of this user, or None when there is no such switch of theirs."""
    row = switch_queryset(user).filter(pk=switch_id).first()
    return None if row is None else switch_row(row)


def switch_row(row: Switch) -> SwitchRow:
    """A switch in the form in which its owner sees it."""
    leg = row.redeem if row.invest is None else row.invest
    is_open = row.status in (Switch.Status.SELLING, Switch.Status.BUYING)
    return SwitchRow(
        id=row.pk,
        status=row.status,
        index_slug=row.redeem.portfolio.index.slug,
        index_name=row.redeem.portfolio.index.name,
        into_slug=row.target.slug,
        into_name=row.target.name,
        redeem_id=row.redeem_id,
        invest_id=row.invest_id,
        proceeds=row.redeem.proceeds,
        cost_usd=row.redeem.cost_usd + (row.invest.cost_usd if row.invest is not None else 0),
        cancellable=is_open and leg.status == Order.Status.ACCEPTED,
        reason=row.reason,
        created_at=row.created_at,
        finished_at=row.finished_at,
    )


def _switch_of(row: Order) -> SwitchRow | None:
    found = getattr(row, "switch_out", None) or getattr(row, "switch_in", None)
    return None if found is None else switch_row(found)


def _stage(row: Order) -> tuple[str, Decimal]:
    if row.status == Order.Status.ACCEPTED:
        return "Waiting for the next dealing", Decimal("0.1")
    if row.status != Order.Status.DEALING or row.dealing is None:
        return row.get_status_display().capitalize(), Decimal(1)
    cycle = row.dealing.cycle
    blocks = BlockOrder.objects.filter(cycle=cycle, side=_side(cycle))
    count = blocks.count()
    done = blocks.filter(status__in=_FINISHED).count()
    start = Decimal("0.2") if cycle.status == DealingCycle.Status.SELLING else Decimal("0.5")
    part = Decimal(done) / Decimal(count) if count else Decimal(0)
    return _STAGES[DealingCycle.Status(cycle.status)], (start + part * Decimal("0.4")).quantize(
        Decimal("0.01")
    )


def _side(cycle: DealingCycle) -> str:
    return BlockOrder.Side.SELL if cycle.status == DealingCycle.Status.SELLING else BlockOrder.Side.BUY
