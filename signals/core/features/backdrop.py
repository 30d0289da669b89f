"""What all tokens share on a date: the market's own return, bitcoin's and ether's, sectors, totals, ranks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

from signals.core.categories import BRIDGED, STABLECOIN, STAKED, TRACKING, WRAPPED, declared
from signals.core.features.ranking import ranks
from signals.core.features.rolling import Series, combined, lagged, positive
from signals.core.panel import Array, Days, Panel

NOT_COUNTED = frozenset({STABLECOIN, WRAPPED, STAKED, BRIDGED, TRACKING})
"""Kinds that are pegged to something or stand for another token: no part of the market's return, breadth or totals."""
SECTOR_ROWS = 28
SECTOR_LEAST = 3
"""A sector has a return on a date where at least so many of its tokens do."""
SUPPLY_LIMIT = float(np.log(2))
"""|ln(cap / cap before) - ln(price / price before)| is the change of the supply, which does not double in a day."""
# One asset goes by its slug; the others are what panels built by hand call it.
NAMES = {"bitcoin": ("bitcoin", "btc", "BTC"), "ethereum": ("ethereum", "eth", "ETH")}


CELLS = 100_000
"""Cells of the whole market that are worked on at a time, so that they stay in the processor's cache."""


class Backdrop:
    """The whole panel, and what is the same for every token on a date, each made when asked for and kept."""

    def __init__(self, panel: Panel) -> None:
        self.dates: pd.DatetimeIndex = panel.dates
        self.assets: list[str] = panel.assets
        self.arrays: Mapping[str, Array] = {
            name: getattr(panel, name) for name in ("open", "high", "low", "close", "volume", "market_cap")
        }
        self.first_days: Days = panel.first_days
        self.observed = panel.observed
        # What only a whole price path gave away was not known on its days.
        self._kinds = [declared(panel.categories.get(asset, ())) for asset in panel.assets]
        self.counted = np.array([not kinds & NOT_COUNTED for kinds in self._kinds], dtype=bool)
        self._factors: dict[str, Array] = {}
        self.stable = np.array([STABLECOIN in kinds for kinds in self._kinds], dtype=bool)

    @cached_property
    def days(self) -> Days:
        """The dates as whole days."""
        return self.dates.to_numpy().astype("datetime64[D]")

    def row_parts(self) -> Iterator[slice]:
        """The rows in parts that fit the processor's cache, from first to last."""
        step = max(1, CELLS // max(len(self.assets), 1))
        for start in range(0, len(self.dates), step):
            yield slice(start, min(start + step, len(self.dates)))

    def before(self, name: str, part: slice, rows: int) -> Array:
        """A field of `rows` rows before those of `part`; NaN before the first row."""
        source = self.arrays[name][max(part.start - rows, 0) : max(part.stop - rows, 0)]
        missing = part.stop - part.start - len(source)
        if not missing:
            return source
        return np.concatenate([np.full((missing, len(self.assets)), np.nan), source])

    @cached_property
    def total_cap(self) -> Array:
        """[date] Sum of the known caps of the counted tokens, USD; missing where there is none."""
        total = np.empty(len(self.dates))
        for part in self.row_parts():
            cap = self.arrays["market_cap"][part].copy()
            cap[~(cap > 0) | ~self.counted] = 0.0
            cap.sum(axis=1, out=total[part])
        return positive(total)

    @cached_property
    def index_return(self) -> Array:
        """[date] Log return of the market: counted tokens whose caps bear their moves out, by yesterday's caps."""
        out = np.empty(len(self.dates))
        for part in self.row_parts():
            move, weight = self._moves(part, 1)
            base = weight.sum(axis=1)
            weight *= move
            out[part] = np.log1p(weight.sum(axis=1) / positive(base))
        return out

    def _moves(self, part: slice, rows: int) -> tuple[Array, Array]:
        """Simple returns of the counted tokens over `rows` rows and their caps before; both zero if one is missing.

        Both are zero as well where the price says that it moved and the cap does not: one wrong price of one tiny token
        would otherwise be the market's return. A cap that is not known today bears out no move.
        """
        move = self.arrays["close"][part] / self.before("close", part, rows)
        weight = self.before("market_cap", part, rows).copy()
        grown = positive(self.arrays["market_cap"][part]) / positive(weight)
        grown[np.isnan(grown)] = 1.0
        supply = np.abs(np.log(grown / move))
        gone = ~(supply <= SUPPLY_LIMIT)  # an unknown move is within no limit
        move -= 1
        gone |= ~(weight > 0)
        gone |= ~self.counted
        move[gone] = weight[gone] = 0.0
        return move, weight

    def column(self, asset: str) -> int | None:
        """The column of "bitcoin" or "ethereum", None where the panel does not have it."""
        return next((self.assets.index(name) for name in NAMES[asset] if name in self.assets), None)

    def log_return(self, asset: str) -> Array:
        """[date] Log return of "bitcoin" or "ethereum"; missing throughout where the panel does not have it."""
        at = self.column(asset)
        if at is None:
            return np.full(len(self.dates), np.nan)
        price = np.log(np.ascontiguousarray(self.arrays["close"][:, at]))
        return combined(np.subtract, price, price, 1)

    def factor(self, name: str) -> Array:
        """[date] Log returns of "market", "market_before" (the day before), "bitcoin" or "ethereum"."""
        if name not in self._factors:
            if name == "market":
                self._factors[name] = self.index_return
            elif name == "market_before":
                self._factors[name] = lagged(self.index_return, 1)
            else:
                self._factors[name] = self.log_return(name)
        return self._factors[name]

    @cached_property
    def cap_rank(self) -> Array:
        """[date x asset] 1 for the largest known cap of the date, equals share the mean of their ranks."""
        out = np.empty((len(self.dates), len(self.assets)))
        for part in self.row_parts():
            out[part] = ranks(-positive(self.arrays["market_cap"][part]))
        return out

    @cached_property
    def sector_return(self) -> Array:
        """[date x asset] 28-day return of the asset's sectors, each weighted by the caps of 28 days ago; their mean.

        A sector is a category with counted tokens in it.
        """
        out = np.full((len(self.dates), len(self.assets)), np.nan)
        members: dict[str, list[int]] = {}
        for at in np.flatnonzero(self.counted):
            for tag in self._kinds[at]:
                members.setdefault(tag, []).append(int(at))
        # A sector of fewer tokens never has a return. What is left is summed token by token, in the panel's order.
        tags = sorted(tag for tag, tokens in members.items() if len(tokens) >= SECTOR_LEAST)
        if not tags:
            return out
        tokens, starts = _joined([members[tag] for tag in tags])
        place = {tag: number for number, tag in enumerate(tags)}
        own = [sorted(place[tag] for tag in kinds if tag in place) for kinds in self._kinds]
        tagged = [at for at in np.flatnonzero(self.counted) if own[at]]
        sectors, firsts = _joined([own[at] for at in tagged])
        for part in self.row_parts():
            move, base = self._moves(part, SECTOR_ROWS)
            there = np.add.reduceat((base > 0)[:, tokens].astype(np.int32), starts, axis=1) >= SECTOR_LEAST
            gained = np.add.reduceat((base * move)[:, tokens], starts, axis=1)
            gained /= np.add.reduceat(base[:, tokens], starts, axis=1)
            gained[~there] = 0.0
            number = np.add.reduceat(there[:, sectors].astype(np.float64), firsts, axis=1)
            out[part, tagged] = np.add.reduceat(gained[:, sectors], firsts, axis=1) / positive(number)
        return out

    @cached_property
    def pair_products(self) -> tuple[Array, Array]:
        """[date] Mean product of two tokens' standardised returns over all pairs, and mean square of one."""
        columns = np.flatnonzero(self.counted)
        score = np.empty((len(self.dates), len(columns)))
        step = max(1, CELLS // (4 * max(len(self.dates), 1)))
        for start in range(0, len(columns), step):
            price = np.log(np.take(self.arrays["close"], columns[start : start + step], axis=1))
            returns = Series(combined(np.subtract, price, price, 1))
            np.divide(returns.x, positive(returns.sd(60)), out=score[:, start : start + step])
        number, total, square = np.empty((3, len(self.dates)))
        for part in self.row_parts():
            here = score[part]
            known = ~np.isnan(here)
            number[part] = known.sum(axis=1)
            here[~known] = 0.0
            here.sum(axis=1, out=total[part])
            here *= here
            here.sum(axis=1, out=square[part])
        several = number >= 2
        pairs = np.where(several, (total * total - square) / (number * (number - 1.0)), np.nan)
        return pairs, np.where(several, square / number, np.nan)

    @cached_property
    def breadth(self) -> tuple[Array, Array]:
        """[date] Number of counted tokens with a mean close of 50 days, and how many closed above it."""
        number, above = np.zeros((2, len(self.dates)))
        columns = np.flatnonzero(self.counted)
        step = max(1, CELLS // (4 * max(len(self.dates), 1)))
        for start in range(0, len(columns), step):
            close = Series(np.take(self.arrays["close"], columns[start : start + step], axis=1))
            mean = close.mean(50)
            number += (close.known & ~np.isnan(mean)).sum(axis=1)
            above += (close.x > mean).sum(axis=1)
        return number, above

    @cached_property
    def dispersion(self) -> tuple[Array, Array]:
        """[date] Number of counted tokens with a return over 28 days, and its standard deviation across them."""
        number, spread = np.zeros((2, len(self.dates)))
        for part in self.row_parts():
            moved = np.log(self.arrays["close"][part] / self.before("close", part, 28))
            known = ~np.isnan(moved) & self.counted
            moved[~known] = 0.0
            count = known.sum(axis=1)
            moved -= (moved.sum(axis=1) / count)[:, None]
            moved[~known] = 0.0
            moved *= moved
            number[part] = count
            spread[part] = np.sqrt(moved.sum(axis=1) / (count - 1))
        return number, spread


def _joined(lists: list[list[int]]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The lists (none is empty) behind each other, and where each begins."""
    lengths = [len(one) for one in lists]
    return np.array([at for one in lists for at in one]), np.cumsum([0, *lengths[:-1]])


def flat_series(x: Array) -> Series:
    """A [date] array as a series of one column."""
    return Series(x[:, None])
