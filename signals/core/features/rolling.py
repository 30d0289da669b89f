"""Trailing windows over [date x asset] arrays, each value made from the rows of its window and from nothing else.

A window of k rows is put together from windows of 1, 2, 4, 8 .. rows (log2 k passes). Unlike a running sum that adds
the new row and takes the old one away, nothing drifts and nothing is remembered: the same rows give the same bits,
however long the history before them. Rows before the first count as missing. Missing is NaN and adds nothing; a window
is known where at least `needed(k)` of its rows are.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from signals.core.panel import Array

MIN_SHARE = 0.75
"""A window is known where at least this share of its rows is."""
EMA_ROWS = 256
"""Exponential averages end after so many rows; for the slowest one used the weights left out are under 1e-8."""
FLAT = 1e-7
"""A range or deviation under this share of its level is rounding, and a ratio to it is missing."""
NO_SPREAD = 1e-12
"""A variance under this share of the mean square is rounding: it is zero."""

Combine = Callable[..., Any]


def needed(rows: int) -> int:
    """How many rows of a window must be known."""
    return max(1, math.ceil(MIN_SHARE * rows))


def lagged(x: Array, rows: int) -> Array:
    """`x` of `rows` rows ago; NaN before the first row."""
    out = np.full_like(x, np.nan)
    if rows < len(x):
        out[rows:] = x[: len(x) - rows]
    return out


def ratio(top: Array, bottom: Array) -> Array:
    """top / bottom, missing where the bottom is not above zero."""
    return np.where(bottom > 0, top / bottom, np.nan)


def per_flat(top: Array, spread: Array, level: Array | float) -> Array:
    """top / spread, missing where the spread is under FLAT of the level."""
    return np.where(spread > FLAT * np.abs(level), top / spread, np.nan)


def _joined(
    newer: npt.NDArray[Any], older: npt.NDArray[Any], rows: int, combine: Combine
) -> npt.NDArray[Any]:
    """The window of `newer`, and behind its `rows` rows the window of `older`."""
    out = np.empty_like(newer)
    out[:rows] = newer[:rows]
    if rows < len(newer):
        combine(newer[rows:], older[: len(older) - rows], out=out[rows:])
    return out


class Pyramid:
    """Windows of 1, 2, 4 .. rows of one array under one operation, made when asked for and kept.

    `stride` is the distance between the rows of a window: 7 takes every seventh row.
    """

    def __init__(self, base: npt.NDArray[Any], combine: Combine, *, overlap: bool, stride: int = 1) -> None:
        self._levels = [base]
        self._combine = combine
        self._overlap = overlap
        self._stride = stride

    def level(self, number: int) -> npt.NDArray[Any]:
        """The window of 2**number rows."""
        while len(self._levels) <= number:
            last = self._levels[-1]
            step = (1 << (len(self._levels) - 1)) * self._stride
            self._levels.append(_joined(last, last, step, self._combine))
        return self._levels[number]

    def over(self, rows: int) -> npt.NDArray[Any]:
        """The window of `rows` rows. Do not write into it."""
        top = rows.bit_length() - 1
        out, done = self.level(top), 1 << top
        if done == rows:
            return out
        if self._overlap:
            return _joined(out, out, (rows - done) * self._stride, self._combine)
        for number in range(top - 1, -1, -1):
            if rows & (1 << number):
                out = _joined(out, self.level(number), done * self._stride, self._combine)
                done += 1 << number
        return out


class Series:
    """One [date x asset] array, NaN where missing, and its trailing windows."""

    def __init__(self, x: Array, *, known_as: Series | None = None) -> None:
        """`known_as` is a series missing in exactly the same places: it lends its counts."""
        self.x = x
        self._like = known_as
        self._kept: dict[Any, Any] = {}

    @property
    def known(self) -> npt.NDArray[np.bool_]:
        """Where a value is."""
        if self._like is not None:
            return self._like.known
        if "known" not in self._kept:
            self._kept["known"] = ~np.isnan(self.x)
        return np.asarray(self._kept["known"])

    def filled(self, value: float) -> Array:
        """The array with `value` in the place of NaN."""
        return np.where(self.known, self.x, value)

    def lag(self, rows: int) -> Array:
        """The values of `rows` rows ago."""
        return lagged(self.x, rows)

    def count(self, rows: int, stride: int = 1) -> npt.NDArray[np.int16]:
        """How many of the last `rows` rows are known."""
        if self._like is not None:
            return self._like.count(rows, stride)
        windows = self._windows(("count", stride), lambda: self.known.astype(np.int16), np.add, stride=stride)
        return np.asarray(windows.over(rows))

    def sum(self, rows: int, stride: int = 1) -> Array:
        """Sum of the known ones of the last `rows` rows; zero where there is none."""
        windows = self._windows(("sum", stride), lambda: self.filled(0.0), np.add, stride=stride)
        return np.asarray(windows.over(rows))

    def enough(self, rows: int, least: int | None = None, stride: int = 1) -> npt.NDArray[np.bool_]:
        """Where the window has `least` known rows, by default `needed(rows)`."""
        return np.asarray(self.count(rows, stride) >= (needed(rows) if least is None else least))

    def total(self, rows: int) -> Array:
        """The sum, missing where too few rows are known."""
        return np.where(self.enough(rows), self.sum(rows), np.nan)

    def mean(self, rows: int, stride: int = 1) -> Array:
        """Mean of the known rows; with a stride, of `rows` rows that far apart."""
        key = ("mean", rows, stride)
        if key not in self._kept:
            mean = self.sum(rows, stride) / self.count(rows, stride)
            self._kept[key] = np.where(self.enough(rows, stride=stride), mean, np.nan)
        return np.asarray(self._kept[key])

    def squares(self) -> Series:
        """The squares of the values."""
        if "squares" not in self._kept:
            self._kept["squares"] = Series(self.x * self.x, known_as=self)
        square: Series = self._kept["squares"]
        return square

    def variance(self, rows: int, ddof: int = 1) -> Array:
        """Variance over the known rows; for series whose mean is not large against their spread."""
        key = ("variance", rows, ddof)
        if key not in self._kept:
            number, total, square = self.count(rows), self.sum(rows), self.squares().sum(rows)
            spread = square - total * total / number
            spread[spread <= NO_SPREAD * square] = 0.0
            self._kept[key] = np.where(self.enough(rows), spread / (number - ddof), np.nan)
        return np.asarray(self._kept[key])

    def sd(self, rows: int) -> Array:
        """Sample standard deviation over the known rows."""
        return np.sqrt(self.variance(rows))

    def max(self, rows: int, least: int | None = None) -> Array:
        """Largest known value of the last `rows` rows."""
        windows = self._windows("max", lambda: self.filled(-np.inf), np.maximum, overlap=True)
        return np.where(self.enough(rows, least), windows.over(rows), np.nan)

    def min(self, rows: int) -> Array:
        """Smallest known value of the last `rows` rows."""
        windows = self._windows("min", lambda: self.filled(np.inf), np.minimum, overlap=True)
        return np.where(self.enough(rows), windows.over(rows), np.nan)

    def decayed(self, decay: float, span: int, rows: int = EMA_ROWS) -> Array:
        """Exponential mean: weight decay**i for i rows ago, i < `rows` (a power of two), over the known rows.

        Known where `needed(span)` of the last `span` rows are.
        """
        key = ("decayed", decay, span, rows)
        if key not in self._kept:
            top, bottom = self.filled(0.0), self.known.astype(np.float64)
            step = 1
            while step < rows:
                for array in (top, bottom):
                    # The right side is made before it is added, so no row sees another's new value.
                    array[step:] += array[: max(len(array) - step, 0)] * decay**step
                step *= 2
            self._kept[key] = np.where(self.enough(span), top / bottom, np.nan)
        return np.asarray(self._kept[key])

    def ema(self, span: int) -> Array:
        """Exponential mean of `span` days: decay 1 − 2/(span + 1)."""
        return self.decayed(1 - 2 / (span + 1), span)

    def wilder(self, span: int) -> Array:
        """Wilder's mean of `span` days: decay 1 − 1/span."""
        return self.decayed(1 - 1 / span, span)

    def _windows(
        self,
        key: object,
        base: Callable[[], npt.NDArray[Any]],
        combine: Combine,
        *,
        overlap: bool = False,
        stride: int = 1,
    ) -> Pyramid:
        if key not in self._kept:
            self._kept[key] = Pyramid(base(), combine, overlap=overlap, stride=stride)
        windows: Pyramid = self._kept[key]
        return windows
