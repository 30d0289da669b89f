"""How an index moves between two rebalances: holdings drift, prices go missing, assets die."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from indices.core.eligibility import VOLUME_DAYS, window_start
from signals.core.panel import Panel

if TYPE_CHECKING:
    from indices.core.events.courses import Course
    from indices.core.rulebook.clauses import Delisting, Rulebook

Array = npt.NDArray[np.float64]
Columns = npt.NDArray[np.intp]


class LevelError(ValueError):
    """A level cannot be computed; the message names the asset and the day."""


@dataclass(frozen=True, eq=False)
class Drift:
    """What was bought with 1 at the first row became: `values` [row x asset], the first row being the weights."""

    values: Array

    @property
    def totals(self) -> Array:
        """The value of everything, [row]; 1 at the first row.

        Each row is summed by itself, not by a matrix product: a row then has the same bits whether one more day or a
        whole year is computed.
        """
        return self.values.sum(axis=1)

    def weights(self, row: int) -> Array:
        """The drifted weights at `row`, sum 1; all zero where everything is lost."""
        total = self.values[row].sum()
        return self.values[row] / total if total > 0 else np.zeros(self.values.shape[1])


@dataclass(frozen=True, eq=False)
class Rebalance:
    """One executed decision: traded at the close of `row`; `turnover` and `cost` are fractions at that close.

    `before` is what was held at that close, [asset] weights of all assets; kept only where a walk is recorded.
    """

    row: int
    columns: Columns
    weights: Array
    turnover: float
    cost: float
    before: Array | None = None


@dataclass(frozen=True, eq=False)
class Strikes:
    """Where silences became too long: the asset in `columns` is written off on the row in `rows`, rows ascending."""

    rows: Columns
    columns: Columns

    def between(self, bought: int, row: int) -> Columns:
        """The columns struck after the purchase at `bought`, through `row`."""
        low, high = np.searchsorted(self.rows, (bought, row), side="right")
        return self.columns[low:high]


def drift(
    panel: Panel,
    days: npt.NDArray[np.int64],
    *,
    columns: Columns,
    weights: Array,
    first: int,
    last: int,
    rulebook: Rulebook,
    course: Course | None = None,
) -> Drift:
    """The path of `weights` of `columns` bought at the close of row `first`, through row `last`.

    An asset without a price keeps its last one for `delisting.after_missing_days` calendar days; on the first row
    beyond that its position is multiplied by 1 + `delisting.return`, once per silence. Raises LevelError for an asset
    that has had no price at all in the days before `first`. `panel` is that of `course` where there are events.
    """
    prices = _closes(panel, course, first, last, columns)
    if unknown(prices):
        prices = _held_prices(panel, days, columns, first, last, rulebook, course)
    return Drift(weights * (prices / prices[0]))


def buyable(
    panel: Panel,
    days: npt.NDArray[np.int64],
    *,
    columns: Columns,
    weights: Array,
    row: int,
    rulebook: Rulebook,
) -> tuple[Columns, Array]:
    """What of `weights` can be bought at the close of `row`: an asset that has been silent for more than
    `delisting.after_missing_days` by then is left out and the others are scaled to sum 1; nothing where all are."""
    if not unknown(panel.close[row].take(columns)):
        return columns, weights
    low = window_start(days, row, rulebook.delisting.after_missing_days + 1)
    alive = ~np.isnan(panel.close[low : row + 1].take(columns, axis=1)).all(axis=0)
    if alive.all():
        return columns, weights
    return columns[alive], weights[alive] / weights[alive].sum()


def strikes(
    panel: Panel, days: npt.NDArray[np.int64], *, first: int, last: int, rulebook: Rulebook
) -> Strikes:
    """Every strike of `drift` that a purchase between the rows `first` and `last` can meet through `last`."""
    low = window_start(days, first, memory_days(rulebook))
    known = ~np.isnan(panel.close[low : last + 1])
    # Column after column, so that each silence is followed by the end of it.
    falls, rises = np.nonzero((known[:-1] & ~known[1:]).T), np.nonzero((~known[:-1] & known[1:]).T)
    length = len(known)
    after = np.searchsorted(rises[0] * length + rises[1], falls[0] * length + falls[1])
    ends = np.full(len(after), length)
    ended = after < len(rises[0])
    ended[ended] = rises[0][after[ended]] == falls[0][ended]
    ends[ended] = rises[1][after[ended]] + 1
    numbers = days[low : last + 1]
    struck = np.searchsorted(numbers, numbers[falls[1]] + rulebook.delisting.after_missing_days, side="right")
    kept = struck < ends
    order = np.argsort(struck[kept], kind="stable")
    return Strikes((struck[kept] + low)[order], falls[0][kept][order])


def trade_volumes(panel: Panel, days: npt.NDArray[np.int64], row: int, columns: Columns) -> Array:
    """Median daily volume of the 30 days to `row`, [asset] of `columns`, USD; a day without data counts as zero."""
    block = panel.volume[window_start(days, row, VOLUME_DAYS) : row + 1].take(columns, axis=1)
    padded = np.zeros((VOLUME_DAYS, len(columns)))
    padded[: len(block)] = np.nan_to_num(block, nan=0.0)
    return np.asarray(np.median(padded, axis=0))


def unknown(prices: Array) -> bool:
    """Whether any of them is NaN: a sum is, if one of its parts is."""
    return math.isnan(prices.sum())


def memory_days(rulebook: Rulebook) -> int:
    """How many days before a purchase the engine may have to look for a last price."""
    return rulebook.delisting.after_missing_days + 2


def _closes(panel: Panel, course: Course | None, low: int, last: int, columns: Columns) -> Array:
    if course is not None:
        return course.closes(low, last, columns)
    return panel.close[low : last + 1].take(columns, axis=1)


def _held_prices(
    panel: Panel,
    days: npt.NDArray[np.int64],
    columns: Columns,
    first: int,
    last: int,
    rulebook: Rulebook,
    course: Course | None,
) -> Array:
    low = window_start(days, first, memory_days(rulebook))
    block = _closes(panel, course, low, last, columns)
    rows = np.arange(len(block))
    at_last = np.maximum.accumulate(np.where(np.isnan(block), -1, rows[:, None]), axis=0)
    bought = first - low
    silent = at_last[bought] < 0
    if silent.any():
        asset = panel.assets[int(columns[int(np.argmax(silent))])]
        raise LevelError(
            f"{asset}: has no price in the {memory_days(rulebook)} days to {panel.dates[first].date()}"
        )
    held = np.take_along_axis(block, np.maximum(at_last, 0), axis=0)
    held *= _survivals(days[low : last + 1], at_last, bought, rulebook.delisting)
    return held[bought:]


def _survivals(days: npt.NDArray[np.int64], at_last: Columns, bought: int, delisting: Delisting) -> Array:
    silence = days[:, None] - days[np.maximum(at_last, 0)]
    overdue = (silence > delisting.after_missing_days) & (at_last >= 0)
    struck = np.zeros(overdue.shape, dtype=bool)
    struck[1:] = overdue[1:] & ~overdue[:-1]
    # What happened before the purchase is in the price that was paid.
    struck[: bought + 1] = False
    return np.asarray(np.cumprod(np.where(struck, 1.0 + delisting.return_, 1.0), axis=0), dtype=np.float64)
