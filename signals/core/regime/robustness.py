"""Is the regime more than one lucky row? Periods, neighbours of every number, both tails, and a block bootstrap."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from signals.core.panel import Array, Panel
from signals.core.regime.deciding import shares, wish
from signals.core.regime.ledger import exposure, overlaid, worst_fall
from signals.core.regime.market import Members, members, readings
from signals.core.regime.rules import DWELL_DAYS, STEP, RegimeRules
from signals.core.regime.twin import twin_return

WEEKS_PER_YEAR = 365.25 / 7
DAYS_PER_YEAR = 365.25
BLOCK_WEEKS = 8
BOOTSTRAPS = 2000
SEED = 20180101
TAIL_DAYS = 10
NEIGHBOUR = 0.2
"""Neighbours differ by this share."""


@dataclass(frozen=True)
class Performance:
    """`sharpe` of weekly returns (year of 52.18 weeks, no interest), `drawdown` on daily, `weekly_drawdown` on
    weekly closes (negative fractions), `growth` a year (fraction); of the regime also `switches` a year and `cash`, the
    mean share out of the market."""

    sharpe: float
    drawdown: float
    weekly_drawdown: float
    growth: float
    switches: float = 0.0
    cash: float = 0.0


@dataclass(frozen=True)
class Interval:
    """Fifth, fiftieth and ninety-fifth percentile."""

    low: float
    middle: float
    high: float


@dataclass(frozen=True)
class Study:
    """`rows` (name -> performance over the whole span), `periods` (period -> name -> performance), `neighbours`
    (change -> performance of the regime), `passing` (share of neighbours within the goals), `bootstrap` (figure ->
    interval of regime minus twin), `tails` (what the regime did on the twin's best and worst days)."""

    rows: dict[str, Performance]
    periods: dict[str, dict[str, Performance]]
    neighbours: dict[str, Performance]
    passing: float
    bootstrap: dict[str, Interval]
    tails: dict[str, float]


def study(panel: Panel, *, start: pd.Timestamp, end: pd.Timestamp, rules: RegimeRules | None = None) -> Study:
    """The robustness of `rules` over [start, end] against the passive twin, everything net of cost and lagged.

    A neighbour passes with the goals of the project: worst fall at most 60 % of the twin's, Sharpe at least the twin's,
    at most 12 switches a year. Deterministic. Raises ValueError where the span holds under a year of the twin.
    """
    rules = rules or RegimeRules()
    held = members(panel, rules)
    twin = twin_return(panel, held, rules)
    span = twin.loc[start:end]
    if span.notna().sum() < DAYS_PER_YEAR:
        raise ValueError(f"start, end: {start.date()} to {end.date()} holds under a year of the passive twin")
    share = _share(panel, held, rules)
    followed = {
        "twin": (pd.Series(1.0, index=twin.index), twin),
        "twin x SMA100": _on(_sma100(panel, held, rules), twin, rules),
        "twin x regime": _on(share, twin, rules),
        # Cash alone makes any fall smaller; what timing adds is what the regime has over this row.
        "twin x as much cash": _on(share * 0 + share.loc[start:end].mean(), twin, rules),
    }
    periods: dict[str, dict[str, Performance]] = {}
    for name, first, last in _periods(start, end):
        periods[name] = {what: _performance(s, r, first, last) for what, (s, r) in followed.items()}
    rows = {what: _performance(s, r, start, end) for what, (s, r) in followed.items()}
    neighbours = {
        change: _performance(*_on(_share(panel, held, other), twin, other), start, end)
        for change, other in neighbourhood(rules)
    }
    goal = rows["twin"]
    good = [
        n.drawdown >= 0.6 * goal.drawdown and n.sharpe >= goal.sharpe and n.switches <= 12
        for n in neighbours.values()
    ]
    net = followed["twin x regime"][1].loc[start:end]
    return Study(
        rows=rows,
        periods=periods,
        neighbours=neighbours,
        passing=float(np.mean(good)),
        bootstrap=bootstrap(span.fillna(0.0), net.fillna(0.0)),
        tails=tails(exposure(share, rules).loc[start:end], span.fillna(0.0)),
    )


def neighbourhood(rules: RegimeRules) -> Iterator[tuple[str, RegimeRules]]:
    """Each number of the signal 20 % lower and higher, all windows together as well, and every other deciding day."""
    for factor in (1 - NEIGHBOUR, 1 + NEIGHBOUR):
        sign = f"{factor - 1:+.0%}"
        trend = tuple(round(days * factor) for days in rules.trend_days)
        for at, days in enumerate(trend):
            one = (*rules.trend_days[:at], days, *rules.trend_days[at + 1 :])
            yield f"trend {rules.trend_days[at]} {sign}", replace(rules, trend_days=one)
        windows = {name: round(getattr(rules, name) * factor) for name in ("breadth_days", "volatility_days")}
        for name, days in windows.items():
            yield f"{name.replace('_', ' ')} {sign}", replace(rules, **{name: days})
        yield f"all windows {sign}", replace(rules, trend_days=trend, **windows)
        for name in ("breadth_share", "volatility_target"):
            yield f"{name.replace('_', ' ')} {sign}", replace(rules, **{name: getattr(rules, name) * factor})
        near = min(max(rules.move_at * factor, STEP / 2), STEP)
        yield f"move at {sign}", replace(rules, move_at=near)
    for weekday in range(7):
        if weekday != rules.weekday:
            yield (
                f"decided on {('Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun')[weekday]}",
                replace(rules, weekday=weekday),
            )


def performance(returns: pd.Series) -> Performance:
    """Performance of daily `returns` [date]; weeks end on Sunday. A Sharpe of returns that do not move is zero."""
    value = (1 + returns).to_numpy().cumprod()
    weekly = _weekly(returns)
    spread = float(weekly.std(ddof=1)) if len(weekly) > 1 else 0.0
    return Performance(
        sharpe=float(weekly.mean() / spread * np.sqrt(WEEKS_PER_YEAR)) if spread > 0 else 0.0,
        drawdown=float(worst_fall(value)[-1]),
        weekly_drawdown=float(worst_fall((1 + weekly).cumprod())[-1]),
        growth=float(value[-1] ** (DAYS_PER_YEAR / len(returns)) - 1),
    )


def bootstrap(twin: pd.Series, followed: pd.Series, *, seed: int = SEED) -> dict[str, Interval]:
    """Regime minus twin over resampled histories: circular blocks of 8 weeks drawn alike for both, 2,000 times.

    `sharpe`, `growth` (a year) and `weekly_drawdown` (positive where the regime fell less). Source: Politis & Romano
    (1992), circular block bootstrap.
    """
    first, second = _weekly(twin), _weekly(followed)
    weeks = len(first)
    draw = np.random.default_rng(seed)
    starts = draw.integers(0, weeks, size=(BOOTSTRAPS, -(-weeks // BLOCK_WEEKS)))
    rows = ((starts[:, :, None] + np.arange(BLOCK_WEEKS)) % weeks).reshape(BOOTSTRAPS, -1)[:, :weeks]
    before, after = _figures(first[rows]), _figures(second[rows])
    return {name: _interval(after[name] - before[name]) for name in before}


def tails(held: pd.Series, market: pd.Series) -> dict[str, float]:
    """Mean exposure on the ten best and the ten worst days of `market`, and the share of the sums of all rises and of
    all falls that was not held (fractions)."""
    order = np.argsort(market.to_numpy(), kind="stable")
    share, move = held.to_numpy(), market.to_numpy()
    rise, fall = np.clip(move, 0, None), np.clip(move, None, 0)
    return {
        "exposure_best_days": float(share[order[-TAIL_DAYS:]].mean()),
        "exposure_worst_days": float(share[order[:TAIL_DAYS]].mean()),
        "upside_missed": float(((1 - share) * rise).sum() / rise.sum()) if rise.any() else 0.0,
        "loss_avoided": float(((1 - share) * fall).sum() / fall.sum()) if fall.any() else 0.0,
    }


def document(result: Study) -> dict[str, object]:
    """The study as plain numbers and names, ready for JSON."""
    return asdict(result)


def _share(panel: Panel, held: Members, rules: RegimeRules) -> pd.Series:
    state = readings(panel, held, rules, watched=False)
    return pd.Series(shares(panel.dates, wish(state, rules), rules)[0], index=panel.dates)


def _sma100(panel: Panel, held: Members, rules: RegimeRules) -> pd.Series:
    # The baseline of the project: all in above the mean of 100 days, all out below, looked at once a week.
    trend = readings(panel, held, replace(rules, trend_days=(100,)), watched=False)["trend_100"]
    wanted: Array = np.where(trend.isna(), np.nan, (trend > 0).astype(float))
    return pd.Series(shares(panel.dates, wanted, rules)[0], index=panel.dates)


def _on(share: pd.Series, twin: pd.Series, rules: RegimeRules) -> tuple[pd.Series, pd.Series]:
    return share, overlaid(share, twin, rules)[0]


def _performance(share: pd.Series, net: pd.Series, start: pd.Timestamp, end: pd.Timestamp) -> Performance:
    part, moved = net.loc[start:end].fillna(0.0), share.loc[start:end]
    switches = float((moved.diff().abs() > 0).sum()) / (len(part) / DAYS_PER_YEAR)
    return replace(performance(part), switches=switches, cash=float(1 - moved.mean()))


def _periods(start: pd.Timestamp, end: pd.Timestamp) -> Iterator[tuple[str, pd.Timestamp, pd.Timestamp]]:
    for year in range(start.year, end.year + 1):
        first, last = max(start, pd.Timestamp(year, 1, 1)), min(end, pd.Timestamp(year, 12, 31))
        if (last - first).days > 4 * DWELL_DAYS:
            yield str(year), first, last


def _weekly(returns: pd.Series) -> Array:
    week = pd.DatetimeIndex(returns.index).to_period("W-SUN")
    value = np.log1p(returns).groupby(week).sum()
    return np.expm1(value.to_numpy(dtype=np.float64))


def _figures(weekly: npt.NDArray[np.float64]) -> dict[str, Array]:
    # [history x week] -> one figure per history
    value = (1 + weekly).cumprod(axis=1)
    peak = np.maximum(np.maximum.accumulate(value, axis=1), 1.0)
    spread = weekly.std(axis=1, ddof=1)
    mean = weekly.mean(axis=1)
    return {
        "sharpe": np.divide(mean, spread, out=np.zeros_like(mean), where=spread > 0)
        * np.sqrt(WEEKS_PER_YEAR),
        "growth": value[:, -1] ** (WEEKS_PER_YEAR / weekly.shape[1]) - 1,
        "weekly_drawdown": (value / peak - 1).min(axis=1),
    }


def _interval(values: Array) -> Interval:
    low, middle, high = np.percentile(values, [5, 50, 95])
    return Interval(low=float(low), middle=float(middle), high=float(high))
