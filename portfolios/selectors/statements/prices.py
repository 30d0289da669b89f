"""What one unit of each portfolio was worth at a moment, by what was recorded then."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from portfolios.models import Dealing, NavPoint
from signals.core import clock, figures


@dataclass(frozen=True)
class UnitPrice:
    """USD per unit, and the market day it is of."""

    usd: Decimal
    day: date


def unit_prices(portfolio_ids: Collection[int], moment: datetime) -> dict[int, UnitPrice]:
    """Portfolio id -> the last price at or before `moment`: the value per unit at a day's close, or that of a dealing
    settled since. A portfolio that never had a price is absent. Two queries."""
    last = clock.last_closed_day(moment)
    points = (
        NavPoint.objects.filter(portfolio_id__in=portfolio_ids, date__lte=last)
        .order_by("portfolio_id", "-date")
        .distinct("portfolio_id")
        .values_list("portfolio_id", "date", "unit_price")
    )
    found = {key: (clock.end_of_day(day), UnitPrice(price, day)) for key, day, price in points}
    dealt = (
        Dealing.objects.filter(
            portfolio_id__in=portfolio_ids,
            is_open=False,
            unit_price__isnull=False,
            cycle__priced_at__lte=moment,
        )
        .order_by("portfolio_id", "-cycle__priced_at", "-id")
        .distinct("portfolio_id")
        .values_list("portfolio_id", "cycle__priced_at", "unit_price")
    )
    for key, at, price in dealt:
        if price is not None and (key not in found or found[key][0] < at):
            found[key] = at, UnitPrice(price, figures.market_day(at))
    return {key: price for key, (_, price) in found.items()}
