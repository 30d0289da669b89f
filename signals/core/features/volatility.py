"""Volatility and tails: how far prices move, and how badly they have gone wrong. Annual figures are over 365 days."""

from __future__ import annotations

from functools import partial

import numpy as np

from signals.core.features.block import Block
from signals.core.features.registry import declare
from signals.core.features.rolling import EMA_ROWS, Series, combined, lagged, positive, ratio
from signals.core.features.shapes import falls, smallest
from signals.core.panel import Array

feature = partial(declare, "volatility")
YEAR = np.sqrt(365.0)
PEAK_ROWS = 1460
"""Four years, about one cycle of the market: how far back a peak is looked for where no window is named."""
PEAK_LEAST = 30
GARCH_ROWS = 180
GARCH_MEMORY = 128
GARCH_GRID = tuple((alpha, beta) for beta in (0.70, 0.82, 0.90) for alpha in (0.04, 0.09))


@feature("vol_{0}d", each=(7, 30, 90, 180), inputs="close", window=lambda k: k + 1, unit="per year")
def vol(b: Block, k: int) -> Array:
    """Standard deviation of log returns over {0} days × √365. Source: standard definition."""
    return b.ret.sd(k) * YEAR


@feature("ewma_vol_94", inputs="close", window=EMA_ROWS + 1, unit="per year")
def ewma_vol(b: Block) -> Array:
    """√(exponential mean of r², decay 0.94) × √365. Source: J.P. Morgan/Reuters, RiskMetrics (1996)."""
    return np.sqrt(b.ret.squares().decayed(0.94, 30)) * YEAR


def _range(b: Block) -> Series:
    """Squared log of high over low."""

    def make() -> Series:
        reach = b.log_high.x - b.log_low.x
        reach *= reach
        return Series(reach, like=(b.close, b.high))

    return b.once("range", make)


def _day(b: Block) -> Series:
    """Log of close over open."""
    return b.once("day", lambda: Series(b.log_close.x - b.log_open.x, like=(b.close, b.open)))


@feature("parkinson_30", inputs="high low", window=30, unit="per year")
def parkinson(b: Block) -> Array:
    """√(mean ln(h/l)² of 30 days / (4 ln 2)) × √365. Source: Parkinson (1980)."""
    return np.sqrt(_range(b).mean(30)) * (YEAR / np.sqrt(4 * np.log(2)))


@feature("garman_klass_30", inputs="open high low close", window=30, unit="per year")
def garman_klass(b: Block) -> Array:
    """√(mean of ½ ln(h/l)² − (2 ln 2 − 1) ln(c/o)² over 30 days) × √365. Source: Garman & Klass (1980)."""
    day = 0.5 * _range(b).x - (2 * np.log(2) - 1) * _day(b).squares().x
    # Days whose high lies under their close make it negative: it is not one, and its root is missing.
    return np.sqrt(Series(day, like=(b.close,)).mean(30)) * YEAR


@feature("yang_zhang_30", inputs="open high low close", window=31, unit="per year")
def yang_zhang(b: Block) -> Array:
    """√(var(ln o/c[−1]) + k · var(ln c/o) + (1 − k) · mean(ln(h/c) ln(h/o) + ln(l/c) ln(l/o))) × √365 over 30 days,
    k = 0.34 / (1.34 + 31/29). Source: Yang & Zhang (2000)."""
    high, low, close, first = b.log_high.x, b.log_low.x, b.log_close.x, b.log_open.x
    path = (high - first) * (high - close)
    path += (low - first) * (low - close)
    share = 0.34 / (1.34 + 31 / 29)
    night = Series(combined(np.subtract, first, close, 1), like=(b.ret,)).variance(30)
    mean = Series(path, like=(b.close,)).mean(30)
    return np.sqrt(night + share * _day(b).variance(30) + (1 - share) * mean) * YEAR


@feature("atr_14_pct", inputs="high low close", window=EMA_ROWS + 1, unit="fraction of price")
def atr(b: Block) -> Array:
    """Wilder mean of the true range over 14 days / c. Source: Wilder (1978)."""
    return b.true_range.wilder(14) / b.close.x


@feature("downside_dev_90", inputs="close", window=91, unit="per year")
def downside_dev(b: Block) -> Array:
    """√(mean of min(r, 0)² over 90 days) × √365. Source: Sortino & van der Meer (1991)."""
    return np.sqrt(b.loss.squares().mean(90)) * YEAR


@feature("updown_ratio_90", inputs="close", window=91, unit="ratio")
def updown_ratio(b: Block) -> Array:
    """√(mean of max(r, 0)²) / √(mean of min(r, 0)²) over 90 days. Source: Bollerslev, Li & Zhao (2020)."""
    return np.sqrt(ratio(b.gain.squares().mean(90), b.loss.squares().mean(90)))


def _moments(b: Block) -> tuple[Array, Array, Array]:
    def make() -> tuple[Array, Array, Array]:
        square = b.ret.squares()
        first, second = b.ret.mean(60), square.mean(60)
        third = Series(square.x * b.ret.x, known_as=b.ret).mean(60)
        fourth = Series(square.x * square.x, known_as=b.ret).mean(60)
        spread = b.ret.variance(60, ddof=0)
        twice = first * first
        cubed = third - first * (3 * second - 2 * twice)
        return spread, cubed, fourth - 4 * first * third + twice * (6 * second - 3 * twice)

    return b.once("moments", make)


@feature("skew_60", inputs="close", window=61, unit="ratio")
def skew(b: Block) -> Array:
    """Mean of (r − mean)³ / sd³ over 60 days. Source: standard definition."""
    spread, cubed, _ = _moments(b)
    return ratio(cubed, spread * np.sqrt(spread))


@feature("kurt_60", inputs="close", window=61, unit="ratio")
def kurt(b: Block) -> Array:
    """Mean of (r − mean)⁴ / sd⁴ − 3 over 60 days. Source: standard definition."""
    spread, _, fourth = _moments(b)
    return ratio(fourth, spread * spread) - 3


def _tail(b: Block) -> tuple[Array, Array]:
    def make() -> tuple[Array, Array]:
        low = smallest(b.ret, 90, 6)
        place = 0.05 * (b.ret.number(90) - 1.0)
        deep = place >= 4  # at least 68 and at most 90 returns: the quantile lies in places 3 to 5
        place -= np.where(deep, 4.0, 3.0)
        under, above = np.where(deep, low[4], low[3]), np.where(deep, low[5], low[4])
        total = low[0] + low[1] + low[2] + low[3]
        mean = np.where(deep, (total + low[4]) / 5, total / 4)
        mean += b.ret.there.gap(90)
        above -= under
        above *= place
        above += under
        return above, mean

    return b.once("tail", make)


@feature("var95_90", inputs="close", window=91, unit="log return")
def var95(b: Block) -> Array:
    """5 % quantile of the log returns of 90 days, between neighbours in proportion. Source: Hyndman &
    Fan (1996), type 7."""
    return _tail(b)[0]


@feature("cvar95_90", inputs="close", window=91, unit="log return")
def cvar95(b: Block) -> Array:
    """Mean of the ⌊0.05 (n − 1)⌋ + 1 smallest of the n log returns of 90 days. Source: Rockafellar & Uryasev (2000)."""
    return _tail(b)[1]


@feature("mdd_{0}", each=(90, 364), inputs="close", window=lambda k: k, unit="fraction")
def mdd(b: Block, k: int) -> Array:
    """Deepest fall of c from an earlier peak within {0} days, at most 0. Source: Magdon-Ismail & Atiya (2004)."""
    fall = b.once("falls", lambda: falls(b.log_close)).over(k)[2]
    return np.expm1(fall + b.close.there.gap(k))


@feature("drawdown_now", inputs="close", window=PEAK_ROWS, unit="fraction")
def drawdown_now(b: Block) -> Array:
    """c / highest close of up to 1,460 days − 1, from the 30th known close on. Source: standard definition."""
    if b.last:
        close = b.close.x[-PEAK_ROWS:]
        enough = (~np.isnan(close)).sum(axis=0) >= PEAK_LEAST
        return np.where(enough, close[-1:] / np.fmax.reduce(close, axis=0) - 1, np.nan)
    return b.close.x / b.close.max(PEAK_ROWS, least=PEAK_LEAST) - 1


@feature("ulcer_90", inputs="close", window=179, unit="fraction")
def ulcer(b: Block) -> Array:
    """√(mean over 90 days of (c / highest close of 90 days − 1)²). Source: Martin & McCann (1989)."""
    fall = b.close.x / b.close.max(90)
    fall -= 1
    fall *= fall
    return np.sqrt(Series(fall).mean(90))


@feature("vol_of_vol_90", inputs="close", window=97, unit="per year")
def vol_of_vol(b: Block) -> Array:
    """Standard deviation over 90 days of vol_7d. Source: Baltussen, van Bekkum & van der Grient (2018)."""
    return Series(b.ret.sd(7) * YEAR).sd(90)


@feature("vol_ratio_7_90", inputs="close", window=91, unit="ratio")
def vol_ratio(b: Block) -> Array:
    """vol_7d / vol_90d. Source: standard definition."""
    return ratio(b.ret.sd(7), b.ret.sd(90))


@feature("jump_share_90", inputs="close", window=91, unit="share")
def jump_share(b: Block) -> Array:
    """1 − (π/2 · mean |r| |r[−1]|) / mean r² over 90 days. Source: Barndorff-Nielsen & Shephard (2004)."""
    smooth = Series(combined(np.multiply, b.size.x, b.size.x, 1))
    # One fewer: the window of 91 closes holds 90 returns and 89 pairs of neighbours.
    return 1 - np.pi / 2 * ratio(smooth.mean(89), b.ret.squares().mean(90))


@feature("garch_fcst_7d", inputs="close", window=2 * GARCH_ROWS + 1, unit="per year")
def garch_forecast(b: Block) -> Array:
    """√(mean variance forecast of the next 7 days) × √365 by GARCH(1,1): long-run variance from 180 days, (α, β) the
    likeliest of a grid of six on the last 180 days' one-day-ahead forecasts, chosen anew every day from the past
    alone. Source: Bollerslev (1986); variance targeting by Engle & Mezrich (1996)."""
    square = b.ret.squares()
    # A forecast is judged by the days after it: for the last row alone, as many rows as are judged will do.
    recent = slice(-GARCH_ROWS - 1 if b.last else None, None)
    base = positive(square.mean(GARCH_ROWS)[recent])
    best = np.full_like(base, np.inf)
    forecast = np.full_like(base, np.nan)
    counted: Series | None = None
    for alpha, beta in GARCH_GRID:
        kept = alpha + beta
        ahead = square.decayed(beta, 30, rows=GARCH_MEMORY)[recent] * (alpha / (1 - beta))
        ahead += (1 - kept) / (1 - beta) * base
        before = lagged(ahead, 1)
        cost = square.x[recent] / before
        cost += np.log(before)
        # The same days are known at every grid point, so sums can be compared.
        series = Series(cost, known_as=counted)
        if counted is None:
            counted = series
            gap = counted.there.gap(GARCH_ROWS, least=GARCH_ROWS // 2)
        total = series.sum(GARCH_ROWS) + gap
        better = total < best
        week = (1 - kept**7) / (7 * (1 - kept))
        ahead -= base
        ahead *= week
        ahead += base
        np.copyto(forecast, ahead, where=better)
        np.fmin(best, total, out=best)
    return np.sqrt(forecast) * YEAR
