"""What a feature function is given: some columns of the panel, and series that several features share."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from signals.core.features.backdrop import Backdrop, positive
from signals.core.features.rolling import NO_SPREAD, Series
from signals.core.panel import Array

T = TypeVar("T")
Columns = slice | npt.NDArray[np.int64]


class Block:
    """Some columns of a panel, all its rows. Everything is [date x asset]; nothing here may be written into."""

    def __init__(self, market: Backdrop, columns: Columns) -> None:
        self.market = market
        self.columns = columns
        self._kept: dict[object, object] = {}

    def once(self, key: object, make: Callable[[], T]) -> T:
        """What `make` returned the first time it was asked for under `key`."""
        if key not in self._kept:
            self._kept[key] = make()
        return self._kept[key]  # type: ignore[return-value]

    def _field(self, name: str) -> Series:
        return Series(np.ascontiguousarray(self.market.arrays[name][:, self.columns]))

    @cached_property
    def open(self) -> Series:
        """Opening price, USD."""
        return self._field("open")

    @cached_property
    def high(self) -> Series:
        """Highest price of the day, USD."""
        return self._field("high")

    @cached_property
    def low(self) -> Series:
        """Lowest price of the day, USD."""
        return self._field("low")

    @cached_property
    def close(self) -> Series:
        """Closing price, USD."""
        return self._field("close")

    @cached_property
    def volume(self) -> Series:
        """Traded in the day, USD."""
        return self._field("volume")

    @cached_property
    def cap(self) -> Series:
        """Market cap at the close, USD; a cap of zero is not known."""
        return Series(positive(np.ascontiguousarray(self.market.arrays["market_cap"][:, self.columns])))

    @cached_property
    def log_close(self) -> Series:
        """ln of the close."""
        return Series(np.log(self.close.x), known_as=self.close)

    @cached_property
    def ret(self) -> Series:
        """Log return of the day; missing where today's or yesterday's close is."""
        return Series(self.log_close.x - self.log_close.lag(1))

    @cached_property
    def size(self) -> Series:
        """Absolute log return."""
        return Series(np.abs(self.ret.x), known_as=self.ret)

    @cached_property
    def gain(self) -> Series:
        """Log return where above zero, else zero."""
        return Series(np.maximum(self.ret.x, 0.0), known_as=self.ret)

    @cached_property
    def loss(self) -> Series:
        """Log return where under zero, else zero."""
        return Series(np.minimum(self.ret.x, 0.0), known_as=self.ret)

    @cached_property
    def typical(self) -> Series:
        """(high + low + close) / 3."""
        return Series((self.high.x + self.low.x + self.close.x) / 3)

    @cached_property
    def true_range(self) -> Series:
        """The largest of high − low, |high − last close|, |low − last close| (Wilder 1978)."""
        before = self.close.lag(1)
        high, low = self.high.x, self.low.x
        return Series(np.maximum(high - low, np.maximum(np.abs(high - before), np.abs(low - before))))

    @cached_property
    def turnover(self) -> Series:
        """Volume over market cap."""
        return Series(self.volume.x / self.cap.x)

    def change(self, rows: int) -> Array:
        """Simple return over `rows` days."""
        return self.once(("change", rows), lambda: self.close.x / self.close.lag(rows) - 1)

    def log_change(self, rows: int) -> Array:
        """Log return over `rows` days."""
        return self.once(("log_change", rows), lambda: self.log_close.x - self.log_close.lag(rows))

    def against(self, factor: str) -> Pair:
        """The returns beside a factor's: "market", "market_before" (yesterday's), "bitcoin" or "ethereum"."""
        return self.once(("against", factor), lambda: Pair(self.ret, self.market.factor(factor)))


class Pair:
    """Returns y beside a factor's x on the days both are known, with the moments of regressions."""

    def __init__(self, returns: Series, factor: Array) -> None:
        unknown = np.isnan(factor)[:, None]
        shared = not (returns.known & unknown).any()
        self.y = returns if shared else Series(np.where(unknown, np.nan, returns.x))
        self.x = Series(np.where(self.y.known, factor[:, None], np.nan), known_as=self.y)
        self.xy = Series(self.x.x * self.y.x, known_as=self.y)
        self._kept: dict[int, tuple[Array, Array, Array]] = {}

    def moments(self, rows: int) -> tuple[Array, Array, Array]:
        """Sums of squared x, of xy and of squared y about their means; missing where too few days are known."""
        if rows not in self._kept:
            number, x, y = self.y.count(rows), self.x.sum(rows), self.y.sum(rows)
            squares_x, squares_y = self.x.squares().sum(rows), self.y.squares().sum(rows)
            xx, yy = squares_x - x * x / number, squares_y - y * y / number
            enough = self.y.enough(rows)
            xx = np.where(enough & (xx > NO_SPREAD * squares_x), xx, np.nan)
            yy = np.where(enough, np.where(yy > NO_SPREAD * squares_y, yy, 0.0), np.nan)
            self._kept[rows] = xx, self.xy.sum(rows) - x * y / number, yy
        return self._kept[rows]

    def beta(self, rows: int) -> Array:
        """Slope of y on x."""
        xx, xy, _ = self.moments(rows)
        return xy / xx

    def correlation(self, rows: int) -> Array:
        """Pearson's, missing where one of them does not vary."""
        xx, xy, yy = self.moments(rows)
        return np.clip(np.where(yy > 0, xy / np.sqrt(xx * yy), np.nan), -1.0, 1.0)


def both_betas(y: Series, x1: Series, x2: Series, rows: int) -> tuple[Array, Array]:
    """Slopes of y on x1 and x2 with intercept; all three are known on the same days.

    Missing where x1 and x2 move as one: a correlation over 1 − 5e-7.
    """
    number = y.count(rows)
    total, total1, total2 = y.sum(rows), x1.sum(rows), x2.sum(rows)

    def cross(a: Series, b: Series, totals: Array) -> Array:
        return Series(a.x * b.x, known_as=y).sum(rows) - totals / number

    v1, v2 = cross(x1, x1, total1 * total1), cross(x2, x2, total2 * total2)
    v12 = cross(x1, x2, total1 * total2)
    c1, c2 = cross(x1, y, total1 * total), cross(x2, y, total2 * total)
    apart = v1 * v2 - v12 * v12
    usable = y.enough(rows) & (apart > 1e-6 * v1 * v2)
    first = np.where(usable, (c1 * v2 - c2 * v12) / apart, np.nan)
    return first, np.where(usable, (c2 * v1 - c1 * v12) / apart, np.nan)
