"""The house's fees: exact dilution, once a day, by announced schedules, and out again as income."""

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import DatabaseError, connection, transaction

from portfolios import selectors, tasks
from portfolios.core.charges.management import accrued, borne, divisor
from portfolios.core.money import to_base
from portfolios.errors import ConflictError, FeeRefused
from portfolios.models import Balance, Entry, FeeAccrual, FeeSchedule, NavPoint, Notice, Order, User
from portfolios.selectors.fees import fee_days_due, fee_lines, fee_months, fee_terms, house_units
from portfolios.services import accounts, execution, fees, investing, valuations
from portfolios.services.faultpoints import hook_set
from signals import selectors as signal_selectors
from tests.books import sound
from tests.factories import user_make
from tests.worlds import World, clock_to, world_create

db = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def no_hook() -> Iterator[None]:
    yield
    hook_set(None)


@pytest.fixture
def world() -> World:
    return world_create(today=date(2022, 1, 15))


def today() -> date:
    return signal_selectors.last_closed_day()


def charge(rate: str, *, performance: str = "0", since: date | None = None) -> FeeSchedule:
    """A schedule that applies from tomorrow, as if it had been announced long ago."""
    return FeeSchedule.objects.create(
        management_rate=Decimal(rate),
        performance_rate=Decimal(performance),
        announced_on=date(2021, 1, 1),
        effective_from=since or today() + DAY,
    )


def invested(amount: str = "1000") -> User:
    user = user_make(cash=amount)
    investing.invest(user, "global-100", amount)
    # The order, and the rebalance that the decision in force brings with it.
    tasks.dealing_tick()
    tasks.dealing_tick()
    return user


def issued() -> int:
    row = Balance.objects.get(account__kind="issued")
    return -to_base(row.amount, 12)


@db
def test_a_day_dilutes_holders_by_exactly_the_fee(world: World) -> None:
    charge("0.02")
    first, second = invested("1000"), invested("300")
    clock_to(world, today() + DAY)
    before = {user: selectors.holdings(user)[0] for user in (first, second)}
    units_before = issued()
    assert tasks.fees_tick() == 1
    row = FeeAccrual.objects.get()
    fee = to_base(row.units, 12)
    assert fee == units_before * 20_000 // divisor(20_000)
    assert row.carry == units_before * 20_000 % divisor(20_000)
    assert issued() == units_before + fee
    assert house_units() == {row.portfolio_id: row.units}
    fallen = Decimal(0)
    for user, was in before.items():
        now = selectors.holdings(user)[0]
        assert now.units == was.units
        part = was.value_usd * Decimal("0.02") / 365
        assert abs((was.value_usd - now.value_usd) - part) <= Decimal("0.000003")
        fallen += was.value_usd - now.value_usd
        [line] = fee_lines(user)
        assert abs(line.usd - (was.value_usd - now.value_usd)) <= Decimal("0.000003")
    value = row.unit_price * row.units
    assert abs(fallen - value) <= Decimal("0.000005")
    assert abs(sum(fee_lines(user)[0].units for user in before) - row.units) <= Decimal("2E-12")
    sound()


@db
def test_the_same_day_is_taken_once(world: World) -> None:
    charge("0.02")
    invested()
    clock_to(world, today() + DAY)
    assert fees.fees_accrue(today()) == 1
    assert fees.fees_accrue(today()) == 0
    assert tasks.fees_tick() == 0
    assert Entry.objects.filter(kind="fee").count() == 1
    sound()


@db
def test_days_that_were_missed_are_caught_up(world: World) -> None:
    charge("0.01")
    user = invested()
    start = issued()
    clock_to(world, today() + 5 * DAY)
    assert fees.fees_accrue(today()) == 5
    rows = list(FeeAccrual.objects.order_by("day"))
    assert [row.day for row in rows] == [date(2022, 1, 16) + n * DAY for n in range(5)]
    units, carry = start, 0
    for row in rows:
        fee = accrued(units, 10_000, carry=carry)
        assert (to_base(row.units, 12), int(row.carry)) == (fee.units, fee.carry)
        units, carry = units + fee.units, fee.carry
    [month] = fee_months(user)
    assert (month.days, month.rate) == (5, Decimal("0.01"))
    # The units that the house has already bear their part too.
    held = to_base(selectors.holdings(user)[0].units, 12)
    assert to_base(month.units, 12) == sum(
        borne(held, to_base(row.units, 12), to_base(row.units_before, 12)) for row in rows
    )
    sound()


@db
def test_nobody_pays_for_a_close_before_they_came(world: World) -> None:
    charge("0.02", since=date(2021, 6, 1))
    first = invested("500")
    # The units are there since this very close: the first day that is charged is the next.
    assert fee_days_due(today()) == {}
    clock_to(world, today() + 3 * DAY)
    second = user_make(cash="500")
    investing.invest(second, "global-100", "500")
    tasks.dealing_tick()
    assert len(fee_lines(first)) == 3
    assert fee_lines(second) == []
    clock_to(world, today() + DAY)
    tasks.dealing_tick()
    assert (len(fee_lines(first)), len(fee_lines(second))) == (4, 1)
    sound()


@db
def test_a_portfolio_that_is_dealt_waits(world: World) -> None:
    charge("0.02")
    user = invested()
    clock_to(world, today() + DAY)
    investing.redeem(user, "global-100", amount="100")
    assert execution.cycle_open() is not None
    assert fees.fees_accrue(today()) == 0
    assert valuations.valuations_record(today()) == 0
    execution.dealing_run()
    assert valuations.valuations_record(today()) == 0, "the value of a day has its fee in it"
    assert fees.fees_accrue(today()) == 1
    assert valuations.valuations_record(today()) == 1
    assert NavPoint.objects.latest("date").unit_price == FeeAccrual.objects.get().unit_price
    sound()


@db
def test_nothing_is_taken_without_a_schedule(world: World) -> None:
    invested()
    clock_to(world, today() + 3 * DAY)
    assert (tasks.fees_tick(), FeeAccrual.objects.count()) == (0, 0)
    charge("0")
    clock_to(world, today() + 3 * DAY)
    assert (tasks.fees_tick(), FeeAccrual.objects.count()) == (0, 0)


@db
def test_the_house_redeems_through_an_ordinary_order(world: World) -> None:
    charge("0.05")
    user = invested("100000")
    clock_to(world, today() + 20 * DAY)
    fees.fees_accrue(today())
    before = selectors.holdings(user)[0].value_usd
    order = fees.house_redeem("global-100", by="operator@example.org")
    assert house_units() == {}
    sound()
    execution.dealing_run()
    order.refresh_from_db()
    assert order.status == Order.Status.SETTLED
    assert order.proceeds is not None
    assert order.proceeds > 100
    assert (fees.fees_collect(), fees.fees_collect()) == (1, 0)
    income = Balance.objects.get(account=accounts.fee_revenue(), asset=accounts.usd())
    assert income.amount == order.proceeds
    assert selectors.cash(accounts.house_user()) == 0
    assert selectors.holdings(user)[0].value_usd >= before, "who stays does not pay for it"
    with pytest.raises(FeeRefused, match="holds no units"):
        fees.house_redeem("global-100", by="operator@example.org")
    sound()


@db
def test_the_high_water_mark(world: World) -> None:
    """January closes higher than it began: one fee; the fall in the days after brings none."""
    charge("0", performance="0.2", since=date(2022, 1, 16))
    user = invested("1000")
    while today() < date(2022, 1, 31):
        clock_to(world, today() + DAY)
        tasks.fees_tick()
        tasks.valuations_tick()
    start, month = FeeAccrual.objects.order_by("day")
    assert (start.day, start.units, start.mark_before) == (date(2022, 1, 16), 0, None)
    assert start.mark_after == start.unit_price
    closes = dict(NavPoint.objects.values_list("date", "unit_price"))
    assert month.mark_before == start.mark_after
    assert month.low == closes[date(2022, 1, 29)]
    per_unit = (month.low - month.mark_before) * Decimal("0.2")
    assert month.mark_after == pytest.approx(month.low - per_unit, abs=Decimal("1E-11"))
    assert abs(month.units * month.unit_price - per_unit * month.units_before) < Decimal("0.000001")
    assert [line.kind for line in fee_lines(user)] == ["performance"]
    sound()


@db
def test_a_month_without_three_closes_brings_no_fee(world: World) -> None:
    charge("0", performance="0.2")
    invested()
    clock_to(world, today() + DAY)
    tasks.fees_tick()
    clock_to(world, date(2022, 1, 31))
    tasks.fees_tick()
    month = FeeAccrual.objects.get(day=date(2022, 1, 31))
    assert (month.units, month.low, month.mark_after) == (0, None, month.mark_before)
    sound()


@db
def test_a_rise_is_announced_a_month_before(world: World) -> None:
    user = invested()
    with pytest.raises(FeeRefused, match="2022-02-14 at the earliest"):
        fees.schedule_announce("", management_rate=Decimal("0.01"), effective_from=date(2022, 2, 13), by="op")
    schedule = fees.schedule_announce(
        "global-100", management_rate=Decimal("0.01"), effective_from=date(2022, 2, 14), by="op"
    )
    notice = Notice.objects.get(user=user)
    assert (notice.kind, notice.title) == ("fee", "Fees of Bellwether Global 100 from 14 February 2022")
    assert "1.00% a year" in notice.text
    with pytest.raises(ConflictError):
        fees.schedule_announce(
            "global-100", management_rate=Decimal("0.009"), effective_from=date(2022, 2, 14), by="op"
        )
    terms = fee_terms(world.index.pk, today())
    assert (terms.management_rate, terms.later) == (0, schedule)
    # What falls needs no month.
    fees.schedule_announce(
        "global-100", management_rate=Decimal("0.005"), effective_from=date(2022, 2, 15), by="op"
    )
    fees.schedule_call_off(schedule)
    assert Notice.objects.filter(user=user, title__endswith="called off").exists()
    clock_to(world, date(2022, 2, 20))
    with pytest.raises(FeeRefused, match="apply already"):
        fees.schedule_call_off(FeeSchedule.objects.get())
    assert fee_terms(world.index.pk, today()).management_rate == Decimal("0.005")


@db
@pytest.mark.parametrize("rate", ["0.06", "-0.01", "0.0000001", "NaN"])
def test_absurd_rates_are_refused(world: World, rate: str) -> None:
    with pytest.raises(FeeRefused, match="management_rate"):
        fees.schedule_announce("", management_rate=Decimal(rate), effective_from=date(2023, 1, 1), by="op")
    assert world.index.slug == "global-100"


@db
def test_what_was_taken_stays(world: World) -> None:
    charge("0.02")
    invested()
    clock_to(world, today() + DAY)
    fees.fees_accrue(today())
    for statement in ("UPDATE portfolios_feeaccrual SET units = 0", "DELETE FROM portfolios_feeaccrual"):
        with (
            pytest.raises(DatabaseError, match="refused"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)
    with pytest.raises(DatabaseError, match="refused"), transaction.atomic():
        FeeSchedule.objects.update(management_rate=Decimal("0.01"))


class Killed(BaseException):
    """Not an Exception: nothing in the product may catch it."""


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("turn", [1, 2])
def test_a_death_between_days_loses_and_doubles_nothing(turn: int) -> None:
    world = world_create(today=date(2022, 1, 15))
    charge("0.02")
    invested()
    clock_to(world, today() + 3 * DAY)
    seen = 0

    def hook(name: str) -> None:
        nonlocal seen
        seen += name == "fee accrued"
        if seen == turn:
            raise Killed

    hook_set(hook)
    with pytest.raises(Killed):
        fees.fees_accrue(today())
    hook_set(None)
    assert FeeAccrual.objects.count() == turn
    assert fees.fees_accrue(today()) == 3 - turn
    sound()
