"""One order over one or two venues at the least total cost. Whole numbers only: prices in 10^-24 USD a token,
quantities in base units, money in micro-dollars, fees in parts per billion.

Every venue has levels (price, quantity), best first, of which an order takes the best first. So the cost of a quantity
at a venue is a convex curve, and the best division is the one at which the next piece costs the same at both. Exact on
the lattice of quantities that both venues can trade (the larger of their steps, where one is a multiple of the other).
"""

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, combinations
from math import lcm

from portfolios.core.allocation import split
from portfolios.core.fees import PPB


@dataclass(frozen=True)
class Venue:
    """What a taker finds. `least_quantity` in base units and `least_notional` in micro-dollars are the smallest order;
    `available` is what the venue holds of what is given (base units of a sale, micro-dollars of a purchase), None for
    any amount. `one` is the number of base units in a token times 10^18: price x quantity / one is micro-dollars."""

    levels: Sequence[tuple[int, int]]
    fee: int
    one: int
    step: int = 1
    least_quantity: int = 0
    least_notional: int = 0
    available: int | None = None


class _Curve:
    """What a number of lots costs (a purchase) or brings (a sale) at one venue, fee included, in units of 1 / (one x
    PPB) micro-dollars: nothing is rounded, so the curve is exactly convex (concave for a sale)."""

    def __init__(self, venue: Venue, lot: int, *, buying: bool) -> None:
        self.lot, self.venue = lot, venue
        self.rate = PPB + venue.fee if buying else PPB - venue.fee
        self.prices = [price for price, _ in venue.levels]
        self.depths = list(accumulate(quantity for _, quantity in venue.levels))
        self.sums = list(accumulate(price * quantity for price, quantity in venue.levels))
        self.highest = self.depths[-1] // lot if self.depths else 0
        self.lowest = self._lowest(buying=buying)
        if venue.available is not None:
            self.highest = self._within(venue.available, buying=buying)

    def worth(self, lots: int) -> int:
        """Of so many lots; they must be there."""
        if lots == 0:
            return 0
        quantity = lots * self.lot
        place = bisect_left(self.depths, quantity)
        before, paid = (self.depths[place - 1], self.sums[place - 1]) if place else (0, 0)
        return (paid + (quantity - before) * self.prices[place]) * self.rate

    def _lowest(self, *, buying: bool) -> int:
        """The fewest lots that make an order: the least notional counts at the worst price it may trade at."""
        if not self.prices:
            return 1
        limit = self.prices[-1] if not buying else self.prices[0]
        by_value = -(-self.venue.least_notional * self.venue.one // limit)
        return max(1, -(-max(self.venue.least_quantity, by_value) // self.lot))

    def _within(self, available: int, *, buying: bool) -> int:
        if not buying:
            return min(self.highest, available // self.lot)
        return _largest(0, self.highest, lambda lots: self.worth(lots) <= available * self.venue.one * PPB)


def route(size: int, venues: Mapping[str, Venue], *, buying: bool) -> dict[str, int]:
    """Venue -> its part of `size` (base units of a sale, micro-dollars of a purchase); the parts sum to `size`. Empty
    where no venue can take an order of this size.

    A sale brings the most that it can; a purchase gets the most tokens that `size` pays for, at the least cost. At most
    two venues are used, whichever two are best.
    """
    rates = {name: PPB + venue.fee if buying else PPB - venue.fee for name, venue in venues.items()}
    names = sorted(name for name, venue in venues.items() if venue.levels)
    ends = [venues[name].levels[-1][0] * rates[name] for name in names]
    # The worst price in sight, for what is not traded: then trading more is never the worse choice.
    worst = max(ends, default=0) if buying else min(ends, default=0)
    best: tuple[tuple[int, int], dict[str, int]] | None = None
    for group in (*((name,) for name in names), *combinations(names, 2)):
        lot = lcm(*(venues[name].step for name in group))
        curves = [_Curve(venues[name], lot, buying=buying) for name in group]
        lots = _bought(size, curves) if buying else _sold(size, curves)
        if lots is None:
            continue
        total = sum(curve.worth(count) for curve, count in zip(curves, lots, strict=True))
        quantity = sum(lots) * lot
        gain = quantity * worst - total if buying else total + (size - quantity) * worst
        score = (gain, quantity)
        if best is None or score > best[0]:
            best = (score, dict(zip(group, _parts(size, curves, lots, buying=buying), strict=True)))
    return {} if best is None else best[1]


def _sold(size: int, curves: list[_Curve]) -> list[int] | None:
    """Lots per curve that bring the most."""
    return _divided(min(size // curves[0].lot, sum(curve.highest for curve in curves)), curves, sign=-1)


def _bought(size: int, curves: list[_Curve]) -> list[int] | None:
    """Lots per curve: the most that `size` micro-dollars pay for."""

    def payable(count: int) -> bool:
        lots = _divided(count, curves, sign=1)
        return lots is not None and sum(_paid(curves, lots)) <= size

    fewest = sum(curve.lowest for curve in curves)
    most = sum(curve.highest for curve in curves)
    if fewest > most or not payable(fewest):
        return None
    return _divided(_largest(fewest, most, payable), curves, sign=1)


def _paid(curves: list[_Curve], lots: list[int]) -> list[int]:
    """Whole micro-dollars that each part costs, rounded up."""
    return [
        -(-curve.worth(count) // (curve.venue.one * PPB)) for curve, count in zip(curves, lots, strict=True)
    ]


def _divided(count: int, curves: list[_Curve], *, sign: int) -> list[int] | None:
    """`count` lots over one or two curves so that sign x worth is least; None where the bounds do not allow it."""
    if len(curves) == 1:
        return [count] if curves[0].lowest <= count <= curves[0].highest else None
    first, second = curves
    low = max(first.lowest, count - second.highest)
    high = min(first.highest, count - second.lowest)
    if low > high:
        return None

    def cheaper(lots: int) -> bool:
        """Whether the step from lots - 1 to lots at the first saves something."""
        here = first.worth(lots) - first.worth(lots - 1)
        there = second.worth(count - lots + 1) - second.worth(count - lots)
        return sign * here < sign * there

    best = _largest(low, high, lambda lots: lots == low or cheaper(lots))
    return [best, count - best]


def _parts(size: int, curves: list[_Curve], lots: list[int], *, buying: bool) -> list[int]:
    """What was planned, and the rest (finer than a lot, or more than the books hold) where there is room for it."""
    if buying:
        paid = _paid(curves, lots)
        spare = split(size - sum(paid), paid)
        return [cost + more for cost, more in zip(paid, spare, strict=True)]
    parts = [count * curve.lot for curve, count in zip(curves, lots, strict=True)]
    rest = size - sum(parts)
    for place in sorted(range(len(parts)), key=lambda place: -parts[place]):
        available = curves[place].venue.available
        more = rest if available is None else min(rest, max(0, available - parts[place]))
        parts[place] += more
        rest -= more
    parts[parts.index(max(parts))] += rest
    return parts


def _largest(low: int, high: int, holds: Callable[[int], bool]) -> int:
    """The largest number in [low, high] for which `holds`; it holds for `low` and, once it does not, no more."""
    while low < high:
        middle = (low + high + 1) // 2
        if holds(middle):
            low = middle
        else:
            high = middle - 1
    return low
