"""CoinGecko over HTTPS: the list of tokens, their histories with market caps, and prices now."""

import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from signals.core import categories
from signals.core.candles import COLUMNS
from signals.providers.base import AssetRecord, Delivery, Listed, ProviderError, quote_minute

SOURCE = "coingecko"
ROOT = "https://api.coingecko.com/api/v3"
TIMEOUT = (3.0, 10.0)  # seconds to connect, to read
PAGE = 250
MIDNIGHT_SLACK = timedelta(minutes=10)
"""A daily point stamped this soon after 00:00 UTC is the close of the day before."""

# Their category ids that decide what an index may hold, and the sectors that pages show.
CATEGORIES = {
    "stablecoins": ("stablecoin",),
    "wrapped-tokens": ("wrapped",),
    "bridged-tokens": ("wrapped", "bridged"),
    "liquid-staking-tokens": ("staked", "wrapped"),
    "layer-1": ("layer-1",),
    "layer-2": ("layer-2",),
    "decentralized-finance-defi": ("defi",),
    "artificial-intelligence": ("ai",),
    "meme-token": ("meme",),
    "gaming": ("gaming",),
    "real-world-assets-rwa": ("rwa",),
    "exchange-based-tokens": ("exchange",),
}


class CoinGecko:
    """One client: at most one request per `pause` seconds, retries with jitter, replies checked before use."""

    source = SOURCE

    def __init__(
        self,
        *,
        key: str = "",
        root: str = ROOT,
        pause: float = 2.2,
        backoff: float = 1.0,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._root, self._pause, self._sleep = root, pause, sleep
        self._free_at = 0.0
        self._session = requests.Session()
        self._session.headers["Accept"] = "application/json"
        if key:
            self._session.headers["x-cg-demo-api-key"] = key
        retry = Retry(
            total=4,
            backoff_factor=backoff,
            backoff_jitter=backoff / 2,
            status_forcelist=(429, 500, 502, 503, 504),
            allowed_methods=("GET",),
        )
        self._session.mount("https://", HTTPAdapter(max_retries=retry))
        self._session.mount("http://", HTTPAdapter(max_retries=retry))

    def markets(self, *, count: int, with_categories: bool = True) -> list[Listed]:
        """The `count` largest tokens by market cap with their categories. Raises ProviderError."""
        kinds: dict[str, set[str]] = {}
        if with_categories:
            for category, slugs in CATEGORIES.items():
                for entry in self._page(1, category=category):
                    kinds.setdefault(entry["id"], set()).update(slugs)
        found: list[Listed] = []
        for page in range(1, -(-count // PAGE) + 1):
            entries = self._page(page)
            found += [_listed(entry, kinds) for entry in entries]
            if len(entries) < PAGE:
                break
        return found[:count]

    def history(self, slug: str, *, first: date, through: date) -> pd.DataFrame:
        """Daily closes, 24 h volumes and market caps of one token, COLUMNS, for days in [first, through].

        The point at 00:00 UTC is the close of the day before. Raises ProviderError.
        """
        today = datetime.now(tz=UTC).date()
        days = (today - first).days + 1
        path = f"/coins/{slug}/market_chart"
        reply = self._get(path, {"vs_currency": "usd", "days": str(days), "interval": "daily"})
        closes = _series(path, reply, "prices")
        caps, volumes = _series(path, reply, "market_caps"), _series(path, reply, "total_volumes")
        inside = [day for day in sorted(closes) if first <= day <= through]
        rows = pd.DataFrame(
            {
                "asset": slug,
                "opened_at": pd.to_datetime(inside),
                "close": [closes[day] for day in inside],
                "volume": [volumes.get(day, np.nan) for day in inside],
                # They write a cap that they do not know as nought.
                "market_cap": [caps.get(day) or np.nan for day in inside],
                **dict.fromkeys(("open", "high", "low"), np.nan),
            },
        )
        return rows[list(COLUMNS)]

    def quotes(self, moment: datetime, *, count: int = PAGE) -> Delivery:
        """Prices of the largest tokens as minute candles of the minute in which each was quoted."""
        listed = self.markets(count=count, with_categories=False)
        rows = pd.DataFrame(
            {
                "asset": [entry.asset.slug for entry in listed],
                "opened_at": [quote_minute(min(entry.quoted_at, moment)) for entry in listed],
                "close": [entry.price for entry in listed],
                **dict.fromkeys(("open", "high", "low", "volume", "market_cap"), np.nan),
            }
        )
        return Delivery(SOURCE, [], rows[list(COLUMNS)])

    def _page(self, page: int, **more: str) -> list[dict[str, Any]]:
        query = {
            "vs_currency": "usd",
            "order": "market_cap_desc",
            "per_page": str(PAGE),
            "page": str(page),
            **more,
        }
        reply = self._get("/coins/markets", query)
        if not isinstance(reply, list) or not all(isinstance(entry, dict) for entry in reply):
            raise ProviderError("CoinGecko /coins/markets: expected a list of tokens.")
        for entry in reply:
            for name in ("id", "symbol", "name"):
                if not isinstance(entry.get(name), str) or not entry[name]:
                    raise ProviderError(f"CoinGecko /coins/markets: an entry has no {name}.")
        # A token without a price now is listed with null; it can be left out without doubt about the others.
        return [entry for entry in reply if isinstance(entry.get("current_price"), int | float)]

    def _get(self, path: str, query: dict[str, str]) -> Any:
        wait = self._free_at - time.monotonic()
        if wait > 0:
            self._sleep(wait)
        self._free_at = time.monotonic() + self._pause
        try:
            reply = self._session.get(self._root + path, params=query, timeout=TIMEOUT)
            reply.raise_for_status()
            return reply.json()
        except requests.RequestException as error:
            raise ProviderError(f"CoinGecko {path} could not be read: {error}") from error


def _listed(entry: dict[str, Any], kinds: dict[str, set[str]]) -> Listed:
    slug, name = entry["id"], entry["name"]
    found = kinds.get(slug, set()) | categories.kinds_by_name(name)
    cap = entry.get("market_cap")
    try:
        quoted_at = datetime.fromisoformat(str(entry.get("last_updated")))
    except ValueError as error:
        raise ProviderError(f"CoinGecko /coins/markets: {slug} has no time of its price.") from error
    if quoted_at.tzinfo is None:
        raise ProviderError(f"CoinGecko /coins/markets: the time of {slug} has no time zone.")
    return Listed(
        asset=AssetRecord(
            categories.slugged(slug), entry["symbol"].upper()[:32], name[:128], tuple(sorted(found))
        ),
        price=float(entry["current_price"]),
        market_cap=float(cap) if isinstance(cap, int | float) and cap > 0 else None,
        quoted_at=quoted_at,
    )


def _series(path: str, reply: Any, name: str) -> dict[date, float]:
    points = reply.get(name) if isinstance(reply, dict) else None
    if not isinstance(points, list):
        raise ProviderError(f"CoinGecko {path}: {name} is missing.")
    closes: dict[date, float] = {}
    for point in points:
        if not isinstance(point, list) or len(point) != 2 or not isinstance(point[0], int | float):
            raise ProviderError(
                f"CoinGecko {path}: {name} holds something that is not [milliseconds, number]."
            )
        moment = datetime.fromtimestamp(point[0] / 1000, tz=UTC)
        midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
        if moment - midnight <= MIDNIGHT_SLACK and isinstance(point[1], int | float):
            closes[(midnight - timedelta(days=1)).date()] = float(point[1])
    return closes
