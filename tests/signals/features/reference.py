"""Every feature once more, slowly: one token, one date, straight from its definition."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
import pandas as pd

from signals.core.panel import Panel
from tests.signals.features.slow import NAN, Row, Token, World
from tests.signals.features.slow_market import market_features, shared_features
from tests.signals.features.slow_price import price_features
from tests.signals.features.slow_risk import risk_features


def reference(panel: Panel, rows: Iterable[int]) -> dict[str, pd.DataFrame]:
    """name -> [those rows x asset]; a token's own features are missing where its close is."""
    world = World(panel)
    rows = list(rows)
    found: dict[str, Row] = {}
    with np.errstate(all="ignore"):
        for j in range(len(world.assets)):
            token = Token(world, j)
            for place, t in enumerate(rows):
                own = price_features(token, t) | risk_features(token, t) | market_features(token, t)
                common = shared_features(world, t)
                for name, make in (own | common).items():
                    table = found.setdefault(name, np.full((len(rows), len(world.assets)), np.nan))
                    if name in common or not math.isnan(world.c[t, j]):
                        try:
                            table[place, j] = make()
                        except (ValueError, ZeroDivisionError):  # the logarithm of nothing, 0 / 0
                            table[place, j] = NAN
    index = panel.dates[rows]
    return {name: pd.DataFrame(table, index=index, columns=world.assets) for name, table in found.items()}
