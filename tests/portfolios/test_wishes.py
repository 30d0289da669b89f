"""Deposits, withdrawals, orders: what is accepted, what is refused, and that a refusal moves nothing."""

import io
from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from allauth.account.models import EmailAddress
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from portfolios import errors, selectors, tasks
from portfolios.errors import MoneyError
from portfolios.models import Entry, NavPoint, Order, Payment, Rebalance, User
from portfolios.services import execution, investing, payments
from signals import selectors as signal_selectors
from tests.books import sound
from tests.factories import user_make
from tests.worlds import World, clock_to, decision_create, index_create, world_create

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return world_create()


@pytest.fixture
def user(world: World) -> User:
    return user_make(cash="500.00")


def test_the_same_deposit_twice_is_one(user: User) -> None:
    first = payments.deposit(user, "20.00", "sandbox", "abc")
    assert payments.deposit(user, Decimal(20), "sandbox", "abc") == first
    with pytest.raises(errors.ConflictError):
        payments.deposit(user, "21.00", "sandbox", "abc")
    other = user_make()
    payments.deposit(other, "20.00", "sandbox", "abc")
    assert (selectors.cash(user), selectors.cash(other)) == (520, 20)
    sound()


def test_the_same_withdrawal_twice_is_one(user: User) -> None:
    first = payments.withdraw(user, "500.00", "sandbox", "abc")
    assert payments.withdraw(user, "500.00", "sandbox", "abc") == first
    assert selectors.cash(user) == 0
    assert Payment.objects.filter(direction="withdrawal").count() == 1
    sound()


@pytest.mark.parametrize(
    ("call", "error", "field"),
    [
        (lambda u: payments.deposit(u, "0"), errors.InvalidAmount, "amount"),
        (lambda u: payments.deposit(u, "1.001"), errors.InvalidAmount, "amount"),
        (lambda u: payments.deposit(u, "5", "cheque"), errors.UnknownMethod, "method"),
        (lambda u: payments.deposit(u, "5", currency="EUR"), errors.InvalidAmount, "currency"),
        (lambda u: payments.withdraw(u, "500.01"), errors.InsufficientFunds, "amount"),
        (lambda u: investing.invest(u, "global-100", "49.99"), errors.BelowMinimum, "amount"),
        (lambda u: investing.invest(u, "global-100", "500.01"), errors.InsufficientFunds, "amount"),
        (lambda u: investing.invest(u, "global-100", "x"), errors.InvalidAmount, "amount"),
        (lambda u: investing.invest(u, "nothing", "50"), errors.UnknownIndex, "index"),
        (lambda u: investing.invest(u, "hidden", "50"), errors.UnknownIndex, "index"),
        (lambda u: investing.invest(u, "for-gold", "50"), errors.PlanRequired, "index"),
        (lambda u: investing.redeem(u, "global-100", all=True), errors.InsufficientUnits, "units"),
        (lambda u: investing.redeem(u, "global-100", units="1"), errors.InsufficientUnits, "units"),
        (lambda u: investing.redeem(u, "global-100"), errors.InvalidAmount, "amount"),
        (lambda u: investing.redeem(u, "nothing", all=True), errors.UnknownIndex, "index"),
        (lambda u: investing.order_cancel(u, uuid4()), errors.UnknownOrder, "id"),
        (lambda u: investing.order_cancel(u, "no-id"), errors.UnknownOrder, "id"),
    ],
)
def test_refusals_move_nothing(
    world: World, user: User, call: object, error: type[MoneyError], field: str
) -> None:
    index_create("for-gold", "Gold index")
    hidden = index_create("hidden", "Hidden")
    hidden.is_published = False
    hidden.save()
    entries = Entry.objects.count()
    with pytest.raises(error) as caught:
        call(user)  # type: ignore[operator]
    assert caught.value.field == field
    assert caught.value.message.startswith("Nothing was")
    assert Entry.objects.count() == entries
    assert not Order.objects.exists()
    assert selectors.cash(user) == 500
    sound()


def test_an_index_without_a_decision_cannot_be_bought(world: World, user: User) -> None:
    clock_to(world, world.decisions[0].as_of)
    with pytest.raises(errors.IndexNotReady):
        investing.invest(user, "global-100", "50")


def test_the_same_order_reference_is_one_order(user: User) -> None:
    first = investing.invest(user, "global-100", "100", reference="r")
    assert investing.invest(user, "global-100", "100", reference="r") == first
    with pytest.raises(errors.ConflictError):
        investing.invest(user, "global-100", "101", reference="r")
    assert (selectors.cash(user), selectors.reserved(user)) == (400, 100)


def test_a_cancelled_order_gives_everything_back(user: User) -> None:
    order = investing.invest(user, "global-100", "100")
    row = selectors.order(user, order.pk)
    assert row is not None
    assert row.cancellable
    for _ in range(2):
        assert investing.order_cancel(user, order.pk).status == "cancelled"
    assert (selectors.cash(user), selectors.reserved(user)) == (500, 0)
    with pytest.raises(errors.UnknownOrder):
        investing.order_cancel(user_make(), order.pk)
    assert selectors.order(user_make(), order.pk) is None
    sound()


def test_a_settled_order_cannot_be_cancelled(user: User) -> None:
    order = investing.invest(user, "global-100", "100")
    execution.dealing_run()
    with pytest.raises(errors.NotCancellable):
        investing.order_cancel(user, order.pk)


def test_units_can_be_redeemed_once(user: User) -> None:
    investing.invest(user, "global-100", "400")
    execution.dealing_run()
    held = selectors.holdings(user)[0].units
    investing.redeem(user, "global-100", units=held)
    with pytest.raises(errors.InsufficientUnits):
        investing.redeem(user, "global-100", units="0.000000000001")
    [holding] = selectors.holdings(user)
    assert (holding.units, holding.reserved_units) == (held, held)
    with pytest.raises(errors.InsufficientFunds):
        investing.redeem(user, "global-100", amount="10")
    sound()


def test_gain_is_measured_against_what_was_paid(world: World, user: User) -> None:
    investing.invest(user, "global-100", "400")
    execution.dealing_run()
    [holding] = selectors.holdings(user)
    assert holding.invested_usd == 400
    assert holding.gain_usd == holding.value_usd - 400 < 0
    investing.redeem(user, "global-100", units=holding.units / 2)
    execution.dealing_run()
    assert selectors.holdings(user)[0].invested_usd == pytest.approx(Decimal(200), abs=Decimal("0.000001"))


def test_holdings_take_few_queries(world: World, user: User) -> None:
    second = index_create("top-10", "Top 10")
    decision_create(
        world, as_of=world.decisions[0].as_of, weights={"alpha": "0.5", "beta": "0.5"}, index=second
    )
    user.subscriptions.all()
    investing.invest(user, "global-100", "100")
    execution.dealing_run()
    with CaptureQueriesContext(
        connection,
    ) as one:
        selectors.holdings(user)
    from portfolios.models import Plan

    Plan.objects.get(rank=0).indices.add(second)
    investing.invest(user, "top-10", "100")
    execution.dealing_run()
    with CaptureQueriesContext(connection) as two:
        assert len(selectors.holdings(user)) == 2
    assert len(one) == len(two) <= 8


def test_two_indices_deal_in_one_cycle_and_cross(world: World) -> None:
    """One portfolio leaves alpha while the other comes in: the common part never sees a venue."""
    second = index_create("top-10", "Top 10")
    decision_create(world, as_of=world.decisions[0].as_of, weights={"alpha": "1.0"}, index=second)
    from portfolios.models import Plan

    Plan.objects.get(rank=0).indices.add(second)
    seller, buyer = user_make(cash="1000"), user_make(cash="300")
    investing.invest(seller, "global-100", "1000")
    execution.dealing_run()
    investing.redeem(seller, "global-100", amount="750")
    bought = investing.invest(buyer, "top-10", "300")
    cycle = execution.cycle_open()
    assert cycle is not None
    crossed = Entry.objects.get(kind="cross")
    assert crossed.reference == f"cross:{cycle.pk}:token:alpha"
    execution.dealing_run()
    bought.refresh_from_db()
    assert bought.cost_usd < Decimal("0.01")
    assert cycle.block_orders.filter(side="buy").count() == 0
    sound()


def test_activity_tells_the_story(world: World, user: User) -> None:
    investing.invest(user, "global-100", "100")
    execution.dealing_run()
    today = signal_selectors.last_closed_day()
    decision_create(world, as_of=today + timedelta(days=6), weights={"alpha": "1.0"})
    clock_to(world, today + timedelta(days=7))
    assert tasks.rebalances_tick() == 1
    assert tasks.dealing_tick() == {"opened": 1, "settled": 1, "at_rest": True}
    payments.withdraw(user, "5.00")
    investing.redeem(user, "global-100", all=True)
    tasks.dealing_tick()
    lines = selectors.activity(user)
    assert [line.kind for line in lines] == ["redeem", "withdrawal", "rebalance", "invest", "deposit"]
    assert [line.amount_usd for line in lines][1:] == [Decimal(-5), None, Decimal(-100), Decimal(500)]
    assert [line.kind for line in selectors.activity(user, limit=2, before=lines[1].recorded_at)] == [
        "rebalance",
        "invest",
    ]
    total = sum(line.amount_usd or Decimal(0) for line in lines)
    assert total == selectors.cash(user)
    assert selectors.activity(user_make()) == []


def test_the_daily_value_is_recorded_once(world: World, user: User) -> None:
    investing.invest(user, "global-100", "100")
    tasks.dealing_tick()
    assert tasks.valuations_tick() == 1
    assert tasks.valuations_tick() == 0
    point = NavPoint.objects.get()
    portfolio = selectors.portfolio("global-100")
    assert portfolio is not None
    assert point.unit_price == selectors.portfolio_value(portfolio).unit_price
    assert [row.date for row in selectors.nav_history(portfolio)] == [signal_selectors.last_closed_day()]
    clock_to(world, signal_selectors.last_closed_day() + timedelta(days=1))
    assert tasks.valuations_tick() == 1


def test_a_preview_is_close_to_what_happens(user: User) -> None:
    preview = selectors.invest_preview(user, "global-100", Decimal(100))
    order = investing.invest(user, "global-100", "100")
    execution.dealing_run()
    order.refresh_from_db()
    assert preview.cost_usd == pytest.approx(order.cost_usd, abs=Decimal("0.02"))
    assert preview.units == pytest.approx(order.units, abs=Decimal("0.0001"))
    assert preview.token_count == 5


def test_ticks_without_a_market_do_nothing() -> None:
    assert tasks.rebalances_tick() == tasks.valuations_tick() == tasks.subscriptions_tick() == 0
    assert tasks.dealing_tick() == {"opened": 0, "settled": 0, "at_rest": True}
    assert tasks.ledger_check_tick() == []
    assert not Rebalance.objects.exists()


def test_user_create_reads_the_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("correct horse battery staple\n"))
    call_command("user_create", "Ann@Example.org", "--password-stdin", "--verified", stdout=io.StringIO())
    user = User.objects.get(email="ann@example.org")
    assert user.check_password("correct horse battery staple")
    assert EmailAddress.objects.get(user=user).verified
    monkeypatch.setattr("sys.stdin", io.StringIO("correct horse battery staple\n"))
    with pytest.raises(CommandError, match="already has an account"):
        call_command("user_create", "ann@example.org", "--password-stdin", stdout=io.StringIO())
    monkeypatch.setattr("sys.stdin", io.StringIO("123\n"))
    with pytest.raises(CommandError, match="password"):
        call_command("user_create", "bob@example.org", "--password-stdin", stdout=io.StringIO())
