"""The features of some dates as the model reads them: ranks within who is graded on each date."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from signals.core.features import rows_needed, sampled
from signals.core.features.ranking import ranks
from signals.core.model.spec import per_token
from signals.core.panel import Array, Panel
from signals.core.universe import STILL_DAYS, Mask, UniverseRules, gradable

Floats: TypeAlias = npt.NDArray[np.float32]
Ints: TypeAlias = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Sample:
    """One row per graded (date, asset), by date and then by slug.

    `row` and `column` [row] say which date and asset a row is of. `raw` [row x feature] are the features as computed,
    NaN where missing; `ranks` [row x feature] their ranks among the graded tokens of the date, spread over
    [-0.5, 0.5], 0 where missing.
    """

    dates: pd.DatetimeIndex
    assets: list[str]
    names: tuple[str, ...]
    row: Ints
    column: Ints
    raw: Floats
    ranks: Floats

    @property
    def shape(self) -> tuple[int, int]:
        """(number of dates, number of assets)."""
        return len(self.dates), len(self.assets)

    @cached_property
    def universe(self) -> Mask:
        """[date x asset] Who is graded."""
        mask = np.zeros(self.shape, dtype=bool)
        mask[self.row, self.column] = True
        return mask

    @cached_property
    def known(self) -> Array:
        """[date x asset] Share of the features that are known, 0 to 1; NaN for who is not graded."""
        return self.spread((~np.isnan(self.raw)).mean(axis=1) if self.names else np.zeros(len(self.row)))

    @property
    def values(self) -> Floats:
        """[date x asset x feature] the ranks, 0 for who is not graded; large, made anew at each call."""
        out = np.zeros((*self.shape, len(self.names)), dtype=np.float32)
        out[self.row, self.column] = self.ranks
        return out

    def spread(self, values: npt.ArrayLike) -> Array:
        """[date x asset] float64 with one value per row of the sample in its place, NaN elsewhere."""
        out = np.full(self.shape, np.nan)
        out[self.row, self.column] = values
        return out

    def bounds(self) -> Ints:
        """[date + 1] where the rows of each date begin, and where the last ends."""
        return np.searchsorted(self.row, np.arange(len(self.dates) + 1)).astype(np.int64)

    def between(self, after: pd.Timestamp | None, through: pd.Timestamp) -> Sample:
        """The dates later than `after` (all for None) and not later than `through`; assets stay."""
        start = 0 if after is None else int(self.dates.searchsorted(after, side="right"))
        stop = int(self.dates.searchsorted(through, side="right"))
        return self._rows(np.arange(start, max(stop, start)))

    def at(self, dates: pd.DatetimeIndex) -> Sample:
        """These dates, in rising order. Raises KeyError for one that the sample does not have."""
        places = self.dates.get_indexer(dates)
        if (places < 0).any():
            raise KeyError(f"dates: {dates[places < 0][0].date()} is not in the sample")
        return self._rows(np.sort(places))

    def features(self, names: tuple[str, ...]) -> Sample:
        """The sample with these features in this order. Raises KeyError for one that it does not have."""
        if names == self.names:
            return self
        place = {name: number for number, name in enumerate(self.names)}
        missing = [name for name in names if name not in place]
        if missing:
            raise KeyError(f"features: not in the sample: {', '.join(missing[:5])}")
        columns = [place[name] for name in names]
        return replace(self, names=names, raw=self.raw[:, columns], ranks=self.ranks[:, columns])

    def _rows(self, places: Ints) -> Sample:
        number = np.full(len(self.dates), -1, dtype=np.int64)
        number[places] = np.arange(len(places))
        keep = number[self.row] >= 0
        return replace(
            self,
            dates=self.dates[places],
            row=number[self.row[keep]],
            column=self.column[keep],
            raw=self.raw[keep],
            ranks=self.ranks[keep],
        )


def sample(
    panel: Panel,
    dates: pd.DatetimeIndex,
    *,
    names: tuple[str, ...] | None = None,
    rules: UniverseRules | None = None,
) -> Sample:
    """The features `names` (those of the published models for None) of the tokens graded on `dates`, which rise.

    A row is made from what was known at its date: rows of the panel after the last date are not read, and neither
    are those before the first that no feature needs. Raises PanelError for a date that the panel does not have.
    """
    chosen = per_token() if names is None else names
    index = pd.DatetimeIndex(dates)
    if not len(index):
        empty = np.zeros(0, dtype=np.int64)
        none = np.zeros((0, len(chosen)), dtype=np.float32)
        return Sample(index, panel.assets, chosen, empty, empty, none, none)
    if not (index.is_monotonic_increasing and index.is_unique):
        raise ValueError("dates: must rise without repeats; sort them")
    used = rules or UniverseRules()
    read = panel.as_of(index[-1])
    span = len(read.dates) - read.row(index[0])
    # Who is graded depends on fewer rows than the features do, and is asked of every token there is.
    near = read.last(span + max(STILL_DAYS + 1, used.volume_days))
    graded = gradable(near, used)[[near.row(day) for day in index]]
    read = read.last(span + max(rows_needed(chosen), 1))
    ever = np.flatnonzero(graded.any(axis=0))
    ever = ever[np.argsort([read.assets[at] for at in ever], kind="stable")] if len(ever) else ever
    cube = sampled(read, index, assets=[read.assets[at] for at in ever], names=chosen)
    row, place = np.nonzero(graded[:, ever])
    raw = cube[row, place]
    return Sample(
        dates=index,
        assets=read.assets,
        names=chosen,
        row=row.astype(np.int64),
        column=ever[place].astype(np.int64),
        raw=raw,
        ranks=ranks_by_date(raw, row, len(index)),
    )


def ranks_by_date(raw: Floats | Array, row: npt.NDArray[np.integer], dates: int) -> Floats:
    """[row x feature] ranks within each date over [-0.5, 0.5]; equals share theirs; 0 where missing or alone."""
    out = np.zeros(raw.shape, dtype=np.float32)
    bounds = np.searchsorted(row, np.arange(dates + 1))
    for start, stop in itertools.pairwise(bounds):
        if stop - start < 2:
            continue
        values = np.ascontiguousarray(raw[start:stop].T, dtype=np.float64)
        count = (~np.isnan(values)).sum(axis=1, keepdims=True)
        spread = (ranks(values) - 1) / np.maximum(count - 1, 1) - np.where(count > 1, 0.5, 0.0)
        out[start:stop] = np.where(np.isnan(spread), 0.0, spread).T
    return out
