"""What all tokens share on a date: the market's own return, bitcoin's and ether's, sectors, totals, ranks."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

import numpy as np
import pandas as pd

from signals.core.categories import BRIDGED, STABLECOIN, STAKED, TRACKING, WRAPPED
from signals.core.features.ranking import ranks
from signals.core.features.rolling import Series, lagged
from signals.core.panel import Array, Days, Panel

NOT_COUNTED = frozenset({STABLECOIN, WRAPPED, STAKED, BRIDGED, TRACKING})
"""Kinds that are pegged to something or stand for another token: no part of the market's return, breadth or totals."""
SECTOR_LEAST = 3
"""A sector has a return on a date where at least so many of its tokens do."""
# One asset goes by its slug; the others are what panels built by hand call it.
NAMES = {"bitcoin": ("bitcoin", "btc", "BTC"), "ethereum": ("ethereum", "eth", "ETH")}


def positive(x: Array) -> Array:
    """`x` where above zero, else missing."""
    return np.where(x > 0, x, np.nan)


class Backdrop:
    """The whole panel, and what is the same for every token on a date, each made when asked for and kept."""

    def __init__(self, panel: Panel) -> None:
        self.dates: pd.DatetimeIndex = panel.dates
        self.assets: list[str] = panel.assets
        self.arrays: Mapping[str, Array] = {
            name: getattr(panel, name) for name in ("open", "high", "low", "close", "volume", "market_cap")
        }
        self.first_days: Days = panel.first_days
        self._kinds = [panel.categories.get(asset, frozenset()) for asset in panel.assets]
        self.counted = np.array([not kinds & NOT_COUNTED for kinds in self._kinds], dtype=bool)
        self.stable = np.array([STABLECOIN in kinds for kinds in self._kinds], dtype=bool)

    @property
    def days(self) -> Days:
        """The dates as whole days."""
        return self.dates.to_numpy().astype("datetime64[D]")

    @cached_property
    def close(self) -> Series:
        """Closes of the counted tokens."""
        return Series(np.ascontiguousarray(self.arrays["close"][:, self.counted]))

    @cached_property
    def cap(self) -> Series:
        """Market caps of the counted tokens."""
        return Series(positive(self.arrays["market_cap"][:, self.counted]))

    @cached_property
    def total_cap(self) -> Array:
        """[date] Sum of the known caps of the counted tokens, USD; missing where there is none."""
        return positive(self.cap.filled(0.0).sum(axis=1))

    @cached_property
    def index_return(self) -> Array:
        """[date] The market's log return: counted tokens, weighted by yesterday's cap."""
        move = self.close.x / self.close.lag(1) - 1
        weight = self.cap.lag(1)
        both = ~np.isnan(move) & ~np.isnan(weight)
        base = np.where(both, weight, 0.0)
        gained = (base * np.where(both, move, 0.0)).sum(axis=1)
        return np.log1p(gained / positive(base.sum(axis=1)))

    def column(self, asset: str) -> int | None:
        """The column of "bitcoin" or "ethereum", None where the panel does not have it."""
        return next((self.assets.index(name) for name in NAMES[asset] if name in self.assets), None)

    def log_return(self, asset: str) -> Array:
        """[date] Log return of "bitcoin" or "ethereum"; missing throughout where the panel does not have it."""
        at = self.column(asset)
        if at is None:
            return np.full(len(self.dates), np.nan)
        price = np.log(self.arrays["close"][:, at])
        return price - lagged(price, 1)

    def factor(self, name: str) -> Array:
        """[date] Log returns of "market", "market_before" (the day before), "bitcoin" or "ethereum"."""
        if name == "market":
            return self.index_return
        if name == "market_before":
            return lagged(self.index_return, 1)
        return self.log_return(name)

    @cached_property
    def cap_rank(self) -> Array:
        """[date x asset] 1 for the largest known cap of the date, equals share the mean of their ranks."""
        return ranks(-positive(self.arrays["market_cap"]))

    @cached_property
    def sector_return(self) -> Array:
        """[date x asset] 28-day return of the asset's sectors, each weighted by the caps of 28 days ago; their mean.

        A sector is a category with counted tokens in it.
        """
        own = [
            kinds if counted else frozenset()
            for kinds, counted in zip(self._kinds, self.counted, strict=True)
        ]
        tags = sorted(frozenset().union(*own)) if own else []
        member = np.array([[tag in kinds for tag in tags] for kinds in own], dtype=np.float64)
        member = member.reshape(len(own), len(tags))
        close, cap = self.arrays["close"], positive(self.arrays["market_cap"])
        move, base = close / lagged(close, 28) - 1, lagged(cap, 28)
        both = ~np.isnan(move) & ~np.isnan(base)
        base = np.where(both, base, 0.0)
        gained = (base * np.where(both, move, 0.0)) @ member
        known = both.astype(np.float64) @ member >= SECTOR_LEAST
        sector = np.where(known, gained / (base @ member), 0.0)
        return (sector @ member.T) / positive(known.astype(np.float64) @ member.T)

    @cached_property
    def pair_products(self) -> tuple[Array, Array]:
        """[date] Mean product of two tokens' standardised returns over all pairs, and mean square of one."""
        price = np.log(self.close.x)
        returns = Series(price - lagged(price, 1))
        score = returns.x / positive(returns.sd(60))
        number = (~np.isnan(score)).sum(axis=1)
        score = np.where(np.isnan(score), 0.0, score)
        total, square = score.sum(axis=1), (score * score).sum(axis=1)
        several = number >= 2
        pairs = np.where(several, (total * total - square) / (number * (number - 1.0)), np.nan)
        return pairs, np.where(several, square / number, np.nan)


def flat_series(x: Array) -> Series:
    """A [date] array as a series of one column."""
    return Series(x[:, None])
