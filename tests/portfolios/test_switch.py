"""A switch is one wish with two legs: exactly what the first brings goes into the second, or stays and is explained."""

from decimal import Decimal
from threading import Barrier, Thread
from uuid import uuid4

import pytest
from django.db import connection
from django.utils import timezone

from portfolios import errors, selectors, tasks
from portfolios.models import Notice, Order, Plan, Switch, User
from portfolios.services import execution, investing, payments
from portfolios.services.faultpoints import hook_set
from tests.books import sound
from tests.factories import held, user_make
from tests.worlds import decision_create, index_create, world_create

pytestmark = pytest.mark.django_db
TARGETS = {"alpha": "0.5", "gamma": "0.5"}


def plans_empty(user: User) -> None:
    """No plan admits to any index."""
    for plan in Plan.objects.all():
        plan.indices.clear()


def other_index(world, slug="top-2", name="Top two"):
    index = index_create(slug, name)
    decision_create(world, as_of=world.decisions[0].as_of, weights=TARGETS, index=index)
    for plan in Plan.objects.filter(all_indices=False):
        plan.indices.add(index)
    return index


@pytest.fixture
def world():
    made = world_create()
    other_index(made)
    return made


@pytest.fixture
def user(world):
    holder = user_make(cash="1000.00")
    investing.invest(holder, "global-100", "600.00")
    execution.dealing_run()
    return holder


def switched(user, **size):
    return investing.switch(user, "global-100", "top-2", **(size or {"all": True}))


def advance():
    return investing.switches_advance(now=timezone.now())


def told(user):
    return list(Notice.objects.filter(user=user, key__startswith="switch:").values_list("kind", "title"))


def test_what_one_index_pays_out_goes_into_the_other_to_the_cent(user):
    row = switched(user, percent="50")
    assert (row.status, row.redeem.status, row.invest) == ("selling", "accepted", None)
    assert tasks.dealing_tick()["at_rest"]
    row.refresh_from_db()
    assert row.status == "done"
    assert row.invest.amount == row.redeem.proceeds
    assert Decimal(297) < row.redeem.proceeds < Decimal(300)
    assert selectors.cash(user) == 400, "not a cent of the sale stayed behind, none came on top"
    held = {holding.index_slug: holding.units for holding in selectors.holdings(user)}
    assert held == {"global-100": row.redeem.units, "top-2": row.invest.units}
    assert told(user) == [("order_executed", "Switched from Bellwether Global 100 to Top two")]
    cost = row.redeem.cost_usd + row.invest.cost_usd
    notice = Notice.objects.get(user=user, key=f"switch:{row.pk}")
    assert f"Trading cost you ${cost:.2f}" in notice.text
    tasks.notices_tick()
    assert Notice.objects.filter(user=user, kind="order_executed").count() == 2, (
        "the investment and the switch"
    )
    sound()


def test_running_again_at_any_time_changes_nothing(user):
    switched(user)
    for _ in range(3):
        tasks.dealing_tick()
        advance()
    assert Order.objects.filter(side="invest").count() == 2
    assert len(told(user)) == 1
    sound()


def test_it_can_be_cancelled_until_the_dealing_and_its_units_are_free_again(user):
    before = held(user).units
    row = switched(user)
    assert held(user).reserved_units == before
    assert investing.switch_cancel(user, row.pk).status == "cancelled"
    assert investing.switch_cancel(user, row.pk).status == "cancelled"
    assert (held(user).reserved_units, advance()) == (0, 0)
    tasks.dealing_tick()
    assert Order.objects.filter(side="invest").count() == 1
    assert told(user) == []
    sound()


def test_cancelling_its_first_order_cancels_the_switch(user):
    row = switched(user)
    investing.order_cancel(user, row.redeem_id)
    advance()
    row.refresh_from_db()
    assert (row.status, row.reason) == ("cancelled", Order.CANCELLED_BY_OWNER)
    sound()


def test_between_the_legs_it_can_be_cancelled_and_the_money_is_cash(user):
    row = switched(user)
    execution.dealing_run()
    with pytest.raises(errors.NotCancellable):
        investing.switch_cancel(user, row.pk)
    assert advance() == 1
    stopped = investing.switch_cancel(user, row.pk)
    assert stopped.invest is not None
    assert (stopped.status, stopped.invest.status) == ("stopped", "cancelled")
    assert selectors.cash(user) == 400 + row.redeem.__class__.objects.get(pk=row.redeem_id).proceeds
    with pytest.raises(errors.UnknownSwitch):
        investing.switch_cancel(user_make(), row.pk)
    with pytest.raises(errors.UnknownSwitch):
        investing.switch_cancel(user, "no-id")
    sound()


@pytest.mark.parametrize(
    ("hinder", "words"),
    [
        (plans_empty, "needs the"),
        (
            lambda user: payments.withdraw(user, selectors.cash(user)),
            "$0.00 is free and",
        ),
    ],
)
def test_where_the_second_leg_cannot_be_placed_the_money_stays_cash_and_a_notice_says_why(
    user, hinder, words
):
    row = switched(user)
    execution.dealing_run()
    hinder(user)
    assert advance() == 0
    row.refresh_from_db()
    assert (row.status, row.invest) == ("stopped", None)
    assert words in row.reason
    [(kind, title)] = told(user)
    assert (kind, title) == ("order_skipped", "The switch to Top two stopped half-way")
    assert words in Notice.objects.get(user=user, key=f"switch:{row.pk}").text
    assert advance() == 0
    sound()


def test_the_same_reference_twice_is_one_switch(user):
    first = investing.switch(user, "global-100", "top-2", percent="50", reference="a")
    assert investing.switch(user, "global-100", "top-2", percent="50.00", reference="a") == first
    with pytest.raises(errors.ConflictError):
        investing.switch(user, "global-100", "top-2", percent="40", reference="a")
    assert Switch.objects.count() == 1


@pytest.mark.parametrize(
    ("into", "size", "error", "field"),
    [
        ("global-100", {"all": True}, errors.InvalidAmount, "into"),
        ("nothing", {"all": True}, errors.UnknownIndex, "into"),
        ("top-2", {"amount": "10"}, errors.BelowMinimum, "amount"),
        ("top-2", {"percent": "8"}, errors.BelowMinimum, "amount"),
        ("top-2", {"amount": "601"}, errors.InsufficientFunds, "amount"),
        ("top-2", {"percent": "101"}, errors.InvalidAmount, "percent"),
        ("top-2", {}, errors.InvalidAmount, "amount"),
    ],
)
def test_a_switch_that_cannot_be_moves_nothing(user, into, size, error, field):
    with pytest.raises(error) as refusal:
        investing.switch(user, "global-100", into, **size)
    assert refusal.value.field == field
    assert not Switch.objects.exists()
    assert held(user).reserved_units == 0
    sound()


def test_an_index_that_the_plan_leaves_out_is_refused_before_anything_is_sold(user):
    for plan in Plan.objects.all():
        plan.indices.clear()
    with pytest.raises(errors.PlanRequired) as refusal:
        switched(user)
    assert refusal.value.field == "into"
    assert Order.objects.filter(side="redeem").count() == 0


@pytest.mark.parametrize("place", ["switch advanced", "dealing settled", "purchases planned", "sold"])
def test_a_crash_anywhere_is_carried_on_from(user, place):
    class Killed(Exception):
        pass

    def die(name):
        if name == place:
            hook_set(None)
            raise Killed

    row = switched(user)
    hook_set(die)
    try:
        with pytest.raises(Killed):
            tasks.dealing_tick()
    finally:
        hook_set(None)
    tasks.dealing_tick()
    tasks.dealing_tick()
    row.refresh_from_db()
    assert row.status == "done"
    assert Order.objects.filter(side="invest").count() == 2
    sound()


@pytest.mark.django_db(transaction=True)
def test_many_ticks_at_once_place_one_second_leg():
    world = world_create()
    other_index(world)
    user = user_make(cash="1000.00")
    investing.invest(user, "global-100", "600.00")
    execution.dealing_run()
    row = switched(user)
    execution.dealing_run()
    gate, placed = Barrier(8), []

    def tick():
        try:
            gate.wait()
            placed.append(advance())
        finally:
            connection.close()

    threads = [Thread(target=tick) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(placed), sum(placed)) == (8, 1)
    row.refresh_from_db()
    assert (row.status, row.invest.amount) == ("buying", row.redeem.proceeds)
    sound()


def test_a_stranger_cannot_switch_what_is_not_theirs(user):
    with pytest.raises(errors.InsufficientUnits):
        switched(user_make(cash="100.00"))
    assert selectors.switch(user, uuid4()) is None
