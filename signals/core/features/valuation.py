"""Size and valuation: how large, how old, how diluted."""

from __future__ import annotations

from functools import partial

import numpy as np

from signals.core.features.block import Block
from signals.core.features.registry import declare
from signals.core.features.rolling import combined, without
from signals.core.panel import Array

feature = partial(declare, "valuation")


@feature("log_mcap", inputs="cap", window=1, unit="ln USD")
def log_mcap(b: Block) -> Array:
    """ln m. Source: Banz (1981); Liu, Tsyvinski & Wu (2022)."""
    return np.log(b.cap.x)


@feature("mcap_rank", inputs="cap", window=1, unit="rank")
def mcap_rank(b: Block) -> Array:
    """Rank of m among the known caps of the date, 1 the largest. Source: Bellwether."""
    return b.cells(b.market.cap_rank)


@feature("mcap_share", inputs="cap tags", window=1, unit="fraction")
def mcap_share(b: Block) -> Array:
    """m / Σm over all tokens but stablecoins and stand-ins for others. Source: Bellwether."""
    return b.cap.x / b.daily(b.market.total_cap)[:, None]


@feature("log_price", inputs="close", window=1, unit="ln USD")
def log_price(b: Block) -> Array:
    """ln c (PRC). Source: Liu, Tsyvinski & Wu (2022)."""
    return b.log_close.x


@feature("maxdprc_7", inputs="close", window=7, unit="USD")
def maxdprc(b: Block) -> Array:
    """Highest close of 7 days (MAXDPRC). Source: Liu, Tsyvinski & Wu (2022)."""
    return b.close.max(7)


@feature("age_days", inputs="close", window=1, unit="days")
def age_days(b: Block) -> Array:
    """Days since the first known price. Source: Liu, Tsyvinski & Wu (2022)."""
    first = b.market.first_days[b.columns].astype(np.int64).astype(np.float64)
    first[first < 0] = np.nan  # NaT becomes a large negative number
    age = b.days.astype(np.int64)[:, None] - first
    return without(age, age < 0)


@feature("issuance_{0}", each=(30, 364), inputs="close cap", window=lambda k: k + 1, unit="fraction")
def issuance(b: Block, k: int) -> Array:
    """s / s[−{0}] − 1, the supply s = m / c. Source: Pontiff & Woodgate (2008)."""
    supply = b.once("supply", lambda: b.cap.x / b.close.x)
    return combined(np.divide, supply, supply, k) - 1


@feature("px_to_avg_364", inputs="close", window=364, unit="ratio")
def px_to_avg(b: Block) -> Array:
    """c / mean close of 364 days. Source: Mayer multiple; Detzel et al. (2021)."""
    return b.close.x / b.close.mean(364)
