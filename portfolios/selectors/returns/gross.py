"""What a unit would be worth had nothing been taken from it: no cost of a rebalance, no fee."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Context, Decimal

from portfolios.core.returns import CLOSE, Step
from portfolios.models import Dealing, FeeAccrual
from portfolios.selectors.returns.holding import Holding, Taken
from signals.core import clock, figures

_WIDE = Context(prec=60)
FEE, DEALING, AT_CLOSE = 0, 1, 2

Key = tuple[datetime, int, int]


def taken(held: Holding) -> list[Taken]:
    """Costs of rebalances and fees of the portfolio, in order of time. Within one moment a fee comes before dealings,
    dealings come in the order of their ids, and the close is last."""
    if held.book is not None:
        return list(held.book.losses)
    found: list[Taken] = []
    dealt = Dealing.objects.filter(
        portfolio_id=held.portfolio_id,
        kind=Dealing.Kind.REBALANCE,
        is_open=False,
        cost_usd__gt=0,
        cycle__priced_at__gte=held.flows[0].at,
    )
    for pk, at, value, cost in dealt.values_list("pk", "cycle__priced_at", "value_before", "cost_usd"):
        if value > cost:
            factor = _WIDE.divide(value, value - cost)
            found.append(Taken((at, DEALING, pk), figures.market_day(at), "rebalance", factor))
    rows = FeeAccrual.objects.filter(portfolio_id=held.portfolio_id, day__gte=held.flows[0].day, units__gt=0)
    for day, kind, before, units in rows.values_list("day", "kind", "units_before", "units"):
        factor = _WIDE.divide(before + units, before)
        found.append(Taken((clock.end_of_day(day), FEE, 0), day, kind, factor))
    return sorted(found, key=lambda row: row.key)


def gross_prices(held: Holding, losses: Sequence[Taken]) -> list[Decimal | None]:
    """For each step of the holding the value per unit as it would be had none of `losses` happened since the first;
    None from a step on at which a unit was worth nothing."""
    keys = _keys(held)
    result: list[Decimal | None] = []
    scale, done = Decimal(1), 0
    while done < len(losses) and losses[done].key <= keys[0]:
        done += 1
    for step, key in zip(held.steps, keys, strict=True):
        while done < len(losses) and losses[done].key <= key:
            scale = _WIDE.multiply(scale, losses[done].factor)
            done += 1
        result.append(None if not step.price else _WIDE.multiply(step.price, scale))
    return result


def _keys(held: Holding) -> list[Key]:
    flows = iter(held.flows)
    keys: list[Key] = []
    for step in held.steps:
        if _is_close(step):
            keys.append((clock.end_of_day(step.day), AT_CLOSE, 0))
        else:
            flow = next(flows)
            keys.append((flow.at, DEALING, flow.dealing_id))
    return keys


def _is_close(step: Step) -> bool:
    return step.event == CLOSE
