"""Funding and open interest of perpetual contracts from one exchange through ccxt, where it has them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from types import TracebackType
from typing import Any, Self

import numpy as np
import pandas as pd

from signals.core import clock
from signals.core.news import with_known_at
from signals.core.observations import DERIVATIVES, LAG_DAYS, Readings
from signals.providers.base import Listed, ProviderError
from signals.providers.decimals import decimals_kept
from signals.providers.exchange import PRICE_AGREES

EIGHT_HOURS = 8.0
_LIMIT = 200
QUOTES = ("USDT", "USD", "USDC")


class Perpetuals:
    """One venue. Use as a context manager; the connection pool closes with it."""

    def __init__(self, name: str) -> None:
        import ccxt

        if name not in ccxt.exchanges:
            raise ProviderError(
                f"derivatives exchange: ccxt knows no {name!r}; try binanceusdm, bybit or okx."
            )
        self.source = name
        self._errors: tuple[type[Exception], ...] = (ccxt.BaseError,)
        self._client: Any = getattr(ccxt, name)({"enableRateLimit": True, "timeout": 10_000})
        self._client.options["fetchCurrencies"] = False
        self._markets: dict[str, tuple[str, float]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.session.close()

    @decimals_kept()
    def match(self, listed: Iterable[Listed]) -> dict[str, str]:
        """Slug -> the venue's perpetual on it: same symbol, no second token with that symbol, and the same price.

        A contract on a thousand tokens has another price and is left out. Raises ProviderError.
        """
        tokens = list(listed)
        symbols = [entry.asset.symbol.upper() for entry in tokens]
        wanted = {
            entry.asset.symbol.upper(): entry
            for entry in tokens
            if symbols.count(entry.asset.symbol.upper()) == 1
        }
        try:
            swaps = [
                market
                for market in self._client.load_markets().values()
                if market["swap"] and market["quote"] in QUOTES and market["base"] in wanted
            ]
            # The contract that settles in the first of QUOTES, where a token has several.
            swaps.sort(key=lambda market: (not market["linear"], QUOTES.index(market["quote"])))
            pairs: dict[str, str] = {}
            for market in swaps:
                pairs.setdefault(market["base"], market["symbol"])
            tickers = self._client.fetch_tickers(sorted(pairs.values())) if pairs else {}
        except self._errors as error:
            raise ProviderError(f"{self.source} could not be read: {error}") from error
        for base, pair in pairs.items():
            last, entry = (tickers.get(pair) or {}).get("last"), wanted[base]
            if last and abs(float(last) / entry.price - 1) <= PRICE_AGREES:
                self._markets[entry.asset.slug] = pair, float(last)
        return {slug: pair for slug, (pair, _) in self._markets.items()}

    @decimals_kept()
    def daily(self, *, first: date, through: date) -> tuple[Readings, int]:
        """Mean funding per eight hours of days in [first, through], and the open interest that there is now as that of
        `through`, of the matched tokens; and how many of them the venue did not answer for.

        Raises ProviderError where it answers for none.
        """
        rows: list[dict[str, object]] = []
        failed = 0
        for slug, (pair, price) in sorted(self._markets.items()):
            try:
                funding = self._funding(pair, first, through)
                held = self._open_interest(pair, price)
            except self._errors:
                failed += 1
                continue
            days = {*funding, *([through] if held is not None else [])}
            rows += [
                {
                    "asset": slug,
                    "day": np.datetime64(day, "s"),
                    "funding_rate": funding.get(day, np.nan),
                    "open_interest": held if day == through and held is not None else np.nan,
                }
                for day in days
            ]
        if failed and failed == len(self._markets):
            raise ProviderError(f"{self.source} answered for none of {failed} contracts.")
        table = pd.DataFrame(rows, columns=["asset", "day", "funding_rate", "open_interest"])
        table["day"] = table["day"].to_numpy().astype("datetime64[s]")
        known = with_known_at(table.sort_values(["asset", "day"]), lag_days=LAG_DAYS[DERIVATIVES])
        return Readings(DERIVATIVES, self.source, known), failed

    def _funding(self, pair: str, first: date, through: date) -> dict[date, float]:
        if not self._client.has.get("fetchFundingRateHistory"):
            return {}
        since = int(clock.start_of_day(first).timestamp() * 1000)
        entries: dict[int, float] = {}
        until = clock.end_of_day(through)
        while True:
            page = self._client.fetch_funding_rate_history(pair, since=since, limit=_LIMIT)
            fresh = {int(each["timestamp"]): float(each["fundingRate"]) for each in page}
            fresh = {stamp: rate for stamp, rate in fresh.items() if stamp >= since and stamp not in entries}
            entries |= fresh
            if not fresh or datetime.fromtimestamp(max(fresh) / 1000, tz=UTC) >= until:
                break
            since = max(fresh) + 1
        return _daily_means(entries, first, through)

    def _open_interest(self, pair: str, price: float) -> float | None:
        if not self._client.has.get("fetchOpenInterest"):
            return None
        told = self._client.fetch_open_interest(pair)
        if told.get("openInterestValue") is not None:
            return float(told["openInterestValue"])
        amount = told.get("openInterestAmount")
        size = self._client.market(pair).get("contractSize") or 1.0
        return None if amount is None else float(amount) * float(size) * price


def _daily_means(entries: dict[int, float], first: date, through: date) -> dict[date, float]:
    """Mean rate of each day per eight hours; venues that settle every hour quote an eighth of it.

    A day is known only where no settlement of it is missing.
    """
    moments = sorted((datetime.fromtimestamp(stamp / 1000, tz=UTC), rate) for stamp, rate in entries.items())
    gaps = [(later - earlier) / timedelta(hours=1) for (earlier, _), (later, _) in pairwise(moments)]
    if not gaps:
        return {}
    hours = max(1.0, float(round(np.median(gaps))))
    by_day: dict[date, list[float]] = {}
    for moment, rate in moments:
        by_day.setdefault(moment.date(), []).append(rate)
    return {
        day: float(np.mean(rates)) * EIGHT_HOURS / hours
        for day, rates in by_day.items()
        if first <= day <= through and len(rates) >= 24 / hours
    }
