"""The list of everything that happened adds up to the ledger, line by line and cost by cost."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings

from portfolios import selectors
from portfolios.models import Account, Balance, Entry, Fill, Order, Rebalance, User
from portfolios.selectors.activity import ActivityFilter, history, history_page
from portfolios.selectors.records import ActivityLine
from portfolios.services import accounts, execution, investing, ledger, payments, plans
from portfolios.services.activity import COLUMNS, activity_csv
from portfolios.services.spreadsheets import harmless, rows_csv
from signals import selectors as signal_selectors
from tests.factories import user_make
from tests.portfolios.journeys import days_pass, steps, walk
from tests.worlds import World, world_create

pytestmark = pytest.mark.django_db
ZERO = Decimal(0)


@pytest.fixture
def world() -> World:
    return world_create()


def balance(user: User, kind: Account.Kind) -> Decimal:
    rows = Balance.objects.filter(account__user=user, account__kind=kind, asset__code="USD")
    return sum((row.amount for row in rows), ZERO)


def adds_up(user: User) -> list[ActivityLine]:
    """The lines, after every sum of theirs was held against the ledger."""
    lines = history(user)
    assert (
        sum((line.free_usd for line in lines), ZERO)
        == balance(user, Account.Kind.CASH)
        == selectors.cash(user)
    )
    assert sum((line.set_aside_usd for line in lines), ZERO) == balance(user, Account.Kind.RESERVED)
    assert sum((line.owed_usd for line in lines), ZERO) == balance(user, Account.Kind.RECEIVABLE)
    running = ZERO
    for line in lines:
        running += line.net_usd
        assert line.dollars_after_usd == running
        assert running >= 0
        if line.after_costs_usd is not None and line.gross_usd is not None:
            assert line.gross_usd - sum((part.usd for part in line.costs), ZERO) == line.after_costs_usd
        if line.cost_usd is not None:
            assert sum((part.usd for part in line.costs), ZERO) == line.cost_usd
    held = sum((row.amount for row in Balance.objects.filter(account__user=user, asset__kind="unit")), ZERO)
    assert sum((line.units or ZERO for line in lines), ZERO) == held
    entries = [entry for line in lines for entry in line.entries]
    assert len(entries) == len(set(entries))
    assert [line.key for line in lines] == list(dict.fromkeys(line.key for line in lines))
    return lines


def test_every_line_has_gross_costs_and_net(world: World) -> None:
    user = user_make(cash="1000")
    investing.invest(user, "global-100", "400")
    execution.dealing_run()
    investing.redeem(user, "global-100", amount="150")
    execution.dealing_run()
    deposit, invest, redeem = adds_up(user)
    bought, cashed = Order.objects.get(side="invest"), Order.objects.get(side="redeem")
    assert (deposit.kind, deposit.gross_usd, deposit.costs, deposit.dollars_after_usd) == (
        "deposit",
        1000,
        (),
        1000,
    )
    assert (invest.gross_usd, invest.after_costs_usd) == (400, 400 - bought.cost_usd)
    assert (invest.free_usd, invest.net_usd, invest.units) == (-400, -400, bought.units)
    fees = sum((fill.fee for fill in Fill.objects.filter(block_order__side="buy")), ZERO)
    assert {part.kind: part.usd for part in invest.costs} == {
        "trading_fee": fees,
        "spread": bought.cost_usd - fees,
    }
    assert redeem.net_usd == cashed.proceeds == redeem.after_costs_usd
    assert redeem.units == -(cashed.units or ZERO)
    assert {part.kind for part in redeem.costs} <= {"trading_fee", "spread", "rounding"}
    rounding = sum((part.usd for part in redeem.costs if part.kind == "rounding"), ZERO)
    assert 0 <= rounding < Decimal("0.01")
    assert redeem.dollars_after_usd == 600 + (cashed.proceeds or ZERO)


def test_two_holders_share_a_fee_as_they_share_the_cost(world: World) -> None:
    ann, ben = user_make(cash="900"), user_make(cash="300")
    investing.invest(ann, "global-100", "900")
    investing.invest(ben, "global-100", "300")
    execution.dealing_run()
    days_pass(world, 7, "1")
    rebalance = Rebalance.objects.filter(status=Rebalance.Status.DONE, turnover_usd__gt=1).get()
    fees = sum((fill.fee for fill in Fill.objects.filter(block_order__cycle=rebalance.dealing.cycle)), ZERO)
    shares = []
    for user in (ann, ben):
        [line] = [line for line in adds_up(user) if line.reference == str(rebalance.pk)]
        assert (line.net_usd, line.entries) == (0, ())
        shares.append({part.kind: part.usd for part in line.costs})
    assert abs(sum(share["trading_fee"] for share in shares) - fees) <= Decimal("0.000002")
    whole = sum((part for share in shares for part in share.values()), ZERO)
    assert abs(whole - rebalance.cost_usd) <= Decimal("0.000002")


def test_what_waits_is_there_and_moves_nothing(world: World) -> None:
    user = user_make(cash="500")
    first = investing.invest(user, "global-100", "100")
    investing.invest(user, "global-100", "60")
    investing.order_cancel(user, first.pk)
    lines = adds_up(user)
    assert [(line.kind, line.status, line.free_usd, line.set_aside_usd, line.net_usd) for line in lines] == [
        ("deposit", "completed", 500, 0, 500),
        ("invest", "accepted", -60, 60, 0),
        ("invest", "cancelled", 0, 0, 0),
    ]
    assert lines[-1].dollars_after_usd == 500


def test_a_reversed_entry_is_a_line_of_its_own(world: World) -> None:
    user = user_make(cash="500")
    payments.withdraw(user, "120")
    entry = Entry.objects.get(kind="deposit", postings__account=accounts.user_cash(user))
    payments.deposit(user, "200")
    with transaction.atomic():
        ledger.entry_reverse(
            entry,
            reference="undo",
            effective_at=signal_selectors.market_time(),
            description="The bank took it back",
        )
    lines = adds_up(user)
    assert [(line.kind, line.net_usd, line.dollars_after_usd) for line in lines] == [
        ("deposit", 500, 500),
        ("withdrawal", -120, 380),
        ("deposit", 200, 580),
        ("adjustment", -500, 80),
    ]
    assert (lines[-1].title, lines[-1].detail) == ("Correction", "The bank took it back")


def test_plans_are_listed_and_paid_from_elsewhere(world: World) -> None:
    user = user_make(cash="500")
    plans.subscribe(user, "silver")
    line = adds_up(user)[-1]
    assert (line.kind, line.cost_usd, line.net_usd, line.dollars_after_usd) == ("plan", 29, 0, 500)


@given(path=steps)
@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_after_any_journey_the_lines_sum_to_the_ledger(db: None, path: list[tuple[str, str]]) -> None:
    with transaction.atomic():
        world, other, user = world_create(), user_make(cash="700"), user_make(cash="800.55")
        investing.invest(other, "global-100", "650")
        walk(world, user, [("invest", "200"), *path])
        adds_up(user)
        adds_up(other)
        transaction.set_rollback(True)


def test_filters_and_pages(world: World) -> None:
    user = user_make(cash="900")
    investing.invest(user, "global-100", "400")
    execution.dealing_run()
    days_pass(world, 7, "1")
    payments.deposit(user, "10")
    lines = history(user)
    today = signal_selectors.last_closed_day()
    followed = Rebalance.objects.filter(status=Rebalance.Status.DONE).count()
    kinds = {"deposit": 2, "invest": 1, "rebalance": followed, "redeem": 0}
    for kind, count in kinds.items():
        assert len(history(user, ActivityFilter(frozenset({kind})))) == count
    assert {line.kind for line in history(user, ActivityFilter(index="global-100"))} == {
        "invest",
        "rebalance",
    }
    assert [line.kind for line in history(user, ActivityFilter(since=today))] == ["rebalance", "deposit"]
    assert len(history(user, ActivityFilter(until=today - timedelta(days=1)))) == 1 + followed
    # The running figure counts what is filtered out.
    assert [line.dollars_after_usd for line in history(user, ActivityFilter(frozenset({"deposit"})))] == [
        900,
        510,
    ]
    seen: list[ActivityLine] = []
    before = None
    while True:
        page, before = history_page(user, ActivityFilter(), limit=1, before=before)
        seen += page
        if before is None:
            break
    assert seen == lines[::-1]


def test_the_file_is_exact_and_harmless(world: World) -> None:
    user = user_make(cash="900")
    investing.invest(user, "global-100", "400")
    execution.dealing_run()
    lines = history(user)
    body = b"".join(activity_csv(lines))
    assert body.startswith(b"\xef\xbb\xbf")
    head, *rows = csv.reader(io.StringIO(body.decode("utf-8-sig")))
    assert tuple(head) == COLUMNS
    read = [dict(zip(head, row, strict=True)) for row in rows]
    assert sum((Decimal(row["free_change_usd"]) for row in read), ZERO) == selectors.cash(user)
    for row, line in zip(read, lines, strict=True):
        costs = sum(
            (Decimal(row[name]) for name in head if name.endswith(("fee_usd", "spread_usd")) and row[name]),
            ZERO,
        )
        assert costs == (line.cost_usd or 0)
        assert row["key"] == line.key


@pytest.mark.parametrize("text", ["=1+1", "+1 (555)", "-2+3", "@SUM(A1)", "\tx", "\r=1", "\n=1"])
def test_nothing_in_a_file_is_a_formula(text: str) -> None:
    assert harmless(text) == f"'{text}"
    [_, row] = list(rows_csv([[text, "fine", "-12.50"]]))
    [cells] = csv.reader(io.StringIO(row.decode(), newline=""))
    assert cells == [f"'{text}", "fine", "-12.50"]


def test_the_number_of_questions_does_not_grow(world: World) -> None:
    def asked(user: User) -> int:
        with CaptureQueriesContext(connection) as queries:
            history(user)
        return len(queries)

    def invest(users: Iterable[User]) -> None:
        for user in users:
            investing.invest(user, "global-100", "50")
        execution.dealing_run()

    one, many = user_make(cash="900"), user_make(cash="900")
    invest([one, many])
    days_pass(world, 7, "1")
    for _ in range(4):
        invest([many])
    assert asked(many) == asked(one) <= 12
