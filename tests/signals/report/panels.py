"""Markets with a known truth: how much of next week's return a token's quality decides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from signals.core.panel import Array, Panel
from signals.core.report.material import Material, Scores

TOKENS, DAYS = 40, 700
FIRST = "2020-01-05"


def market(
    *,
    tokens: int = TOKENS,
    days: int = DAYS,
    seed: int = 1,
    daily: Array | None = None,
    categories: Mapping[str, Sequence[str]] | None = None,
) -> Panel:
    """A panel of random prices, or of the daily log returns [day x token] given, that all trade enough to be graded."""
    generator = np.random.default_rng(seed)
    moves = generator.normal(0.0, 0.04, (days, tokens)) if daily is None else daily
    index = pd.date_range(FIRST, periods=len(moves), freq="D")
    names = ["bitcoin", *(f"token-{number:02}" for number in range(1, moves.shape[1]))]
    close = pd.DataFrame(np.exp(np.cumsum(moves, axis=0)), index=index, columns=names)
    supply = np.linspace(50.0, 1.0, moves.shape[1]) * 1e7
    cap = close * supply
    return Panel.from_frames(close=close, market_cap=cap, volume=cap * 0.1, categories=categories or {})


def planted(*, strength: float, tokens: int = TOKENS, days: int = DAYS, seed: int = 1) -> tuple[Panel, Array]:
    """A panel and [day x token] qualities that stand for a week and move the days after by `strength` sd of them."""
    generator = np.random.default_rng(seed)
    weeks = -(-days // 7)
    quality = np.repeat(generator.normal(size=(weeks, tokens)), 7, axis=0)[:days]
    noise = generator.normal(0.0, 0.04, (days, tokens))
    # Known at the close of a Sunday, it acts from the second day after: the first is the day of delay.
    acting = np.vstack([np.zeros((2, tokens)), quality[:-2]])
    return market(daily=noise + strength * 0.04 * acting), quality


def scored(panel: Panel, values: Array, *, first: int = 100) -> Material:
    """`values` [day x token] as both scores of every day from row `first` on."""
    dates = panel.dates[first:]
    return Material(panel, Scores(dates, values[first:], values[first:].copy()))
