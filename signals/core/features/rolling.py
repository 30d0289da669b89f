"""Trailing windows over [date x asset] arrays, each value made from the rows of its window and from nothing else.

A window of k rows is put together from shorter ones, about log2 k times. Unlike a running sum that adds the new row
and takes the old one away, nothing drifts and nothing is remembered: the same rows give the same bits, however long
the history before them. Rows before the first count as missing. Missing is NaN and adds nothing; a window is known
where at least `needed(k)` of its rows are.

Missing is passed on by arithmetic (adding an array of 0 and NaN), which is three times faster than choosing per cell.
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
MONTH = 30
"""Windows of whole months are made of each other: they are what most features look at."""

Combine = Callable[..., Any]
Bits = npt.NDArray[np.bool_]


def needed(rows: int) -> int:
    """How many rows of a window must be known."""
    return max(1, math.ceil(MIN_SHARE * rows))


def parts(rows: int) -> tuple[int, int]:
    """The newer and the older window that one of `rows` rows is put together from; there are at least two rows."""
    if rows > MONTH and rows % MONTH == 0:
        older = rows // (2 * MONTH) * MONTH
    elif rows & (rows - 1) == 0:
        older = rows // 2
    else:
        older = rows & -rows
    return rows - older, older


def combined(combine: Combine, x: Array, y: Array, rows: int) -> Array:
    """combine(x, y of `rows` rows ago); NaN before the first row."""
    out = np.empty_like(x)
    out[:rows] = np.nan
    if rows < len(x):
        combine(x[rows:], y[: len(y) - rows], out=out[rows:])
    return out


def lagged(x: Array, rows: int) -> Array:
    """`x` of `rows` rows ago; NaN before the first row."""
    out = np.empty_like(x)
    out[:rows] = np.nan
    if rows < len(x):
        out[rows:] = x[: len(x) - rows]
    return out


def without(x: Array, where: Bits) -> Array:
    """`x` with NaN at those cells; `x` itself where there are none."""
    if not where.any():
        return x
    out = x.copy()
    out[where] = np.nan
    return out


def positive(x: Array) -> Array:
    """`x` where above zero, else missing."""
    return without(x, x <= 0)


def ratio(top: Array, bottom: Array) -> Array:
    """top / bottom, missing where the bottom is not above zero."""
    return without(top / bottom, bottom <= 0)


def per_flat(top: Array, spread: Array, level: Array | float) -> Array:
    """top / spread, missing where the spread is not over FLAT of the level; where one is missing, so is the other."""
    return without(top / spread, spread <= FLAT * np.abs(level))


class Pyramid:
    """Windows of one array under one operation, made when asked for and kept.

    `stride` is the distance between the rows of a window: 7 takes every seventh row. With `overlap`, the two parts of
    a window may share rows.
    """

    def __init__(self, base: npt.NDArray[Any], combine: Combine, *, overlap: bool, stride: int = 1) -> None:
        self._made = {1: base}
        self._combine = combine
        self._overlap = overlap
        self._stride = stride

    def over(self, rows: int) -> npt.NDArray[Any]:
        """The window of `rows` rows. Do not write into it."""
        found = self._made.get(rows)
        if found is not None:
            return found
        size = 1 << (rows.bit_length() - 1)
        newer, older = (size, size) if self._overlap and size < rows else parts(rows)
        later, earlier, lag = self.over(newer), self.over(older), (rows - older) * self._stride
        out = np.empty_like(later)
        out[:lag] = later[:lag]
        if lag < len(out):
            self._combine(later[lag:], earlier[: len(out) - lag], out=out[lag:])
        self._made[rows] = out
        return out


class Known:
    """Where a series is known, and in how many rows of each window. Series known in the same places share one."""

    def __init__(self, mask: Bits) -> None:
        self.mask = mask
        self._counts: dict[int, Pyramid] = {}
        self._kept: dict[Any, Array] = {}

    def count(self, rows: int, stride: int = 1) -> npt.NDArray[np.int16]:
        """How many of the last `rows` rows are known."""
        if stride not in self._counts:
            self._counts[stride] = Pyramid(self.mask.astype(np.int16), np.add, overlap=False, stride=stride)
        return np.asarray(self._counts[stride].over(rows))

    def enough(self, rows: int, least: int | None = None, stride: int = 1) -> Bits:
        """Where the window has `least` known rows, by default `needed(rows)`."""
        return np.asarray(self.count(rows, stride) >= (needed(rows) if least is None else least))

    def gap(self, rows: int, least: int | None = None, stride: int = 1) -> Array:
        """Zero where the window has enough known rows, NaN elsewhere: to be added. Do not write into it."""
        key = ("gap", rows, least, stride)
        if key not in self._kept:
            self._kept[key] = np.where(self.enough(rows, least, stride), 0.0, np.nan)
        return self._kept[key]

    def number(self, rows: int, stride: int = 1) -> Array:
        """How many rows of the window are known where that is enough, else NaN. Do not write into it."""
        key = ("number", rows, stride)
        if key not in self._kept:
            self._kept[key] = self.gap(rows, stride=stride) + self.count(rows, stride)
        return self._kept[key]

    def weight(self, decay: float, span: int, rows: int) -> Array:
        """Sum of the weights decay**i of the known ones of `rows` rows, NaN where `span` rows do not know enough."""
        key = ("weight", decay, span, rows)
        if key not in self._kept:
            weight = _decayed(self.mask.astype(np.float64), decay, rows)
            weight += self.gap(span)
            self._kept[key] = weight
        return self._kept[key]


class Series:
    """One [date x asset] array, NaN where missing, and its trailing windows."""

    def __init__(self, x: Array, *, known_as: Series | None = None, like: tuple[Series, ...] = ()) -> None:
        """`known_as` is a series missing in exactly the same places; `like` are some that may be."""
        self.x = x
        self._kept: dict[Any, Any] = {}
        self.there: Known = known_as.there if known_as is not None else _known(x, like)

    @property
    def known(self) -> Bits:
        """Where a value is."""
        return self.there.mask

    def filled(self, value: float) -> Array:
        """The array with `value` in the place of NaN. Do not write into it."""
        key = ("filled", value)
        if key not in self._kept:
            self._kept[key] = np.where(self.known, self.x, value)
        return np.asarray(self._kept[key])

    def lag(self, rows: int) -> Array:
        """The values of `rows` rows ago."""
        return lagged(self.x, rows)

    def count(self, rows: int, stride: int = 1) -> npt.NDArray[np.int16]:
        """How many of the last `rows` rows are known."""
        return self.there.count(rows, stride)

    def number(self, rows: int) -> Array:
        """How many of the last `rows` rows are known, NaN where not enough are."""
        return self.there.number(rows)

    def sum(self, rows: int, stride: int = 1) -> Array:
        """Sum of the known ones of the last `rows` rows; zero where there is none. Do not write into it."""
        key = ("sum", stride)
        if key not in self._kept:
            self._kept[key] = Pyramid(self.filled(0.0), np.add, overlap=False, stride=stride)
        return np.asarray(self._kept[key].over(rows))

    def enough(self, rows: int, least: int | None = None, stride: int = 1) -> Bits:
        """Where the window has `least` known rows, by default `needed(rows)`."""
        return self.there.enough(rows, least, stride)

    def total(self, rows: int) -> Array:
        """The sum, missing where too few rows are known."""
        return self.sum(rows) + self.there.gap(rows)

    def mean(self, rows: int, stride: int = 1) -> Array:
        """Mean of the known rows; with a stride, of `rows` rows that far apart."""
        key = ("mean", rows, stride)
        if key not in self._kept:
            self._kept[key] = self.sum(rows, stride) / self.there.number(rows, stride)
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
            number, square = self.number(rows), self.squares().sum(rows)
            self._kept[key] = spread(square, self.sum(rows), number) / (number - ddof)
        return np.asarray(self._kept[key])

    def sd(self, rows: int) -> Array:
        """Sample standard deviation over the known rows."""
        key = ("sd", rows)
        if key not in self._kept:
            self._kept[key] = np.sqrt(self.variance(rows))
        return np.asarray(self._kept[key])

    def max(self, rows: int, least: int | None = None) -> Array:
        """Largest known value of the last `rows` rows."""
        if "max" not in self._kept:
            self._kept["max"] = Pyramid(self.x, np.fmax, overlap=True)
        return np.asarray(self._kept["max"].over(rows) + self.there.gap(rows, least))

    def min(self, rows: int) -> Array:
        """Smallest known value of the last `rows` rows."""
        if "min" not in self._kept:
            self._kept["min"] = Pyramid(self.x, np.fmin, overlap=True)
        return np.asarray(self._kept["min"].over(rows) + self.there.gap(rows))

    def decayed(self, decay: float, span: int, rows: int = EMA_ROWS) -> Array:
        """Exponential mean: weight decay**i for i rows ago, i < `rows` (a power of two), over the known rows.

        Known where `needed(span)` of the last `span` rows are.
        """
        key = ("decayed", decay, span, rows)
        if key not in self._kept:
            mean = _decayed(self.filled(0.0).copy(), decay, rows)
            mean /= self.there.weight(decay, span, rows)
            self._kept[key] = mean
        return np.asarray(self._kept[key])

    def ema(self, span: int) -> Array:
        """Exponential mean of `span` days: decay 1 − 2/(span + 1)."""
        return self.decayed(1 - 2 / (span + 1), span)

    def wilder(self, span: int) -> Array:
        """Wilder's mean of `span` days: decay 1 − 1/span."""
        return self.decayed(1 - 1 / span, span)


def _known(x: Array, like: tuple[Series, ...]) -> Known:
    mask = ~np.isnan(x)
    return next((other.there for other in like if np.array_equal(other.known, mask)), None) or Known(mask)


def spread(square: Array, total: Array, number: Array) -> Array:
    """Sum of squares about the mean, from the sum of squares and the sum; zero where it is only rounding."""
    out = total * total
    out /= number
    np.subtract(square, out, out=out)
    rounding = out <= NO_SPREAD * square
    if rounding.any():
        out[rounding] = 0.0
    return out


def _decayed(x: Array, decay: float, rows: int) -> Array:
    """Sum of decay**i times the value i rows ago, in the place of `x`, which is returned."""
    older = np.empty_like(x)
    step = 1
    while step < min(rows, len(x)):
        # The right side is made before it is added, so no row sees another's new value.
        np.multiply(x[:-step], decay**step, out=older[step:])
        x[step:] += older[step:]
        step *= 2
    return x
