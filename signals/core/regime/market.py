"""What the regime reads: the passive universe of each day, its return, and the state of the market behind it.

Every value is made of the rows of its own windows and of nothing else, so a panel that holds `RegimeRules.memory_rows`
gives the same bits as the whole history.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from signals.core.categories import STABLECOIN, declared
from signals.core.features.rolling import Series, lagged, needed
from signals.core.panel import Array, Panel
from signals.core.regime.rules import CORRELATION_DAYS, RegimeRules
from signals.core.universe import UniverseRules, gradable

DAYS_PER_YEAR = 365
STABLECOIN_DAYS = 30
FUNDING_DAYS = 7
CARRIED_DAYS = 7
"""A missing close stands at the last one for so long; a token missing longer left at its last price."""
SUPPLY_JUMP, BLIND_JUMP = 3.0, 10.0
"""No supply falls to a third overnight, and no token of this size was seen to go up tenfold in a day."""


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

    @property
    def ever(self) -> npt.NDArray[np.int64]:
        """Columns that are a member on some date."""
        return np.unique(self.columns[self.weights > 0])


def members(panel: Panel, rules: RegimeRules) -> Members:
    """The `rules.count` largest tokens of each day by its market cap, weighted by it, none over `rules.max_weight`.

    Chosen from those that are graded (signals.core.universe), which a day could know. Always `rules.count` places, so
    that sums over them do not depend on how many assets the panel has. Raises RegimeError where the panel has no market
    cap or no volume at all.
    """
    for name in ("market_cap", "volume"):
        if panel.close.size and np.isnan(getattr(panel, name)).all():
            raise RegimeError(
                f"{name}: the panel has none; the passive universe needs it, so give the frame."
            )
    # The age of the passive index: the market is what can be bought, graded or not yet.
    bought = UniverseRules(count=rules.count, min_volume=rules.min_volume, min_age_days=30)
    chosen = gradable(panel, bought)
    cap = np.where(chosen, panel.market_cap, 0.0)
    order = np.argsort(-cap, axis=1, kind="stable")[:, : rules.count]
    empty = rules.count - order.shape[1]
    weights = np.pad(np.take_along_axis(cap, order, axis=1), ((0, 0), (0, empty)))
    return Members(
        columns=np.pad(order, ((0, 0), (0, empty)))
        if order.size
        else np.zeros(weights.shape, dtype=np.int64),
        weights=capped(weights, rules.max_weight),
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
    """[date x asset] Return over one row; zero where a close is missing, its whole move on the day it comes back.

    Zero too for a rise that the market cap knows nothing of: a close that jumps more than SUPPLY_JUMP-fold, and so many
    times further than the cap, is a redenomination or a print that nobody traded at. Where the cap is not known, a rise
    of BLIND_JUMP-fold is believed at most. A fall always counts: a token whose supply explodes as it dies looks alike.
    """
    price = pd.DataFrame(panel.close).ffill(limit=CARRIED_DAYS).to_numpy()
    before = lagged(price, 1)
    cap = np.where(panel.market_cap > 0, panel.market_cap, np.nan)
    rise = np.log(price / before)
    beyond = rise - np.log(cap / lagged(cap, 1))
    unseen = np.where(np.isnan(beyond), rise > np.log(BLIND_JUMP), beyond > np.log(SUPPLY_JUMP))
    doubted = unseen & (rise > np.log(SUPPLY_JUMP))
    return np.where(np.isnan(rise) | doubted, 0.0, price / before - 1)


def market_return(panel: Panel, held: Members) -> Array:
    """[date] Return of yesterday's members at yesterday's weights, before cost; NaN where there was none."""
    return _gained(moves(panel), held.columns, held.weights)


def leader_return(panel: Panel, held: Members) -> Array:
    """[date] Return of the token that was the largest yesterday; NaN where there was none."""
    return _gained(moves(panel), held.columns[:, :1], (held.weights[:, :1] > 0).astype(np.float64))


def leaders(panel: Panel, held: Members) -> pd.Series:
    """[date] Slug of the largest token; empty where there is none."""
    slugs = np.array([*panel.assets, ""], dtype=object)
    at = np.where(held.weights[:, 0] > 0, held.columns[:, 0], len(panel.assets))
    return pd.Series(slugs[at], index=panel.dates, name="leader")


def _gained(move: Array, columns: npt.NDArray[np.int64], weights: Array) -> Array:
    result = np.full(len(move), np.nan)
    if len(result) > 1:
        gained = (weights[:-1] * np.take_along_axis(move[1:], columns[:-1], axis=1)).sum(axis=1)
        result[1:] = np.where(weights[:-1].sum(axis=1) > 0, gained, np.nan)
    return result


def readings(panel: Panel, held: Members, rules: RegimeRules, *, watched: bool = True) -> pd.DataFrame:
    """The state of the market, one row per date, each value from data at or before it; NaN where unknown.

    `market_return` (fraction), `trend_N` (level of the market / its mean of N days - 1), `leader_N` (the same of its
    largest token), `breadth` (share of members above their own mean), `volatility` of the market (per year), and unless
    `watched` is off some that have no vote: `correlation` (average over CORRELATION_DAYS, among the members),
    `stablecoin_flow` (change of the stablecoins' cap over STABLECOIN_DAYS, fraction), and where the panel holds such
    observations, of the largest token `leader_mvrv` (ratio) and `leader_funding` (mean of FUNDING_DAYS, fraction per
    8 h), and of the market `fear_greed` (0 to 100).
    """
    market, leader = market_return(panel, held), leader_return(panel, held)
    columns = {"market_return": market}
    for days in rules.trend_days:
        columns[f"trend_{days}"] = above_mean(market, days)
        columns[f"leader_{days}"] = above_mean(leader, days)
    with np.errstate(divide="ignore", invalid="ignore"):  # an empty window is 0 / 0, which is missing
        columns["breadth"] = _breadth(panel, held, rules)
        spread = Series(np.log1p(market)[:, None]).sd(rules.volatility_days)[:, 0]
        columns["volatility"] = spread * np.sqrt(DAYS_PER_YEAR)
        if watched:
            columns["correlation"] = _correlation(panel, held)
            columns["stablecoin_flow"] = _stablecoin_flow(panel)
            columns |= _observed(panel, held)
    return pd.DataFrame(columns, index=panel.dates)


def above_mean(returns: Array, days: int) -> Array:
    """[date] Level / mean of the level over `days` rows - 1, from the returns in the window alone; NaN where it is not
    known in three quarters of them.

    The level of today is taken as 1 and followed backwards: a level that began on the first day of the data would carry
    its own rounding, and two histories of the same window would differ in their last bits.
    """
    result = np.full(len(returns), np.nan)
    if not len(returns):
        return result
    padded = np.concatenate([np.full(days - 1, np.nan), returns])
    window = np.lib.stride_tricks.sliding_window_view(padded, days)[:, ::-1]  # newest first
    known = ~np.isnan(window)
    growth = np.where(known, 1.0 + window, 1.0)
    level = np.ones(window.shape)
    np.cumprod(growth[:, :-1], axis=1, out=level[:, 1:])
    count = known.sum(axis=1)
    enough = count >= needed(days)
    # A level of nothing is reached by losing all; no average is above it.
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.cumsum(np.where(known, 1.0 / level, 0.0), axis=1)[:, -1] / count
        result[enough] = (1.0 / mean - 1.0)[enough]
    return result


def _correlation(panel: Panel, held: Members) -> Array:
    # Pollet & Wilson (2010), as the feature avg_corr_60, among the members of each date.
    ever = held.ever
    price = np.log(panel.close[:, ever])
    returns = Series(price - lagged(price, 1))
    spread = returns.sd(CORRELATION_DAYS)
    score = np.full(panel.shape, np.nan)
    score[:, ever] = np.where(spread > 0, returns.x / spread, np.nan)
    each = held.at(score)
    number = (~np.isnan(each)).sum(axis=1)
    each = np.where(np.isnan(each), 0.0, each)
    total, square = each.sum(axis=1), (each * each).sum(axis=1)
    several = number >= 2
    pairs = np.where(several, (total * total - square) / (number * (number - 1.0)), np.nan)
    own = np.where(several, square / number, np.nan)
    top = Series(pairs[:, None]).mean(CORRELATION_DAYS)[:, 0]
    bottom = Series(own[:, None]).mean(CORRELATION_DAYS)[:, 0]
    return np.where(bottom > 0, top / bottom, np.nan)


def _stablecoin_flow(panel: Panel) -> Array:
    # Ante, Fiedler & Strehle (2021), over those known on both dates.
    stable = [at for at, slug in enumerate(panel.assets) if STABLECOIN in declared(panel.categories[slug])]
    cap = np.where(panel.market_cap[:, stable] > 0, panel.market_cap[:, stable], np.nan)
    before = lagged(cap, STABLECOIN_DAYS)
    both = ~np.isnan(cap) & ~np.isnan(before)
    result = np.full(len(panel.dates), np.nan)
    for row in np.flatnonzero(both.any(axis=1)):
        # fsum rounds once, so the sum does not depend on which other coins the panel has.
        now, then = math.fsum(cap[row, both[row]]), math.fsum(before[row, both[row]])
        result[row] = now / then - 1
    return result


def _observed(panel: Panel, held: Members) -> dict[str, Array]:
    largest = leaders(panel, held).to_numpy()
    found = {
        name: np.full(len(panel.dates), np.nan) for name in ("leader_mvrv", "leader_funding", "fear_greed")
    }
    for name, metric, days in (
        ("leader_mvrv", "CapMVRVCur", 1),
        ("leader_funding", "funding_rate", FUNDING_DAYS),
    ):
        seen = panel.observed.get(metric)
        if seen is not None and seen.columns:
            column = np.array([seen.place.get(slug, -1) for slug in largest], dtype=np.int64)
            mean = Series(seen.values).mean(days)
            found[name] = np.where(column >= 0, mean[np.arange(len(mean)), column], np.nan)
    mood = panel.observed.get("fear_greed")
    if mood is not None:
        found["fear_greed"] = mood.values[:, 0].copy()
    return found


def _breadth(panel: Panel, held: Members, rules: RegimeRules) -> Array:
    # Only columns that are ever a member need a mean; each column's mean is its own affair.
    ever = held.ever
    mean = np.full(panel.shape, np.nan)
    mean[:, ever] = Series(np.ascontiguousarray(panel.close[:, ever])).mean(rules.breadth_days)
    close, mean = held.at(panel.close), held.at(mean)
    number = (~np.isnan(mean)).sum(axis=1)
    above = (close > mean).sum(axis=1)
    return np.where(number >= rules.breadth_least, above / np.maximum(number, 1), np.nan)
