"""Connecting venues: keys sealed and unable to withdraw, markets by asset and price, orders divided over two."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from portfolios.brokers.base import BrokerOrder, BrokerReport, BrokerUnreachable, Depth
from portfolios.brokers.paper import PaperBroker, PaperRules
from portfolios.brokers.simulator.exchange import Account
from portfolios.brokers.simulator.server import SimulatorServer
from portfolios.models import Allocation, BlockOrder, Fill, Order, VenueAccount
from portfolios.selectors.venues import least_notional, venue_names, venues_trading
from portfolios.services import execution, investing, vault, venues
from portfolios.services.pauses import pause_start
from signals.models import Asset
from tests.books import sound
from tests.factories import user_make
from tests.venues import KEY, SECRET, account_make, connect, serving, tether_create, world_markets
from tests.worlds import World, world_create

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    made = world_create()
    tether_create(made)
    return made


@pytest.fixture
def account() -> Account:
    return account_make(USDT="50000")


@pytest.fixture
def server(account: Account) -> Iterator[SimulatorServer]:
    with serving(world_markets(), account) as running:
        yield running


def test_a_secret_is_sealed_for_one_purpose(settings: Any) -> None:
    old, new = "11" * 32, "22" * 32
    settings.BELLWETHER_VAULT_KEY = old
    sealed = vault.seal("swordfish", purpose="venue:a:key")
    assert "swordfish" not in sealed
    assert vault.seal("swordfish", purpose="venue:a:key") != sealed
    assert vault.unseal(sealed, purpose="venue:a:key") == "swordfish"
    with pytest.raises(vault.VaultClosed, match="none of the keys"):
        vault.unseal(sealed, purpose="venue:b:key")
    settings.BELLWETHER_VAULT_KEY = f"{new}, {old}"
    assert vault.unseal(sealed, purpose="venue:a:key") == "swordfish"
    settings.BELLWETHER_VAULT_KEY = new
    with pytest.raises(vault.VaultClosed):
        vault.unseal(sealed, purpose="venue:a:key")
    assert vault.seal("", purpose="x") == vault.unseal("", purpose="x") == ""


@pytest.mark.parametrize(("key", "message"), [("xyz", "not hexadecimal"), ("11" * 31, "32 bytes")])
def test_a_vault_key_that_is_none(settings: Any, key: str, message: str) -> None:
    settings.BELLWETHER_VAULT_KEY = key
    with pytest.raises(vault.VaultClosed, match=message):
        vault.seal("a", purpose="b")


def test_production_has_no_vault_key_of_its_own(settings: Any) -> None:
    settings.BELLWETHER_VAULT_KEY, settings.PRODUCTION = "", True
    with pytest.raises(vault.VaultClosed, match="openssl rand -hex 32"):
        vault.seal("a", purpose="b")


def test_keys_are_stored_sealed_and_never_logged(
    world: World, server: SimulatorServer, caplog: pytest.LogCaptureFixture, settings: Any
) -> None:
    caplog.set_level(logging.DEBUG)
    settings.BELLWETHER_VAULT_KEY = "11" * 32
    made = connect(server)
    row = str(VenueAccount.objects.filter(pk=made.pk).values().get())
    assert KEY not in row
    assert SECRET not in row
    assert made.key_end == KEY[-4:]
    assert made.withdrawals == VenueAccount.Withdrawals.EXCHANGE
    investing.invest(user_make(cash="500"), "global-100", "500")
    execution.dealing_run()
    assert Fill.objects.exists()
    assert KEY not in caplog.text
    assert SECRET not in caplog.text
    assert repr(venues.Credentials(KEY, SECRET)) == f"Credentials(key=...{KEY[-4:]})"
    settings.BELLWETHER_VAULT_KEY = "22" * 32 + "," + "11" * 32
    assert venues.keys_reseal() == 1
    settings.BELLWETHER_VAULT_KEY = "22" * 32
    made.refresh_from_db()
    assert venues.account_client(made).raw.secret == SECRET


def test_a_key_that_can_withdraw_is_refused(world: World, server: SimulatorServer, account: Account) -> None:
    account.may_withdraw = True
    with pytest.raises(venues.VenueRefused, match="this key can withdraw"):
        connect(server)
    assert not VenueAccount.objects.exists()


def test_an_exchange_that_does_not_tell_needs_an_operator_who_vouches(
    world: World, server: SimulatorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(venues, "can_withdraw", lambda client, exchange: None)
    with pytest.raises(venues.VenueRefused, match="does not say whether a key can withdraw"):
        connect(server)
    operator = user_make(email="operator@example.org")
    made = connect(server, confirmed_by=operator)
    assert (made.withdrawals, made.withdrawals_by) == (VenueAccount.Withdrawals.OPERATOR, operator)


def test_a_wrong_secret_is_refused(world: World, server: SimulatorServer) -> None:
    with pytest.raises(venues.VenueRefused, match="did not say what the key may do"):
        venues.venue_connect(
            "sim",
            exchange="binance",
            credentials=venues.Credentials(KEY, "another"),
            quote="USDT",
            fee=Decimal(0),
            url=server.url,
        )


def test_a_symbol_alone_is_no_token(world: World, server: SimulatorServer) -> None:
    """Two tokens of one symbol, and one whose price is another: neither is traded."""
    Asset.objects.create(slug="alpha-two", symbol="ALP", name="Alpha Two", first_day=world.market.first_day)
    server.exchange.markets["BETUSDT"].mid *= 2
    made = connect(server)
    assert set(made.markets.values_list("token__slug", flat=True)) == {"gamma", "delta", "epsilon"}


def test_a_market_named_by_hand_must_have_the_price_too(world: World, server: SimulatorServer) -> None:
    Asset.objects.create(slug="alpha-two", symbol="ALP", name="Alpha Two", first_day=world.market.first_day)
    made = connect(server, markets={"alpha": "ALP/USDT"})
    assert made.markets.get(token__slug="alpha").symbol == "ALP/USDT"
    with pytest.raises(venues.VenueRefused, match="they are not the same"):
        connect(server, "other", markets={"alpha": "BET/USDT"})
    with pytest.raises(venues.VenueRefused, match="is not traded there"):
        connect(server, "other", markets={"alpha": "XXX/USDT"})
    with pytest.raises(venues.VenueRefused, match="already"):
        connect(server)


def test_money_of_unknown_worth_is_refused(server: SimulatorServer) -> None:
    world_create()
    with pytest.raises(venues.VenueRefused, match="no token 'tether'"):
        connect(server)


def test_the_smallest_order(world: World, server: SimulatorServer) -> None:
    assert (least_notional(), least_notional(token="alpha"), least_notional("paper")) == (
        Decimal("0.01"),
    ) * 3
    connect(server)
    assert least_notional() == least_notional("sim", "alpha") == Decimal("5.10")
    venues.paper_connect("second")
    assert least_notional("sim") == Decimal("5.10")
    assert least_notional() == Decimal("0.01")


def test_the_command(world: World, server: SimulatorServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VENUE_KEY", KEY)
    monkeypatch.setenv("VENUE_SECRET", SECRET)
    out = io.StringIO()
    call_command(
        "venue_connect", "--exchange", "binance", "--name", "sim", "--url", f"{server.url}/api/v3", stdout=out
    )
    assert out.getvalue().splitlines()[0] == "sim is connected; new orders go there."
    assert "  alpha                    ALP/USDT" in out.getvalue()
    assert SECRET not in out.getvalue()
    for arguments, message in (
        (["--exchange", "binance", "--name", "sim", "--url", server.url], "already"),
        (["--exchange", "mtgox"], "ccxt knows no"),
        (["--exchange", "binance", "--fee", "2"], "no fraction"),
        (["--exchange", "binance", "--market", "x"], "bitcoin=BTC/USDT"),
        (["--exchange", "binance", "--cannot-withdraw", "a@b.c"], "no operator"),
        ([], "exchange: say which"),
    ):
        with pytest.raises(CommandError, match=message):
            call_command("venue_connect", *arguments)


class Shallow(PaperBroker):
    """A book of its own: so many dollars at so many millionths from the mark. Down on request."""

    def __init__(self, name: str, away: int, dollars: int) -> None:
        super().__init__(name, PaperRules())
        self.away, self.dollars, self.down, self.asked = away, dollars, False, 0
        self.placed: list[BrokerOrder] = []

    def depth(self, order: BrokerOrder) -> Depth | None:
        self.asked += 1
        if self.down:
            raise BrokerUnreachable("maintenance")
        mark = int(order.mark * 10**24)
        price = mark * (10**6 + (self.away if order.side == "buy" else -self.away)) // 10**6
        quantity = int(Decimal(self.dollars) / order.mark * 10**order.scale)
        return Depth([(price, quantity)], fee=10**6)

    def order_place(self, order: BrokerOrder) -> BrokerReport:
        self.placed.append(order)
        return super().order_place(order)


@pytest.fixture
def two(world: World, monkeypatch: pytest.MonkeyPatch) -> tuple[Shallow, Shallow]:
    """Two venues: a cheap one with little, a dear one with much."""
    brokers = Shallow("cheap", 100, 150), Shallow("dear", 900, 10**6)
    for broker in brokers:
        venues.paper_connect(broker.name)
        monkeypatch.setitem(venues.BROKERS, broker.name, broker)
    return brokers


def blocks(code: str = "token:alpha") -> dict[str, BlockOrder]:
    return {block.venue: block for block in BlockOrder.objects.filter(asset__code=code)}


def test_an_order_is_divided_over_two_venues(two: tuple[Shallow, Shallow]) -> None:
    assert venues_trading() == ["cheap", "dear"]
    assert {"cheap", "dear", "paper"} <= set(venue_names())
    users = [user_make(cash="1000") for _ in range(2)]
    orders = [investing.invest(user, "global-100", "500.01") for user in users]
    execution.dealing_run()
    alpha = blocks()
    assert set(alpha) == {"cheap", "dear"}
    # 40 % of 1,000.02 USD: what the cheap book holds of it goes there.
    cheap, dear = alpha["cheap"].budget, alpha["dear"].budget
    assert cheap is not None
    assert dear is not None
    assert cheap + dear == Decimal("400.008000")
    assert cheap == pytest.approx(Decimal("150.2"), abs=Decimal("0.5"))
    for block in BlockOrder.objects.all():
        assert sum(Allocation.objects.filter(block_order=block).values_list("size", flat=True)) == (
            block.budget or block.quantity
        )
    # Epsilon's 50 USD fit into the cheap book whole.
    assert set(blocks("token:epsilon")) == {"cheap"}
    assert set(Fill.objects.values_list("venue", flat=True)) == {"cheap", "dear"}
    assert {Order.objects.get(pk=item.pk).status for item in orders} == {"settled"}
    sound()


def test_a_venue_that_is_down_leaves_all_to_the_other(two: tuple[Shallow, Shallow]) -> None:
    two[0].down = True
    investing.invest(user_make(cash="1000"), "global-100", "500")
    execution.dealing_run()
    assert set(BlockOrder.objects.values_list("venue", flat=True)) == {"dear"}
    sound()


def test_while_both_are_down_nothing_is_sent(two: tuple[Shallow, Shallow]) -> None:
    for broker in two:
        broker.down = True
    order = investing.invest(user_make(cash="1000"), "global-100", "500")
    assert not execution.dealing_run().at_rest
    assert set(BlockOrder.objects.values_list("venue", "status")) == {("best", "new")}
    assert not two[0].placed
    two[1].down = False
    assert execution.dealing_run().at_rest
    order.refresh_from_db()
    assert order.status == "settled"
    sound()


def test_a_paused_venue_is_gone_round(two: tuple[Shallow, Shallow]) -> None:
    pause_start("venue", "cheap", reason="Maintenance.")
    investing.invest(user_make(cash="1000"), "global-100", "500")
    execution.dealing_run()
    assert set(BlockOrder.objects.values_list("venue", flat=True)) == {"dear"}
    assert two[0].asked == 0
    sound()


def test_an_order_routed_before_the_pause_is_routed_again(
    two: tuple[Shallow, Shallow], monkeypatch: pytest.MonkeyPatch
) -> None:
    two[0].dollars = 10**6
    order = investing.invest(user_make(cash="1000"), "global-100", "500")
    cycle = execution.cycle_open()
    assert cycle is not None
    execution.cycle_advance(cycle.pk)
    BlockOrder.objects.filter(cycle=cycle, status="new", venue="best").update(venue="cheap")
    pause_start("venue", "cheap", reason="Maintenance.")
    assert execution.dealing_run().at_rest
    order.refresh_from_db()
    assert order.status == "settled"
    assert not two[0].placed
    assert set(BlockOrder.objects.values_list("venue", flat=True)) == {"dear"}
    sound()


def test_where_all_are_paused_orders_are_given_up_with_the_reason(two: tuple[Shallow, Shallow]) -> None:
    for name in ("cheap", "dear"):
        pause_start("venue", name, reason="Maintenance.")
    investing.invest(user_make(cash="1000"), "global-100", "500")
    assert execution.dealing_run().at_rest
    assert set(BlockOrder.objects.values_list("status", "reason")) == {("rejected", "Not sent. Maintenance.")}
    sound()


class Dead(Shallow):
    """Loses every order before it arrives."""

    def order_place(self, order: BrokerOrder) -> BrokerReport:
        self.placed.append(order)
        raise BrokerUnreachable("nobody there")

    def order_find(self, order: BrokerOrder) -> BrokerReport | None:
        return None


def test_what_one_venue_never_received_goes_out_again_under_a_new_id(
    two: tuple[Shallow, Shallow], monkeypatch: pytest.MonkeyPatch
) -> None:
    dead = Dead("cheap", 100, 150)
    monkeypatch.setitem(venues.BROKERS, "cheap", dead)
    order = investing.invest(user_make(cash="1000"), "global-100", "500")
    ahead, real = [timedelta()], timezone.now
    monkeypatch.setattr(timezone, "now", lambda: real() + ahead[0])
    for _ in range(4):
        assert not execution.dealing_run().at_rest
        ahead[0] += timedelta(seconds=20)
    dead.down = True  # its book is gone too: the rest goes to the other venue
    for _ in range(6):
        execution.dealing_run()
        ahead[0] += timedelta(seconds=20)
    order.refresh_from_db()
    assert order.status == "settled"
    ids = [placed.client_id for placed in (*dead.placed, *two[1].placed)]
    assert len(ids) == len(set(ids))
    lost = BlockOrder.objects.filter(venue="cheap")
    assert set(lost.values_list("status", "reason")) == {("rejected", "The venue never received it.")}
    assert BlockOrder.objects.filter(venue="dear", attempt__gt=1).exists()
    sound()
