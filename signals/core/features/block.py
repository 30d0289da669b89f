"""What a feature function is given: some columns of the panel, and series that several features share."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from signals.core.features.backdrop import Backdrop
from signals.core.features.rolling import NO_SPREAD, Series, combined, positive, spread, without
from signals.core.panel import Array, Days

T = TypeVar("T")
Columns = slice | npt.NDArray[np.int64]


class Block:
    """Some columns of a panel over some of its rows. Everything is [date x asset]; nothing here may be written into.

    The rows left out are those before the first of what is known of these tokens, and those after the last: for a
    window they are missing all the same. What belongs to the whole panel is cut by `daily` and `cells`.
    """

    def __init__(
        self, market: Backdrop, columns: Columns, rows: slice | None = None, *, last: bool = False
    ) -> None:
        """With `last`, only the last row of a feature will be read."""
        self.market = market
        self.columns = columns
        self.rows = slice(0, len(market.dates)) if rows is None else rows
        self.last = last
        self._kept: dict[object, object] = {}

    def once(self, key: object, make: Callable[[], T]) -> T:
        """What `make` returned the first time it was asked for under `key`."""
        if key not in self._kept:
            self._kept[key] = make()
        return self._kept[key]  # type: ignore[return-value]

    def daily(self, x: npt.NDArray[np.generic]) -> Array:
        """The block's rows of a [date] array of the panel."""
        return np.asarray(x[self.rows])

    def cells(self, x: Array) -> Array:
        """The block's rows and columns of a [date x asset] array of the panel."""
        part = x[self.rows]
        if isinstance(self.columns, slice):
            return np.ascontiguousarray(part[:, self.columns])
        return np.take(part, self.columns, axis=1)

    def recent(self, series: Series, rows: int) -> Series:
        """The series, or its last `rows` rows where only the last row of the feature will be read."""
        return Series(series.x[-rows:]) if self.last and rows < len(series.x) else series

    @property
    def days(self) -> Days:
        """The dates as whole days."""
        return self.market.days[self.rows]

    def factor(self, name: str) -> Array:
        """[date] Log returns of "market", "market_before" (the day before), "bitcoin" or "ethereum"."""
        return self.daily(self.market.factor(name))

    def _field(self, name: str, *like: Series) -> Series:
        return Series(self.cells(self.market.arrays[name]), like=like)

    @cached_property
    def open(self) -> Series:
        """Opening price, USD."""
        return self._field("open", self.close)

    @cached_property
    def high(self) -> Series:
        """Highest price of the day, USD."""
        return self._field("high", self.close)

    @cached_property
    def low(self) -> Series:
        """Lowest price of the day, USD."""
        return self._field("low", self.close, self.high)

    @cached_property
    def close(self) -> Series:
        """Closing price, USD."""
        return self._field("close")

    @cached_property
    def volume(self) -> Series:
        """Traded in the day, USD."""
        return self._field("volume", self.close)

    @cached_property
    def cap(self) -> Series:
        """Market cap at the close, USD; a cap of zero is not known."""
        return Series(positive(self.cells(self.market.arrays["market_cap"])), like=(self.close,))

    @cached_property
    def log_close(self) -> Series:
        """ln of the close."""
        return Series(np.log(self.close.x), known_as=self.close)

    @cached_property
    def log_high(self) -> Series:
        """ln of the highest price."""
        return Series(np.log(self.high.x), known_as=self.high)

    @cached_property
    def log_low(self) -> Series:
        """ln of the lowest price."""
        return Series(np.log(self.low.x), known_as=self.low)

    @cached_property
    def log_open(self) -> Series:
        """ln of the opening price."""
        return Series(np.log(self.open.x), known_as=self.open)

    @cached_property
    def ret(self) -> Series:
        """Log return of the day; missing where today's or yesterday's close is."""
        return Series(self.log_change(1))

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
        return Series((self.high.x + self.low.x + self.close.x) / 3, like=(self.close,))

    @cached_property
    def true_range(self) -> Series:
        """The largest of high − low, |high − last close|, |low − last close| (Wilder 1978)."""
        before = self.close.lag(1)
        high, low = self.high.x, self.low.x
        reach = np.maximum(np.abs(high - before), np.abs(low - before))
        return Series(np.maximum(high - low, reach), like=(self.ret,))

    @cached_property
    def turnover(self) -> Series:
        """Volume over market cap."""
        return Series(self.volume.x / self.cap.x, like=(self.close, self.cap))

    def change(self, rows: int) -> Array:
        """Simple return over `rows` days."""

        def make() -> Array:
            change = combined(np.divide, self.close.x, self.close.x, rows)
            change -= 1
            return change

        return self.once(("change", rows), make)

    def log_change(self, rows: int) -> Array:
        """Log return over `rows` days."""
        return self.once(
            ("log_change", rows), lambda: combined(np.subtract, self.log_close.x, self.log_close.x, rows)
        )

    def against(self, factor: str) -> Pair:
        """The returns beside a factor's: "market", "market_before" (yesterday's), "bitcoin" or "ethereum"."""
        return self.once(("against", factor), lambda: Pair(self.ret, self.factor(factor)))


class Pair:
    """Returns y beside a factor's x on the days both are known, with the moments of regressions."""

    def __init__(self, returns: Series, factor: Array) -> None:
        unknown = np.isnan(factor)
        shared = not returns.known[unknown].any()
        gap = np.where(unknown, np.nan, 0.0)[:, None]
        self.y = returns if shared else Series(returns.x + gap)
        x = np.empty_like(returns.x)
        x[...] = factor[:, None]
        self.x = Series(x + self.y.there.gap(1), known_as=self.y)
        self.xy = Series(x * self.y.x, known_as=self.y)
        self._kept: dict[int, tuple[Array, Array, Array]] = {}

    def moments(self, rows: int) -> tuple[Array, Array, Array]:
        """Sums of squared x, of xy and of squared y about their means; missing where too few days are known."""
        if rows not in self._kept:
            number, x, y = self.y.number(rows), self.x.sum(rows), self.y.sum(rows)
            squares = self.x.squares().sum(rows)
            xx = squares - x * x / number
            xx = without(xx, xx <= NO_SPREAD * squares)
            yy = spread(self.y.squares().sum(rows), y, number)
            xy = x * y
            xy /= number
            np.subtract(self.xy.sum(rows), xy, out=xy)
            self._kept[rows] = xx, xy, yy
        return self._kept[rows]

    def beta(self, rows: int) -> Array:
        """Slope of y on x."""
        xx, xy, _ = self.moments(rows)
        return xy / xx

    def correlation(self, rows: int) -> Array:
        """Pearson's, missing where one of them does not vary."""
        xx, xy, yy = self.moments(rows)
        scale = np.sqrt(xx * yy)
        return without(np.clip(xy / scale, -1.0, 1.0), yy <= 0)


def both_betas(y: Series, x1: Series, x2: Series, rows: int) -> tuple[Array, Array]:
    """Slopes of y on x1 and x2 with intercept; all three are known on the same days.

    Missing where x1 and x2 move as one: a correlation over 1 − 5e-7.
    """
    number = y.number(rows)
    total, total1, total2 = y.sum(rows), x1.sum(rows), x2.sum(rows)

    def cross(a: Series, b: Series, total: Array, other: Array) -> Array:
        product = a.squares() if a is b else Series(a.x * b.x, known_as=y)
        means = total * other
        means /= number
        return np.subtract(product.sum(rows), means, out=means)

    v1, v2 = cross(x1, x1, total1, total1), cross(x2, x2, total2, total2)
    v12 = cross(x1, x2, total1, total2)
    c1, c2 = cross(x1, y, total1, total), cross(x2, y, total2, total)
    both = v1 * v2
    apart = both - v12 * v12
    both *= 1e-6
    apart = without(apart, apart <= both)
    return (c1 * v2 - c2 * v12) / apart, (c2 * v1 - c1 * v12) / apart
