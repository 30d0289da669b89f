"""Market and beta: how a token moves with the others, and how the market itself stands.

The market's return R is that of all tokens but stablecoins and stand-ins, weighted by the caps of the day before.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from signals.core.features.backdrop import flat_series
from signals.core.features.block import Block, both_betas
from signals.core.features.registry import declare
from signals.core.features.rolling import NO_SPREAD, Series, lagged, positive, without
from signals.core.panel import Array

feature = partial(declare, "market")
shared = partial(declare, "market", shared=True)
YEAR = np.sqrt(365.0)
PEAK_ROWS = 1460
BREADTH_LEAST = 5
"""The breadth and the dispersion of fewer tokens than this say nothing."""
FILTER_ROWS = 250
SCALE_ROWS = 364
# Two states of daily market returns, in units of their past standard deviation: (mean, sd). They are fixed, not
# fitted: calm markets drift up a little at three quarters of the usual risk, stressed ones down at one and a half.
CALM, STRESS = (0.06, 0.75), (-0.12, 1.5)
STAY_CALM, STAY_STRESS = 0.98, 0.95


@feature("beta_mkt_90", inputs="close cap tags", window=92, unit="beta")
def beta_mkt(b: Block) -> Array:
    """Slope of r on R over 90 days. Source: Sharpe (1964)."""
    return b.against("market").beta(90)


@feature("beta_btc_90", inputs="close", window=91, unit="beta")
def beta_btc(b: Block) -> Array:
    """Slope of r on bitcoin's log return over 90 days. Source: Sharpe (1964)."""
    return b.against("bitcoin").beta(90)


@feature("beta_eth_90", inputs="close", window=91, unit="beta")
def beta_eth(b: Block) -> Array:
    """Slope of r on ether's log return over 90 days. Source: Sharpe (1964)."""
    return b.against("ethereum").beta(90)


@feature("downside_beta_180", inputs="close cap tags", window=181, unit="beta")
def downside_beta(b: Block) -> Array:
    """Slope of r on R over those of 180 days on which R < 0, at least 45. Source: Ang, Chen & Xing (2006)."""
    market = b.factor("market")
    fell = np.where(market < 0, 0.0, np.nan)[:, None]
    y = Series(b.ret.x + fell)
    x = Series(y.x * 0.0 + market[:, None], known_as=y)
    squares = x.squares().sum(180)
    number = np.where(y.enough(180, least=45), y.count(180), np.nan)
    xx = squares - x.sum(180) ** 2 / number
    xy = Series(x.x * y.x, known_as=y).sum(180) - x.sum(180) * y.sum(180) / number
    return xy / without(xx, xx <= NO_SPREAD * squares)


@feature("dimson_lag_beta_90", inputs="close cap tags", window=92, unit="beta")
def dimson_beta(b: Block) -> Array:
    """Sum of the slopes of r on R and on R[−1], regressed together over 90 days. Source: Dimson (1979)."""
    now, before = b.against("market"), b.factor("market_before")
    y, x1 = now.y, now.x
    if y.known[np.isnan(before)].any():
        y = Series(y.x + np.where(np.isnan(before), np.nan, 0.0)[:, None])
        x1 = Series(x1.x + y.there.gap(1), known_as=y)
    x2 = Series(y.there.gap(1) + before[:, None], known_as=y)
    first, second = both_betas(y, x1, x2, 90)
    return first + second


@feature("idio_vol_90", inputs="close cap tags", window=91, unit="per year")
def idio_vol(b: Block) -> Array:
    """√(Σ residual² / (n − 2)) × √365 of r on R over 90 days. Source: Ang, Hodrick, Xing & Zhang (2006)."""
    pair = b.against("market")
    xx, xy, yy = pair.moments(90)
    return np.sqrt(np.maximum(yy - xy * xy / xx, 0.0) / (pair.y.number(90) - 2)) * YEAR


@feature("r2_90", inputs="close cap tags", window=91, unit="0 to 1")
def r_squared(b: Block) -> Array:
    """Squared correlation of r and R over 90 days. Source: Roll (1988)."""
    return b.against("market").correlation(90) ** 2


@feature("coskew_180", inputs="close cap tags", window=181, unit="ratio")
def coskew(b: Block) -> Array:
    """Mean(e · x²) / (√mean(e²) · mean(x²)) over 180 days, x = R less its mean, e the residual of r on R. Source:
    Harvey & Siddique (2000)."""
    pair = b.against("market")
    xx, xy, yy = pair.moments(180)
    x, y, number = pair.x, pair.y, pair.y.number(180)
    square = x.squares()
    x1, y1 = x.sum(180) / number, y.sum(180) / number
    x2, x3 = square.sum(180) / number, Series(square.x * x.x, known_as=y).sum(180) / number
    xy1, xxy = pair.xy.sum(180) / number, Series(square.x * y.x, known_as=y).sum(180) / number
    # Central moments E[x²y] and E[x³] from raw ones.
    joint = xxy - 2 * x1 * xy1 - x2 * y1 + 2 * x1 * x1 * y1
    cubed = x3 - 3 * x1 * x2 + 2 * x1 * x1 * x1
    rest = yy - xy * xy / xx
    rest = without(rest, rest <= 1e-9 * yy)
    return (joint - xy / xx * cubed) / (np.sqrt(rest / number) * (xx / number))


@feature("corr_chg_30_180", inputs="close cap tags", window=181, unit="difference")
def corr_change(b: Block) -> Array:
    """Correlation of r and R over 30 days minus that over 180. Source: Bellwether."""
    return b.against("market").correlation(30) - b.against("market").correlation(180)


@feature("sector_mom_28", inputs="close cap tags", window=29, unit="fraction")
def sector_mom(b: Block) -> Array:
    """Return over 28 days of the token's categories, weighted by the caps of 28 days ago; their mean. Source:
    Moskowitz & Grinblatt (1999)."""
    return b.once("sector", lambda: b.cells(b.market.sector_return))


@feature("rel_sector_28", inputs="close cap tags", window=29, unit="fraction")
def rel_sector(b: Block) -> Array:
    """ret_28d − sector_mom_28. Source: Moskowitz & Grinblatt (1999)."""
    return b.change(28) - b.once("sector", lambda: b.cells(b.market.sector_return))


@shared("mkt_vol_30", inputs="close cap tags", window=31, unit="per year")
def mkt_vol(b: Block) -> Array:
    """Standard deviation of R over 30 days × √365. Source: standard definition."""
    return flat_series(b.market.index_return).sd(30)[:, 0] * YEAR


@shared("mkt_drawdown", inputs="close cap tags", window=PEAK_ROWS + 1, unit="fraction")
def mkt_drawdown(b: Block) -> Array:
    """The market's level (R added up) / its highest of up to 1,460 days − 1. Source: standard definition."""
    returns = b.market.index_return
    level = np.cumsum(np.where(np.isnan(returns), 0.0, returns))
    peak = flat_series(level).max(PEAK_ROWS, least=1)[:, 0]
    enough = flat_series(returns).count(PEAK_ROWS)[:, 0] >= 30
    return np.where(enough, np.expm1(level - peak), np.nan)


@shared("breadth_sma50", inputs="close tags", window=50, unit="share")
def breadth(b: Block) -> Array:
    """Share of tokens whose close is above its mean of 50 days. Source: Zaremba, Szyszka,
    Karathanasopoulos & Mikutowski (2021)."""
    number, above = b.market.breadth
    return np.where(number >= BREADTH_LEAST, above / number, np.nan)


@shared("dispersion_28", inputs="close tags", window=29, unit="log return")
def dispersion(b: Block) -> Array:
    """Standard deviation across tokens of ln c / c[−28]. Source: Stivers & Sun (2010)."""
    number, spread = b.market.dispersion
    return np.where(number >= BREADTH_LEAST, spread, np.nan)


@shared("avg_corr_60", inputs="close tags", window=120, unit="−1 to 1")
def avg_corr(b: Block) -> Array:
    """Mean product of two tokens' standardised returns over all pairs / mean square of one, both over 60 days.
    Source: Pollet & Wilson (2010)."""
    pairs, square = b.market.pair_products
    return (flat_series(pairs).mean(60) / positive(flat_series(square).mean(60)))[:, 0]


@shared("btc_dominance_chg_30", inputs="cap tags", window=31, unit="share")
def btc_dominance_change(b: Block) -> Array:
    """Bitcoin's share of Σm minus that of 30 days ago. Source: Bellwether."""
    at = b.market.column("bitcoin")
    if at is None:
        return np.full(len(b.market.dates), np.nan)
    share = positive(b.market.arrays["market_cap"][:, at]) / b.market.total_cap
    return share - lagged(share, 30)


@shared(
    "regime_prob_risk_off", inputs="close cap tags", window=FILTER_ROWS + SCALE_ROWS + 1, unit="probability"
)
def regime_prob_risk_off(b: Block) -> Array:
    """Filtered probability of the stressed one of two states over 250 days of R / its sd of the 364 days before; the
    states are fixed: calm (mean 0.06, sd 0.75, stays with 0.98), stressed (−0.12, 1.5, 0.95). Source: Hamilton
    (1989)."""
    returns = flat_series(b.market.index_return)
    score = returns.x / positive(lagged(returns.sd(SCALE_ROWS), 1))

    def density(state: tuple[float, float]) -> Array:
        mean, spread = state
        return np.exp(-0.5 * ((score - mean) / spread) ** 2) / spread

    likelier = density(STRESS) / density(CALM)
    likelier = np.where(np.isnan(likelier), 1.0, likelier)  # a day without a return tells nothing
    start = (1 - STAY_CALM) / ((1 - STAY_CALM) + (1 - STAY_STRESS))
    chance = np.full_like(score, start)
    for age in range(FILTER_ROWS - 1, -1, -1):
        said = lagged(likelier, age)
        said = np.where(np.isnan(said), 1.0, said)
        chance = chance * STAY_STRESS + (1 - chance) * (1 - STAY_CALM)
        chance = chance * said / (chance * said + 1 - chance)
    return np.where(Series(score).enough(30), chance, np.nan)[:, 0]


@shared("stablecoin_cap_chg_30", inputs="cap tags", window=31, unit="fraction")
def stablecoin_cap_change(b: Block) -> Array:
    """Σm of stablecoins / Σm of 30 days ago − 1, over those known on both dates. Source: Ante, Fiedler & Strehle
    (2021)."""
    cap = positive(b.market.arrays["market_cap"][:, b.market.stable])
    before = lagged(cap, 30)
    both = ~np.isnan(cap) & ~np.isnan(before)
    now, then = np.where(both, cap, 0.0).sum(axis=1), np.where(both, before, 0.0).sum(axis=1)
    return now / positive(then) - 1


@shared("ssr", inputs="cap tags", window=1, unit="ratio")
def stablecoin_supply_ratio(b: Block) -> Array:
    """Bitcoin's market cap / Σm of stablecoins. Source: Schultze-Kraft & Shirakashi (2019),
    Glassnode."""
    at = b.market.column("bitcoin")
    if at is None:
        return np.full(len(b.market.dates), np.nan)
    cap = b.market.arrays["market_cap"]
    stable = cap[:, b.market.stable]
    return positive(cap[:, at]) / positive(np.where(np.isnan(stable), 0.0, stable).sum(axis=1))
