"""Trailing windows that keep more than one number per window: order, age, drawdown, line of best fit.

As in `rolling`, a window is joined from a newer and an older part, and rows before the first are missing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from signals.core.features.rolling import NO_SPREAD, Known, Pyramid, Series, parts
from signals.core.panel import Array

Parts = tuple[npt.NDArray[Any], ...]
Join = Callable[[Parts, Parts, Parts, int], None]


class Windows:
    """Windows of several arrays at once, made when asked for and kept.

    `join(newer, older, out, size)` writes the window of both into `out`; the newer one has `size` rows. With `overlap`
    the older one may share rows with the newer.
    """

    def __init__(self, base: Parts, join: Join, *, overlap: bool = False) -> None:
        self._made = {1: base}
        self._join = join
        self._overlap = overlap

    def over(self, rows: int) -> Parts:
        """The window of `rows` rows. Do not write into it."""
        if rows not in self._made:
            size = 1 << (rows.bit_length() - 1)
            newer, older = (size, size) if self._overlap and size < rows else parts(rows)
            later, earlier, lag = self.over(newer), self.over(older), rows - older
            length = len(later[0])
            out = tuple(np.empty_like(part) for part in later)
            for made, part in zip(out, later, strict=True):
                made[:lag] = part[:lag]
            if lag < length:
                old = tuple(part[: length - lag] for part in earlier)
                new = tuple(part[lag:] for part in later)
                self._join(new, old, tuple(made[lag:] for made in out), lag)
            self._made[rows] = out
        return self._made[rows]


def smallest(series: Series, rows: int, keep: int, *, ordered: bool = True) -> list[Array]:
    """The `keep` smallest known values of each window, ascending where `ordered`; +inf where there are fewer."""
    made: dict[int, list[Array]] = {1: [series.filled(np.inf)]}

    def over(size: int) -> list[Array]:
        if size not in made:
            newer, older = parts(size)
            made[size] = _merged(over(newer), over(older), newer, keep, ordered=ordered or size < rows)
        return made[size]

    return over(rows)


def _merged(newer: list[Array], older: list[Array], lag: int, keep: int, *, ordered: bool) -> list[Array]:
    """The `keep` smallest of two ascending lists, the older one `lag` rows back; ascending where `ordered`."""
    number = min(keep, len(newer) + len(older))
    # Each of the n smallest is the smaller one of the i-th of one list and the (n-1-i)-th of the other. What comes out
    # rises and then falls; with nothing (less than all else) at its end it is put in order by halves.
    kept: list[Array | None] = []
    for at in range(number):
        other = number - 1 - at
        kept.append(
            _smaller(
                newer[at] if at < len(newer) else None,
                older[other] if other < len(older) else None,
                lag,
            )
        )
    if ordered:
        size = 1 << (number - 1).bit_length()
        kept += [None] * (size - number)
        step = size // 2
        while step:
            for start in range(0, size, 2 * step):
                for at in range(start, start + step):
                    kept[at], kept[at + step] = _in_order(kept[at], kept[at + step])
            step //= 2
    return [value for value in kept if value is not None]


def _smaller(newer: Array | None, older: Array | None, lag: int) -> Array:
    """The smaller one of two, the older one `lag` rows back; None is larger than everything."""
    if older is None:
        assert newer is not None  # noqa: S101 - the lists are never both at their end
        return newer
    out = np.empty_like(older)
    out[:lag] = np.inf if newer is None else newer[:lag]
    if lag < len(out):
        if newer is None:
            out[lag:] = older[:-lag]
        else:
            np.minimum(newer[lag:], older[:-lag], out=out[lag:])
    return out


def _in_order(a: Array | None, b: Array | None) -> tuple[Array | None, Array | None]:
    """The two, the smaller one first; None is smaller than everything."""
    if a is None:
        return a, b
    if b is None:
        return b, a
    return np.minimum(a, b), np.maximum(a, b)


def age_of_max(series: Series, rows: int) -> Array:
    """Rows since the largest value of the window, the latest one where it was reached twice."""

    def join(newer: Parts, older: Parts, out: Parts, size: int) -> None:
        passed = (newer[0] < older[0]).astype(np.int16)
        top, age = out
        np.maximum(newer[0], older[0], out=top)
        # newer + passed * (older + size - newer): no choice per cell, which would be guessed wrong half the time
        np.subtract(older[1], newer[1], out=age)
        age += np.int16(size)
        age *= passed
        age += newer[1]

    value = series.filled(-np.inf)
    windows = Windows((value, np.zeros(value.shape, dtype=np.int16)), join, overlap=True)
    return windows.over(rows)[1] + series.there.gap(rows)


def falls(log_price: Series) -> Windows:
    """Windows of highest and lowest value, and of the deepest fall from an earlier to a later row, at most 0."""

    def join(newer: Parts, older: Parts, out: Parts, _: int) -> None:
        np.maximum(newer[0], older[0], out=out[0])
        np.minimum(newer[1], older[1], out=out[1])
        np.subtract(newer[1], older[0], out=out[2])
        np.minimum(out[2], older[2], out=out[2])
        np.minimum(out[2], newer[2], out=out[2])

    top, low = log_price.filled(-np.inf), log_price.filled(np.inf)
    return Windows((top, low, np.zeros_like(top)), join)


class Times:
    """The known rows of a window on the axis of time: number, mean age (negative) and squares about it."""

    def __init__(self, known: Known) -> None:
        number = known.mask.astype(np.float64)
        nothing = np.zeros_like(number)
        self._windows = Windows((number, nothing, nothing), self._join)
        self._between: dict[tuple[int, int], Parts] = {}

    def over(self, rows: int) -> Parts:
        """Number of known rows, their mean place and the squares about it."""
        return self._windows.over(rows)

    def between(self, newer: int, older: int) -> Parts:
        """What joins two windows: share of the older one, its distance times `weight`, and `weight`."""
        if (newer, older) not in self._between:
            new, old = self.over(newer), self.over(older)
            length = max(len(new[0]) - newer, 0)
            pair = tuple(part[newer:] for part in new), tuple(part[:length] for part in old)
            share, weight, away = _shares(*pair, newer)
            self._between[newer, older] = share, weight * away, weight
        return self._between[newer, older]

    @staticmethod
    def _join(newer: Parts, older: Parts, out: Parts, size: int) -> None:
        number, mean, squares = out
        share, weight, away = _shares(newer, older, size)
        np.add(newer[0], older[0], out=number)
        np.multiply(away, share, out=mean)
        mean += newer[1]
        weight *= away
        weight *= away
        np.add(newer[2], older[2], out=squares)
        squares += weight


def _shares(newer: Parts, older: Parts, size: int) -> tuple[Array, Array, Array]:
    share = newer[0] + older[0]
    np.maximum(share, 1.0, out=share)
    np.divide(older[0], share, out=share)
    # Time runs backwards here: a place is minus the age of a row.
    away = older[1] - newer[1]
    away -= size
    return share, newer[0] * share, away


class Lines:
    """Ordinary least squares of the values on time over the known rows of windows.

    Moments are joined about their own means (Chan, Golub & LeVeque 1983), so a high level costs no digits.
    """

    def __init__(self, series: Series) -> None:
        self._series = series
        self._times = Times(series.there)
        y = series.filled(0.0)
        nothing = np.zeros_like(y)
        self._made: dict[int, Parts] = {1: (y, nothing, nothing)}

    def over(self, rows: int) -> tuple[Array, Array, Array]:
        """Slope per row, its t, and R squared; missing where the values do not vary, t also where the fit is exact."""
        number, _, xx = self._times.over(rows)
        mean, xy, yy = self._moments(rows)
        still = yy <= NO_SPREAD * number * mean * mean
        still |= yy <= 0
        gap = self._series.there.gap(rows)
        if still.any():
            gap = np.where(still, np.nan, gap)
        slope = xy / xx
        slope += gap
        fit = slope * xy
        fit /= yy
        np.minimum(fit, 1.0, out=fit)
        rest = 1.0 - fit
        exact = rest <= 1e-9
        t = number - 2
        t *= fit
        t /= rest
        np.sqrt(t, out=t)
        np.copysign(t, slope, out=t)
        if exact.any():
            t[exact] = np.nan
        return slope, t, fit

    def _moments(self, rows: int) -> Parts:
        if rows not in self._made:
            newer, older = parts(rows)
            new, old = self._moments(newer), self._moments(older)
            share, tilt, weight = self._times.between(newer, older)
            length = len(share)
            out = tuple(np.empty_like(part) for part in new)
            for made, part in zip(out, new, strict=True):
                made[:newer] = part[:newer]
            if length:
                mean, xy, yy = (made[newer:] for made in out)
                away = old[0][:length] - new[0][newer:]
                np.multiply(away, share, out=mean)
                mean += new[0][newer:]
                np.multiply(away, tilt, out=xy)
                xy += new[1][newer:]
                xy += old[1][:length]
                np.multiply(away, away, out=yy)
                yy *= weight
                yy += new[2][newer:]
                yy += old[2][:length]
            self._made[rows] = out
        return self._made[rows]


def weighted(series: Series, weights: Array) -> Array:
    """Sum of weights[i] x the value i rows ago, missing values as zero."""
    x = series.filled(0.0)
    out, older = x * weights[0], np.empty_like(x)
    for age in range(1, min(len(weights), len(x))):
        np.multiply(x[:-age], weights[age], out=older[age:])
        out[age:] += older[age:]
    return out


def about_mean(series: Series, rows: int, measure: Callable[..., Array]) -> Array:
    """Mean of `measure` (np.abs, np.square) of the deviation from the mean, in two passes: exact for a level far above
    its spread."""
    mean, x, there = series.mean(rows), series.filled(0.0), series.known.astype(np.float64)
    total, away = np.zeros_like(mean), np.empty_like(mean)
    for age in range(min(rows, len(mean))):
        part, length = away[age:], len(mean) - age
        np.subtract(x[:length], mean[age:], out=part)
        part *= there[:length]
        measure(part, out=part)
        total[age:] += part
    total /= series.number(rows)
    return total


def rescaled_range(log_price: Series, returns: Series, rows: int, step: int = 1) -> Array:
    """ln(R/S) of the `rows` returns up to each row: range of their deviations added up, over their standard deviation.

    Missing where a price of the window is missing or the returns do not vary. With a step, that of every step-th row
    only, the last one included.
    """
    price, length = log_price.x, len(log_price.x)
    first = (length - 1) % step
    out = np.full_like(price[first::step], np.nan)
    begin = first + -(-max(rows - first, 0) // step) * step
    if length <= begin:
        return out
    end = price[begin::step]
    drift = (end - price[begin - rows : length - rows : step]) / rows
    high, low, path = end.copy(), end.copy(), np.empty_like(drift)
    for age in range(1, rows):
        # The level `age` rows ago over the straight line from first to last price.
        np.multiply(drift, age, out=path)
        path += price[begin - age : length - age : step]
        np.maximum(high, path, out=high)
        np.minimum(low, path, out=low)
    spread = np.sqrt(returns.variance(rows, ddof=0)[begin::step])
    whole = (spread > 1e-9) & (returns.count(rows)[begin::step] == rows)
    high -= low
    high /= spread
    out[len(out) - len(end) :] = np.where(whole, np.log(high), np.nan)
    return out


def event_before(
    first: npt.NDArray[np.bool_], second: npt.NDArray[np.bool_], rows: int
) -> npt.NDArray[np.bool_]:
    """Where the latest event of the last `rows` rows is one of `first`; no row has events of both."""
    kind = np.int16 if len(first) < 2**14 else np.int32
    at = np.arange(2, 2 * len(first) + 2, 2, dtype=kind)[:, None]
    code = at * (first | second) + first
    latest: npt.NDArray[Any] = Pyramid(code, np.maximum, overlap=True).over(rows)
    return (latest & 1).astype(bool)
