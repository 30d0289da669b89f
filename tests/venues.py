"""Simulated exchanges for tests: a server on this machine, its account, and a broker that trades there."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Literal

from portfolios.brokers.base import BrokerOrder
from portfolios.brokers.client import Client
from portfolios.brokers.exchange import ExchangeBroker
from portfolios.brokers.simulator.exchange import Account, Exchange
from portfolios.brokers.simulator.market import Market, Rules
from portfolios.brokers.simulator.server import SimulatorServer
from portfolios.brokers.sizing import MarketRule
from portfolios.models import VenueAccount
from portfolios.services import venues
from signals.models import Asset, Candle
from signals.models import Market as Market_
from tests.worlds import FIRST_DAY, World, close_of

KEY, SECRET = "a-key-of-the-simulator", "a-secret-of-the-simulator"


def book(symbol: str = "BTC", mid: str = "100", *, depth: str = "1000", quote: str = "USDT") -> Market:
    """Levels at 100.02, 100.06, 100.10 ... with 1,000 at the best one; at other prices in proportion."""
    price = Decimal(mid)
    digits = price.adjusted()
    tick = Decimal(1).scaleb(digits - 5)
    step = Decimal(1).scaleb(-(digits + 1)) if digits >= -1 else Decimal(1)
    rules = Rules(tick, step, step, Decimal(10) ** 9, Decimal(5))
    return Market(symbol, quote, price, rules, Decimal(4), Decimal(depth), 0, 1)


@contextmanager
def serving(markets: Iterable[Market], account: Account) -> Iterator[SimulatorServer]:
    """A running exchange whose clock is the wall clock."""
    exchange = Exchange(markets, [account], now=lambda: time.time_ns() // 1_000_000)
    server = SimulatorServer(exchange)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def account_make(**free: str) -> Account:
    """An account with these amounts and the usual key."""
    return Account(KEY, SECRET, {code: Decimal(amount) for code, amount in free.items()})


def rule_of(market: Market) -> MarketRule:
    """The market as our table has it."""
    rules = market.rules
    return MarketRule(
        f"{market.base}/{market.quote}",
        market.base,
        rules.step,
        rules.tick,
        rules.min_notional,
        rules.min_quantity,
    )


def broker_at(server: SimulatorServer, tokens: dict[str, str], **changes: Any) -> ExchangeBroker:
    """A broker for the server's account; `tokens` maps a slug to the base of its market."""
    markets = {market.base: market for market in server.exchange.markets.values()}
    client = Client("binance", key=KEY, secret=SECRET, url=server.url, **changes)
    return ExchangeBroker(
        "sim",
        client,
        markets={slug: rule_of(markets[base]) for slug, base in tokens.items() if base in markets},
        quote="USDT",
        fee=Decimal("0.001"),
        tokens={base: slug for slug, base in tokens.items()},
    )


def order(side: Literal["buy", "sell"] = "buy", size: str = "1000", **changes: Any) -> BrokerOrder:
    """An order for bitcoin at a mark of 100, at most one per cent away."""
    return BrokerOrder(
        **{
            "client_id": "0192f0c1-1111-7000-8000-000000000001",
            "token": "bitcoin",
            "side": side,
            "quantity": Decimal(size) if side == "sell" else None,
            "budget": Decimal(size) if side == "buy" else None,
            "scale": 12,
            "mark": Decimal(100),
            "volume": None,
            "placed_at": datetime(2022, 1, 1, tzinfo=UTC),
            "cap": Decimal("0.01"),
            "sent_at": datetime.now(UTC),
            **changes,
        }
    )


WORLD_BASES = {"ALP": "alpha", "BET": "beta", "GAM": "gamma", "DEL": "delta", "EPS": "epsilon"}


def world_markets(
    rate: str = "1", *, depth: str = "100000", spread_bps: str = "4", day: int = 40
) -> list[Market]:
    """Markets against USDT for the tokens of tests/worlds.py at their marks of `day`, one USDT being `rate` USD."""
    made = []
    for base, slug in WORLD_BASES.items():
        mark = Decimal(str(close_of(slug, FIRST_DAY + timedelta(days=day)))) / Decimal(rate)
        made.append(book(base, f"{mark:.6g}" if mark > 1 else f"{mark:.3g}", depth=depth))
        made[-1].spread_bps = Decimal(spread_bps)
    return made


def tether_create(world: World, price: float = 1.0) -> Asset:
    """The token that says what one USDT is worth, at this price every day."""
    token = Asset.objects.create(
        slug="tether", symbol="USDT", name="Tether", is_simulated=True, first_day=FIRST_DAY
    )
    world.tokens["tether"] = token
    Candle.objects.bulk_create(
        Candle(
            asset=token,
            interval=Candle.Interval.DAY,
            opened_at=datetime.combine(FIRST_DAY + timedelta(days=n), datetime.min.time(), UTC),
            source=Market_.Source.SIMULATED,
            close=price,
            volume=1e9,
            market_cap=1e11,
        )
        for n in range(60)
    )
    return token


def connect(server: SimulatorServer, name: str = "sim", **changes: Any) -> VenueAccount:
    """The server's account connected as a venue; tether must exist."""
    return venues.venue_connect(
        name,
        exchange="binance",
        credentials=venues.Credentials(KEY, SECRET),
        quote="USDT",
        fee=Decimal("0.001"),
        url=server.url,
        **changes,
    )
