"""Driving dealing cycles to rest. Each step commits a row that the next call goes on from."""

from dataclasses import dataclass

from django.db.models import QuerySet

from portfolios.models import BlockOrder, Dealing, DealingCycle
from portfolios.services import accounts
from portfolios.services.execution.books import CycleMarket, cycle_market, driver_claim, driver_release
from portfolios.services.execution.planning import cycle_open
from portfolios.services.execution.purchases import purchases_plan
from portfolios.services.execution.settlement import cycle_close, dealing_settle
from portfolios.services.execution.venue import orders_at_rest, orders_drive
from portfolios.services.faultpoints import fault_point


@dataclass(frozen=True)
class DealingSummary:
    """What one run did. `at_rest` is False while a cycle waits for a venue or for another process."""

    opened: int
    settled: int
    at_rest: bool


def cycle_advance(cycle_id: int) -> bool:
    """Take the cycle as far as its venue's answers allow; True when anything moved. Only one process drives a cycle at
    a time: another one returns False at once."""
    if not driver_claim(cycle_id):
        return False
    try:
        cycle = DealingCycle.objects.get(pk=cycle_id)
        if cycle.status == DealingCycle.Status.SETTLED:
            return False
        with accounts.lookups_remembered():
            return _step(cycle, cycle_market(cycle))
    finally:
        driver_release(cycle_id)


def dealing_run(max_rounds: int = 100) -> DealingSummary:
    """Open and advance cycles until everything is at rest, nothing moves, or `max_rounds` are over."""
    opened = settled = 0
    for _ in range(max_rounds):
        unsettled = list(_unsettled().order_by("id").values_list("id", flat=True))
        moved = [cycle_advance(pk) for pk in unsettled]
        settled += (
            len(unsettled)
            - DealingCycle.objects.filter(pk__in=unsettled)
            .exclude(status=DealingCycle.Status.SETTLED)
            .count()
        )
        if any(moved):
            continue
        if cycle_open() is None:
            break
        opened += 1
        fault_point("cycle opened")
    return DealingSummary(opened, settled, at_rest=not _unsettled().exists())


def _step(cycle: DealingCycle, market: CycleMarket) -> bool:
    selling = cycle.status == DealingCycle.Status.SELLING
    side = BlockOrder.Side.SELL if selling else BlockOrder.Side.BUY
    moved = orders_drive(cycle, side, market)
    if not orders_at_rest(cycle, side):
        return moved
    if selling:
        fault_point("sold")
        purchases_plan(cycle.pk, market)
        fault_point("purchases planned")
        return True
    fault_point("bought")
    for dealing in (
        Dealing.objects.filter(cycle=cycle, is_open=True).order_by("id").values_list("id", flat=True)
    ):
        dealing_settle(dealing, market)
        fault_point("dealing settled")
    cycle_close(cycle.pk)
    return True


def _unsettled() -> QuerySet[DealingCycle]:
    return DealingCycle.objects.exclude(status=DealingCycle.Status.SETTLED)
