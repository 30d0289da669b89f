"""Liquidity: how much is traded, and what trading costs."""

from __future__ import annotations

from functools import partial

import numpy as np

from signals.core.features.block import Block
from signals.core.features.registry import declare
from signals.core.features.rolling import Series, combined, lagged, positive, ratio
from signals.core.features.shapes import Lines
from signals.core.panel import Array

feature = partial(declare, "liquidity")
STALE_USD = 10_000.0
"""A day with less volume than this is stale."""
DAY_SHARE = 0.05
"""The share of a day's volume that can be traded without being the market."""


@feature("log_dvol_30", inputs="volume", window=30, unit="ln USD")
def log_dvol(b: Block) -> Array:
    """ln of the mean volume of 30 days (PRCVOL). Source: Chordia, Subrahmanyam & Anshuman (2001)."""
    return np.log(positive(b.volume.mean(30)))


@feature("std_dvol_30", inputs="volume", window=30, unit="ln USD")
def std_dvol(b: Block) -> Array:
    """ln of the standard deviation of volume over 30 days (STDPRCVOL). Source: Chordia, Subrahmanyam & Anshuman
    (2001)."""
    return np.log(positive(b.volume.sd(30)))


@feature("turnover_{0}", each=(7, 30), inputs="volume cap", window=lambda k: k, unit="share of cap per day")
def turnover(b: Block, k: int) -> Array:
    """Mean of v / m over {0} days. Source: Datar, Naik & Radcliffe (1998)."""
    return b.turnover.mean(k)


@feature("turnover_sd_30", inputs="volume cap", window=30, unit="share of cap per day")
def turnover_sd(b: Block) -> Array:
    """Standard deviation of v / m over 30 days. Source: Chordia, Subrahmanyam & Anshuman (2001)."""
    return b.turnover.sd(30)


@feature("amihud_{0}", each=(30, 90), inputs="close volume", window=lambda k: k + 1, unit="per million USD")
def amihud(b: Block, k: int) -> Array:
    """Mean over {0} days of |r| / (v / 10⁶), days without volume left out. Source: Amihud (2002)."""
    return b.once("amihud", lambda: Series(1e6 * b.size.x / positive(b.volume.x), like=(b.ret,))).mean(k)


@feature("spread_cs_30", inputs="high low", window=31, unit="fraction")
def spread_cs(b: Block) -> Array:
    """Mean over 30 days of max(2 (eᵃ − 1) / (1 + eᵃ), 0), a = (√2β − √β) / (3 − 2√2) − √(γ / (3 − 2√2)), β the sum
    of ln(h/l)² of two days, γ = ln(h/l)² of the two as one. Source: Corwin & Schultz (2012)."""
    high, low = b.log_high.x, b.log_low.x
    day = high - low
    day *= day
    beta = combined(np.add, day, day, 1)
    gamma = combined(np.maximum, high, high, 1)
    gamma -= combined(np.minimum, low, low, 1)
    np.abs(gamma, out=gamma)
    scale = 3 - 2 * np.sqrt(2)
    # gamma is the root already: the range of two days, squared nowhere but in the formula.
    a = (np.sqrt(2) - 1) / scale * np.sqrt(beta) - gamma / np.sqrt(scale)
    a /= 2
    return Series(np.maximum(2 * np.tanh(a), 0.0), like=(b.ret,)).mean(30)


@feature("spread_ar_30", inputs="high low close", window=31, unit="fraction")
def spread_ar(b: Block) -> Array:
    """Mean over 30 days of √max(4 (p − e)(p − e′), 0): p yesterday's ln c, e and e′ the middles of yesterday's and
    today's ln h and ln l. Source: Abdi & Ranaldo (2017), two-day correction."""
    middle = (b.log_high.x + b.log_low.x) / 2
    price = b.log_close.lag(1)
    gap = (price - lagged(middle, 1)) * (price - middle)
    return Series(2 * np.sqrt(np.maximum(gap, 0.0)), like=(b.ret,)).mean(30)


@feature("spread_roll_30", inputs="close", window=32, unit="fraction")
def spread_roll(b: Block) -> Array:
    """2 √max(−cov(r, r[−1]), 0) over 30 days. Source: Roll (1984)."""
    product = Series(combined(np.multiply, b.ret.x, b.ret.x, 1))
    there = product.there.gap(1)
    now, before = Series(b.ret.x + there, known_as=product), Series(b.ret.lag(1) + there, known_as=product)
    number = product.number(30)
    covariance = (product.sum(30) - now.sum(30) * before.sum(30) / number) / (number - 1)
    return 2 * np.sqrt(np.maximum(-covariance, 0.0))


@feature("zero_ret_share_30", inputs="close", window=31, unit="share")
def zero_ret_share(b: Block) -> Array:
    """Share of 30 days whose close equals the one before. Source: Lesmond, Ogden & Trzcinka (1999)."""
    same = np.zeros(b.close.x.shape)
    same[1:] = b.close.x[1:] == b.close.x[:-1]
    return Series(same + b.ret.there.gap(1), known_as=b.ret).mean(30)


@feature("stale_days_30", inputs="volume", window=30, unit="share")
def stale_days(b: Block) -> Array:
    """Share of 30 days with a volume under 10,000 USD. Source: Bellwether."""
    stale = (b.volume.x < STALE_USD).astype(np.float64)
    return Series(stale + b.volume.there.gap(1), known_as=b.volume).mean(30)


@feature("vol_shock_7_90", inputs="volume", window=90, unit="ratio")
def vol_shock(b: Block) -> Array:
    """Mean volume of 7 days / mean volume of 90 days. Source: Gervais, Kaniel & Mingelgrin (2001)."""
    return ratio(b.volume.mean(7), b.volume.mean(90))


@feature("vol_trend_90", inputs="volume", window=90, unit="per day")
def vol_trend(b: Block) -> Array:
    """Slope of ln v on time over 90 days, days without volume left out. Source: ordinary least squares."""
    return Lines(Series(np.log(positive(b.volume.x)), like=(b.volume,))).over(90)[0]


@feature("capacity_days_1m", inputs="volume", window=30, unit="days")
def capacity_days(b: Block) -> Array:
    """1,000,000 USD / (5 % of the mean volume of 30 days): days to trade a million. Source: Bellwether."""
    return 1e6 / (DAY_SHARE * positive(b.volume.mean(30)))
