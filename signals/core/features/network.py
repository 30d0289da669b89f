"""On-chain network: who uses a chain, what moves on it, what it cost its holders. Coin Metrics' metrics by their names.

Exchange flows are left out on purpose: vendors label addresses later and revise the past, so what a history shows today
was not known then. A metric stands in the row of the day after the one that it counts.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from signals.core.features.block import Block
from signals.core.features.observing import observed_feature, of_tokens, positive_of_tokens
from signals.core.features.rolling import Series, lagged, ratio
from signals.core.panel import Array

feature = partial(observed_feature, "network")

WEEK = 7
"""Counts of one day are noise and weekdays differ: growth is that of a mean of seven days."""
YEAR = 365


def _growth(b: Block, metric: str, k: int) -> Array:
    week = b.once(("week", metric), lambda: of_tokens(b, metric).mean(WEEK))
    return ratio(week, lagged(week, k)) - 1


def _z_score(x: Array, rows: int) -> Array:
    series = Series(x)
    return (x - series.mean(rows)) / np.where(series.variance(rows) > 0, series.sd(rows), np.nan)


@feature("log_active_addr", inputs="onchain", needs="AdrActCnt", window=1, unit="ln addresses")
def log_active_addr(b: Block) -> Array:
    """ln AdrActCnt. Source: Metcalfe's law; Cong, Karolyi, Tang & Zhao (2022), C-5."""
    return np.log(positive_of_tokens(b, "AdrActCnt").x)


@feature(
    "addr_growth_{0}", each=(30, 90), inputs="onchain", needs="AdrActCnt", window=lambda k: k + WEEK, unit="fraction"
)  # fmt: skip
def addr_growth(b: Block, k: int) -> Array:
    """a / a[−{0}] − 1, a the mean AdrActCnt of 7 days. Source: Cong, Karolyi, Tang & Zhao (2022), C-5."""
    return _growth(b, "AdrActCnt", k)


@feature("addr_per_mcap", inputs="onchain cap", needs="AdrActCnt", window=1, unit="addresses per USD")
def addr_per_mcap(b: Block) -> Array:
    """AdrActCnt / m. Source: Liebi (2020), address-to-market value."""
    return positive_of_tokens(b, "AdrActCnt").x / b.cap.x


@feature("tx_growth_30", inputs="onchain", needs="TxCnt", window=30 + WEEK, unit="fraction")
def tx_growth(b: Block) -> Array:
    """a / a[−30] − 1, a the mean TxCnt of 7 days. Source: Liu & Tsyvinski (2021), network factors."""
    return _growth(b, "TxCnt", 30)


@feature("transfer_growth_30", inputs="onchain", needs="TxTfrCnt", window=30 + WEEK, unit="fraction")
def transfer_growth(b: Block) -> Array:
    """a / a[−30] − 1, a the mean TxTfrCnt of 7 days. Source: Liu & Tsyvinski (2021), network factors."""
    return _growth(b, "TxTfrCnt", 30)


def _turned(b: Block) -> Series:
    """Share of the cap that moved on the day: 1 / NVTAdj."""
    return b.once("turned", lambda: Series(1 / positive_of_tokens(b, "NVTAdj").x))


def _nvt_90(b: Block) -> Array:
    return b.once("nvt_90", lambda: 1 / _turned(b).mean(90))


@feature("nvt_90", inputs="onchain", needs="NVTAdj", window=90, unit="days")
def nvt_90(b: Block) -> Array:
    """1 / mean of 1/NVTAdj over 90 days: market cap over the value that a day transfers. Source: Kalichkin (2018), NVT
    signal; Coin Metrics NVTAdj90."""
    return _nvt_90(b)


@feature("nvt_z_364", inputs="onchain", needs="NVTAdj", window=364 + 89, unit="z")
def nvt_z(b: Block) -> Array:
    """(n − mean of 364 days) / sd of 364 days, n = nvt_90. Source: Kalichkin (2018), NVT signal."""
    return _z_score(_nvt_90(b), 364)


@feature("mvrv", inputs="onchain", needs="CapMVRVCur", window=1, unit="ratio")
def mvrv(b: Block) -> Array:
    """CapMVRVCur: market cap over realised cap. Source: Mahmudov & Puell (2018)."""
    return positive_of_tokens(b, "CapMVRVCur").x


@feature("mvrv_z_364", inputs="onchain", needs="CapMVRVCur", window=364, unit="z")
def mvrv_z(b: Block) -> Array:
    """(CapMVRVCur − mean of 364 days) / sd of 364 days. Source: Mahmudov & Puell (2018)."""
    return _z_score(
        positive_of_tokens(b, "CapMVRVCur").x - 1, 364
    )  # a pegged coin stays near 1: keep its digits


@feature("realcap_growth_30", inputs="onchain", needs="CapRealUSD", window=31, unit="fraction")
def realcap_growth(b: Block) -> Array:
    """CapRealUSD / CapRealUSD[−30] − 1. Source: Carter & Le Calvez (2018), realised cap."""
    real = positive_of_tokens(b, "CapRealUSD")
    return real.x / real.lag(30) - 1


@feature("velocity_1y", inputs="onchain", needs="NVTAdj SplyCur", window=YEAR, unit="turns a year")
def velocity(b: Block) -> Array:
    """365 · mean of SplyCur/NVTAdj over 365 days / SplyCur: how often a unit moved in the year. Source: Coin Metrics
    VelCur1yr."""
    supply = positive_of_tokens(b, "SplyCur")
    return YEAR * Series(supply.x * _turned(b).x).mean(YEAR) / supply.x


@feature("active_supply_1y", inputs="onchain", needs="SplyAct1yr SplyCur", window=1, unit="fraction")
def active_supply(b: Block) -> Array:
    """SplyAct1yr / SplyCur: share of the supply that moved within a year. Source: Coin Metrics SplyAct1yr."""
    return positive_of_tokens(b, "SplyAct1yr").x / positive_of_tokens(b, "SplyCur").x


@feature("fee_per_mcap", inputs="onchain cap", needs="FeeTotUSD", window=1, unit="fraction a day")
def fee_per_mcap(b: Block) -> Array:
    """FeeTotUSD / m. Source: Bellwether, after the earnings yield."""
    return of_tokens(b, "FeeTotUSD").x / b.cap.x


@feature("hash_ribbon", inputs="onchain", needs="HashRate", window=60, unit="ratio")
def hash_ribbon(b: Block) -> Array:
    """Mean HashRate of 30 days / mean of 60 days. Source: Edwards (2019), hash ribbons."""
    rate = positive_of_tokens(b, "HashRate")
    return ratio(rate.mean(30), rate.mean(60))


@feature("puell", inputs="onchain", needs="IssTotUSD", window=YEAR, unit="ratio")
def puell(b: Block) -> Array:
    """IssTotUSD / mean of 365 days. Source: Puell (2019), the Puell multiple."""
    issued = of_tokens(b, "IssTotUSD")
    return ratio(issued.x, issued.mean(YEAR))
