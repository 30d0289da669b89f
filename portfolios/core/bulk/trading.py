"""Many blocks trade as one: what crosses inside, one order per asset for the rest, and what each portfolio gets of it.

Per asset everything sums exactly: what sellers give is what buyers and the venue take, and the same for dollars. A
total is split over blocks first and inside each block next, both by the largest remainder, so that blocks can be
settled apart from each other, in any order and again.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from portfolios.core.allocation import split
from portfolios.core.bulk.planning import Marks, Wishes
from portfolios.core.bulk.whole import Whole, divided, total_of


@dataclass(frozen=True)
class Totals:
    """What a block wants per asset: `sells` base units, `buys` micro-dollars. Numbers of any size."""

    sells: tuple[int, ...]
    buys: tuple[int, ...]


@dataclass(frozen=True)
class Orders:
    """What all blocks together want per asset. `crossed` base units change hands inside for `crossed_value`
    micro-dollars; `sells` base units and `buys` micro-dollars are left for the venue, of each asset one or none."""

    crossed: tuple[int, ...]
    crossed_value: tuple[int, ...]
    sells: tuple[int, ...]
    buys: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Deltas:
    """What changes hands: `quantities` [asset x portfolio] base units and `cash` [portfolio] micro-dollars, signed."""

    quantities: Whole
    cash: Whole


def totals(wishes: Wishes) -> Totals:
    """What the block wants in sum."""
    count = len(wishes.sells)
    return Totals(
        tuple(total_of(wishes.sells[asset]) for asset in range(count)),
        tuple(total_of(wishes.buys[asset]) for asset in range(count)),
    )


def netted(wanted: Sequence[Totals], at: Marks) -> Orders:
    """Sells and buys of all blocks, crossed at the marks as far as both sides go."""
    crossed, values, sells, buys = [], [], [], []
    for asset, (upper, lower) in enumerate(zip(at.numerator.tolist(), at.denominator.tolist(), strict=True)):
        selling = sum(block.sells[asset] for block in wanted)
        buying = sum(block.buys[asset] for block in wanted)
        inside = min(selling, buying * lower // upper)
        # Rounded up: the sellers must not get less than the mark, and the buyers have set the dollars aside.
        worth = min(-(-inside * upper // lower), buying)
        crossed.append(inside)
        values.append(worth)
        sells.append(selling - inside)
        # What a rounding of one base unit leaves is no order.
        buys.append(buying - worth if selling == inside else 0)
    return Orders(tuple(crossed), tuple(values), tuple(sells), tuple(buys))


def shares(amounts: Sequence[int], wanted: Sequence[Sequence[int]]) -> list[tuple[int, ...]]:
    """`amounts` [asset] split over blocks in proportion to what each `wanted` [block][asset]."""
    columns = [
        split(amount, [block[asset] for block in wanted]) if amount else [0] * len(wanted)
        for asset, amount in enumerate(amounts)
    ]
    return [tuple(column[block] for column in columns) for block in range(len(wanted))]


def sold(sells: Whole, quantities: Sequence[int], dollars: Sequence[int]) -> Deltas:
    """The block sold `quantities` [asset] base units for `dollars` [asset] micro-dollars, both split in proportion to
    `sells` [asset x portfolio]: everybody gets the same price."""
    given = np.zeros_like(sells)
    cash = np.zeros(sells.shape[1], dtype=np.int64)
    for asset, (quantity, paid) in enumerate(zip(quantities, dollars, strict=True)):
        if quantity:
            sellers = np.flatnonzero(sells[asset])
            parts = divided(quantity, sells[asset, sellers])
            given[asset, sellers] = -parts
            cash[sellers] += divided(paid, parts)
    return Deltas(given, cash)


def bought(buys: Whole, quantities: Sequence[int], dollars: Sequence[int]) -> Deltas:
    """The block bought `quantities` [asset] base units for `dollars` [asset] micro-dollars, fees included, both split
    in proportion to `buys` [asset x portfolio]: everybody pays the same price."""
    taken = np.zeros_like(buys)
    cash = np.zeros(buys.shape[1], dtype=np.int64)
    for asset, (quantity, paid) in enumerate(zip(quantities, dollars, strict=True)):
        if paid:
            buyers = np.flatnonzero(buys[asset])
            parts = divided(paid, buys[asset, buyers])
            cash[buyers] -= parts
            taken[asset, buyers] = divided(quantity, parts)
    return Deltas(taken, cash)
