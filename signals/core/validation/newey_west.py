"""Is a mean different from zero when its observations remember each other?"""

from __future__ import annotations

from dataclasses import dataclass
from math import floor, sqrt

import numpy as np

from signals.core.panel import Array
from signals.core.validation.arrays import ValidationError, complete


@dataclass(frozen=True)
class MeanTest:
    """A mean, its standard error under autocorrelation, and their ratio; None where the series does not vary."""

    mean: float
    standard_error: float | None
    t: float | None
    lags: int
    count: int


def automatic_lags(count: int, *, overlap: int = 1) -> int:
    """floor(4 (T / 100)^(2/9)) (Newey & West 1994's rule of thumb), at least overlap - 1, under T.

    `overlap` is how many rows one label spans: daily rows of weekly returns overlap by 7 and correlate for 6 lags by
    construction.
    """
    if count < 1 or overlap < 1:
        raise ValidationError(f"count is {count} and overlap {overlap}: both are at least 1")
    return min(max(floor(4.0 * (count / 100.0) ** (2.0 / 9.0)), overlap - 1), count - 1)


def mean_test(series: Array, *, lags: int | None = None, overlap: int = 1) -> MeanTest:
    """Mean of `series` and its Newey-West t.

    Var(mean) = (g0 + 2 sum_j (1 - j / (L + 1)) g_j) / T with autocovariances g_j about the mean, divided by T: Newey
    & West 1987, Bartlett weights, no small-sample correction. L is `automatic_lags` unless `lags` is given. Raises
    ValidationError for gaps, fewer than two rows, or lags that are negative or not under the number of rows.
    """
    values = complete(series, name="series")
    count = len(values)
    used = automatic_lags(count, overlap=overlap) if lags is None else lags
    if not 0 <= used < count:
        raise ValidationError(f"lags is {used} with {count} rows: give 0 to {count - 1}")
    mean = float(values.mean())
    centred = values - mean
    variance = float(centred @ centred) / count
    if np.ptp(values) == 0:
        return MeanTest(mean, None, None, used, count)
    for lag in range(1, used + 1):
        variance += 2.0 * (1.0 - lag / (used + 1.0)) * float(centred[lag:] @ centred[:-lag]) / count
    if variance <= 0:
        return MeanTest(mean, None, None, used, count)
    error = sqrt(variance / count)
    return MeanTest(mean, error, mean / error, used, count)
