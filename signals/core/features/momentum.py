"""Price momentum: what a token did, over days to a year."""

from __future__ import annotations

from functools import partial

import numpy as np

from signals.core.features.block import Block, both_betas
from signals.core.features.registry import declare
from signals.core.features.rolling import Series, combined, lagged, ratio
from signals.core.features.shapes import age_of_max, smallest
from signals.core.panel import Array

feature = partial(declare, "momentum")
BETA_ROWS = 182


@feature(
    "ret_{0}d",
    each=(1, 3, 7, 14, 21, 28, 56, 91, 182, 364),
    inputs="close",
    window=lambda k: k + 1,
    unit="fraction",
)
def ret(b: Block, k: int) -> Array:
    """c / c[−{0}] − 1. Source: Liu, Tsyvinski & Wu (2022)."""
    return b.change(k)


@feature(
    "mom_{0}_{1}",
    each=((28, 7), (182, 28), (364, 28)),
    inputs="close",
    window=lambda far, near: far + 1,
    unit="fraction",
)
def mom(b: Block, far: int, near: int) -> Array:
    """c[−{1}] / c[−{0}] − 1: momentum without the latest {1} days. Source: Jegadeesh & Titman (1993)."""
    change = combined(np.divide, b.close.x, b.close.x, far - near)
    return lagged(change, near) - 1


@feature("mom_accel_28", inputs="close", window=57, unit="fraction")
def mom_accel(b: Block) -> Array:
    """Return of the last 28 days minus that of the 28 days before. Source: Gettleman & Marks (2006)."""
    return combined(np.subtract, b.change(28), b.change(28), 28)


@feature(
    "volscaled_mom_{0}", each=(28, 91), inputs="close", window=lambda k: k + 1, unit="standard deviations"
)
def volscaled_mom(b: Block, k: int) -> Array:
    """(c / c[−{0}] − 1) / (sd of log returns over {0} × √{0}). Source: Moskowitz, Ooi & Pedersen (2012)."""
    return ratio(b.change(k), b.ret.sd(k) * np.sqrt(k))


@feature("resid_mom_{0}", each=(28, 91), inputs="close cap", window=BETA_ROWS + 1, unit="log return")
def resid_mom(b: Block, k: int) -> Array:
    """Sum over {0} days of r − β·R − γ·B: log return less the market's and bitcoin's shares, with β and γ regressed
    over 182 days. Source: Blitz, Huij & Martens (2011)."""

    def betas() -> tuple[Series, Series, Series, Array, Array]:
        market, coin = b.against("market"), b.factor("bitcoin")
        y, x1 = market.y, market.x
        if y.known[np.isnan(coin)].any():
            y = Series(y.x + np.where(np.isnan(coin), np.nan, 0.0)[:, None])
            x1 = Series(x1.x + y.there.gap(1), known_as=y)
        x2 = Series(y.there.gap(1) + coin[:, None], known_as=y)
        return y, x1, x2, *both_betas(y, x1, x2, BETA_ROWS)

    y, x1, x2, first, second = b.once("resid_mom", betas)
    return y.total(k) - first * x1.sum(k) - second * x2.sum(k)


@feature("vw_mom_28", inputs="close volume", window=29, unit="log return")
def vw_mom(b: Block) -> Array:
    """Σ(r·v) / Σv over 28 days: mean daily log return weighted by volume. Source: Huang, Sangiorgi &
    Urquhart (2024)."""
    moved = Series(b.ret.x * b.volume.x, like=(b.ret,))
    traded = Series(b.volume.x + moved.there.gap(1), known_as=moved)
    return ratio(moved.total(28), traded.sum(28))


@feature("sign_consistency_28", inputs="close", window=29, unit="share")
def sign_consistency(b: Block) -> Array:
    """(share of days up − share of days down) × sign of the return over 28 days. Source: Da, Gurun & Warachka
    (2014)."""
    return Series(np.sign(b.ret.x), known_as=b.ret).mean(28) * np.sign(b.change(28))


@feature("max_ret_{0}d", each=(7, 30), inputs="close", window=lambda k: k + 1, unit="log return")
def max_ret(b: Block, k: int) -> Array:
    """Largest daily log return of {0} days. Source: Bali, Cakici & Whitelaw (2011)."""
    return b.ret.max(k)


@feature("min_ret_30d", inputs="close", window=31, unit="log return")
def min_ret(b: Block) -> Array:
    """Smallest daily log return of 30 days. Source: Bali, Cakici & Whitelaw (2011)."""
    return b.ret.min(30)


@feature("max5_avg_30d", inputs="close", window=31, unit="log return")
def max5_avg(b: Block) -> Array:
    """Mean of the five largest daily log returns of 30 days. Source: Bali, Cakici & Whitelaw (2011)."""
    low = smallest(Series(-b.ret.x, known_as=b.ret), 30, 5, ordered=False)
    total = low[0] + low[1] + low[2] + low[3] + low[4]
    total /= -5
    total += b.ret.there.gap(30)
    return total


@feature("dist_high_{0}", each=(91, 364), inputs="close", window=lambda k: k, unit="fraction")
def dist_high(b: Block, k: int) -> Array:
    """c / highest close of {0} days − 1. Source: George & Hwang (2004)."""
    return b.close.x / b.close.max(k) - 1


@feature("dist_low_364", inputs="close", window=364, unit="fraction")
def dist_low(b: Block) -> Array:
    """c / lowest close of 364 days − 1. Source: after George & Hwang (2004), who measure from the high."""
    return b.close.x / b.close.min(364) - 1


@feature("days_since_high_364", inputs="close", window=364, unit="days")
def days_since_high(b: Block) -> Array:
    """Days since the highest close of 364 days, the latest where equal. Source: Bhootra & Hur (2013)."""
    return age_of_max(b.close, 364)


@feature("lt_reversal_364_182", inputs="close", window=365, unit="fraction")
def lt_reversal(b: Block) -> Array:
    """−(c[−182] / c[−364] − 1). Source: De Bondt & Thaler (1985)."""
    return -lagged(b.change(182), 182)
