"""A venue's books against ours: what agrees, what was missed, what cannot be; and silence is never an empty account."""

from __future__ import annotations

import io
import json
import random
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction
from django.utils import timezone

from portfolios import tasks
from portfolios.brokers.base import BrokerOrder, BrokerReport, BrokerUnreachable, VenueBooks
from portfolios.brokers.exchange import ExchangeBroker
from portfolios.brokers.simulator.exchange import Account
from portfolios.brokers.simulator.server import SimulatorServer
from portfolios.models import (
    BlockOrder,
    CustodyReport,
    Entry,
    Fill,
    Pause,
    Posting,
    Reconciliation,
    User,
    VenueAccount,
)
from portfolios.selectors.pauses import pauses
from portfolios.selectors.venues import books_balances
from portfolios.services import execution, investing, venues
from portfolios.services.reconciliation import balance_accept, reconcile, reconciliations_due
from tests.books import sound
from tests.factories import user_make
from tests.venues import account_make, connect, serving, tether_create, world_markets
from tests.worlds import world_create

pytestmark = pytest.mark.django_db
CLEAN, BREAK, NO_ANSWER, WAITING = "clean", "break", "no_answer", "waiting"


@pytest.fixture
def account() -> Account:
    return account_make(USDT="50000", ALP="0.5")


@pytest.fixture
def server(account: Account) -> Iterator[SimulatorServer]:
    with serving(world_markets(), account) as running:
        yield running


@pytest.fixture
def venue(server: SimulatorServer) -> VenueAccount:
    """Connected, and an investment traded there."""
    tether_create(world_create())
    made = connect(server)
    investing.invest(user_make(cash="2000"), "global-100", "1000")
    assert execution.dealing_run().at_rest
    return made


@pytest.fixture
def operator() -> User:
    made = user_make(email="operator@example.org")
    made.is_staff = made.is_superuser = True
    made.save()
    return made


def written() -> tuple[int, ...]:
    return Entry.objects.count(), Posting.objects.count(), Fill.objects.count()


def test_books_that_agree(venue: VenueAccount, account: Account) -> None:
    before = written()
    row = reconcile("sim")
    assert (row.result, row.findings, row.trades, row.posted) == (CLEAN, [], 5, 0)
    assert pauses().venues == {}
    assert written() == before
    report = CustodyReport.objects.get(custodian="venue:sim")
    held = {line.asset.code: line.amount for line in report.balances.all()}
    assert held["USD"] == account.free["USDT"].quantize(Decimal("0.000001"), "ROUND_DOWN")
    assert held["token:beta"] == account.free["BET"]
    venue.refresh_from_db()
    assert venue.compared_through == row.run_at
    sound()


@pytest.mark.parametrize("known_there", [True, False])
def test_a_missed_fill_is_posted_through_the_same_door(
    server: SimulatorServer, monkeypatch: pytest.MonkeyPatch, known_there: bool
) -> None:
    """The venue called the order refused and filled it all the same; whether we know its number there or not."""
    tether_create(world_create())
    connect(server)
    broker = venues.broker_named("sim")
    assert isinstance(broker, ExchangeBroker)
    place = broker.order_place

    def lying(order: BrokerOrder) -> BrokerReport:
        report = place(order)
        if order.token != "beta":
            return report
        return BrokerReport("rejected", [], "No.", report.reference if known_there else "")

    monkeypatch.setattr(broker, "order_place", lying)
    order = investing.invest(user_make(cash="2000"), "global-100", "1000")
    assert execution.dealing_run().at_rest
    block = BlockOrder.objects.get(asset__code="token:beta")
    assert (block.status, block.fills.count()) == ("rejected", 0)
    order.refresh_from_db()
    assert order.status == "settled"
    row = reconcile("sim")
    assert (row.result, row.findings, row.posted) == (CLEAN, [], 1)
    [fill] = block.fills.all()
    assert fill.venue_trade_id == "BET/USDT:2"
    assert fill.entry.reference == "fill:sim:BET/USDT:2"
    assert (reconcile("sim").result, block.fills.count()) == (CLEAN, 1)
    sound()


def test_a_trade_that_is_not_ours_is_a_break(
    venue: VenueAccount, server: SimulatorServer, account: Account
) -> None:
    broker = venues.broker_named("sim")
    assert isinstance(broker, ExchangeBroker)
    broker.client.call("create_order", "EPS/USDT", "limit", "buy", "1", "200", {"timeInForce": "IOC"})
    before = written()
    row = reconcile("sim")
    assert row.result == BREAK
    assert "which is not ours" in row.findings[0]
    assert pauses().reason_for(venue="sim") == "The venue's books and ours disagree; we are looking."
    assert written() == before
    # A person ends this pause; another comparison does not.
    reconcile("sim")
    assert "sim" in pauses().venues


def test_an_open_order_that_is_not_ours_is_a_break(venue: VenueAccount) -> None:
    broker = venues.broker_named("sim")
    assert isinstance(broker, ExchangeBroker)
    broker.client.call("create_order", "EPS/USDT", "limit", "buy", "1", "50")
    row = reconcile("sim")
    assert row.result == BREAK
    assert "is open at sim and is not ours" in row.findings[0]


def test_a_balance_that_moved_by_itself_is_a_break_until_an_operator_takes_it(
    venue: VenueAccount, account: Account, operator: User
) -> None:
    account.free["USDT"] += 250
    row = reconcile("sim")
    assert row.result == BREAK
    assert len(row.findings) == 1
    assert row.findings[0].startswith("sim has ")
    assert balance_accept("sim", "USDT", by=operator) == 250
    assert reconcile("sim").result == CLEAN
    [kept] = [row for row in Reconciliation.objects.all() if "operator@example.org" in str(row.findings)]
    assert kept.findings == ["250 USDT was accepted as the operator's own by operator@example.org."]


def test_a_key_that_learned_to_withdraw_is_a_break(venue: VenueAccount, account: Account) -> None:
    account.may_withdraw = True
    row = reconcile("sim")
    assert row.result == BREAK
    assert row.findings == ["The key of sim can withdraw now: replace it."]


def test_orders_on_their_way_are_waited_for(venue: VenueAccount, account: Account) -> None:
    BlockOrder.objects.create(
        cycle=BlockOrder.objects.all()[0].cycle,
        asset=BlockOrder.objects.all()[0].asset,
        venue="sim",
        side="buy",
        attempt=9,
        budget=10,
        status="unknown",
        sent_at=timezone.now(),
    )
    account.free["USDT"] -= 10
    assert reconcile("sim").result == WAITING
    assert pauses().venues == {}


def damaged(books: VenueBooks, dice: random.Random) -> VenueBooks:
    """The same answer with something missing, one way of many."""
    kind = dice.randrange(5)
    held = [code for code, amount in books.balances.items() if amount]
    if kind == 0:
        return replace(books, balances={})
    if kind == 1:
        return replace(books, balances=dict.fromkeys(books.balances, Decimal(0)))
    if kind == 2:
        gone = dice.sample(held, dice.randint(1, len(held)))
        return replace(books, balances={c: a for c, a in books.balances.items() if c not in gone})
    if kind == 3:
        return replace(books, trades=[])
    trades = list(books.trades)
    for _ in range(dice.randint(1, len(trades))):
        trades.pop(dice.randrange(len(trades)))
    return replace(books, trades=trades)


def test_silence_is_not_an_empty_account(
    venue: VenueAccount, server: SimulatorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """200 seeded answers, empty, partial or none at all: every one halts the venue, none writes to the ledger."""
    broker = venues.broker_named("sim")
    assert isinstance(broker, ExchangeBroker)
    since = venue.compared_through - timedelta(minutes=10)
    whole = broker.books(since)
    before, seed_counts = written(), {NO_ANSWER: 0}
    for seed in range(200):
        dice = random.Random(seed)

        def answer(since: datetime, dice: random.Random = dice) -> VenueBooks:
            if dice.randrange(4) == 0:
                raise BrokerUnreachable("502")
            return damaged(whole, dice)

        monkeypatch.setattr(broker, "books", answer)
        monkeypatch.setattr(venues, "markets_refresh", lambda account: [])
        monkeypatch.setattr("portfolios.services.reconciliation._rights_checked", lambda account: None)
        row = reconcile("sim")
        assert row.result == NO_ANSWER, f"seed {seed}: {row.findings}"
        assert row.findings, f"seed {seed}"
        assert written() == before, f"seed {seed}"
        assert pauses().reason_for(venue="sim"), f"seed {seed}"
        seed_counts[NO_ANSWER] += 1
        Pause.objects.update(ended_at=timezone.now())
    assert seed_counts == {NO_ANSWER: 200}
    monkeypatch.undo()
    reconcile("sim")
    assert pauses().venues == {}


def test_an_answer_ends_the_stop_for_want_of_one(venue: VenueAccount, server: SimulatorServer) -> None:
    server.faults.rates["html-error"] = 1_000_000
    assert reconcile("sim").result == NO_ANSWER
    assert "sim" in pauses().venues
    server.faults.rates.clear()
    assert reconcile("sim").result == CLEAN
    assert pauses().venues == {}


def test_nothing_goes_to_a_paused_venue(venue: VenueAccount, server: SimulatorServer) -> None:
    server.faults.rates["html-error"] = 1_000_000
    reconcile("sim")
    server.faults.rates.clear()
    placed = len(server.exchange.orders)
    investing.invest(User.objects.exclude(orders=None)[0], "global-100", "500")
    assert execution.dealing_run().at_rest
    assert len(server.exchange.orders) == placed
    sound()


def test_the_tick_compares_each_venue_once_a_day(venue: VenueAccount) -> None:
    assert reconciliations_due() == ["sim"]
    assert tasks.venues_tick() == {"sim": CLEAN}
    assert tasks.venues_tick() == {}


def test_comparisons_are_kept_for_good(venue: VenueAccount) -> None:
    row = reconcile("sim")
    with pytest.raises(IntegrityError, match="reconciliations are kept"), transaction.atomic():
        Reconciliation.objects.filter(pk=row.pk).update(result=CLEAN)
    with pytest.raises(IntegrityError, match="reconciliations are kept"), transaction.atomic():
        row.delete()


def run(*arguments: str) -> tuple[int, str]:
    out = io.StringIO()
    try:
        call_command("reconcile", *arguments, stdout=out)
    except SystemExit as exit_:
        return int(exit_.code or 0), out.getvalue()
    return 0, out.getvalue()


def test_the_command(venue: VenueAccount, account: Account, operator: User) -> None:
    assert run() == (0, "sim: everything agrees; 5 trades compared, 0 posted\n")
    account.free["ALP"] += 1
    code, text = run("--venue", "sim", "--json")
    assert code == 1
    [row] = json.loads(text)
    assert (row["venue"], row["result"], row["trades"]) == ("sim", BREAK, 5)
    code, text = run("--venue", "sim", "--accept", "ALP", "--by", "operator@example.org")
    assert code == 0
    assert text.startswith("1 ALP counts as the operator's own now.")
    with pytest.raises(CommandError, match="no venue 'nowhere'"):
        run("--venue", "nowhere")
    with pytest.raises(CommandError, match="operator"):
        run("--venue", "sim", "--accept", "ALP", "--by", "nobody@example.org")


def test_our_balances_come_from_fills_alone(venue: VenueAccount, account: Account) -> None:
    ours: Mapping[str, Any] = books_balances(venue)
    assert {code: amount for code, amount in ours.items() if amount} == {
        code: amount for code, amount in account.free.items() if amount
    }
