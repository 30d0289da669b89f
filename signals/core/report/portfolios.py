"""Weights into money: weekly rebalanced portfolios after cost, and how they did."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from signals.core.features.ranking import ranks
from signals.core.panel import Array
from signals.core.regime.ledger import worst_fall
from signals.core.regime.market import capped
from signals.core.report.material import COST, MOST_RISE, Ints, Mask
from signals.core.validation import annualised_sharpe, mean_test

WEEKS_PER_YEAR = 365.25 / 7


@dataclass(frozen=True, eq=False)
class Run:
    """One portfolio, week by week: `weights` [week x asset] bought at its start, `gross` [week] what they earned,
    `traded` [week] the sum of absolute weight changes from what was held, `net` [week] after `cost` of each."""

    weights: Array
    gross: Array
    traded: Array
    net: Array


@dataclass(frozen=True)
class Performance:
    """Per year of 52.18 weeks, no interest; `fall` is the worst fall on daily closes where they were given, negative;
    `turnover` one way a week, a fraction."""

    sharpe: float
    fall: float
    growth: float
    volatility: float
    turnover: float


def run(weights: Array, returns: Array, *, cost: float = COST) -> Run:
    """`weights` [week x asset] (what is missing to 1 is cash without interest) held over `returns` [week x asset].

    They drift with prices; at the next week's start the difference is traded at `cost` of every dollar bought and
    sold. The first purchase is paid as well.
    """
    gross = (weights * returns).sum(axis=1)
    # A portfolio that has lost everything has nothing left to drift.
    left = np.maximum(1.0 + gross, 1e-12)
    drifted = weights * (1.0 + returns) / left[:, None]
    before = np.vstack([np.zeros((1, weights.shape[1])), drifted[:-1]])
    traded = np.abs(weights - before).sum(axis=1)
    return Run(weights, gross, traded, (1.0 + gross) * (1.0 - cost * traded) - 1.0)


def performance(result: Run, *, daily: Array | None = None) -> Performance:
    """The figures of a run; `daily` [day] is its value by day for the fall, weekly values stand in for it."""
    net = result.net
    value = (1.0 + net).cumprod()
    path: Array = value if daily is None else daily
    ratio = annualised_sharpe(net, periods_per_year=WEEKS_PER_YEAR)
    return Performance(
        sharpe=0.0 if ratio is None else ratio,
        fall=float(worst_fall(path)[-1]),
        growth=float(max(value[-1], 0.0) ** (WEEKS_PER_YEAR / len(net)) - 1.0),
        volatility=float(net.std(ddof=1) * np.sqrt(WEEKS_PER_YEAR)),
        turnover=float(result.traded[1:].mean() / 2.0) if len(net) > 1 else 0.0,
    )


def daily_value(result: Run, prices: Array, starts: Ints, *, cost: float = COST, days: int = 7) -> Array:
    """[week x days] flattened: the value of 1 after each day of each week, holdings drifting, cost paid at its start.

    `prices` [day x asset] have a value wherever a weight stands; `starts` [week] are the rows of the purchases.
    """
    out = np.empty(len(starts) * days)
    value = 1.0
    for week, start in enumerate(starts):
        held = np.flatnonzero(result.weights[week])
        path = prices[start : start + days + 1][:, held]
        with np.errstate(invalid="ignore", divide="ignore"):
            gained = path[1:] / path[0] - 1.0
        gained[:, gained[-1] > MOST_RISE] = 0.0  # as in the weekly returns
        moved = 1.0 + np.where(np.isfinite(gained), gained, 0.0) @ result.weights[week, held]
        out[week * days : week * days + days] = value * (1.0 - cost * result.traded[week]) * moved
        value = float(out[week * days + days - 1])
    return out


def top(scores: Array, *, quantiles: int = 5, among: Mask | None = None, sizes: Array | None = None) -> Array:
    """[date x asset] weights of the best-scored quantile, equal or in proportion to `sizes`; rows without one are 0."""
    known = scores if among is None else np.where(among, scores, np.nan)
    ranked = ranks(known)
    count = (~np.isnan(known)).sum(axis=1, keepdims=True)
    chosen = np.ceil(ranked * quantiles / np.maximum(count, 1) - 1e-9) == quantiles
    return shared(chosen if sizes is None else np.where(chosen, sizes, 0.0))


def shared(parts: Array | Mask) -> Array:
    """Each row divided by its sum; a row of nothing stays nothing."""
    values = np.where(np.isnan(parts), 0.0, parts).astype(np.float64)
    base = values.sum(axis=1, keepdims=True)
    return np.divide(values, base, out=np.zeros_like(values), where=base > 0)


def tilted(weights: Array, scores: Array, *, limit: float = 0.25) -> Array:
    """`weights` times twice the rank share of the score among those held (0 to 2; 1 unscored), none over `limit`."""
    known = np.where(weights > 0, scores, np.nan)
    count = (~np.isnan(known)).sum(axis=1, keepdims=True)
    factor = 2.0 * (ranks(known) - 0.5) / np.maximum(count, 1)
    return capped(weights * np.where(np.isnan(factor), 1.0, factor), limit)


def excess(mine: Run, other: Run) -> tuple[float, float | None]:
    """Mean weekly net return of one over the other, and its Newey-West t."""
    test = mean_test(mine.net - other.net)
    return test.mean, test.t
