"""What every gate is made from: a panel, the scores of many days, and the returns that followed them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

from signals.core.categories import declared
from signals.core.features import sampled
from signals.core.labels import LAG, TRADER_HORIZON
from signals.core.panel import Array, Panel
from signals.core.regime import RegimeRules
from signals.core.regime.market import CARRIED_DAYS, Members, members, readings

Mask = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]

SUNDAY = 6
COST = 0.003
"""Fraction of what is traded, each side."""
EXPOSURES = {
    "volatility": "idio_vol_90",
    "beta": "beta_mkt_90",
    "size": "log_mcap",
    "momentum": "ret_14d",
}
"""What a score is made of before it knows anything: exposure -> feature."""
MOST_RISE = 10.0
"""A token's rise over a week beyond this (+1,000 %) is a new unit of account or a fault of the source: it counts as no
return. The largest true one of the archive is +675 %."""
SOURCE_END = 10
"""Where more price series than this end on one day, a source ended there, and its tokens did not die."""


class ReportError(ValueError):
    """The report cannot be made; the message names the argument, what was wrong and what to do."""


@dataclass(frozen=True, eq=False)
class Scores:
    """[date x asset of the panel] scores, higher meant to be better; NaN where a token is not graded."""

    dates: pd.DatetimeIndex
    trader: Array
    investor: Array
    are_grades: bool = False
    """Whether they claim to be hit rates, 0 to 100."""


Grader = Callable[[Panel, pd.DatetimeIndex], Scores]
"""The scores of some dates of a panel, each made from data at or before its date."""


@dataclass(frozen=True, eq=False)
class Material:
    """Scores with the market they are judged by. Rows of `scores` are its days, all of them in the panel."""

    panel: Panel
    scores: Scores
    rules: RegimeRules = field(default_factory=RegimeRules)

    def __post_init__(self) -> None:
        """Raises ReportError for scores of another shape than their dates and the panel's assets."""
        shape = (len(self.scores.dates), len(self.panel.assets))
        for name in ("trader", "investor"):
            found = getattr(self.scores, name).shape
            if found != shape:
                raise ReportError(f"scores.{name} is {found}: give [date x asset], {shape}")

    @cached_property
    def rows(self) -> Ints:
        """[date] Where the days of the scores stand in the panel."""
        return np.array([self.panel.row(day) for day in self.scores.dates], dtype=np.int64)

    @cached_property
    def weekly(self) -> Ints:
        """Positions in the scores of the Sundays whose next week can be seen."""
        return self.on_weekday(SUNDAY)

    def on_weekday(self, weekday: int, *, lag: int = LAG, horizon: int = TRADER_HORIZON) -> Ints:
        """Positions in the scores of the days of one weekday (Monday 0) whose following return can be seen."""
        seen = self.rows + lag + horizon < len(self.panel.dates)
        found: Ints = np.flatnonzero((self.scores.dates.day_of_week.to_numpy() == weekday) & seen)
        return found

    @cached_property
    def carried(self) -> Array:
        """[date x asset] Close, a missing one standing at the last for a week: what labels are made of."""
        filled: Array = pd.DataFrame(self.panel.close).ffill(limit=CARRIED_DAYS).to_numpy()
        return filled

    @cached_property
    def standing(self) -> Array:
        """[date x asset] Close, a missing one standing at the last for good: what a holding is worth."""
        filled: Array = pd.DataFrame(self.panel.close).ffill().to_numpy()
        return filled

    def label(self, at: Ints, *, lag: int = LAG, start: int = 0, horizon: int = TRADER_HORIZON) -> Array:
        """[position x asset] Return from `lag + start` to `lag + start + horizon` days after the positions `at`.

        NaN where a price has been missing for over a week, and where the panel ends first.
        """
        return between(self.carried, self.rows[at] + lag + start, horizon)

    def week_return(self, at: Ints, *, lag: int = LAG, prices: Array | None = None) -> Array:
        """[position x asset] Return of a holding over the week traded `lag` days after `at`; 0 where never priced."""
        gained = between(self.standing if prices is None else prices, self.rows[at] + lag, TRADER_HORIZON)
        return np.where(np.isfinite(gained), gained, 0.0)

    @cached_property
    def twin(self) -> Members:
        """The passive universe of every day of the panel."""
        return members(self.panel, self.rules)

    def both(self, at: Ints) -> list[tuple[str, Array]]:
        """Both scores at the positions `at`, with their names."""
        return [("trader score", self.scores.trader[at]), ("investor score", self.scores.investor[at])]

    def twin_weights(self, at: Ints) -> Array:
        """[position x asset] Weights of the passive twin."""
        out = np.zeros((len(at), len(self.panel.assets)))
        rows = self.rows[at]
        # Empty places stand at column 0 with weight 0, so the weights are added, not put.
        np.add.at(out, (np.arange(len(at))[:, None], self.twin.columns[rows]), self.twin.weights[rows])
        return out

    @cached_property
    def market(self) -> pd.DataFrame:
        """[date] The twin's distance from its mean of 100 days, and its volatility a year."""
        rules = replace(self.rules, trend_days=(100,))
        return readings(self.panel, self.twin, rules, watched=False)

    @cached_property
    def exposures(self) -> dict[str, Array]:
        """Name -> [weekly position x asset] what the score is cleaned of, from data at or before each Sunday."""
        values = sampled(self.panel, self.scores.dates[self.weekly], names=list(EXPOSURES.values()))
        return {name: values[:, :, place].astype(np.float64) for place, name in enumerate(EXPOSURES)}

    @cached_property
    def exchange(self) -> Mask:
        """[asset] Tokens of exchanges, by declared category."""
        kinds = (declared(self.panel.categories[asset]) for asset in self.panel.assets)
        return np.array(["exchange" in kind for kind in kinds], dtype=bool)

    @cached_property
    def volume(self) -> Array:
        """[weekly position x asset] Median USD traded a day over the last 30 days."""
        rows = self.rows[self.weekly]
        with np.errstate(all="ignore"):
            return np.array([_median(self.panel.volume[max(row - 29, 0) : row + 1]) for row in rows])

    @cached_property
    def endings(self) -> tuple[Mask, Mask]:
        """[asset] Tokens whose prices end over a week before the panel does; those of them that died.

        A series that ends on the day on which more than SOURCE_END end is one whose source ended.
        """
        known = ~np.isnan(self.panel.close)
        last = len(known) - 1 - known[::-1].argmax(axis=0)
        ended = known.any(axis=0) & (last < len(known) - 1 - CARRIED_DAYS)
        count = Counter(last[ended].tolist())
        died = np.array(
            [bool(end) and count[int(row)] <= SOURCE_END for end, row in zip(ended, last, strict=True)]
        )
        return ended, died

    def buried(self, dead: Mask) -> Array:
        """[date x asset] `standing`, worth nothing from the day after the last price on for the tokens `dead`."""
        out = self.standing.copy()
        known = ~np.isnan(self.panel.close)
        for column in np.flatnonzero(dead):
            last = len(known) - 1 - int(known[::-1, column].argmax())
            out[last + 1 :, column] = 0.0
        return out


def between(close: Array, rows: Ints, horizon: int) -> Array:
    """[row x asset] Return from the closes of `rows` to those `horizon` rows later; NaN past the end, and beyond
    MOST_RISE."""
    out = np.full((len(rows), close.shape[1]), np.nan)
    inside = rows + horizon < len(close)
    first, last = close[rows[inside]], close[rows[inside] + horizon]
    out[inside] = np.divide(last, first, out=np.full_like(last, np.nan), where=first > 0) - 1.0
    out[out > MOST_RISE] = np.nan
    return out


def _median(values: Array) -> Array:
    known = ~np.isnan(values)
    some = known.any(axis=0)
    out = np.full(values.shape[1], np.nan)
    out[some] = np.nanmedian(values[:, some], axis=0)
    return out
