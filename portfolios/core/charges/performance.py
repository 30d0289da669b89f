"""The performance fee: a part of what a unit has gained above its high-water mark. Integers only.

What counts as reached is the lowest value per unit of the last three closes, so that one high close brings no fee.
Once a month, with L that low, M the mark, q the rate and P the value per unit now: where L > M the fee per unit is
f = q x (L - M), taken as n = i x f / (P - f) units, which makes the value per unit P - f; the mark becomes L - f, what
a unit was worth at that low once the fee was paid.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from portfolios.core.charges.management import MILLION

LOW_DAYS = 3


@dataclass(frozen=True)
class Crystallised:
    """`units` base units to issue, `per_unit` the fee in 10^-12 USD, `mark` the high-water mark from now on."""

    units: int
    per_unit: int
    mark: int


def crystallised(*, issued: int, prices: Sequence[int], mark: int, rate: int) -> Crystallised:
    """The fee of one month on `issued` base units. `prices`: value per unit in 10^-12 USD at the last LOW_DAYS closes,
    the newest last; `rate` in millionths of the gain.

    Raises ValueError for another number of prices, or a rate outside [0, 10^6).
    """
    if len(prices) != LOW_DAYS:
        raise ValueError(f"prices: {len(prices)} closes; the low is taken of {LOW_DAYS}")
    if not 0 <= rate < MILLION:
        raise ValueError(f"rate: {rate} millionths of the gain; must be at least 0 and below {MILLION}")
    low = min(prices)
    if low <= mark:
        return Crystallised(0, 0, mark)
    per_unit = rate * (low - mark) // MILLION
    return Crystallised(issued * per_unit // (prices[-1] - per_unit), per_unit, low - per_unit)
