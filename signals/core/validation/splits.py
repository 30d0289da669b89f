"""Expanding walk-forward with nothing of the test in the training."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from signals.core.labels import LAG, label_reach
from signals.core.validation.arrays import Ints, ValidationError


@dataclass(frozen=True)
class Fold:
    """Row numbers to fit on and row numbers to judge by, both rising; every training label was known by the test."""

    train: Ints
    test: Ints


def walk_forward(
    dates: pd.DatetimeIndex,
    *,
    horizon: int,
    lag: int = LAG,
    embargo: int = 7,
    test_days: int,
    min_train_days: int,
) -> Iterator[Fold]:
    """Folds that follow each other through `dates`, which rise and may skip days; lengths are calendar days.

    The test windows [a, a + test_days) tile the time from the first date + `min_train_days`; the last may be short,
    an empty one is skipped. The training rows of a window are all t with t + lag + horizon + embargo <= a: purged of
    labels not known at the close of a, then embargoed (Lopez de Prado, Advances in Financial Machine Learning, 2018,
    ch. 7). Training only expands, so the embargo stands before the test: nothing is ever trained on after it. Raises
    ValidationError for dates that do not rise, lengths under a day, a negative embargo, or where no window has
    anything to train on.
    """
    reach = label_reach(horizon=horizon, lag=lag)
    if len(dates) == 0 or not (dates.is_monotonic_increasing and dates.is_unique):
        raise ValidationError("dates do not rise strictly: sort them and drop repeats")
    if test_days < 1 or min_train_days < 1 or embargo < 0:
        raise ValidationError(
            f"test_days is {test_days}, min_train_days {min_train_days}, embargo {embargo}: "
            "give at least 1, 1 and 0 days"
        )
    day = ((dates - dates[0]) // pd.Timedelta(days=1)).to_numpy(dtype=np.int64)
    folds = [
        fold
        for start in range(min_train_days, int(day[-1]) + 1, test_days)
        if len((fold := _fold(day, start, start + test_days, reach + embargo)).test)
    ]
    if not folds or any(len(fold.train) == 0 for fold in folds):
        raise ValidationError(
            f"{int(day[-1]) + 1} days hold no test after {min_train_days} days whose training rows end "
            f"{reach + embargo} days before it: give more dates, or a min_train_days longer than that"
        )
    return iter(folds)


def _fold(day: Ints, start: int, stop: int, gap: int) -> Fold:
    return Fold(train=np.flatnonzero(day <= start - gap), test=np.flatnonzero((day >= start) & (day < stop)))
