"""Published timing rules, rebuilt: bitcoin's moving averages (R12) and the Donchian ensemble (R13)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from signals.core.features import compute
from signals.core.features.backdrop import NOT_COUNTED
from signals.core.panel import Array, Panel
from signals.core.regime.ledger import worst_fall
from signals.core.report.gates import Cell, Column, Table
from signals.core.report.material import COST, Mask
from signals.core.validation import annualised_sharpe
from signals.core.validation.newey_west import automatic_lags

BITCOIN = "bitcoin"
DAYS_PER_YEAR = 365
MA_WEEKS = (1, 2, 4, 10, 20)
THEIR_END = pd.Timestamp(2018, 6, 30)
WARM_DAYS = 140
TOP, LEAST_VOLUME, VOLUME_DAYS = 20, 2e6, 30
TARGET, MOST, VOLATILITY_DAYS = 0.25, 2.0, 90
BAND = 0.2
"""A holding is left alone until it is this share away from its target."""
COSTS = (0.001, 0.0025, 0.005)
FIRST_DAY = pd.Timestamp(2015, 1, 1)
YEAR_DAYS = 365


@dataclass(frozen=True)
class Regression:
    """y = a + b x by least squares; `t` of b and `alpha_t` of a by Newey-West."""

    alpha: float
    slope: float
    alpha_t: float
    t: float


def regression(x: Array, y: Array, *, lags: int | None = None) -> Regression:
    """Ordinary least squares of `y` on a constant and `x`; Newey-West errors, Bartlett weights, no correction."""
    design = np.column_stack([np.ones(len(x)), x])
    inverse = np.linalg.inv(design.T @ design)
    beta = inverse @ design.T @ y
    moment = design * (y - design @ beta)[:, None]
    used = automatic_lags(len(x)) if lags is None else lags
    middle = moment.T @ moment
    for lag in range(1, used + 1):
        cross = moment[lag:].T @ moment[:-lag]
        middle += (1.0 - lag / (used + 1.0)) * (cross + cross.T)
    error = np.sqrt(np.diag(inverse @ middle @ inverse))
    return Regression(float(beta[0]), float(beta[1]), float(beta[0] / error[0]), float(beta[1] / error[1]))


def moving_average_held(close: Array, days: int) -> Array:
    """[day] 1 where the close is above its mean of `days` days, else 0; NaN before that mean is known."""
    mean = pd.Series(close).rolling(days, min_periods=days).mean().to_numpy()
    return np.where(np.isnan(mean), np.nan, (close > mean).astype(float))


def followed(held: Array, close: Array, *, lag: int, cost: float) -> Array:
    """[day] Return of holding yesterday's decision (older by `lag`); each change pays `cost` on the day it begins."""
    move = np.zeros(len(close))
    move[1:] = close[1:] / close[:-1] - 1.0
    earning = np.zeros(len(held))
    earning[1 + lag :] = np.nan_to_num(held)[: len(held) - 1 - lag]
    changed = np.abs(np.diff(earning, prepend=0.0))
    return (1.0 + earning * move) * (1.0 - cost * changed) - 1.0


def averages_table(panel: Panel) -> Table | None:
    """R12: each average's Sharpe ratio and fall beside holding bitcoin, to 2018-06 and after; None without it."""
    if BITCOIN not in panel.assets:
        return None
    column = panel.assets.index(BITCOIN)
    close: Array = np.asarray(pd.Series(panel.close[:, column]).ffill(), dtype=np.float64)
    dates = panel.dates
    known = np.flatnonzero(~np.isnan(close))
    if len(known) < WARM_DAYS + YEAR_DAYS:
        return None
    begin = int(known[0]) + WARM_DAYS
    spans = {
        f"to {THEIR_END:%Y-%m}": (dates <= THEIR_END) & (np.arange(len(dates)) >= begin),
        "after": (dates > THEIR_END) & (np.arange(len(dates)) >= begin),
    }
    rows: list[list[Cell]] = []
    for span, inside in spans.items():
        if inside.sum() < YEAR_DAYS:
            continue
        hold = followed(np.ones(len(close)), close, lag=0, cost=0.0)[inside]
        rows.append([span, "hold", _ratio(hold), None, _fall(hold), None, None])
        for weeks in MA_WEEKS:
            held = moving_average_held(close, 7 * weeks)
            plain = followed(held, close, lag=0, cost=0.0)[inside]
            careful = followed(held, close, lag=1, cost=COST)[inside]
            distance = np.log(close / pd.Series(close).rolling(7 * weeks).mean().to_numpy())
            found = _predicts(distance, close, inside)
            rows.append(
                [span, f"{weeks} weeks", _ratio(plain), _ratio(careful), _fall(careful), found.t, found.slope]
            )
    columns = [
        Column("span", "text"),
        Column("average", "text"),
        Column("Sharpe, no delay, no cost"),
        Column("Sharpe, 1 day, 30 bp"),
        Column("max drawdown, 1 day, 30 bp", "percent"),
        Column("t of predicting tomorrow"),
        Column("slope"),
    ]
    note = (
        "Theirs [S15]: ratios of price to 1- to 20-week averages predict daily returns in and out of sample; trading "
        "on them raises the Sharpe ratio over holding (1.8 to 2018-06, from 2010) and shrinks drawdowns. Ours begins "
        "in 2013, without the rise of the first years."
    )
    return Table("R12: bitcoin and its moving averages", columns, rows, note)


def _predicts(distance: Array, close: Array, inside: Mask) -> Regression:
    following = np.full(len(close), np.nan)
    following[:-1] = close[1:] / close[:-1] - 1.0
    usable = inside & ~np.isnan(distance) & ~np.isnan(following)
    return regression(distance[usable], following[usable])


def _ratio(returns: Array) -> float | None:
    return annualised_sharpe(returns, periods_per_year=DAYS_PER_YEAR)


def _fall(returns: Array) -> float:
    return float(worst_fall((1.0 + returns).cumprod())[-1])


def ensemble_targets(panel: Panel) -> tuple[Array, Array, list[str]]:
    """([day x token] target weights, [day x token] returns, tokens) of the ensemble.

    The 20 tokens of largest median volume of 30 days, from $2 M, chosen on the first of each month; each holds the
    share of its nine channels that are long x min(2, 25 % / volatility of 90 days) / 20.
    """
    volume = pd.DataFrame(panel.volume).rolling(VOLUME_DAYS, min_periods=VOLUME_DAYS // 2).median().to_numpy()
    own = np.array([not panel.categories[asset] & NOT_COUNTED for asset in panel.assets], dtype=bool)
    fits = own & ~np.isnan(panel.close) & (volume >= LEAST_VOLUME)
    order = np.argsort(-np.where(fits, volume, -1.0), axis=1, kind="stable")[:, :TOP]
    best = np.zeros(panel.shape, dtype=bool)
    np.put_along_axis(best, order, np.take_along_axis(fits, order, axis=1), axis=1)
    month = panel.dates.to_period("M")
    first = np.maximum.accumulate(np.where(np.r_[True, month[1:] != month[:-1]], np.arange(len(month)), 0))
    chosen = best[first]
    columns = np.flatnonzero(chosen.any(axis=0))
    names = [panel.assets[column] for column in columns]
    state = compute(panel.select(names), ["donchian_ensemble"])["donchian_ensemble"].to_numpy()
    close = pd.DataFrame(panel.close[:, columns]).ffill(limit=7).to_numpy()
    move = np.zeros(close.shape)
    with np.errstate(invalid="ignore", divide="ignore"):
        move[1:] = np.nan_to_num(close[1:] / close[:-1] - 1.0)
        volatility = pd.DataFrame(np.log1p(move)).rolling(VOLATILITY_DAYS).std().to_numpy() * np.sqrt(
            DAYS_PER_YEAR
        )
        size = np.minimum(MOST, TARGET / volatility)
    weights = np.where(chosen[:, columns], np.nan_to_num(state) * np.nan_to_num(size), 0.0) / TOP
    return weights, move, names


def banded(targets: Array, moves: Array, *, lag: int, band: float = BAND) -> tuple[Array, Array]:
    """([day] gross return, [day] amount traded) of daily targets; a holding within `band` of its own is left alone."""
    held = np.zeros(targets.shape[1])
    gross, traded = np.zeros(len(targets)), np.zeros(len(targets))
    for day in range(len(targets)):
        gross[day] = float(held @ moves[day])
        held = held * (1.0 + moves[day]) / (1.0 + gross[day])
        decided = day - lag
        if decided >= 0:
            want = targets[decided]
            trade = np.where((want == 0) | (np.abs(want - held) > band * np.abs(held)), want - held, 0.0)
            traded[day] = float(np.abs(trade).sum())
            held = held + trade
    return gross, traded


def ensemble_table(panel: Panel) -> Table | None:
    """R13: Sharpe ratio, fall, growth and alpha over bitcoin at three costs, without and with a day of delay."""
    inside = np.flatnonzero(panel.dates >= FIRST_DAY)
    if BITCOIN not in panel.assets or len(inside) < YEAR_DAYS:
        return None
    weights, move, _ = ensemble_targets(panel)
    bitcoin = pd.Series(panel.close[:, panel.assets.index(BITCOIN)]).ffill().pct_change(fill_method=None)
    base: Array = np.asarray(bitcoin.fillna(0.0), dtype=np.float64)[inside]
    rows: list[list[Cell]] = []
    for lag, delay in ((0, "none"), (1, "1 day")):
        gross, traded = (values[inside] for values in banded(weights, move, lag=lag))
        for cost in COSTS:
            net = gross - cost * traded
            found = regression(base, net)
            growth = float(np.prod(1.0 + net) ** (DAYS_PER_YEAR / len(net)) - 1.0)
            rows.append(
                [
                    f"{cost * 10_000:.0f} bp",
                    delay,
                    _ratio(net),
                    _fall(net),
                    growth,
                    float(net.std(ddof=1) * np.sqrt(DAYS_PER_YEAR)),
                    found.alpha * DAYS_PER_YEAR,
                    found.alpha_t,
                    float(traded.mean() * 7 / 2),
                ]
            )
    columns = [
        Column("cost", "text"),
        Column("delay", "text"),
        Column("Sharpe"),
        Column("max drawdown", "percent"),
        Column("CAGR", "percent"),
        Column("volatility", "percent"),
        Column("alpha over BTC a year", "percent"),
        Column("t"),
        Column("turnover a week", "percent"),
    ]
    note = (
        "Theirs [S8]: Sharpe ratio above 1.5 net of fees, alpha 10.8 % a year over BTC, 2015 to 2025; max drawdown "
        "19 % in a review [S9]. Ours ends with the archive, so it lacks 2023 to 2025, and its monthly top 20 is drawn "
        "from reported volume; cash earns nothing; a holding is left alone within 20 % of its target."
    )
    return Table(f"R13: Donchian ensemble, from {FIRST_DAY:%Y-%m}", columns, rows, note)
