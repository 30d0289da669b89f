"""A small market with a past, for tests of what is computed from it day by day."""

from __future__ import annotations

from datetime import date
from functools import lru_cache

import numpy as np
import pandas as pd

from signals.core.panel import Panel
from signals.models import Market
from tests.markets import market_store

FIRST, LAST = date(2021, 1, 1), date(2022, 7, 10)
TOKENS = 36


@lru_cache(maxsize=1)
def market_panel() -> Panel:
    """TOKENS tokens and a stablecoin over a year and a half: quiet ones rise, wild ones fall, as far as noise lets see.

    One token is listed late and one falls silent before the end.
    """
    rng = np.random.default_rng(11)
    days = pd.date_range(FIRST, LAST, freq="D")
    names = [f"token-{number:02d}" for number in range(TOKENS)]
    spread = np.linspace(0.02, 0.08, TOKENS)
    moves = rng.normal(0.004 - spread * 0.08, spread, size=(len(days), TOKENS))
    close = pd.DataFrame(np.exp(np.cumsum(moves, axis=0)) * 10, index=days, columns=names)
    close.loc[: days[200], "token-05"] = np.nan
    close.loc[days[-40] :, "token-09"] = np.nan
    close["steady-coin"] = 1.0 + rng.normal(0, 1e-4, len(days))
    cap = close * np.append(np.geomspace(1e9, 1e7, TOKENS), 1e8)
    volume = cap * rng.uniform(0.05, 0.2, size=cap.shape)
    return Panel.from_frames(
        close=close, market_cap=cap, volume=volume, categories={"steady-coin": ["stablecoin"]}
    )


def market_make(*, through: date = LAST) -> Market:
    """The market above is the active one of the database; its clock stands at the close of `through`."""
    from signals.core.clock import end_of_day

    return market_store(market_panel(), clock_at=end_of_day(through))
