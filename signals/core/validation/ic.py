"""The information coefficient: do higher scores meet higher returns, date by date?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from signals.core.features.ranking import ranks
from signals.core.panel import Array
from signals.core.validation.arrays import ValidationError, pair, row_correlation
from signals.core.validation.newey_west import mean_test

MIN_COUNT = 10
"""Fewer tokens than this on a date make its rank correlation mostly luck (sd about 1 / sqrt(n - 1))."""


def rank_ic(scores: Array, labels: Array, *, min_count: int = MIN_COUNT) -> Array:
    """[date] Spearman's rank correlation of scores and labels over the tokens known in both.

    Pearson's correlation of average ranks (Spearman 1904). NaN on dates with fewer than `min_count` such tokens, and
    where all scores or all labels are equal. Raises ValidationError where the shapes differ.
    """
    known_scores, known_labels = pair(scores, labels)
    return row_correlation(ranks(known_scores), ranks(known_labels), min_count=min_count)


@dataclass(frozen=True)
class YearIC:
    """The information coefficient of one calendar year: its mean and the number of dates."""

    mean: float
    count: int


@dataclass(frozen=True)
class ICSummary:
    """A series of information coefficients in figures; None where one cannot be told.

    `ir` is mean / standard deviation (ddof 1) per date, not annualised. `hit_share` is the share of dates above zero,
    `positive_year_share` that of calendar years with a mean above zero; both are fractions.
    """

    mean: float
    sd: float | None
    t: float | None
    lags: int
    ir: float | None
    hit_share: float
    count: int
    by_year: dict[int, YearIC]
    positive_year_share: float


def ic_summary(ic: Array, dates: pd.DatetimeIndex, *, overlap: int = 1, lags: int | None = None) -> ICSummary:
    """The figures of `ic` [date] over the dates where it is known; t as in `mean_test`, with its lags or `overlap`.

    A date without a coefficient is left out, and its neighbours count as adjacent. Raises ValidationError where
    `dates` has another length, or fewer than two coefficients are known.
    """
    if ic.shape != (len(dates),):
        raise ValidationError(f"ic is {ic.shape} and dates has {len(dates)}: give one coefficient per date")
    known = ~np.isnan(ic)
    values = ic[known]
    test = mean_test(values, lags=lags, overlap=overlap)
    sd = float(values.std(ddof=1)) if np.ptp(values) > 0 else None
    years = dates.year.to_numpy()[known]
    by_year = {
        int(year): YearIC(float(values[years == year].mean()), int((years == year).sum()))
        for year in np.unique(years)
    }
    return ICSummary(
        mean=test.mean,
        sd=sd,
        t=test.t,
        lags=test.lags,
        ir=None if sd is None else test.mean / sd,
        hit_share=float((values > 0).mean()),
        count=test.count,
        by_year=by_year,
        positive_year_share=sum(year.mean > 0 for year in by_year.values()) / len(by_year),
    )


def ic_decay(
    scores: Array,
    labels: Mapping[int, Array],
    dates: pd.DatetimeIndex,
    *,
    row_days: int = 1,
    min_count: int = MIN_COUNT,
) -> dict[int, ICSummary]:
    """`ic_summary` per horizon: how long a score keeps what it knows.

    `labels` gives [date x asset] labels by horizon in days; rows lie `row_days` apart, from which the overlap of
    neighbouring labels follows. The keys come back in rising order. Raises ValidationError as `ic_summary` does.
    """
    if row_days < 1 or any(horizon < 1 for horizon in labels):
        raise ValidationError(f"row_days is {row_days}, horizons {sorted(labels)}: all are at least 1 day")
    return {
        horizon: ic_summary(
            rank_ic(scores, labels[horizon], min_count=min_count),
            dates,
            overlap=-(-horizon // row_days),
        )
        for horizon in sorted(labels)
    }


def rank_autocorrelation(scores: Array, *, step: int = 1, min_count: int = MIN_COUNT) -> Array:
    """[date] rank correlation of the scores with those `step` rows before; NaN in the first `step` rows.

    Near 1 the ranking stands still and costs little to follow. Raises ValidationError for a step under 1.
    """
    if step < 1:
        raise ValidationError(f"step is {step}: give at least 1 row")
    out = np.full(len(scores), np.nan)
    out[step:] = rank_ic(scores[step:], scores[:-step], min_count=min_count)
    return out
