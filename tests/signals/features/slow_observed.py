"""The features of observations once more, slowly: one token, one date, straight from their definitions."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from functools import partial

import numpy as np
import pandas as pd

from signals.core.panel import Panel
from tests.signals.features.slow import NAN, Row, mean, sd, window


def reference(panel: Panel, rows: Iterable[int]) -> dict[str, pd.DataFrame]:
    """name -> [those rows x asset]; missing where the token's close is."""
    rows = list(rows)
    tables: dict[str, Row] = {}
    with np.errstate(all="ignore"):
        for j, asset in enumerate(panel.assets):
            makes = _makes(panel, asset, panel.market_cap[:, j])
            for place, t in enumerate(rows):
                for name, make in makes.items():
                    table = tables.setdefault(name, np.full((len(rows), len(panel.assets)), np.nan))
                    if name == "fear_greed" or not math.isnan(panel.close[t, j]):
                        table[place, j] = make(t)
    index = panel.dates[rows]
    return {name: pd.DataFrame(table, index=index, columns=panel.assets) for name, table in tables.items()}


def _series(panel: Panel, metric: str, asset: str | None) -> Row:
    found = panel.observed[metric]
    if found.columns is None:
        return found.values[:, 0]
    if asset in found.columns:
        return found.values[:, found.columns.index(asset)]
    return np.full(len(panel.dates), NAN)


def _makes(panel: Panel, asset: str, cap: Row) -> dict[str, Callable[[int], float]]:
    def of(metric: str) -> Row:
        return _series(panel, metric, asset)

    def above(metric: str) -> Row:
        return np.array([value if value > 0 else NAN for value in of(metric)])

    addresses, supply, moved = above("AdrActCnt"), above("SplyCur"), 1 / above("NVTAdj")
    nvt = np.array([1 / mean(window(moved, t, 90)) for t in range(len(cap))])
    mvrv, real, rate = above("CapMVRVCur"), above("CapRealUSD"), above("HashRate")
    issued, funding, held = of("IssTotUSD"), of("funding_rate"), of("open_interest")
    counts, tones, feed = of("news_count"), of("news_sent"), of("market_news_count")
    turned = supply * moved

    def growth(values: Row, k: int, t: int) -> float:
        return mean(window(values, t, 7)) / (mean(window(values, t - k, 7)) if t >= k else NAN) - 1

    def z(values: Row, k: int, t: int) -> float:
        part = window(values, t, k)
        return float((values[t] - mean(part)) / sd(part))

    def change(values: Row, k: int, t: int) -> float:
        return float(values[t] / values[t - k] - 1) if t >= k else NAN

    def fed(t: int) -> bool:
        return bool((window(feed, t, 7) > 0).sum() >= 6)

    def told(t: int) -> Row:
        return np.nan_to_num(window(counts, t, 7))

    def news(t: int) -> float:
        followed = (np.nan_to_num(window(counts, t, 364)) > 0).any()
        return float(told(t).sum()) if fed(t) and followed else NAN

    def tone(t: int) -> float:
        weight, heard = told(t), np.nan_to_num(window(tones, t, 7))
        return float((weight * heard).sum() / weight.sum()) if fed(t) and weight.sum() > 0 else NAN

    def share(top: Row, bottom: Row, t: int) -> float:
        return float(top[t] / bottom[t])

    return {
        "log_active_addr": lambda t: math.log(addresses[t]) if addresses[t] > 0 else NAN,
        "addr_growth_30": partial(growth, of("AdrActCnt"), 30),
        "addr_growth_90": partial(growth, of("AdrActCnt"), 90),
        "addr_per_mcap": partial(share, addresses, cap),
        "tx_growth_30": partial(growth, of("TxCnt"), 30),
        "transfer_growth_30": partial(growth, of("TxTfrCnt"), 30),
        "nvt_90": lambda t: float(nvt[t]),
        "nvt_z_364": partial(z, nvt, 364),
        "mvrv": lambda t: float(mvrv[t]),
        "mvrv_z_364": partial(z, mvrv, 364),
        "realcap_growth_30": partial(change, real, 30),
        "velocity_1y": lambda t: 365 * mean(window(turned, t, 365)) / supply[t],
        "active_supply_1y": partial(share, above("SplyAct1yr"), supply),
        "fee_per_mcap": partial(share, of("FeeTotUSD"), cap),
        "hash_ribbon": lambda t: mean(window(rate, t, 30)) / mean(window(rate, t, 60)),
        "puell": lambda t: float(issued[t]) / mean(window(issued, t, 365)),
        "funding_7": lambda t: mean(window(funding, t, 7)),
        "funding_z_90": partial(z, funding, 90),
        "oi_to_mcap": partial(share, held, cap),
        "oi_chg_7": partial(change, above("open_interest"), 7),
        "news_count_7": news,
        "news_sent_7": tone,
        "fear_greed": lambda t: float(of("fear_greed")[t]),
    }
