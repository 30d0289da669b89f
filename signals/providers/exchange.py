"""Daily candles from one exchange through ccxt: a second opinion on prices, and the day's open, high and low."""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from types import TracebackType
from typing import Any, Self

import pandas as pd

from signals.core import clock
from signals.core.candles import COLUMNS
from signals.providers.base import Delivery, Listed, ProviderError, quote_minute
from signals.providers.decimals import decimals_kept

PRICE_AGREES = 0.03
"""A market is taken for a token's only where its price is this close to the token's: symbols collide."""
WIDEST_SPREAD = 0.05
"""The middle of a wider book than this says nothing."""
_BARS = 500


class Exchange:
    """One venue. Use as a context manager; the connection pool closes with it."""

    def __init__(self, name: str, *, quote: str = "USD", root: str = "", backoff: float = 0.5) -> None:
        import ccxt
        from requests.adapters import HTTPAdapter
        from urllib3.util import Retry

        if name not in ccxt.exchanges:
            raise ProviderError(f"exchange: ccxt knows no {name!r}; try kraken or coinbase.")
        self.source, self._quote = name, quote
        self._errors: tuple[type[Exception], ...] = (ccxt.BaseError,)
        self._client: Any = getattr(ccxt, name)({"enableRateLimit": True, "timeout": 10_000})
        self._client.options["fetchCurrencies"] = False
        retry = Retry(
            total=3, backoff_factor=backoff, backoff_jitter=backoff, status_forcelist=(500, 502, 503, 504),
            allowed_methods=("GET",),
        )  # fmt: skip
        for scheme in ("https://", "http://"):
            self._client.session.mount(scheme, HTTPAdapter(max_retries=retry))
        if root:
            self._client.options["fetchMarkets"] = {"types": ["spot"]}
            self._client.urls["api"] = _moved(self._client.urls["api"], root)
        self._markets: dict[str, str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.session.close()

    @decimals_kept()
    def match(self, listed: Iterable[Listed]) -> dict[str, str]:
        """Slug -> the venue's market for it: same symbol, no second token with that symbol, and the same price.

        Raises ProviderError where the venue does not answer.
        """
        tokens = list(listed)
        symbols = [entry.asset.symbol for entry in tokens]
        try:
            markets = self._client.load_markets()
            wanted = {entry.asset.symbol: entry for entry in tokens if symbols.count(entry.asset.symbol) == 1}
            pairs = {
                market["symbol"]: wanted[market["base"]]
                for market in markets.values()
                if market["spot"] and market["quote"] == self._quote and market["base"] in wanted
            }
            tickers = self._client.fetch_tickers(sorted(pairs)) if pairs else {}
        except self._errors as error:
            raise ProviderError(f"{self.source} could not be read: {error}") from error
        self._markets = {
            entry.asset.slug: pair
            for pair, entry in pairs.items()
            if (last := (tickers.get(pair) or {}).get("last"))
            and abs(float(last) / entry.price - 1) <= PRICE_AGREES
        }
        return dict(self._markets)

    @decimals_kept()
    def quotes(self, moment: datetime, pairs: Mapping[str, str]) -> Delivery:
        """Prices now of these markets (slug -> the venue's market) as minute candles: the middle of bid and ask, or,
        where the book is wide or not told, the last trade at its own time. What has neither is left out.

        Raises ProviderError.
        """
        try:
            # A market that the venue has closed would make it refuse the others too.
            there = sorted(set(pairs.values()) & self._client.load_markets().keys()) if pairs else []
            tickers = self._client.fetch_tickers(there) if there else {}
        except self._errors as error:
            raise ProviderError(f"{self.source} could not be read: {error}") from error
        told = {slug: quoted(tickers.get(pair) or {}, moment) for slug, pair in pairs.items()}
        known = {slug: quote for slug, quote in told.items() if quote is not None}
        rows = pd.DataFrame(
            {
                "asset": list(known),
                "opened_at": [quote_minute(at) for _, at in known.values()],
                "close": [price for price, _ in known.values()],
                **dict.fromkeys(("open", "high", "low", "volume", "market_cap"), float("nan")),
            }
        )
        return Delivery(self.source, [], rows[list(COLUMNS)])

    @decimals_kept()
    def history(self, slug: str, *, first: date, through: date) -> pd.DataFrame:
        """Daily candles of a matched token for days in [first, through], COLUMNS; volume at the close, cap unknown.

        Empty for a token that the venue does not list. Raises ProviderError.
        """
        pair = self._markets.get(slug)
        bars: dict[int, list[float]] = {}
        since = _milliseconds(first)
        last = _milliseconds(through)
        while pair is not None and since <= last:
            try:
                page = self._client.fetch_ohlcv(pair, "1d", since=since, limit=_BARS)
            except self._errors as error:
                raise ProviderError(f"{self.source} {pair} could not be read: {error}") from error
            fresh = [_bar(self.source, pair, bar) for bar in page if int(bar[0]) >= since]
            if not fresh:
                break
            bars.update({int(bar[0]): bar for bar in fresh if bar[0] <= last})
            since = int(fresh[-1][0]) + int(timedelta(days=1) / timedelta(milliseconds=1))
        ordered = [bars[stamp] for stamp in sorted(bars)]
        rows = pd.DataFrame(
            ordered, columns=["stamp", "open", "high", "low", "close", "base_volume"], dtype="float64"
        )
        rows["asset"] = slug
        rows["opened_at"] = pd.to_datetime(rows["stamp"].astype("int64"), unit="ms")
        rows["volume"] = rows["base_volume"] * rows["close"]
        rows["market_cap"] = float("nan")
        return rows[list(COLUMNS)]


def quoted(ticker: Mapping[str, Any], moment: datetime) -> tuple[float, datetime] | None:
    """The price in a venue's ticker and when it was so: the middle of a narrow book now, else the last trade at its
    own time, else nothing."""
    bid, ask, last, stamp = (ticker.get(name) for name in ("bid", "ask", "last", "timestamp"))
    if bid and ask and 0 < bid <= ask and float(ask) - float(bid) <= WIDEST_SPREAD * float(bid):
        return (float(bid) + float(ask)) / 2, moment
    if last and float(last) > 0 and stamp:
        return float(last), min(moment, datetime.fromtimestamp(int(stamp) / 1000, tz=UTC))
    return None


def _bar(source: str, pair: str, bar: Any) -> list[float]:
    if (
        not isinstance(bar, list)
        or len(bar) < 6
        or any(not isinstance(value, int | float) for value in bar[:6])
    ):
        raise ProviderError(
            f"{source} {pair}: a candle is not [milliseconds, open, high, low, close, volume]."
        )
    return [float(value) for value in bar[:6]]


def _milliseconds(day: date) -> int:
    return int((clock.start_of_day(day) - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(milliseconds=1))


def _moved(urls: Any, root: str) -> Any:
    # ccxt keeps one address per kind of call; each keeps its path and moves to `root`.
    if isinstance(urls, dict):
        return {name: _moved(url, root) for name, url in urls.items()}
    _, _, rest = str(urls).partition("://")
    return root + (rest[rest.index("/") :] if "/" in rest else "")
