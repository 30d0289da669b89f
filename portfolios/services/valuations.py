"""The daily value per unit of each portfolio."""

from datetime import date

from portfolios.core.money import UNIT_SCALE, USD_SCALE, from_base
from portfolios.core.valuation import unit_price
from portfolios.models import Account, Balance, Dealing, NavPoint, Rebalance
from portfolios.selectors import valuations
from portfolios.selectors.fees import fee_days_due
from portfolios.services.rebalancing import rebalances_due
from signals.core import clock


def valuations_record(day: date) -> int:
    """A NavPoint at the close of `day` for every portfolio that has units and no point of that day; how many were new.

    Balances are those of now: call it for the last closed day. A portfolio that is being dealt, or has yet to follow
    the decision in force, or owes a fee, gets its point from a later run. A second run adds nothing.
    """
    issued = Balance.objects.filter(account__kind=Account.Kind.ISSUED, amount__lt=0)
    holding = {key for key in issued.values_list("account__portfolio_id", flat=True) if key is not None}
    known = set(
        NavPoint.objects.filter(date=day, portfolio_id__in=holding).values_list("portfolio_id", flat=True)
    )
    missing = sorted(holding - known - _unfinished(day))
    if not missing:
        return 0
    values = valuations(missing, at=clock.end_of_day(day))
    points = [
        NavPoint(
            portfolio_id=key,
            date=day,
            unit_price=unit_price(value.value, value.units),
            value=from_base(value.value, USD_SCALE),
            units=from_base(value.units, UNIT_SCALE),
        )
        for key, value in values.items()
    ]
    return len(NavPoint.objects.bulk_create(points, ignore_conflicts=True))


def _unfinished(day: date) -> set[int]:
    """Portfolios whose dealing of `day` is not over: a value taken now would leave out a part of its cost, or a fee."""
    waiting = [Rebalance.Status.DUE, Rebalance.Status.DEALING]
    return (
        {due.portfolio.pk for due in rebalances_due(day)}
        | set(Rebalance.objects.filter(status__in=waiting).values_list("portfolio_id", flat=True))
        | set(Dealing.objects.filter(is_open=True).values_list("portfolio_id", flat=True))
        | set(fee_days_due(day))
    )
