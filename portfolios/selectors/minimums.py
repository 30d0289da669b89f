"""The least that can be invested: in anything, and in one index."""

from collections.abc import Mapping
from decimal import ROUND_CEILING, Decimal
from typing import Any

from indices import selectors as index_selectors
from portfolios.selectors.venues import least_notional
from signals import selectors as signal_selectors

MINIMUM_INVESTMENT = Decimal("50.00")


def index_minimum(index: Any) -> Decimal:
    """USD of the smallest investment in this index: enough that its smallest target could be bought by itself at a
    venue, in whole dollars, and never under MINIMUM_INVESTMENT. An index without weights in force has the latter."""
    decision = index_selectors.decision_in_force(index, as_of=signal_selectors.last_closed_day())
    if decision is None:
        return MINIMUM_INVESTMENT
    return minimum_of(index_selectors.target_weights(decision), least_notional())


def minimum_of(weights: Mapping[str, Decimal], least: Decimal) -> Decimal:
    """The smallest amount of which every positive weight is worth `least`, in whole dollars."""
    smallest = min((weight for weight in weights.values() if weight > 0), default=Decimal(1))
    needed = (least / smallest).quantize(Decimal(1), rounding=ROUND_CEILING).quantize(Decimal("0.01"))
    return max(MINIMUM_INVESTMENT, needed)
