"""Small markets for tests of the indices: random walks with listings, deaths and gaps, from a seed."""

from typing import Any

import numpy as np
import pandas as pd

from signals.core.panel import Panel


def market(
    *,
    days: int = 200,
    assets: int = 12,
    seed: int = 1,
    start: str = "2020-01-01",
    lives: bool = True,
    gaps: float = 0.0,
) -> Panel:
    """A panel of `assets` random walks; with `lives` some list late and some die; `gaps` is the share of lost days."""
    random = np.random.default_rng(seed)
    dates = pd.date_range(start, periods=days)
    names = [f"asset-{number:03d}" for number in range(assets)]
    close = 10.0 * np.exp(np.cumsum(random.normal(0, 0.05, (days, assets)), axis=0))
    supply = 10.0 ** random.uniform(6, 9, assets)
    volume = close * supply * random.uniform(0.01, 0.1, (days, assets))
    if lives:
        for column in range(assets):
            kind = random.integers(4)
            if kind == 0:
                close[: random.integers(1, days // 2), column] = np.nan
            if kind == 1:
                close[random.integers(days // 2, days) :, column] = np.nan
    if gaps:
        close[random.random((days, assets)) < gaps] = np.nan
    cap = close * supply
    volume[np.isnan(close)] = np.nan
    frames: dict[str, Any] = {
        name: pd.DataFrame(values, index=dates, columns=names)
        for name, values in (("close", close), ("market_cap", cap), ("volume", volume))
    }
    return Panel.from_frames(**frames)


def panel_of(close: dict[str, list[float]], *, start: str = "2021-01-01", supply: float = 1e6) -> Panel:
    """A panel from closes by asset; every cap is close x supply and every volume a tenth of the cap."""
    frame = pd.DataFrame(close, dtype=float)
    frame.index = pd.date_range(start, periods=len(frame))
    cap = frame * supply
    return Panel.from_frames(close=frame, market_cap=cap, volume=cap / 10)
