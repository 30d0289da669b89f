"""On-chain metrics from the community interface of Coin Metrics. Its data are CC BY-NC 4.0: not for commercial use."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from datetime import date

import numpy as np
import pandas as pd

from signals.core.onchain import NEEDED
from signals.providers.base import ProviderError
from signals.providers.web import data_list, session

SOURCE = "coinmetrics"
ROOT = "https://community-api.coinmetrics.io/v4"
TICKERS = 100
"""Tickers per request: their names stay within what an address may hold."""
PAGE = 10_000
_LONGEST = 500


class CoinMetrics:
    """One client: at most one request per `pause` seconds (their limit is ten in six), replies checked before use."""

    source = SOURCE

    def __init__(
        self,
        *,
        root: str = ROOT,
        pause: float = 0.7,
        backoff: float = 1.0,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._root, self._pause, self._sleep = root, pause, sleep
        self._session = session(backoff=backoff)

    def daily(self, tickers: Collection[str], *, first: date, through: date) -> pd.DataFrame:
        """`ticker`, `day` and the metrics NEEDED, of days in [first, through]; NaN where it gives none.

        Tickers and metrics that the community interface does not have are left out. Raises ProviderError.
        """
        rows: list[dict[str, object]] = []
        ordered = sorted(tickers)
        for start in range(0, len(ordered), TICKERS):
            query = {
                "assets": ",".join(ordered[start : start + TICKERS]),
                "metrics": ",".join(NEEDED),
                "frequency": "1d",
                "start_time": first.isoformat(),
                "end_time": through.isoformat(),
                "page_size": str(PAGE),
                "ignore_forbidden_errors": "true",
                "ignore_unsupported_errors": "true",
            }
            rows += self._pages(f"{self._root}/timeseries/asset-metrics", query)
        table = pd.DataFrame({"ticker": [str(row["asset"]) for row in rows]})
        table["day"] = np.array([_day(row) for row in rows], dtype="datetime64[s]")
        for name in NEEDED:
            table[name] = np.array([_number(row, name) for row in rows], dtype=np.float64)
        return table

    def _pages(self, url: str, query: dict[str, str] | None) -> list[dict[str, object]]:
        found: list[dict[str, object]] = []
        for _ in range(_LONGEST):
            self._sleep(self._pause)
            rows, body = data_list(self._session, url, source=SOURCE, query=query)
            if not all({"asset", "time"} <= set(row) for row in rows):
                raise ProviderError(f"{SOURCE}: a row has no asset or time.")
            found += rows
            following = body.get("next_page_url")
            if not following:
                return found
            if not str(following).startswith(self._root):
                raise ProviderError(f"{SOURCE}: the next page lies elsewhere ({following}).")
            url, query = str(following), None
        raise ProviderError(f"{SOURCE}: the reply has more than {_LONGEST} pages.")


def _day(row: dict[str, object]) -> np.datetime64:
    try:
        return np.datetime64(date.fromisoformat(str(row["time"])[:10]), "s")
    except ValueError as error:
        raise ProviderError(f"{SOURCE}: {row['time']!r} is no time.") from error


def _number(row: dict[str, object], name: str) -> float:
    value = row.get(name)
    try:
        return float("nan") if value is None else float(str(value))
    except ValueError as error:
        raise ProviderError(f"{SOURCE}: {name} is {value!r}, not a number.") from error
