"""Money through the ccxt broker, over HTTP, at a venue that has bad days: the same end as on good ones."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from portfolios import selectors
from portfolios.brokers.base import BrokerOrder, BrokerReport, BrokerUnreachable
from portfolios.brokers.exchange import ExchangeBroker
from portfolios.brokers.simulator.exchange import Account
from portfolios.brokers.simulator.server import SimulatorServer
from portfolios.models import Balance, BlockOrder, Fill, Order, Pause, Reconciliation, VenueAccount
from portfolios.selectors.pauses import pauses
from portfolios.selectors.venues import books_balances, least_notional
from portfolios.services import execution, investing, rebalancing, reconciliation
from portfolios.services.venues import broker_named
from signals import selectors as signal_selectors
from tests.books import sound
from tests.factories import user_make
from tests.venues import WORLD_BASES, account_make, connect, serving, tether_create, world_markets
from tests.worlds import World, clock_to, decision_create, world_create

pytestmark = pytest.mark.django_db


class Clock:
    """The wall clock, which tests turn."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.ahead = timedelta()
        real = timezone.now
        monkeypatch.setattr(timezone, "now", lambda: real() + self.ahead)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


@pytest.fixture
def world() -> World:
    made = world_create()
    tether_create(made, 0.999)
    return made


@pytest.fixture
def account() -> Account:
    return account_make(USDT="50000", ALP="0.5", BNB="7")


@pytest.fixture
def server(account: Account) -> Iterator[SimulatorServer]:
    with serving(world_markets("0.999"), account) as running:
        yield running


def deal(clock: Clock, rounds: int = 40) -> None:
    for _ in range(rounds):
        if execution.dealing_run().at_rest:
            return
        clock.ahead += timedelta(seconds=31)
    states = list(BlockOrder.objects.values_list("asset__code", "status", "reason"))
    raise AssertionError(f"did not come to rest: {states}")


def books_agree(account: Account, venue: VenueAccount) -> None:
    """The simulator's own books against our ledger, without the code that reconciles."""
    ours = books_balances(venue)
    assert {code: amount for code, amount in account.free.items() if amount} == {
        code: amount for code, amount in ours.items() if amount
    }
    assert not any(account.locked.values())
    for base, slug in WORLD_BASES.items():
        before = Decimal("0.5") if base == "ALP" else Decimal(0)
        pots = sum(
            Balance.objects.filter(asset__code=f"token:{slug}", account__kind="assets").values_list(
                "amount", flat=True
            )
        )
        assert account.free.get(base, Decimal(0)) == before + pots


def test_invest_rebalance_and_leave_over_http(
    world: World, server: SimulatorServer, account: Account, clock: Clock
) -> None:
    venue = connect(server)
    assert dict(venue.markets.values_list("base", "token__slug")) == WORLD_BASES
    assert venue.baseline == {"ALP": "0.5", "BNB": "7", "USDT": "50000"}
    assert least_notional() == Decimal("5.1")
    user = user_make(cash="5000")
    order = investing.invest(user, "global-100", "4000")
    deal(clock)
    order.refresh_from_db()
    assert order.status == Order.Status.SETTLED
    assert set(Fill.objects.values_list("venue", flat=True)) == {"sim"}
    # 0.1 % fee, half a spread of 2 bps, and steps; what is under a step stays as cash.
    assert Decimal(2) < order.cost_usd < Decimal(10)
    sound()
    books_agree(account, venue)
    assert reconciliation.reconcile("sim").result == Reconciliation.Result.CLEAN

    today = signal_selectors.last_closed_day()
    decision_create(
        world, as_of=today + timedelta(days=6), weights={"alpha": "0.2", "beta": "0.5", "gamma": "0.3"}
    )
    clock_to(world, today + timedelta(days=7))
    for market, again in zip(server.exchange.markets.values(), world_markets("0.999", day=47), strict=True):
        market.mid = again.mid
        market.advance()
    rebalancing.rebalances_ensure(today + timedelta(days=7))
    deal(clock)
    weights = {position.token: position.weight for position in selectors.holdings(user)[0].positions}
    assert weights["beta"] == pytest.approx(Decimal("0.5"), abs=Decimal("0.01"))
    sound()
    books_agree(account, venue)

    out = investing.redeem(user, "global-100", all=True)
    deal(clock)
    out.refresh_from_db()
    assert out.status == Order.Status.SETTLED
    assert out.proceeds is not None
    assert out.proceeds > Decimal(3900)
    sound()
    books_agree(account, venue)
    row = reconciliation.reconcile("sim")
    assert (row.result, row.findings) == (Reconciliation.Result.CLEAN, [])


@pytest.mark.parametrize("seed", range(3))
def test_bad_days_change_nothing(
    world: World, server: SimulatorServer, account: Account, clock: Clock, seed: int
) -> None:
    """A fifth of all requests fail in some way, answers are lost after the venue has acted: nothing twice, nothing
    lost."""
    venue = connect(server)
    for kind in ("server-error", "html-error", "drop-before", "drop-after"):
        server.faults.rates[kind] = 40_000
    server.faults.rates["rate-limit"] = 10_000
    server.faults._dice.seed(seed)
    user = user_make(cash="3000")
    order = investing.invest(user, "global-100", "3000")
    deal(clock, rounds=200)
    server.faults.rates.clear()
    order.refresh_from_db()
    assert order.status == Order.Status.SETTLED
    assert sum(server.faults.happened.values()) > 0
    placed = [placed.client_id for placed in server.exchange.orders.values()]
    assert len(placed) == len(set(placed))
    assert Fill.objects.count() == len(server.exchange.trades)
    sound()
    books_agree(account, venue)
    assert reconciliation.reconcile("sim").result == Reconciliation.Result.CLEAN


@pytest.mark.parametrize("asset", ["USDT", "BNB"])
def test_fees_in_the_quote_or_a_third_token(
    world: World, server: SimulatorServer, account: Account, clock: Clock, asset: str
) -> None:
    """A third token is the operator's: the investor pays its worth at the mark, the purse pays the token."""
    if asset == "BNB":
        bnb = world_markets("0.999")[1]
        bnb.base = "BNB"
        server.exchange.markets["BNBUSDT"] = bnb
        world.tokens["beta"].__class__.objects.create(
            slug="binance-coin", symbol="BNB", name="BNB", is_simulated=True, first_day=world.market.first_day
        )
        copy_candles(world, "beta", "binance-coin")
    venue = connect(server)
    account.fee_asset = asset
    user = user_make(cash="1000")
    order = investing.invest(user, "global-100", "1000")
    deal(clock)
    sound()
    books_agree(account, venue)
    order.refresh_from_db()
    assert Decimal("0.9") < order.cost_usd < Decimal(3)
    fees = sum(Fill.objects.values_list("fee", flat=True))
    assert Decimal("0.9") < fees < Decimal("1.01")
    purse = dict(Balance.objects.filter(account__key="outside:operator").values_list("asset__code", "amount"))
    if asset == "BNB":
        assert set(Fill.objects.values_list("fee_asset__code", flat=True)) == {"token:binance-coin"}
        assert purse["USD"] == fees
        assert purse["token:binance-coin"] == account.free["BNB"] - 7
    else:
        assert purse == {}
    row = reconciliation.reconcile("sim")
    assert (row.result, row.findings) == (Reconciliation.Result.CLEAN, [])


def copy_candles(world: World, source: str, target: str) -> None:
    """The candles of one token for another."""
    candles = list(world.tokens[source].candles.all())
    token = type(world.tokens[source]).objects.get(slug=target)
    for candle in candles:
        candle.pk, candle.asset = None, token
    type(candles[0]).objects.bulk_create(candles)


def test_what_an_ioc_leaves_is_tried_again_and_then_explained(
    world: World, account: Account, clock: Clock
) -> None:
    """The book holds a part of the purchase within one per cent of the mark; it fills again once, then no more."""
    with serving(world_markets("0.999", depth="30", spread_bps="40"), account) as server:
        venue = connect(server)
        user = user_make(cash="3000")
        order = investing.invest(user, "global-100", "1000")
        assert not execution.dealing_run().at_rest
        [first, second] = BlockOrder.objects.filter(asset__code="token:alpha").order_by("attempt")
        assert (first.status, second.status) == ("done", "new")
        assert first.reason == "Not all of it was filled. The rest is tried again."
        assert second.send_after is not None
        assert second.budget is not None
        assert first.budget is not None
        spent = sum(first.fills.values_list("used", flat=True))
        assert second.budget == first.budget - spent
        # Not before five seconds are over, and no earlier for being asked.
        assert not execution.dealing_run().at_rest
        second.refresh_from_db()
        assert second.status == "new"
        for market in server.exchange.markets.values():
            market.advance()
        deal(clock)
        books_agree(account, venue)
    tries = BlockOrder.objects.filter(asset__code="token:alpha").order_by("attempt")
    assert [block.fills.exists() for block in tries] == [True, True, False]
    assert [block.status for block in tries] == ["done"] * 3
    assert (
        tries[2].reason == "Nobody at sim offers within 1 % of the mark. The rest was not filled in 3 tries."
    )
    order.refresh_from_db()
    assert order.status == Order.Status.SETTLED
    # What was not spent is the investor's all the same: cash of the pot that the units stand for.
    [holding] = selectors.holdings(user)
    usd = next(position for position in holding.positions if position.token == "usd")
    assert usd.value_usd > 300
    assert holding.value_usd == pytest.approx(1000 - order.cost_usd, abs=Decimal("0.01"))
    sound()


def test_a_venue_that_is_down_is_waited_for(
    world: World, server: SimulatorServer, account: Account, clock: Clock
) -> None:
    """Nothing is sent, so nothing is unknown; what was planned goes out when the venue is back."""
    connect(server)
    user = user_make(cash="500")
    order = investing.invest(user, "global-100", "500")
    server.faults.rates["html-error"] = 1_000_000
    for _ in range(3):
        assert not execution.dealing_run().at_rest
    assert set(BlockOrder.objects.values_list("status", flat=True)) == {"new"}
    server.faults.rates.clear()
    deal(clock)
    order.refresh_from_db()
    assert order.status == Order.Status.SETTLED
    assert BlockOrder.objects.filter(attempt__gt=1).count() == 0
    sound()


def test_money_that_lost_its_peg_buys_nothing(server: SimulatorServer, clock: Clock) -> None:
    made = world_create()
    tether_create(made, 0.999)
    connect(server)
    made.tokens["tether"].candles.update(close=0.97)
    user = user_make(cash="500")
    order = investing.invest(user, "global-100", "500")
    deal(clock)
    order.refresh_from_db()
    assert order.status == Order.Status.SETTLED
    assert server.exchange.orders == {}
    assert {block.reason for block in BlockOrder.objects.all()} == {
        "Not sent: the money at sim is worth 0.9700 dollars only."
    }
    sound()


def test_an_order_that_a_venue_denies_but_its_balance_shows_is_not_sent_again(
    world: World, server: SimulatorServer, account: Account, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Open orders, closed ones and trades say nothing of it; the tokens are there. The venue stops, a person looks."""
    connect(server)
    broker = broker_named("sim")
    assert isinstance(broker, ExchangeBroker)
    user = user_make(cash="500")
    investing.invest(user, "global-100", "500")
    monkeypatch.setattr(broker, "order_place", lost(broker.order_place, "beta"))
    monkeypatch.setattr(broker, "order_find", denied(broker.order_find, "beta"))
    for _ in range(6):
        assert not execution.dealing_run().at_rest
        clock.ahead += timedelta(seconds=31)
    [block] = BlockOrder.objects.filter(asset__code="token:beta")
    assert (block.status, block.attempt) == ("unknown", 1)
    assert block.misses >= 3
    assert pauses().reason_for(venue="sim")
    assert len(server.exchange.orders) == 5
    monkeypatch.undo()
    # The venue finds it after all: nothing was sent twice, and the cycle goes on.
    Clock(monkeypatch).ahead = clock.ahead
    Pause.objects.update(ended_at=timezone.now())
    deal(clock)
    assert len(server.exchange.orders) == 5
    sound()


def lost(place: Any, token: str) -> Any:
    """An `order_place` that acts and loses the answers about one token."""

    def placing(order: BrokerOrder) -> BrokerReport:
        report = place(order)
        if order.token == token:
            raise BrokerUnreachable("the answer was lost")
        return report

    return placing


def denied(find: Any, token: str) -> Any:
    """An `order_find` that knows nothing of one token."""
    return lambda order: None if order.token == token else find(order)
