"""The simulated exchange, by the unmodified Binance client of ccxt over HTTP, and its matching by hand."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from decimal import Decimal, localcontext
from itertools import count
from typing import Any

import ccxt
import pytest
import requests

from portfolios.brokers.simulator.exchange import Account, Exchange, Refused
from portfolios.brokers.simulator.faults import FaultError, Faults
from portfolios.brokers.simulator.market import Market, Rules, market
from portfolios.brokers.simulator.server import SimulatorServer

START = 1_700_000_000_000


def plain_market(symbol: str = "BTC", mid: str = "100") -> Market:
    """Levels at 100.02, 100.06, 100.10 ... with 1,000 USDT at the best one."""
    rules = Rules(Decimal("0.01"), Decimal("0.001"), Decimal("0.001"), Decimal(1000), Decimal(5))
    return Market(symbol, "USDT", Decimal(mid), rules, Decimal(4), Decimal(1000), 0, 1)


@pytest.fixture
def account() -> Account:
    return Account("key", "secret", {"USDT": Decimal(10_000), "BTC": Decimal(5)})


@pytest.fixture
def exchange(account: Account) -> Exchange:
    ticks = count(START)
    return Exchange([plain_market()], [account], now=lambda: next(ticks))


def asked(**changes: Any) -> dict[str, Any]:
    return {
        "symbol": "BTCUSDT",
        "client_id": "one",
        "side": "BUY",
        "kind": "MARKET",
        "time_in_force": "GTC",
        "price": Decimal(0),
        "quantity": Decimal(0),
        "quote_quantity": Decimal(0),
        **changes,
    }


def test_a_market_order_eats_level_after_level_and_pays_its_fee_in_what_it_gets(
    exchange: Exchange, account: Account
) -> None:
    order = exchange.place(account, asked(quantity=Decimal(15)))
    assert [(trade.price, trade.quantity) for trade in order.trades] == [
        (Decimal("100.02"), Decimal("9.998")),
        (Decimal("100.06"), Decimal("5.002")),
    ]
    assert order.status == "FILLED"
    assert account.free["USDT"] == Decimal(10_000) - Decimal("9.998") * Decimal("100.02") - Decimal(
        "5.002"
    ) * Decimal("100.06")
    assert account.free["BTC"] == Decimal(5) + Decimal(15) - Decimal("0.009998") - Decimal("0.005002")
    assert account.locked["USDT"] == 0


def test_what_was_taken_is_gone_until_the_market_moves(exchange: Exchange, account: Account) -> None:
    exchange.place(account, asked(quantity=Decimal("9.998")))
    assert exchange.market("BTCUSDT").book("BUY")[0].price == Decimal("100.06")
    exchange.advance()
    assert exchange.market("BTCUSDT").book("BUY")[0].price == Decimal("100.02")


def test_an_ioc_order_fills_inside_its_limit_and_expires(exchange: Exchange, account: Account) -> None:
    order = exchange.place(
        account, asked(kind="LIMIT", time_in_force="IOC", price=Decimal("100.03"), quantity=Decimal(20))
    )
    assert (order.status, order.executed) == ("EXPIRED", Decimal("9.998"))
    assert account.locked["USDT"] == 0


def test_fill_or_kill_is_all_or_nothing(exchange: Exchange, account: Account) -> None:
    order = exchange.place(
        account, asked(kind="LIMIT", time_in_force="FOK", price=Decimal("100.03"), quantity=Decimal(20))
    )
    assert (order.status, order.executed, account.free["USDT"]) == ("EXPIRED", 0, Decimal(10_000))


def test_a_resting_order_waits_with_its_money_set_aside_and_is_cancelled(
    exchange: Exchange, account: Account
) -> None:
    order = exchange.place(account, asked(kind="LIMIT", price=Decimal(90), quantity=Decimal(10)))
    assert (order.status, account.locked["USDT"], account.free["USDT"]) == ("NEW", 900, 9_100)
    exchange.cancel(order)
    assert (order.status, account.locked["USDT"], account.free["USDT"]) == ("CANCELED", 0, 10_000)
    with pytest.raises(Refused, match="Unknown order sent"):
        exchange.cancel(order)


def test_a_resting_order_is_filled_at_its_limit_when_the_market_comes_to_it(
    exchange: Exchange, account: Account
) -> None:
    order = exchange.place(account, asked(kind="LIMIT", price=Decimal(90), quantity=Decimal(10)))
    exchange.market("BTCUSDT").mid = Decimal(80)
    exchange.advance()
    assert (order.status, order.spent, [trade.maker for trade in order.trades]) == ("FILLED", 900, [True])


@pytest.mark.parametrize(
    ("changes", "code", "message"),
    [
        ({"symbol": "XUSDT", "quantity": Decimal(1)}, -1121, "Invalid symbol"),
        ({"quantity": Decimal("0.0005")}, -1013, "LOT_SIZE"),
        ({"quantity": Decimal("0.002")}, -1013, "NOTIONAL"),
        ({"kind": "LIMIT", "price": Decimal("100.001"), "quantity": Decimal(1)}, -1013, "PRICE_FILTER"),
        ({"kind": "LIMIT", "price": Decimal(100), "quantity": Decimal(500)}, -2010, "insufficient balance"),
        ({"kind": "LIMIT_MAKER", "price": Decimal(101), "quantity": Decimal(1)}, -2010, "immediately match"),
    ],
)
def test_refusals(
    exchange: Exchange, account: Account, changes: dict[str, Any], code: int, message: str
) -> None:
    with pytest.raises(Refused, match=message) as refusal:
        exchange.place(account, asked(**changes))
    assert refusal.value.code == code
    assert account.free == {"USDT": Decimal(10_000), "BTC": Decimal(5)}


def test_one_open_order_per_client_id(exchange: Exchange, account: Account) -> None:
    resting = asked(kind="LIMIT", price=Decimal(90), quantity=Decimal(1))
    first = exchange.place(account, resting)
    with pytest.raises(Refused, match="Duplicate order sent"):
        exchange.place(account, resting)
    exchange.cancel(first)
    # As at real venues, an id is free again once its order is closed: it alone makes nothing happen only once.
    assert exchange.place(account, resting).id == 2


def test_money_is_neither_made_nor_lost(exchange: Exchange, account: Account) -> None:
    for number, side in enumerate(["BUY", "SELL", "SELL", "BUY"]):
        exchange.place(account, asked(client_id=str(number), side=side, quantity=Decimal("3.5")))
        exchange.advance()
    fees = {"USDT": Decimal(0), "BTC": Decimal(0)}
    flows = {"USDT": Decimal(0), "BTC": Decimal(0)}
    for trade in exchange.trades:
        sign = 1 if trade.order.side == "BUY" else -1
        flows["BTC"] += sign * trade.quantity
        flows["USDT"] -= sign * trade.quantity * trade.price
        fees[trade.commission_asset] += trade.commission
    assert account.free["BTC"] == Decimal(5) + flows["BTC"] - fees["BTC"]
    assert account.free["USDT"] == Decimal(10_000) + flows["USDT"] - fees["USDT"]


def test_a_fault_that_there_is_not() -> None:
    with pytest.raises(FaultError, match="no 'gremlin'"):
        Faults({"gremlin": 1})


@pytest.fixture
def server() -> Iterator[SimulatorServer]:
    account = Account("key", "secret", {"USDT": Decimal(10_000), "ETH": Decimal(2)})
    markets = [
        market("BTC", Decimal(60_000), volatility_bps=0),
        market("ETH", Decimal(3_000), volatility_bps=0),
    ]
    ticks = count(START)
    running = SimulatorServer(Exchange(markets, [account], now=lambda: next(ticks)))
    thread = threading.Thread(target=running.serve_forever, daemon=True)
    thread.start()
    yield running
    running.shutdown()
    running.server_close()
    thread.join()


@pytest.fixture
def client(server: SimulatorServer) -> Iterator[Any]:
    made = ccxt.binance(
        {
            "apiKey": "key",
            "secret": "secret",
            "enableRateLimit": False,
            "options": {"fetchMarkets": {"types": ["spot"]}},
        }
    )
    for name, path in (("public", "/api/v3"), ("private", "/api/v3"), ("sapi", "/sapi/v1")):
        made.urls["api"][name] = server.url + path
    made.nonce = lambda: START  # the exchange's clock stands near this moment
    # The library changes the thread's decimal context.
    with localcontext():
        yield made


def test_the_ccxt_client_trades_here_unmodified(client: Any, server: SimulatorServer) -> None:
    book = client.fetch_order_book("BTC/USDT")
    assert (book["bids"][0][0], book["asks"][0][0]) == (59988, 60012)
    bought = client.create_order("BTC/USDT", "market", "buy", 0.05, None, {"newClientOrderId": "ours-1"})
    assert (bought["status"], bought["filled"], bought["cost"]) == ("closed", 0.05, 3000.6)
    assert bought["clientOrderId"] == "ours-1"
    resting = client.create_order("ETH/USDT", "limit", "sell", 1, 3300)
    assert [order["id"] for order in client.fetch_open_orders("ETH/USDT")] == [resting["id"]]
    client.cancel_order(resting["id"], "ETH/USDT")
    assert client.fetch_order(resting["id"], "ETH/USDT")["status"] == "canceled"
    found = client.fetch_order(None, "BTC/USDT", {"origClientOrderId": "ours-1"})
    assert (found["id"], found["filled"]) == (bought["id"], 0.05)
    trades = client.fetch_my_trades("BTC/USDT")
    assert [(trade["amount"], trade["price"], trade["fee"]["currency"]) for trade in trades] == [
        (0.05, 60012, "BTC")
    ]
    balance = client.fetch_balance()
    assert (balance["USDT"]["free"], balance["BTC"]["free"], balance["ETH"]["free"]) == (6999.4, 0.04995, 2)
    assert client.sapi_get_account_apirestrictions()["enableWithdrawals"] is False


def test_the_client_understands_our_refusals(client: Any, server: SimulatorServer) -> None:
    with pytest.raises(ccxt.InsufficientFunds):
        client.create_order("BTC/USDT", "market", "buy", 5)
    with pytest.raises(ccxt.BadRequest, match="NOTIONAL"):
        client.create_order("BTC/USDT", "limit", "buy", 0.00001, 60_000)
    with pytest.raises(ccxt.OrderNotFound):
        client.fetch_order("77", "BTC/USDT")
    client.secret = "wrong"
    with pytest.raises(ccxt.AuthenticationError):
        client.fetch_balance()


def test_an_order_whose_answer_is_lost_is_there_all_the_same(client: Any, server: SimulatorServer) -> None:
    client.load_markets()
    server.faults.planned.append("drop-after")
    with pytest.raises(ccxt.NetworkError):
        client.create_order("BTC/USDT", "market", "buy", 0.01, None, {"newClientOrderId": "lost"})
    assert client.fetch_order(None, "BTC/USDT", {"origClientOrderId": "lost"})["filled"] == 0.01
    server.faults.planned.append("drop-before")
    with pytest.raises(ccxt.NetworkError):
        client.create_order("BTC/USDT", "market", "buy", 0.01, None, {"newClientOrderId": "never"})
    with pytest.raises(ccxt.OrderNotFound):
        client.fetch_order(None, "BTC/USDT", {"origClientOrderId": "never"})


@pytest.mark.parametrize(
    ("fault", "status", "expected"),
    [
        ("rate-limit", 429, "DDoSProtection"),
        ("server-error", 503, "OperationFailed"),
        ("html-error", 502, "ExchangeNotAvailable"),
    ],
)
def test_bad_days_of_a_venue(
    client: Any, server: SimulatorServer, fault: str, status: int, expected: str
) -> None:
    server.faults.planned.append(fault)
    answer = requests.get(f"{server.url}/api/v3/ping", timeout=5)
    assert answer.status_code == status
    assert (answer.headers.get("Retry-After") == "1") == (status == 429)
    server.faults.planned.append(fault)
    with pytest.raises(getattr(ccxt, expected)):
        client.public_get_ping()
    assert server.faults.happened[fault] == 2


def test_a_stale_signature_is_refused(client: Any, server: SimulatorServer) -> None:
    client.nonce = lambda: START - 60_000
    with pytest.raises(ccxt.InvalidNonce):
        client.fetch_balance()
