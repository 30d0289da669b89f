"""A rough market of ten tokens: gaps, listings, deaths, days without volume, prices that stand still."""

from __future__ import annotations

import numpy as np
import pandas as pd

from signals.core.panel import Panel

DAYS = 1700
ASSETS = ["bitcoin", "ethereum", "tether", "dai", "ada", "dot", "uni", "aave", "young", "dead"]
CATEGORIES = {
    "bitcoin": ["layer-1"],
    "ethereum": ["layer-1", "smart"],
    "tether": ["stablecoin"],
    "dai": ["stablecoin", "defi"],
    "ada": ["layer-1", "smart"],
    "dot": ["layer-1", "smart"],
    "uni": ["defi"],
    "aave": ["defi", "smart"],
    "young": ["defi"],
}
FIELDS = ("open", "high", "low", "close", "volume", "market_cap")


def market(seed: int = 7, *, days: int = DAYS, price_scale: float = 1.0, gaps: float = 0.02) -> Panel:
    """The market of ten; `gaps` is the share of single days without data."""
    random = np.random.default_rng(seed)
    shape = (days, len(ASSETS))
    moves = 0.6 * (random.standard_t(5, days) * 0.02)[:, None] + random.standard_t(5, shape) * 0.03
    moves[:, 2:4] = random.normal(0, 0.002, (days, 2))
    moves[random.random(shape) < 0.01] = 0.0
    close = np.exp(np.cumsum(moves, axis=0) * 0.8 + random.normal(0, 3, len(ASSETS)))
    open_ = np.vstack([close[:1], close[:-1]]) * np.exp(random.normal(0, 0.002, shape))
    high = np.maximum(open_, close) * np.exp(np.abs(random.normal(0, 0.01, shape)))
    low = np.minimum(open_, close) * np.exp(-np.abs(random.normal(0, 0.01, shape)))
    volume = np.exp(random.normal(11, 2.5, shape))
    volume[random.random(shape) < 0.01] = 0.0
    cap = close * np.exp(
        random.normal(16, 1, len(ASSETS)) + np.cumsum(random.normal(0.0002, 0.001, shape), axis=0)
    )
    values = dict(zip(FIELDS, (open_, high, low, close, volume, cap), strict=True))
    alive = np.ones(shape, dtype=bool)
    alive[: days // 3, 1] = False
    alive[: max(days - 120, 0), 8] = False
    alive[int(days * 0.8) :, 9] = False
    alive[days // 2 : days // 2 + 40, 5] = False
    for name, array in values.items():
        array[~alive] = np.nan
        own = random.random(shape) < gaps
        own[:, 0] = False
        array[own] = np.nan
        if name in ("open", "high", "low", "close"):
            np.multiply(array, price_scale, out=array)
    index = pd.date_range("2017-01-01", periods=days)
    frames = {name: pd.DataFrame(array, index=index, columns=ASSETS) for name, array in values.items()}
    return Panel.from_frames(
        close=frames["close"],
        open=frames["open"],
        high=frames["high"],
        low=frames["low"],
        volume=frames["volume"],
        market_cap=frames["market_cap"],
        categories=CATEGORIES,
    )
