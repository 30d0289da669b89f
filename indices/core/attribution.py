"""Why an index did better or worse than its reference, day by day, and what each token brought.

A day's difference has four parts that sum to it. With the risk share s, the return of the risky part Q, what the
shelter brought K (its weight x its return), and subscripts i (index) and r (reference):

    overlay    (s_i - s_r) x Q_r + K_i - K_r
    selection  s_i x the sum, over names only one of the two holds, of  v_i m_i - v_r m_r - (v_i - v_r) x Q_r
    weighting  the same sum over the names that both hold, differently weighted
    cost       what lies between the return of the level and that of the holdings, less the same of the reference

v are weights within the risky part and m a name's own return. The sums are Brinson and Fachler's (Measuring Non-US
Equity Portfolio Performance, 1985) taken name by name instead of sector by sector. Days are linked by Carino's
logarithmic coefficients (Combining Attribution Effects Over Time, 1999), so parts of any span sum to its difference.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Columns = npt.NDArray[np.intp]

PARTS = ("selection", "weighting", "overlay", "cost")
ROUNDING = 1e-9
"""More than this share of what was added up cannot be rounding."""


class AttributionError(ValueError):
    """A difference cannot be taken apart; the message says why."""


@dataclass(frozen=True, eq=False)
class Stretch:
    """What was bought at the close of `row` and held: `values` [row x column], the first row being the weights."""

    row: int
    columns: Columns
    values: Array

    @property
    def last(self) -> int:
        """The row at whose close it was sold, or the last one known."""
        return self.row + len(self.values) - 1


@dataclass(frozen=True, eq=False)
class Block:
    """Holdings over consecutive days: `weights` [day x name] as the day began, `moves` [day x name] simple returns."""

    columns: Columns
    weights: Array
    moves: Array


@dataclass(frozen=True, eq=False)
class DayEffects:
    """Arrays [day]. `gross` and `reference_gross` are the returns of the holdings before any cost; selection, weighting
    and overlay sum to their difference. `cash` is the share in shelter as the day began."""

    gross: Array
    reference_gross: Array
    selection: Array
    weighting: Array
    overlay: Array
    cash: Array


@dataclass(frozen=True)
class Attribution:
    """Total returns of a span and the parts of their difference: `parts` sum to `active`, `shares` to 1.

    `shares` are empty where there is no difference to share.
    """

    total: float
    reference: float
    active: float
    parts: dict[str, float]
    shares: dict[str, float]


def blocks(
    stretches: Sequence[Stretch], other: Sequence[Stretch], low: int, high: int
) -> tuple[Block, Block]:
    """Both holdings on the days of rows `low` + 1 to `high`, over the union of their columns in column order."""
    held = [stretch.columns for stretch in (*stretches, *other) if stretch.row < high and stretch.last > low]
    columns = np.unique(np.concatenate(held)) if held else np.empty(0, dtype=np.intp)
    return _block(stretches, columns, low, high), _block(other, columns, low, high)


def day_effects(index: Block, reference: Block, cash: npt.NDArray[np.bool_]) -> DayEffects:
    """The parts of each day's difference; `cash` [name] marks what is shelter. Both blocks have the same names.

    Where one of the two holds no risk at all, its risky part is taken to have done what the other's did, so that the
    whole difference is the overlay's.
    """
    risky = ~cash
    share, shelter, inside, mine = _split(index, risky)
    share_r, shelter_r, inside_r, theirs = _split(reference, risky)
    mine = np.where(share > 0, mine, theirs)
    theirs = np.where(share_r > 0, theirs, mine)
    apart = inside * index.moves - inside_r * reference.moves - (inside - inside_r) * theirs[:, None]
    both = (inside > 0) & (inside_r > 0)
    # A side without risk has nothing to select or to weight.
    scale = np.where((share > 0) & (share_r > 0), share, 0.0)
    overlay = (share - share_r) * theirs + shelter - shelter_r
    return DayEffects(
        gross=share * mine + shelter,
        reference_gross=share_r * theirs + shelter_r,
        selection=scale * _sums(np.where(both | cash, 0.0, apart)),
        weighting=scale * _sums(np.where(both & risky, apart, 0.0)),
        overlay=overlay,
        cash=_sums(index.weights[:, cash]),
    )


def linked(returns: Array, reference: Array, effects: Mapping[str, Array]) -> Attribution:
    """`effects` [day], which sum to `returns` - `reference` each day, linked over all days.

    Raises AttributionError for a day on which everything was lost, or whose effects do not sum to its difference.
    """
    if (returns <= -1.0).any() or (reference <= -1.0).any():
        raise AttributionError("returns: a day on which everything was lost cannot be linked with others")
    daily = returns - reference
    astray = np.abs(sum(effects.values(), np.zeros(len(daily))) - daily)
    if len(daily) and astray.max() > ROUNDING:
        raise AttributionError(
            f"effects: day {int(astray.argmax())} is off its difference by {astray.max():.3g}"
        )
    growth, growth_r = math.fsum(np.log1p(returns)), math.fsum(np.log1p(reference))
    total, total_r = math.expm1(growth), math.expm1(growth_r)
    active = total - total_r
    whole = float(_coefficient(np.array([total]), np.array([total_r]))[0])
    weights = _coefficient(returns, reference) / whole
    parts = {name: math.fsum((values * weights).tolist()) for name, values in effects.items()}
    _settle(parts, active)
    shares = {name: part / active for name, part in parts.items()} if active else {}
    return Attribution(total, total_r, active, parts, shares)


def contributions(index: Block, levels: Array) -> tuple[Array, float]:
    """What each name brought, [name] in points of the level, and what cost took: together the change of `levels`.

    `levels` [day + 1] begins with the level as the first day of the block begins.
    """
    points = levels[:-1, None] * index.weights * index.moves
    by_name = np.array([math.fsum(column) for column in points.T.tolist()])
    return by_name, float(levels[-1] - levels[0] - math.fsum(by_name))


def _block(stretches: Sequence[Stretch], columns: Columns, low: int, high: int) -> Block:
    weights = np.zeros((high - low, len(columns)))
    moves = np.zeros_like(weights)
    for stretch in stretches:
        begin, end = max(stretch.row, low), min(stretch.last, high)
        if begin >= end:
            continue
        values = stretch.values[begin - stretch.row : end - stretch.row + 1]
        before, after = values[:-1], values[1:]
        totals = before.sum(axis=1, keepdims=True)
        place = np.ix_(range(begin - low, end - low), np.searchsorted(columns, stretch.columns).tolist())
        weights[place] = np.divide(before, totals, out=np.zeros_like(before), where=totals > 0)
        moves[place] = np.divide(after, before, out=np.ones_like(before), where=before > 0) - 1.0
    return Block(columns, weights, moves)


def _split(block: Block, risky: npt.NDArray[np.bool_]) -> tuple[Array, Array, Array, Array]:
    """Risk share [day], what the shelter brought [day], weights within the risky part, its return [day]."""
    # Exactly 1 where nothing is in shelter, though weights sum to 1 but for their last bits.
    share = np.where(block.weights[:, risky].any(axis=1), 1.0 - _sums(block.weights[:, ~risky]), 0.0)
    shelter = _sums(block.weights[:, ~risky] * block.moves[:, ~risky])
    inside = np.where(risky, block.weights, 0.0)
    inside = np.divide(inside, share[:, None], out=np.zeros_like(inside), where=share[:, None] > 0)
    return share, shelter, inside, _sums(inside * block.moves)


def _sums(table: Array) -> Array:
    """Sum of each row, exact: it may not depend on how many names of weight zero stand beside."""
    return np.array([math.fsum(line) for line in table.tolist()])


def _coefficient(one: Array, other: Array) -> Array:
    """(ln(1 + a) - ln(1 + b)) / (a - b), and its limit 1 / (1 + a) where the two are the same."""
    apart = one - other
    same = 1.0 / (1.0 + one)
    return np.divide(np.log1p(apart / (1.0 + other)), apart, out=same, where=apart != 0)


def _settle(parts: dict[str, float], active: float) -> None:
    """The last bits of `parts` are moved into the largest, so that they sum to `active`."""
    left = active - math.fsum(parts.values())
    size = math.fsum(abs(part) for part in parts.values()) + abs(active) + 1.0
    if abs(left) > ROUNDING * size:
        raise AttributionError(f"effects: the parts miss the difference {active!r} by {left!r}")
    largest = max(parts, key=lambda name: abs(parts[name]))
    parts[largest] += left
