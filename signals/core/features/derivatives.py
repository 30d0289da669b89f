"""Derivatives: what holding a perpetual costs, and how much is bet on it."""

from __future__ import annotations

from functools import partial

import numpy as np

from signals.core.features.block import Block
from signals.core.features.observing import observed_feature, of_tokens, positive_of_tokens
from signals.core.panel import Array

feature = partial(observed_feature, "derivatives")


@feature("funding_7", inputs="perpetuals", needs="funding_rate", window=7, unit="fraction per 8 h")
def funding(b: Block) -> Array:
    """Mean funding rate of 7 days. Source: Schmeling, Schrimpf & Todorov (2023), crypto carry."""
    return of_tokens(b, "funding_rate").mean(7)


@feature("funding_z_90", inputs="perpetuals", needs="funding_rate", window=90, unit="z")
def funding_z(b: Block) -> Array:
    """(funding rate − mean of 90 days) / sd of 90 days. Source: Schmeling, Schrimpf & Todorov (2023), crypto carry."""
    rate = of_tokens(b, "funding_rate")
    return (rate.x - rate.mean(90)) / np.where(rate.variance(90) > 0, rate.sd(90), np.nan)


@feature("oi_to_mcap", inputs="perpetuals cap", needs="open_interest", window=1, unit="fraction")
def oi_to_mcap(b: Block) -> Array:
    """Open interest / m. Source: Hong & Yogo (2012), open interest."""
    return of_tokens(b, "open_interest").x / b.cap.x


@feature("oi_chg_7", inputs="perpetuals", needs="open_interest", window=8, unit="fraction")
def oi_chg(b: Block) -> Array:
    """Open interest / open interest[−7] − 1. Source: Hong & Yogo (2012), open interest."""
    held = positive_of_tokens(b, "open_interest")
    return held.x / held.lag(7) - 1
