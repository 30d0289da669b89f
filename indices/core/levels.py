"""How an index moves between two rebalances: holdings drift, prices go missing, assets die."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from indices.core.eligibility import window_start
from signals.core.panel import Panel

if TYPE_CHECKING:
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


def drift(
    panel: Panel,
    days: npt.NDArray[np.int64],
    *,
    columns: Columns,
    weights: Array,
    first: int,
    last: int,
    rulebook: Rulebook,
) -> Drift:
    """The path of `weights` of `columns` bought at the close of row `first`, through row `last`.

    An asset without a price keeps its last one for `delisting.after_missing_days` calendar days; on the first row
    beyond that its position is multiplied by 1 + `delisting.return`, once per silence. Raises LevelError for an asset
    that has had no price at all in the days before `first`.
    """
    prices = panel.close[first : last + 1].take(columns, axis=1)
    if unknown(prices):
        prices = _held_prices(panel, days, columns, first, last, rulebook)
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


def unknown(prices: Array) -> bool:
    """Whether any of them is NaN: a sum is, if one of its parts is."""
    return math.isnan(prices.sum())


def memory_days(rulebook: Rulebook) -> int:
    """How many days before a purchase the engine may have to look for a last price."""
    return rulebook.delisting.after_missing_days + 2


def _held_prices(
    panel: Panel, days: npt.NDArray[np.int64], columns: Columns, first: int, last: int, rulebook: Rulebook
) -> Array:
    low = window_start(days, first, memory_days(rulebook))
    block = panel.close[low : last + 1].take(columns, axis=1)
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
