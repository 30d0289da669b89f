"""Trend: where the price stands against its own averages, channels and lines."""

from __future__ import annotations

from functools import partial

import numpy as np

from signals.core.features.block import Block
from signals.core.features.registry import declare
from signals.core.features.rolling import EMA_ROWS, Series, combined, per_flat, ratio, without
from signals.core.features.shapes import Lines, about_mean, age_of_max, event_before, rescaled_range, weighted
from signals.core.panel import Array

feature = partial(declare, "trend")
CHANNELS = (5, 10, 20, 30, 60, 90, 150, 250, 360)
FEWEST_CHANNELS = 5
HURST_ROWS = (10, 20, 45, 90)


@feature("px_sma_{0}", each=(5, 10, 20, 50, 100, 200), inputs="close", window=lambda k: k, unit="fraction")
def px_sma(b: Block, k: int) -> Array:
    """c / mean close of {0} days − 1. Source: Detzel, Liu, Strauss, Zhou & Zhu (2021)."""
    return b.close.x / b.close.mean(k) - 1


@feature(
    "sma_cross_{0}_{1}",
    each=((10, 50), (20, 100), (50, 200)),
    inputs="close",
    window=lambda short, far: far,
    unit="fraction",
)
def sma_cross(b: Block, short: int, far: int) -> Array:
    """Mean close of {0} days / mean close of {1} days − 1. Source: Brock, Lakonishok & LeBaron (1992)."""
    return b.close.mean(short) / b.close.mean(far) - 1


@feature("vol_sma_{0}", each=(5, 20, 50, 200), inputs="volume", window=lambda k: k, unit="fraction")
def vol_sma(b: Block, k: int) -> Array:
    """v / mean volume of {0} days − 1. Source: Fieberg, Liedtke, Poddig, Walker & Zaremba (2025), CTREND."""
    return ratio(b.volume.x, b.volume.mean(k)) - 1


def _macd(b: Block) -> Series:
    return b.once("macd", lambda: Series(b.close.ema(12) - b.close.ema(26), like=(b.close,)))


@feature("macd", inputs="close", window=EMA_ROWS, unit="fraction of price")
def macd(b: Block) -> Array:
    """(EMA12(c) − EMA26(c)) / c. Source: Appel (1979)."""
    return _macd(b).x / b.close.x


@feature("macd_hist", inputs="close", window=2 * EMA_ROWS - 1, unit="fraction of price")
def macd_hist(b: Block) -> Array:
    """(M − EMA9(M)) / c with M = EMA12(c) − EMA26(c). Source: Appel (1979)."""
    return (_macd(b).x - _macd(b).ema(9)) / b.close.x


@feature("volmacd", inputs="volume", window=EMA_ROWS, unit="fraction")
def volmacd(b: Block) -> Array:
    """EMA12(v) / EMA26(v) − 1: MACD of volume, as a share of its slow mean. Source: Fieberg et al. (2025), CTREND."""
    return ratio(b.volume.ema(12), b.volume.ema(26)) - 1


def _rsi(b: Block) -> Series:
    def make() -> Series:
        step = combined(np.subtract, b.close.x, b.close.x, 1)
        up = Series(np.maximum(step, 0.0), known_as=b.ret).wilder(14)
        down = Series(np.maximum(-step, 0.0), known_as=b.ret).wilder(14)
        return Series(100 * ratio(up, up + down))

    return b.once("rsi", make)


@feature("rsi_14", inputs="close", window=EMA_ROWS + 1, unit="0 to 100")
def rsi(b: Block) -> Array:
    """100 · U / (U + D), Wilder means over 14 days of the rises and falls of c. Source: Wilder (1978)."""
    return _rsi(b).x


@feature("stoch_rsi_14", inputs="close", window=EMA_ROWS + 14, unit="0 to 1")
def stoch_rsi(b: Block) -> Array:
    """(RSI14 − its 14-day low) / (its 14-day high − low). Source: Chande & Kroll (1994)."""
    index = _rsi(b)
    low = index.min(14)
    return per_flat(index.x - low, index.max(14) - low, 100.0)


def _stochastic(b: Block) -> Series:
    def make() -> Series:
        low, high = b.low.min(14), b.high.max(14)
        return Series(per_flat(b.close.x - low, high - low, high))

    return b.once("stochastic", make)


@feature("stoch_k_14", inputs="high low close", window=14, unit="0 to 1")
def stoch_k(b: Block) -> Array:
    """(c − L) / (H − L) over the highest high and lowest low of 14 days. Source: Lane (1984)."""
    return _stochastic(b).x


@feature("stoch_d_3", inputs="high low close", window=16, unit="0 to 1")
def stoch_d(b: Block) -> Array:
    """Mean of three days of stoch_k_14. Source: Lane (1984)."""
    return _stochastic(b).mean(3)


@feature("cci_20", inputs="high low close", window=20, unit="index")
def cci(b: Block) -> Array:
    """(p − mean p) / (0.015 · mean |p − mean p|), p = (h + l + c)/3, over 20 days. Source: Lambert (1980)."""
    mean, away = b.typical.mean(20), about_mean(b.typical, 20, np.abs)
    return per_flat(b.typical.x - mean, away, mean) / 0.015


@feature("williams_r_14", inputs="high low close", window=14, unit="−1 to 0")
def williams_r(b: Block) -> Array:
    """−(H − c) / (H − L) over the highest high and lowest low of 14 days. Source: Williams (1973)."""
    return _stochastic(b).x - 1


def _direction(b: Block) -> tuple[Array, Array]:
    def make() -> tuple[Array, Array]:
        rise = combined(np.subtract, b.high.x, b.high.x, 1)
        fall = -combined(np.subtract, b.low.x, b.low.x, 1)
        gap = Series(rise + fall, like=(b.ret,))
        both = gap.there.gap(1)
        up = Series(np.maximum(rise, 0.0) * (rise > fall) + both, known_as=gap)
        down = Series(np.maximum(fall, 0.0) * (fall > rise) + both, known_as=gap)
        reach = b.true_range.wilder(14)
        return 100 * ratio(up.wilder(14), reach), 100 * ratio(down.wilder(14), reach)

    return b.once("direction", make)


@feature("adx_14", inputs="high low close", window=2 * EMA_ROWS, unit="0 to 100")
def adx(b: Block) -> Array:
    """Wilder mean over 14 days of 100 · |+DI − −DI| / (+DI + −DI). Source: Wilder (1978)."""
    up, down = _direction(b)
    return Series(100 * ratio(np.abs(up - down), up + down)).wilder(14)


@feature("di_diff_14", inputs="high low close", window=EMA_ROWS + 1, unit="−100 to 100")
def di_diff(b: Block) -> Array:
    """+DI − −DI: 100 · (Wilder mean of rises of h − that of falls of l) / Wilder mean of the true range, 14 days.
    Source: Wilder (1978)."""
    up, down = _direction(b)
    return up - down


@feature("aroon_osc_25", inputs="high low", window=26, unit="−100 to 100")
def aroon_osc(b: Block) -> Array:
    """100 · (days since the lowest low − days since the highest high) / 25, over 26 rows. Source: Chande (1995)."""
    low = Series(-b.low.x, known_as=b.low)
    return 4 * (age_of_max(low, 26) - age_of_max(b.high, 26))


@feature("donchian_pos_{0}", each=(20, 55, 100), inputs="close", window=lambda k: k, unit="0 to 1")
def donchian_pos(b: Block, k: int) -> Array:
    """(c − lowest) / (highest − lowest) close of {0} days. Source: Donchian (1960)."""
    low, high = b.close.min(k), b.close.max(k)
    return per_flat(b.close.x - low, high - low, high)


@feature("donchian_ensemble", inputs="close", window=2 * CHANNELS[-1] - 1, unit="0 to 1")
def donchian_ensemble(b: Block) -> Array:
    """Share of the channels of 5, 10, 20, 30, 60, 90, 150, 250, 360 days that are long: in at a close equal to the
    channel's high, out at one under the middle of the channel; an entry older than the channel has expired. Over the
    channels known, at least five. Source: Zarattini, Pagani & Barbon (2025)."""
    held = known = np.zeros((1, b.close.x.shape[1]), dtype=np.int8)
    for k in CHANNELS:
        close = b.recent(b.close, 2 * k - 1)
        high, middle = close.max(k), close.min(k)
        there = close.enough(k)
        middle += high
        middle /= 2
        long = event_before(close.x >= high, close.x < middle, k)
        long &= there
        if b.last:
            there, long = there[-1:], long[-1:]
        known, held = known + there, held + long
    share = held / known.astype(np.float64)
    return without(share, known < FEWEST_CHANNELS)


def _half_width(b: Block) -> Array:
    return b.once("bands", lambda: 2 * np.sqrt(about_mean(b.close, 20, np.square)))


@feature("boll_pctb_20", inputs="close", window=20, unit="0 to 1 inside the bands")
def boll_pctb(b: Block) -> Array:
    """(c − lower) / (upper − lower), bands at mean ± 2 sd of 20 closes. Source: Bollinger (2001)."""
    mean, wide = b.close.mean(20), _half_width(b)
    return per_flat(b.close.x - mean + wide, 2 * wide, mean)


@feature("boll_width_20", inputs="close", window=20, unit="fraction")
def boll_width(b: Block) -> Array:
    """(upper − lower) / mean, bands at mean ± 2 sd of 20 closes. Source: Bollinger (2001)."""
    return 2 * _half_width(b) / b.close.mean(20)


def _line(b: Block, k: int) -> tuple[Array, Array, Array]:
    lines = b.once("lines", lambda: Lines(b.log_close))
    return b.once(("line", k), lambda: lines.over(k))


@feature("slope_t_{0}", each=(30, 90), inputs="close", window=lambda k: k, unit="t-value")
def slope_t(b: Block, k: int) -> Array:
    """t of the slope of ln c on time over {0} days. Source: ordinary least squares."""
    return _line(b, k)[1]


@feature("trend_r2_90", inputs="close", window=90, unit="0 to 1")
def trend_r2(b: Block) -> Array:
    """R² of ln c on time over 90 days. Source: ordinary least squares."""
    return _line(b, 90)[2]


@feature("var_ratio_7_90", inputs="close", window=97, unit="ratio")
def var_ratio(b: Block) -> Array:
    """Variance of 7-day log returns / (7 × variance of daily ones), over 90 days. Source: Lo & MacKinlay (1988)."""
    week = b.once("week", lambda: Series(b.log_change(7)))
    return ratio(week.variance(90), 7 * b.ret.variance(90))


@feature("efficiency_30", inputs="close", window=31, unit="0 to 1")
def efficiency(b: Block) -> Array:
    """|ln c / c[−30]| / Σ|r| of 30 days. Source: Kaufman (1995)."""
    return ratio(np.abs(b.log_change(30)), b.size.total(30))


@feature("hurst_180", inputs="close", window=181, unit="exponent")
def hurst(b: Block) -> Array:
    """Slope of mean ln(R/S) on ln n, over whole blocks of n = 10, 20, 45, 90 returns in 180 days. Source: Hurst
    (1951); Mandelbrot & Wallis (1969)."""
    size = np.log(np.array(HURST_ROWS, dtype=np.float64))
    weights = (size - size.mean()) / ((size - size.mean()) ** 2).sum()
    out: Array = np.zeros(1)
    for rows, weight in zip(HURST_ROWS, weights, strict=True):
        # For the last row alone, every block's end is `rows` rows from the next.
        step = rows if b.last else 1
        scores = Series(rescaled_range(b.log_close, b.ret, rows, step))
        out = out + weight * scores.mean(180 // rows, stride=rows // step)[-1 if b.last else 0 :]
    return out


@feature("cmf_20", inputs="high low close volume", window=20, unit="−1 to 1")
def cmf(b: Block) -> Array:
    """Σ(v · ((c − l) − (h − c)) / (h − l)) / Σv over 20 days; a day without range counts zero. Source: Chaikin's
    money flow, standard definition."""
    high, low, close = b.high.x, b.low.x, b.close.x
    spread = high - low
    place = 2 * close - low - high
    place /= spread
    flat = spread == 0
    if flat.any():
        place[flat] = 0.0
    flow = Series(place * b.volume.x, like=(b.close,))
    traded = Series(b.volume.x + flow.there.gap(1), known_as=flow)
    return ratio(flow.total(20), traded.sum(20))


@feature("obv_slope_30", inputs="close volume", window=30, unit="share of a mean day per day")
def obv_slope(b: Block) -> Array:
    """Slope on time of on-balance volume (sign(r) · v added up) over 30 days / mean v of 30 days. Source: Granville
    (1963)."""
    flow = Series(np.sign(b.ret.x) * b.volume.x, like=(b.ret,))
    time = np.arange(30.0)
    away = (time - time.mean()) / ((time - time.mean()) ** 2).sum()
    # The flow of a day is in every later level, and the level before the window in none that matters.
    weights = np.cumsum(away[::-1])
    weights[-1] = 0.0
    return ratio(weighted(flow, weights) + flow.there.gap(30), b.volume.mean(30))


@feature("mfi_14", inputs="high low close volume", window=15, unit="0 to 100")
def mfi(b: Block) -> Array:
    """100 · U / (U + D): p · v of 14 days added up where p = (h + l + c)/3 rose and where it fell. Source: Quong &
    Soudack (1989)."""
    step = combined(np.subtract, b.typical.x, b.typical.x, 1)
    flow = b.typical.x * b.volume.x
    either = Series(flow + step, like=(b.ret,))
    gap = either.there.gap(1)
    up = Series(flow * (step > 0) + gap, known_as=either)
    down = Series(flow * (step < 0) + gap, known_as=either)
    return 100 * ratio(up.total(14), up.sum(14) + down.sum(14))
