"""A month's statement adds up to the cent, is issued once, and never changes."""

from __future__ import annotations

import hashlib
import io
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import DatabaseError, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pypdf import PdfReader

from portfolios import selectors, tasks
from portfolios.core.money import CENT
from portfolios.core.sheets import digest, from_body, to_body
from portfolios.core.statement import (
    Held,
    bounds,
    in_cents,
    month_sum,
    nearest,
    next_month,
    rounded_together,
)
from portfolios.models import Notice, Statement, User
from portfolios.selectors.statements import Account, statement_sheet
from portfolios.services import execution, investing, ledger, payments
from portfolios.services.ledger_check import checks_run
from portfolios.services.statements import last_month, statement_correct, statement_pdf, statements_issue
from signals import selectors as signal_selectors
from tests.factories import user_make
from tests.portfolios.journeys import days_pass, steps, walk
from tests.worlds import World, world_create

JANUARY, FEBRUARY = date(2022, 1, 1), date(2022, 2, 1)
micro = st.integers(-(10**12), 10**12)


@pytest.fixture
def world(db: None) -> World:
    """The clock stands at the close of 16 January."""
    return world_create(today=date(2022, 1, 16))


def market_time() -> datetime:
    return signal_selectors.market_time()


def of(user: User, month: date = JANUARY, version: int = 1) -> Statement:
    return Statement.objects.get(user=user, month=month, version=version)


# The arithmetic


@given(parts=st.lists(micro, max_size=8))
def test_rounded_parts_sum_to_the_rounded_sum(parts: list[int]) -> None:
    rounded = rounded_together(parts)
    assert sum(rounded) == nearest(sum(parts))
    for part, printed in zip(parts, rounded, strict=True):
        assert printed % CENT == 0
        assert abs(printed - part) < CENT
        if part % CENT == 0:
            assert printed == part


@given(
    dollars=st.tuples(st.integers(0, 10**12), st.integers(0, 10**12)),
    flows=st.tuples(st.integers(0, 10**12), st.integers(0, 10**12)),
    held=st.lists(st.tuples(*[st.integers(0, 10**12)] * 4), max_size=4),
    costs=st.lists(st.integers(0, 10**9), max_size=4),
)
def test_a_month_adds_up_whatever_happened(
    dollars: tuple[int, int],
    flows: tuple[int, int],
    held: list[tuple[int, int, int, int]],
    costs: list[int],
) -> None:
    lines = [in_cents(Held(str(place), *amounts)) for place, amounts in enumerate(held)]
    month = month_sum(
        dollars_opening=dollars[0],
        dollars_closing=dollars[1],
        deposits=flows[0],
        withdrawals=flows[1],
        held=lines,
        costs=costs,
    )
    assert month.adds_up
    assert month.gains - sum(month.costs) == sum(line.result for line in lines)
    for amount in (month.opening, month.deposits, month.other, month.gains, *month.costs, month.closing):
        assert amount % CENT == 0


def test_a_month_ends_with_the_close_of_its_last_day() -> None:
    assert bounds(JANUARY) == (datetime(2022, 1, 1, tzinfo=UTC), datetime(2022, 2, 1, tzinfo=UTC))
    assert next_month(date(2022, 12, 1)) == date(2023, 1, 1)
    assert last_month(datetime(2022, 2, 1, tzinfo=UTC)) == date(2021, 12, 1)
    assert last_month(datetime(2022, 2, 1, 0, 0, 1, tzinfo=UTC)) == JANUARY
    assert last_month(datetime(2022, 3, 1, tzinfo=UTC)) == JANUARY
    assert last_month(datetime(2023, 1, 5, tzinfo=UTC)) == date(2022, 12, 1)


# Issuing


def test_a_month_is_stated_once_it_is_over(world: World) -> None:
    user = user_make(cash="1000")
    nobody = user_make()
    investing.invest(user, "global-100", "600")
    execution.dealing_run()
    days_pass(world, 8, "0")
    investing.redeem(user, "global-100", amount="100")
    payments.withdraw(user, "50")
    days_pass(world, 7)
    assert signal_selectors.last_closed_day() == date(2022, 1, 31)
    # What happens at this very moment still belongs to January.
    assert tasks.statements_tick() == 0
    payments.deposit(user, "25")
    days_pass(world, 1)
    assert tasks.statements_tick() == 1
    assert tasks.statements_tick() == 0
    row = of(user)
    assert (row.opening, row.deposits, row.withdrawals, row.other) == (0, 1025, 50, 0)
    proceeds = user.orders.get(side="redeem").proceeds
    sheet = from_body(row.body)
    assert sheet.value("results", "global-100", "put_in_usd") == "600.00"
    assert Decimal(sheet.value("results", "global-100", "taken_out_usd")) == proceeds
    costs = user.orders.get(side="invest").cost_usd + user.orders.get(side="redeem").cost_usd
    lines = [line for line in selectors.activity(user) if line.kind == "rebalance"]
    rebalanced = sum((line.cost_usd or Decimal(0) for line in lines), Decimal(0))
    assert abs(row.costs - costs - rebalanced) < Decimal("0.015")
    assert row.costs > 0
    assert row.closing == row.opening + row.deposits - row.withdrawals + row.other + row.gains - row.costs
    assert Decimal(sheet.value("holdings", "free", "value_usd")) == selectors.cash(user)
    assert not Statement.objects.filter(user=nobody).exists()
    notice = Notice.objects.get(user=user, kind="statement")
    assert (notice.title, notice.url) == ("Your statement for January 2022 is ready", "/statements/2022-01/")


def test_every_printed_sum_can_be_added_up_by_hand(world: World) -> None:
    user = user_make(cash="1000")
    investing.invest(user, "global-100", "333.33")
    execution.dealing_run()
    days_pass(world, 20, "1")
    statements_issue(market_time())
    sheet = from_body(of(user).body)

    def cents(section: str, row: str, column: str) -> Decimal:
        return Decimal(sheet.value(section, row, column))

    month = {row.key: Decimal(row.cells[0].value) for row in sheet.section("summary").rows}
    assert month.pop("closing") == sum(month.values())
    for column in ("opening_usd", "put_in_usd", "taken_out_usd", "closing_usd", "result_usd"):
        assert cents("results", "all", column) == cents("results", "global-100", column)
    line = [
        cents("results", "all", name)
        for name in ("closing_usd", "opening_usd", "put_in_usd", "taken_out_usd")
    ]
    assert cents("results", "all", "result_usd") == line[0] - line[1] - line[2] + line[3]
    assert cents("results", "all", "result_usd") == month["gains"] + month["costs"]
    *parts, whole = [Decimal(row.cells[0].value) for row in sheet.section("costs").rows]
    assert sum(parts) == whole == -month["costs"]
    *values, closing = [Decimal(row.cells[-1].value) for row in sheet.section("holdings").rows]
    assert sum(values) == closing == of(user).closing
    units, price = cents("holdings", "global-100", "units"), cents("holdings", "global-100", "unit_price_usd")
    assert abs(units * price - cents("holdings", "global-100", "value_usd")) < Decimal("0.01")
    assert sheet.value("holdings", "global-100", "priced_on") == "2022-01-31"
    running = Decimal(0)
    for row in sheet.section("activity").rows[1:]:
        running += Decimal(row.cells[3].value)
        assert Decimal(row.cells[4].value) == running
    assert running == cents("holdings", "free", "value_usd")


@given(path=steps)
@settings(max_examples=4, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_after_any_journey_months_follow_each_other(db: None, path: list[tuple[str, str]]) -> None:
    with transaction.atomic():
        world, user = world_create(today=date(2022, 1, 10)), user_make(cash="800.55")
        walk(world, user, [("invest", "200"), *path])
        days_pass(world, 60)
        account = Account(user)
        january, february = account.month(JANUARY), account.month(FEBRUARY)
        assert january.sums.adds_up
        assert february.sums.adds_up
        assert february.sums.opening == january.sums.closing
        held = sum((row.value_usd for row in selectors.holdings(user)), Decimal(0))
        worth = held + selectors.cash(user) + selectors.reserved(user)
        if signal_selectors.last_closed_day() <= date(2022, 2, 28):
            assert abs(Decimal(february.sums.closing) / 10**6 - worth) < Decimal("0.02")
        for report in (january, february):
            assert report.sums.other == 0
            assert sum(line.held.result for line in report.held) == report.sums.gains - sum(report.sums.costs)
        transaction.set_rollback(True)


def test_missed_months_are_made_up_for_in_order(world: World) -> None:
    user = user_make(cash="500")
    investing.invest(user, "global-100", "200")
    days_pass(world, 43)
    assert signal_selectors.last_closed_day() == date(2022, 2, 28)
    world.market.time = datetime(2022, 3, 2, tzinfo=UTC)
    world.market.save()
    assert statements_issue(market_time()) == 2
    assert of(user, FEBRUARY).opening == of(user, JANUARY).closing
    assert of(user, FEBRUARY).deposits == 0


def test_a_month_waits_for_its_last_price_but_not_for_ever(world: World) -> None:
    user = user_make(cash="500")
    investing.invest(user, "global-100", "200")
    execution.dealing_run()
    days_pass(world, 14)
    over = datetime(2022, 2, 1, 0, 5, tzinfo=UTC)
    assert statements_issue(over) == 0
    assert statements_issue(datetime(2022, 2, 2, tzinfo=UTC)) == 1
    assert from_body(of(user).body).value("holdings", "global-100", "priced_on") == "2022-01-30"


def test_an_order_that_is_being_dealt_holds_its_owners_statement_back(world: World) -> None:
    ann, ben = user_make(cash="500"), user_make(cash="100")
    days_pass(world, 15)
    investing.invest(ann, "global-100", "200")
    execution.cycle_open()
    now = datetime(2022, 2, 2, tzinfo=UTC)
    assert statements_issue(now) == 1
    assert not Statement.objects.filter(user=ann).exists()
    execution.dealing_run()
    assert statements_issue(now) == 1
    assert Decimal(of(ann).deposits) == 500
    assert of(ben).closing == 100


# Frozen


def issued(world: World) -> User:
    user = user_make(email="ada@example.org", cash="1000")
    investing.invest(user, "global-100", "400")
    execution.dealing_run()
    days_pass(world, 16, "2")
    assert statements_issue(market_time()) == 1
    return user


def test_the_database_refuses_to_change_a_statement(world: World) -> None:
    user = issued(world)
    for change in (
        lambda: Statement.objects.update(note="x"),
        lambda: Statement.objects.filter(user=user).delete(),
    ):
        with pytest.raises(DatabaseError, match="issue a further version"), transaction.atomic():
            change()
    row = of(user)
    with pytest.raises(DatabaseError, match="statement_adds_up"), transaction.atomic():
        Statement.objects.create(
            **{
                field.name: getattr(row, field.name)
                for field in Statement._meta.concrete_fields
                if field.name not in ("id", "version", "closing", "note")
            },
            version=2,
            note="x",
            closing=row.closing + 1,
        )


def test_the_paper_has_the_same_bytes_every_time(world: World) -> None:
    row = of(issued(world))
    first, second = statement_pdf(row), statement_pdf(Statement.objects.get(pk=row.pk))
    assert first == second
    assert hashlib.sha256(first).hexdigest() == row.pdf_digest
    assert digest(row.body) == row.digest
    assert to_body(from_body(row.body)) == row.body
    # Made again from the ledger it is the same statement.
    again = statement_sheet(Account(row.user).month(JANUARY))
    assert digest(to_body(again)) == row.digest


def test_the_paper_says_what_the_sheet_says(world: World) -> None:
    row = of(issued(world))
    pages = PdfReader(io.BytesIO(statement_pdf(row))).pages
    text = " ".join(" ".join(page.extract_text() for page in pages).split())
    assert "ada@example.org" in text
    for section in from_body(row.body).sections:
        assert section.title in text
        for line in section.rows:
            assert line.label in text
            for cell in line.cells:
                assert " ".join(cell.text.split()) in text, cell


def test_what_comes_late_is_stated_in_a_further_version(world: World) -> None:
    user = issued(world)
    first = of(user)
    entry = user.accounts.get(kind="cash").postings.order_by("id").first()
    assert entry is not None
    moment = bounds(JANUARY)[1] - timedelta(days=3)
    with transaction.atomic():
        payments.deposit(user, "500")
        ledger.entry_reverse(entry.entry, reference="undo", effective_at=moment, description="Bounced")
    days_pass(world, 28)
    world.market.time = datetime(2022, 3, 2, tzinfo=UTC)
    world.market.save()
    assert statements_issue(market_time()) == 1
    second = of(user, version=2)
    assert second.note == "Movements of this month reached the books after the statement was issued."
    assert (second.other, second.closing) == (-1000, first.closing - 1000)
    assert of(user).closing == first.closing
    assert of(user, FEBRUARY).opening == second.closing
    assert [check.name for check in checks_run() if not check.passed and "statement" in check.name] == []


def test_a_correction_needs_a_note_and_carries_on(world: World) -> None:
    user = issued(world)
    days_pass(world, 27)
    world.market.time = datetime(2022, 3, 2, tzinfo=UTC)
    world.market.save()
    statements_issue(market_time())
    with pytest.raises(ValueError, match="note"):
        statement_correct(user, JANUARY, note=" ", now=market_time())
    with pytest.raises(ValueError, match="no statement of 2021-12"):
        statement_correct(user, date(2021, 12, 1), note="x", now=market_time())
    made = statement_correct(user, JANUARY, note="A name was spelled wrongly.", now=market_time())
    assert (made.version, made.closing) == (2, of(user).closing)
    assert "Version 2, which replaces the one before: A name was spelled wrongly." in made.body["subtitle"]
    # It changed no figure of February, so February stands.
    assert Statement.objects.filter(user=user, month=FEBRUARY).count() == 1
    assert Notice.objects.filter(user=user, kind="statement").count() == 3
