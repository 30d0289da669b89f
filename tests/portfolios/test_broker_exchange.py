"""The ccxt broker against the simulated exchange over HTTP: sizes, fees, finding orders again, bad days."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal, getcontext
from typing import Any

import pytest

from portfolios.brokers.base import BrokerConfused, BrokerReport, BrokerUnreachable
from portfolios.brokers.client import Client
from portfolios.brokers.exchange import ExchangeBroker, client_id
from portfolios.brokers.listing import listings
from portfolios.brokers.permissions import can_withdraw
from portfolios.brokers.simulator.exchange import Account
from portfolios.brokers.simulator.server import SimulatorServer
from tests.venues import KEY, SECRET, account_make, book, broker_at, order, serving

TOKENS = {"bitcoin": "BTC", "binance-coin": "BNB"}


@pytest.fixture
def account() -> Account:
    return account_make(USDT="10000", BTC="20", BNB="5")


@pytest.fixture
def server(account: Account) -> Iterator[SimulatorServer]:
    with serving([book(), book("BNB", "500")], account) as running:
        yield running


@pytest.fixture
def broker(server: SimulatorServer) -> ExchangeBroker:
    return broker_at(server, TOKENS)


def sums(report: BrokerReport) -> tuple[Decimal, Decimal, Decimal]:
    """Quantity, notional and fee of all fills."""
    return (
        sum((fill.quantity for fill in report.fills), Decimal(0)),
        sum((fill.notional for fill in report.fills), Decimal(0)),
        sum((fill.fee for fill in report.fills), Decimal(0)),
    )


def test_a_purchase_never_costs_more_than_its_budget(broker: ExchangeBroker, server: SimulatorServer) -> None:
    report = broker.order_place(order("buy", "1500"))
    assert report.state == "done"
    # 1,500 less a fee of 0.1 %, at the dearest level that it needs, 100.06, in steps of 0.001.
    quantity, notional, fee = sums(report)
    assert quantity == Decimal("14.976")
    assert notional == Decimal("9.998") * Decimal("100.02") + Decimal("4.978") * Decimal("100.06")
    # The fee was taken in what was bought.
    assert fee == 0
    assert [(fill.fee_token, fill.fee_quantity) for fill in report.fills] == [
        ("bitcoin", Decimal("0.009998")),
        ("bitcoin", Decimal("0.004978")),
    ]
    assert notional * Decimal("1.001") <= 1500
    [placed] = server.exchange.orders.values()
    assert (placed.kind, placed.time_in_force, placed.price) == ("LIMIT", "IOC", Decimal("100.06"))
    assert placed.client_id == client_id(order())
    assert report.reference == "1"


def test_a_sale_goes_down_to_its_cap_and_no_further(broker: ExchangeBroker, account: Account) -> None:
    report = broker.order_place(order("sell", "20", cap=Decimal("0.0005")))
    quantity, notional, fee = sums(report)
    # Only the level at 99.98 is within five hundredths of a per cent.
    assert quantity == Decimal("10.002")
    assert notional == Decimal("10.002") * Decimal("99.98")
    assert fee == Decimal("1.000000")
    assert report.state == "done"
    assert report.reason == "10.002 of 20 filled within 0.05 % of the mark."
    assert account.free["BTC"] == Decimal("9.998")


@pytest.mark.parametrize(
    ("asset", "expected"),
    [
        ("USDT", ("", Decimal(0), Decimal("0.500100"), Decimal("0.5001"))),
        ("BNB", ("binance-coin", Decimal("0.0010002"), Decimal(0), Decimal(0))),
        ("BTC", ("bitcoin", Decimal("0.005"), Decimal(0), Decimal(0))),
    ],
)
def test_a_fee_in_base_quote_or_a_third_token(
    broker: ExchangeBroker, account: Account, asset: str, expected: tuple[Any, ...]
) -> None:
    account.fee_asset = asset
    [fill] = broker.order_place(order("buy", "500.65")).fills
    assert fill.quantity == Decimal("5")
    assert (fill.fee_token, fill.fee_quantity, fill.fee, fill.quote_fee) == expected
    assert fill.quote_amount == Decimal("500.10")


def test_a_fee_in_something_unknown_is_not_guessed(server: SimulatorServer, account: Account) -> None:
    account.fee_asset = "BNB"
    broker = broker_at(server, {"bitcoin": "BTC"})
    with pytest.raises(BrokerConfused, match="'BNB'"):
        broker.order_place(order())


def test_the_money_of_the_venue_is_worth_what_it_is_worth(broker: ExchangeBroker) -> None:
    """At 0.99 USD for one USDT a token at 99 USD costs 100 USDT."""
    report = broker.order_place(order("buy", "495", mark=Decimal(99), rate=Decimal("0.99")))
    [fill] = report.fills
    assert fill.quantity == Decimal("4.994")
    assert fill.price == Decimal("99.0198")
    assert fill.notional == Decimal("494.504882")
    assert fill.quote_amount == Decimal("499.49988")


@pytest.mark.parametrize(
    ("wish", "reason"),
    [
        ({"size": "4.99"}, "less than sim trades, 5 USDT"),
        ({"side": "sell", "size": "0.0009"}, "less than sim trades"),
        ({"side": "sell", "size": "0.04"}, "less than sim trades, 5 USDT"),
        ({"token": "dogecoin"}, "does not trade dogecoin"),
        ({"mark": Decimal(120)}, "too far from the mark"),
        ({"mark": Decimal(1)}, "too far from the mark"),
    ],
)
def test_what_the_venue_would_refuse_is_not_sent(
    broker: ExchangeBroker, server: SimulatorServer, wish: dict[str, Any], reason: str
) -> None:
    report = broker.order_place(order(**wish))
    assert report.state == "rejected"
    assert reason in report.reason
    assert server.exchange.orders == {}


def test_nobody_within_the_cap_is_no_refusal(broker: ExchangeBroker, server: SimulatorServer) -> None:
    report = broker.order_place(order(mark=Decimal(95)))
    assert (report.state, report.fills) == ("done", [])
    assert report.reason == "Nobody at sim offers within 1 % of the mark."
    assert server.exchange.orders == {}


def test_quantities_are_whole_steps_and_base_units(broker: ExchangeBroker, server: SimulatorServer) -> None:
    broker.order_place(order("sell", "1.2345678"))
    broker.order_place(order("buy", "777.77", client_id="b", scale=2))
    first, second = server.exchange.orders.values()
    assert (first.quantity, first.price) == (Decimal("1.234"), Decimal(99))
    assert second.quantity == Decimal("7.76")


def test_an_order_is_found_by_our_id_and_by_theirs(broker: ExchangeBroker) -> None:
    wish = order()
    assert broker.order_find(wish) is None
    placed = broker.order_place(wish)
    assert broker.order_find(wish) == placed
    assert broker.order_find(replace(wish, reference=placed.reference)) == placed
    assert broker.order_find(replace(wish, client_id="another")) is None


def test_a_resting_order_is_found_in_open_ones(broker: ExchangeBroker, server: SimulatorServer) -> None:
    wish = order()
    broker.client.call(
        "create_order", "BTC/USDT", "limit", "buy", "1", "90", {"clientOrderId": client_id(wish)}
    )
    report = broker.order_find(wish)
    assert report == BrokerReport("open", [], reference="1")


def test_an_answer_lost_after_acting_is_found_and_not_doubled(
    broker: ExchangeBroker, server: SimulatorServer
) -> None:
    wish = order()
    broker.order_ready(wish)
    server.faults.planned.append("drop-after")
    with pytest.raises(BrokerUnreachable):
        broker.order_place(wish)
    report = broker.order_find(wish)
    assert report is not None
    assert sums(report)[0] == Decimal("9.988")
    assert len(server.exchange.orders) == 1


@pytest.mark.parametrize("fault", ["drop-before", "server-error", "html-error", "rate-limit"])
def test_a_bad_answer_is_no_answer(broker: ExchangeBroker, server: SimulatorServer, fault: str) -> None:
    wish = order()
    broker.order_ready(wish)
    server.faults.planned.append(fault)
    with pytest.raises(BrokerUnreachable):
        broker.order_place(wish)
    assert server.exchange.orders == {}


@pytest.mark.parametrize("fault", ["drop-before", "drop-after", "server-error", "html-error"])
def test_nothing_is_concluded_from_half_a_search(
    broker: ExchangeBroker, server: SimulatorServer, fault: str
) -> None:
    """Open orders, closed ones, trades: a failure of any of the three is no "not there"."""
    wish = order()
    broker.order_find(wish)
    for healthy in range(3):
        server.faults.planned.clear()
        server.faults.planned.extend(["reject"] * healthy)  # a kind that leaves questions alone
        server.faults.planned.append(fault)
        with pytest.raises(BrokerUnreachable):
            broker.order_find(wish)
    assert broker.order_find(wish) is None


def test_retry_after_is_honoured(server: SimulatorServer) -> None:
    seconds = [1000]
    broker = broker_at(server, TOKENS, clock=lambda: seconds[0] * 10**9)
    broker.order_ready(order())
    server.faults.planned.append("rate-limit")
    with pytest.raises(BrokerUnreachable):
        broker.order_ready(order())
    before = len(server.requests_seen)
    with pytest.raises(BrokerUnreachable, match="asked us to wait"):
        broker.order_ready(order())
    assert len(server.requests_seen) == before
    seconds[0] += 1
    broker.order_ready(order())


def test_a_refusal_is_definite(broker: ExchangeBroker, account: Account) -> None:
    account.free["USDT"] = Decimal(10)
    report = broker.order_place(order())
    assert report.state == "rejected"
    assert "insufficient balance" in report.reason


def test_accepted_but_not_told_about_is_open(
    broker: ExchangeBroker, server: SimulatorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The order is in, then the venue falls silent: what became of it is asked later, by its own id."""
    real = broker.client.call

    def flaky(method: str, *arguments: Any, **named: Any) -> Any:
        if method == "fetch_order":
            raise BrokerUnreachable("silence")
        return real(method, *arguments, **named)

    monkeypatch.setattr(broker.client, "call", flaky)
    assert broker.order_place(order()) == BrokerReport("open", [], reference="1")
    monkeypatch.undo()
    report = broker.order_find(order(reference="1"))
    assert report is not None
    assert report.state == "done"


def test_trades_that_lag_behind_their_order_are_waited_for(
    broker: ExchangeBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = broker._lines
    monkeypatch.setattr(broker, "_lines", lambda method, *arguments: real(method, *arguments)[:1])
    report = broker.order_place(order("buy", "1500"))
    assert (report.state, len(report.fills)) == ("open", 1)
    monkeypatch.undo()
    again = broker.order_find(order("buy", "1500", reference=report.reference))
    assert again is not None
    assert (again.state, len(again.fills)) == ("done", 2)


def test_depth_is_in_dollars_and_base_units(broker: ExchangeBroker) -> None:
    found = broker.depth(order("buy", scale=8, rate=Decimal("0.99"), mark=Decimal(99)))
    assert found is not None
    assert found.levels[0] == (99_019_800_000_000_000_000_000_000, 999_800_000)
    assert found.available == 9_900_000_000
    assert (found.step, found.fee, found.least_notional) == (100_000, 1_000_000, 4_950_000)
    assert all(price <= 99_990_000_000_000_000_000_000_000 for price, _ in found.levels)
    assert broker.depth(order(token="dogecoin")) is None


def test_the_decimal_context_of_the_caller_is_left_alone(broker: ExchangeBroker) -> None:
    before = getcontext().copy()
    broker.order_place(order())
    broker.order_find(order())
    broker.balances()
    assert getcontext().traps == before.traps
    assert (getcontext().rounding, getcontext().prec) == (before.rounding, before.prec)


def test_what_a_key_may_do(server: SimulatorServer, account: Account) -> None:
    client = Client("binance", key=KEY, secret=SECRET, url=server.url)
    assert can_withdraw(client, "binance") is False
    account.may_withdraw = True
    assert can_withdraw(client, "binance") is True
    assert can_withdraw(client, "kraken") is None


def test_markets_are_listed_with_their_rules(server: SimulatorServer) -> None:
    client = Client("binance", key=KEY, secret=SECRET, url=server.url)
    bnb, btc = listings(client, "USDT")
    assert (bnb.symbol, btc.symbol, btc.base, btc.price) == ("BNB/USDT", "BTC/USDT", "BTC", Decimal(100))
    assert (btc.step, btc.tick) == (Decimal("0.001"), Decimal("0.001"))
    assert (btc.least_notional, btc.least_quantity, btc.is_open) == (5, Decimal("0.001"), True)


def test_an_exchange_that_there_is_not() -> None:
    with pytest.raises(ValueError, match="ccxt knows no 'mtgox'"):
        Client("mtgox")
