"""What the regime reads: the passive universe of each day, its return, and the state of the market behind it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from signals.core.features import compute
from signals.core.features.backdrop import NOT_COUNTED
from signals.core.features.rolling import Series, lagged
from signals.core.panel import Array, Panel
from signals.core.regime.rules import RegimeRules

DAYS_PER_YEAR = 365
VOLUME_DAYS = 30
CARRIED_DAYS = 7
"""A missing close stands at the last one for so long; a token missing longer left at its last price."""


class RegimeError(ValueError):
    """The panel cannot tell the regime; the message names the field and what to do."""


@dataclass(frozen=True, eq=False)
class Members:
    """The passive universe of each day, largest cap first.

    `columns` [date x place] are positions in the panel, `weights` [date x place] fractions that sum to 1; the weight of
    a place that nobody fills is zero, as is a whole row without any member.
    """

    columns: npt.NDArray[np.int64]
    weights: Array

    def at(self, x: Array) -> Array:
        """`x` [date x asset] of the members, [date x place]; NaN in an empty place."""
        return np.where(self.weights > 0, np.take_along_axis(x, self.columns, axis=1), np.nan)


def members(panel: Panel, rules: RegimeRules) -> Members:
    """The `rules.count` largest tokens of each day by its market cap, weighted by it, none over `rules.max_weight`.

    No stablecoins, wrapped, staked, bridged or tracking tokens, and none that trades less than `rules.min_volume`.
    Raises RegimeError where the panel has no market cap or no volume at all.
    """
    for name in ("market_cap", "volume"):
        if panel.close.size and np.isnan(getattr(panel, name)).all():
            raise RegimeError(
                f"{name}: the panel has none; the passive universe needs it, so give the frame."
            )
    counted = np.array([not panel.categories[asset] & NOT_COUNTED for asset in panel.assets], dtype=bool)
    volume = pd.DataFrame(panel.volume).rolling(VOLUME_DAYS, min_periods=VOLUME_DAYS // 2)
    liquid = volume.median().to_numpy() >= rules.min_volume
    eligible = counted & liquid & ~np.isnan(panel.close) & (panel.market_cap > 0)
    cap = np.where(eligible, panel.market_cap, 0.0)
    columns = np.argsort(-cap, axis=1, kind="stable")[:, : rules.count]
    return Members(
        columns=columns, weights=capped(np.take_along_axis(cap, columns, axis=1), rules.max_weight)
    )


def capped(cap: Array, limit: float) -> Array:
    """Weights [date x place] in proportion to `cap`, none over `limit`: the excess goes to the others in proportion.

    Where too few have a cap for that limit they share alike; a row without any cap is zero.
    """
    weights = _share(cap, np.ones((len(cap), 1)))
    held = np.zeros(cap.shape, dtype=bool)
    while (over := (weights > limit * (1 + 1e-12)) & ~held).any():
        held |= over
        rest = np.maximum(1.0 - limit * held.sum(axis=1, keepdims=True), 0.0)
        weights = np.where(held, limit, _share(np.where(held, 0.0, cap), rest))
    return _share(weights, np.ones((len(cap), 1)))


def _share(parts: Array, whole: Array) -> Array:
    base = parts.sum(axis=1, keepdims=True)
    return np.divide(parts * whole, base, out=np.zeros_like(parts), where=base > 0)


def moves(panel: Panel) -> Array:
    """[date x asset] Return over one row; zero where a close is missing, its whole move on the day it comes back."""
    price = pd.DataFrame(panel.close).ffill(limit=CARRIED_DAYS).to_numpy()
    before = lagged(price, 1)
    return np.where(np.isnan(price) | np.isnan(before), 0.0, price / before - 1)


def market_return(panel: Panel, held: Members) -> Array:
    """[date] Return of yesterday's members at yesterday's weights, before cost; NaN where there was none."""
    result = np.full(len(panel.dates), np.nan)
    if len(result) > 1:
        weights, columns = held.weights[:-1], held.columns[:-1]
        gained = (weights * np.take_along_axis(moves(panel)[1:], columns, axis=1)).sum(axis=1)
        result[1:] = np.where(weights.sum(axis=1) > 0, gained, np.nan)
    return result


def readings(panel: Panel, held: Members, rules: RegimeRules, *, watched: bool = True) -> pd.DataFrame:
    """The state of the market, one row per date, each value from data at or before it; NaN where unknown.

    `market_return` (fraction), `trend_N` (level / its mean of N days - 1), `breadth` (share of members above their own
    mean), `volatility` (per year), and unless `watched` is off two that have no vote: `correlation` (average over 60
    days) and `stablecoin_flow` (change of the stablecoins' cap over 30 days, fraction).
    """
    market = market_return(panel, held)
    known = ~np.isnan(market)
    level = np.where(np.cumsum(known) > 0, np.cumprod(1 + np.where(known, market, 0.0)), np.nan)
    line = Series(level[:, None])
    columns = {"market_return": market}
    with np.errstate(
        divide="ignore", invalid="ignore"
    ):  # a window with nothing in it is 0 / 0, which is missing
        for days in rules.trend_days:
            columns[f"trend_{days}"] = level / line.mean(days)[:, 0] - 1
        columns["breadth"] = _breadth(panel, held, rules)
        spread = Series(np.log1p(market)[:, None]).sd(rules.volatility_days)[:, 0]
    columns["volatility"] = spread * np.sqrt(DAYS_PER_YEAR)
    if watched:
        columns |= _watched(panel)
    return pd.DataFrame(columns, index=panel.dates)


def _watched(panel: Panel) -> dict[str, Array]:
    names = {"correlation": "avg_corr_60", "stablecoin_flow": "stablecoin_cap_chg_30"}
    if not panel.close.size:
        return {name: np.full(len(panel.dates), np.nan) for name in names}
    shared = compute(panel, list(names.values()))
    return {name: shared[feature].to_numpy()[:, 0] for name, feature in names.items()}


def _breadth(panel: Panel, held: Members, rules: RegimeRules) -> Array:
    # Only columns that are ever a member need a mean; each column's mean is its own affair.
    ever = np.unique(held.columns[held.weights > 0])
    mean = np.full(panel.shape, np.nan)
    mean[:, ever] = Series(np.ascontiguousarray(panel.close[:, ever])).mean(rules.breadth_days)
    close, mean = held.at(panel.close), held.at(mean)
    number = (~np.isnan(mean)).sum(axis=1)
    above = (close > mean).sum(axis=1)
    return np.where(number >= rules.breadth_least, above / np.maximum(number, 1), np.nan)
