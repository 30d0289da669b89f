"""Trailing windows that keep more than one number per window: order, age, drawdown, line of best fit.

As in `rolling`, a window is joined from a newer and an older part, and rows before the first are missing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from signals.core.features.rolling import NO_SPREAD, Series
from signals.core.panel import Array

Parts = tuple[npt.NDArray[Any], ...]
Join = Callable[[Parts, Parts, int], Parts]


def _lag(parts: Parts, rows: int, empty: tuple[float, ...]) -> Parts:
    out = []
    for part, nothing in zip(parts, empty, strict=False):
        moved = np.full_like(part, nothing)
        if rows < len(part):
            moved[rows:] = part[: len(part) - rows]
        out.append(moved)
    return tuple(out)


def _window(base: Parts, empty: tuple[float, ...], join: Join, rows: int) -> Parts:
    """The window of `rows` rows from single rows; `empty` holds what each part is where there are no rows."""
    level, size = base, 1
    out: Parts | None = None
    done = 0
    while True:
        if rows & size:
            out = level if out is None else join(out, _lag(level, done, empty), done)
            done += size
        if done == rows:
            return out if out is not None else level
        level = join(level, _lag(level, size, empty), size)
        size *= 2


def smallest(series: Series, rows: int, keep: int) -> list[Array]:
    """The `keep` smallest known values of each window, ascending; +inf where there are fewer."""

    def join(newer: Parts, older: Parts, _: int) -> Parts:
        merged: list[npt.NDArray[Any]] = list(newer)
        for start, value in enumerate(older):
            # Both lists ascend, so the n-th of the older one cannot come before place n.
            carried = value
            for place in range(start, len(merged)):
                low = np.minimum(merged[place], carried)
                carried = np.maximum(merged[place], carried)
                merged[place] = low
            if len(merged) < keep:
                merged.append(carried)
        return tuple(merged)

    return list(_window((series.filled(np.inf),), (np.inf,) * keep, join, rows))


def age_of_max(series: Series, rows: int) -> Array:
    """Rows since the largest value of the window, the latest one where it was reached twice."""

    def join(newer: Parts, older: Parts, size: int) -> Parts:
        keeps = newer[0] >= older[0]
        return np.maximum(newer[0], older[0]), np.where(keeps, newer[1], older[1] + np.int16(size))

    value = series.filled(-np.inf)
    age = _window((value, np.zeros(value.shape, dtype=np.int16)), (-np.inf, 0), join, rows)[1]
    return np.where(series.enough(rows), age.astype(np.float64), np.nan)


def worst_fall(log_price: Series, rows: int) -> Array:
    """The deepest fall of `log_price` from an earlier to a later row of the window, at most 0."""

    def join(newer: Parts, older: Parts, _: int) -> Parts:
        fall = np.minimum(np.minimum(newer[2], older[2]), newer[1] - older[0])
        return np.maximum(newer[0], older[0]), np.minimum(newer[1], older[1]), fall

    top, low = log_price.filled(-np.inf), log_price.filled(np.inf)
    fall = _window((top, low, np.zeros_like(top)), (-np.inf, np.inf, 0.0), join, rows)[2]
    return np.where(log_price.enough(rows), fall, np.nan)


def line(series: Series, rows: int) -> tuple[Array, Array, Array]:
    """Ordinary least squares of the values on time over the known rows: slope per row, its t, and R squared.

    Moments are joined about their own means (Chan, Golub & LeVeque 1983), so a high level costs no digits. All three
    are missing where the values do not vary, t also where the fit is exact.
    """

    def join(newer: Parts, older: Parts, size: int) -> Parts:
        n1, x1, y1, xx1, xy1, yy1 = newer
        n2, x2, y2, xx2, xy2, yy2 = older
        number = n1 + n2
        share = n2 / np.maximum(number, 1.0)
        # Time runs backwards here: x is minus the age of a row.
        dx, dy = (x2 - size) - x1, y2 - y1
        weight = n1 * share
        wx = weight * dx
        return (
            number,
            x1 + dx * share,
            y1 + dy * share,
            xx1 + xx2 + wx * dx,
            xy1 + xy2 + wx * dy,
            yy1 + yy2 + weight * dy * dy,
        )

    y, known = series.filled(0.0), series.known.astype(np.float64)
    nothing = np.zeros_like(y)
    parts = _window((known, nothing, y, nothing, nothing, nothing), (0.0,) * 6, join, rows)
    number, _, mean, xx, xy, yy = parts
    varies = series.enough(rows) & (yy > NO_SPREAD * number * mean * mean) & (yy > 0)
    slope = np.where(varies, xy / xx, np.nan)
    fit = np.where(varies, np.minimum(xy * xy / (xx * yy), 1.0), np.nan)
    rest = 1.0 - fit
    t = np.where(rest > 1e-9, np.sign(slope) * np.sqrt(fit * (number - 2) / rest), np.nan)
    return slope, t, fit


def weighted(series: Series, weights: Array) -> Array:
    """Sum of weights[i] x the value i rows ago, missing values as zero."""
    x = series.filled(0.0)
    out = x * weights[0]
    for age in range(1, min(len(weights), len(x))):
        out[age:] += x[:-age] * weights[age]
    return out


def about_mean(series: Series, rows: int) -> tuple[Array, Array, Array]:
    """Mean, mean absolute and mean squared deviation from it, in two passes: exact for a level far above its spread."""
    mean = series.mean(rows)
    number = series.count(rows)
    absolute, square = np.zeros_like(mean), np.zeros_like(mean)
    for age in range(min(rows, len(mean))):
        away = np.abs(series.x[: len(mean) - age] - mean[age:])
        np.copyto(away, 0.0, where=np.isnan(away))
        absolute[age:] += away
        square[age:] += away * away
    gone = np.isnan(mean)
    return mean, np.where(gone, np.nan, absolute / number), np.where(gone, np.nan, square / number)


def rescaled_range(log_price: Series, returns: Series, rows: int) -> Array:
    """ln(R/S) of the `rows` returns up to each row: range of their deviations added up, over their standard deviation.

    Missing where a price of the window is missing or the returns do not vary.
    """
    price = log_price.x
    out = np.full_like(price, np.nan)
    if len(price) <= rows:
        return out
    end = price[rows:]
    drift = (end - price[:-rows]) / rows
    high, low = np.zeros_like(end), np.zeros_like(end)
    back, path = np.zeros_like(end), np.empty_like(end)
    for age in range(1, rows):
        # The level `age` rows ago over the straight line from first to last price, seen from the last one.
        back += drift
        np.add(price[rows - age : len(price) - age], back, out=path)
        path -= end
        np.maximum(high, path, out=high)
        np.minimum(low, path, out=low)
    spread = np.sqrt(returns.variance(rows, ddof=0)[rows:])
    whole = (spread > 1e-9) & (returns.count(rows)[rows:] == rows)
    out[rows:] = np.where(whole, np.log((high - low) / spread), np.nan)
    return out


def last_within(event: npt.NDArray[np.bool_], rows: int) -> npt.NDArray[np.int32]:
    """The row of the latest event among the last `rows` rows, or −1."""
    at = np.arange(len(event), dtype=np.int32)[:, None]
    latest = np.maximum.accumulate(np.where(event, at, np.int32(-1)), axis=0)
    return np.where(at - latest < rows, latest, np.int32(-1))
