"""On-chain metrics by a vendor's tickers, as readings of tokens: a ticker proves nothing, a shared price does."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pandas as pd

from signals.core.news import with_known_at
from signals.core.observations import LAG_DAYS, METRICS, ONCHAIN, Readings

PRICE, CAP, RATIO, REALISED = "PriceUSD", "CapMrktCurUSD", "CapMVRVCur", "CapRealUSD"
NEEDED = (*(name for name, metric in METRICS.items() if metric.family == ONCHAIN), PRICE, CAP)
"""What to ask of a vendor: the metrics, the price that tells whose they are, and the cap that one derives from."""
PRICE_AGREES = 0.03
"""A ticker is taken for a token's only where its price is this close to the token's on the median day."""


def owners(
    table: pd.DataFrame, closes: pd.DataFrame, *, pegged: Collection[str], least_days: int
) -> pd.DataFrame:
    """`ticker`, `asset`: whose the tickers of `table` (`ticker`, `day`, PriceUSD) are, judged by price.

    `closes` (`ticker`, `asset`, `day`, `close` USD) are those of the tokens that go by a ticker. A token that merely
    stands for another (`pegged`) has its ticker only where no other has. One token may have several ids.
    """
    prices = table[["ticker", "day", PRICE]]
    both = closes.merge(prices[prices[PRICE] > 0], on=["ticker", "day"])
    both = both[both["close"] > 0]
    both["off"] = np.abs(both["close"] / both[PRICE] - 1)
    told = both.groupby(["ticker", "asset"])["off"].agg(["median", "size"]).reset_index()
    told = told[(told["median"] <= PRICE_AGREES) & (told["size"] >= least_days)]
    told["pegged"] = told["asset"].isin(list(pegged)).astype(np.int64)
    return told.loc[
        told["pegged"] == told.groupby("ticker")["pegged"].transform("min"), ["ticker", "asset"]
    ].reset_index(drop=True)


def onchain_readings(table: pd.DataFrame, of: pd.DataFrame, *, source: str) -> Readings:
    """The metrics of `table` (`ticker`, `day`, those of NEEDED that the source has) for the owners of its tickers.

    Where the ratio of market cap to realised cap is given and not the realised cap, it follows by definition.
    """
    if {CAP, RATIO} <= set(table.columns):
        derived = table[CAP] / table[RATIO]
        known = table[REALISED].fillna(derived) if REALISED in table else derived
        table = table.assign(**{REALISED: known})
    metrics = [name for name in NEEDED if name in table and METRICS.get(name) is not None]
    matched = table.merge(of, on="ticker")[["asset", "day", *metrics]]
    return Readings(ONCHAIN, source, with_known_at(matched, lag_days=LAG_DAYS[ONCHAIN]))
