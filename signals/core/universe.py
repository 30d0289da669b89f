"""Which tokens are graded on a day: those that could be bought then, by what was known then."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from signals.core.categories import BRIDGED, STABLECOIN, STAKED, STILL_MEDIAN, WRAPPED, declared
from signals.core.panel import Panel

Mask = npt.NDArray[np.bool_]

PEGGED = frozenset({STABLECOIN, WRAPPED, STAKED, BRIDGED})
"""Kinds that stand for something else: they have no grade of their own."""
STILL_DAYS = 60
"""Days over which a token that hardly moves shows that it is pegged to something, whatever it is called."""
STILL_WIDTH = 0.05
"""The prices of a pegged token, without the highest and the lowest twentieth, lie within such a share of each other.
Bitcoin's were never closer together than 6.5 % from 2014 to 2022."""


@dataclass(frozen=True)
class UniverseRules:
    """Wider than any index, so that every candidate has a grade, and no wider than what trades."""

    count: int = 300
    """The largest by market cap."""
    min_volume: float = 1e5
    """USD a day, median of `volume_days`: a few illiquid tokens have invented caps."""
    volume_days: int = 30
    min_age_days: int = 60
    """Days since the first price: younger tokens have fewer than the 80 data points that are promised of each."""


def gradable(panel: Panel, rules: UniverseRules | None = None) -> Mask:
    """[date x asset] Who is graded at the close of the date, from data at or before it only.

    No stablecoins, wrapped, staked or bridged tokens by declared category (kinds measured over a whole price path do
    not count, they would look ahead), nor any that hardly moved for STILL_DAYS; a price and a cap that day; age and
    median volume of the rules; of those the `rules.count` largest, equals in the order of the panel.
    """
    rules = rules or UniverseRules()
    own = np.array([not declared(panel.categories[asset]) & PEGGED for asset in panel.assets], dtype=bool)
    days = panel.dates.to_numpy().astype("datetime64[D]")
    age = (days[:, None] - panel.first_days[None, :]).astype("timedelta64[D]").astype(np.float64)
    known = own & ~np.isnan(panel.close) & (panel.market_cap > 0)
    columns = np.flatnonzero(known.any(axis=0))
    fits = np.zeros(panel.shape, dtype=bool)
    volume = pd.DataFrame(panel.volume[:, columns])
    least = max(rules.volume_days // 2, 1)
    traded = volume.rolling(rules.volume_days, min_periods=least).median().to_numpy() >= rules.min_volume
    fits[:, columns] = known[:, columns] & traded & ~_still(panel.close[:, columns])
    # A listing day that is not known makes no comparison true: such a token waits.
    fits &= age >= rules.min_age_days
    cap = np.where(fits, panel.market_cap, 0.0)
    order = np.argsort(-cap, axis=1, kind="stable")[:, : rules.count]
    largest = np.zeros(panel.shape, dtype=bool)
    np.put_along_axis(largest, order, np.ones(order.shape, dtype=bool), axis=1)
    return fits & largest


def _still(close: npt.NDArray[np.float64]) -> Mask:
    moves = np.full(close.shape, np.nan)
    moves[1:] = np.abs(np.diff(np.log(close), axis=0))
    small = np.where(np.isnan(moves), np.nan, (moves < STILL_MEDIAN).astype(np.float64))
    still = pd.DataFrame(small).rolling(STILL_DAYS, min_periods=STILL_DAYS // 2).mean().to_numpy() > 0.5
    # In a calm season bitcoin's days are small too, but they add up: only what stays where it is, is pegged.
    suspects = np.flatnonzero(still.any(axis=0))
    window = pd.DataFrame(close[:, suspects]).rolling(STILL_DAYS, min_periods=STILL_DAYS // 2)
    width = window.quantile(0.95).to_numpy() / window.quantile(0.05).to_numpy() - 1
    still[:, suspects] &= width < STILL_WIDTH
    return still
