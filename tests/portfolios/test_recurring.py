"""Recurring plans: which days are due, one order per day whoever asks, and words where there is none."""

from calendar import monthrange
from datetime import date, timedelta
from decimal import Decimal
from threading import Barrier, Thread

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from indices.models import Index
from portfolios import errors, selectors, tasks
from portfolios.core.recurrence import DAILY, MONTHLY, WEEKLY, Recurrence, due_after, due_from
from portfolios.models import Notice, Order, Plan, RecurringPlan, RecurringRun, User
from portfolios.services import execution, investing, payments, recurring
from portfolios.services.pauses import pause_start
from tests.books import sound
from tests.factories import user_make
from tests.worlds import clock_to, index_create, world_create

days = st.dates(min_value=date(2000, 1, 1), max_value=date(2100, 12, 31))
rules = st.one_of(
    st.builds(Recurrence, st.just(DAILY), days),
    st.builds(lambda start, weekday: Recurrence(WEEKLY, start, weekday=weekday), days, st.integers(0, 6)),
    st.builds(lambda start, day: Recurrence(MONTHLY, start, day=day), days, st.integers(1, 31)),
)


def plans_empty(user: User) -> None:
    """No plan admits to any index."""
    for plan in Plan.objects.all():
        plan.indices.clear()


def is_due(rule, day):
    """The rule read as a sentence, day by day."""
    if day < rule.starts_on or (rule.ends_on is not None and day > rule.ends_on):
        return False
    if rule.frequency == WEEKLY:
        return day.weekday() == rule.weekday
    if rule.frequency == MONTHLY:
        return day.day == min(rule.day, monthrange(day.year, day.month)[1])
    return True


@given(rules, st.integers(0, 400), st.integers(0, 800))
def test_the_first_due_day_is_the_first_that_the_sentence_names(rule, after, length):
    rule = Recurrence(
        rule.frequency, rule.starts_on, rule.starts_on + timedelta(days=length), rule.weekday, rule.day
    )
    earliest = rule.starts_on + timedelta(days=after - 30)
    candidates = (earliest + timedelta(days=n) for n in range(1300))
    assert due_from(rule, earliest) == next((day for day in candidates if is_due(rule, day)), None)


@given(rules, st.integers(2, 40))
def test_walking_the_due_days_misses_none_and_repeats_none(rule, count):
    first = due_from(rule, rule.starts_on)
    assert first is not None
    walked = [first]
    for _ in range(count):
        following = due_after(rule, walked[-1])
        assert following is not None
        walked.append(following)
    assert walked == sorted(set(walked))
    span = [walked[0] + timedelta(days=n) for n in range((walked[-1] - walked[0]).days + 1)]
    assert walked == [day for day in span if is_due(rule, day)]


def test_the_31st_is_the_last_day_of_every_month_leap_years_too():
    rule = Recurrence(MONTHLY, date(2024, 1, 31), day=31)
    found, day = [], date(2023, 1, 1)
    for _ in range(5):
        due = due_from(rule, day)
        assert due is not None
        found.append(due)
        day = due + timedelta(days=1)
    assert found == [
        date(2024, 1, 31),
        date(2024, 2, 29),
        date(2024, 3, 31),
        date(2024, 4, 30),
        date(2024, 5, 31),
    ]
    assert due_from(Recurrence(MONTHLY, date(2023, 2, 1), day=30), date(2023, 2, 1)) == date(2023, 2, 28)


@pytest.mark.parametrize(
    ("rule", "field"),
    [
        (("yearly", date(2022, 1, 1)), "frequency"),
        ((WEEKLY, date(2022, 1, 1)), "weekday"),
        ((WEEKLY, date(2022, 1, 1), None, 7), "weekday"),
        ((DAILY, date(2022, 1, 1), None, 3), "weekday"),
        ((MONTHLY, date(2022, 1, 1)), "day"),
        ((MONTHLY, date(2022, 1, 1), None, None, 32), "day"),
        ((MONTHLY, date(2022, 1, 1), None, None, 0), "day"),
        ((DAILY, date(2022, 1, 2), date(2022, 1, 1)), "ends_on"),
    ],
)
def test_a_rule_that_makes_no_sense_names_its_field(rule, field):
    with pytest.raises(ValueError, match=f"^{field}: "):
        Recurrence(*rule)


@pytest.fixture
def world(db):
    return world_create()


@pytest.fixture
def user(world):
    return user_make(cash="500.00")


def daily(user, amount="50.00", **more):
    return recurring.recurring_create(user, "global-100", amount, frequency="daily", **more)


def next_day(world, count=1):
    clock_to(world, recurring.today() + timedelta(days=count))


def runs(plan):
    return [(run.due_on, run.status) for run in RecurringRun.objects.filter(plan=plan).order_by("due_on")]


def test_a_plan_moves_nothing_until_it_is_due_and_then_places_one_order(world, user):
    tomorrow = recurring.today() + timedelta(days=1)
    plan = daily(user, starts_on=tomorrow)
    assert (plan.status, plan.next_due) == ("active", tomorrow)
    assert tasks.recurring_tick() == 0
    next_day(world)
    assert (tasks.recurring_tick(), tasks.recurring_tick()) == (1, 0)
    order = Order.objects.get()
    assert (order.amount, order.reference) == (50, f"recurring:{plan.pk}:{tomorrow}")
    assert (selectors.cash(user), selectors.reserved(user)) == (450, 50)
    plan.refresh_from_db()
    assert plan.next_due == tomorrow + timedelta(days=1)
    execution.dealing_run()
    assert len(selectors.holdings(user)) == 1
    sound()


def test_too_little_cash_skips_the_date_with_a_notice_and_never_makes_up_for_it(world):
    user = user_make(cash="70.00")
    plan = daily(user)
    first = recurring.today()
    tasks.recurring_tick()
    next_day(world)
    tasks.recurring_tick()
    assert runs(plan) == [(first, "ordered"), (first + timedelta(days=1), "skipped")]
    notice = Notice.objects.get(kind="recurring")
    assert notice.title == "$50.00 were not invested in Bellwether Global 100"
    assert "$20.00 is free and $50.00 was asked for." in notice.text
    assert "The plan goes on: it is due next on" in notice.text
    assert selectors.cash(user) == 20, "never a half"
    payments.deposit(user, "500.00")
    tasks.recurring_tick()
    assert len(runs(plan)) == 2
    next_day(world)
    tasks.recurring_tick()
    assert [status for _, status in runs(plan)] == ["ordered", "skipped", "ordered"]


def test_after_standing_still_recent_dates_are_made_up_for_once_and_old_ones_are_skipped(world, user):
    plan = daily(user)
    first = recurring.today()
    next_day(world, 5)
    tasks.recurring_tick(), tasks.recurring_tick()
    assert runs(plan) == [(first + timedelta(days=n), "skipped" if n < 2 else "ordered") for n in range(6)]
    assert Order.objects.count() == 4
    told = RecurringRun.objects.filter(plan=plan, status="skipped").first()
    assert told is not None
    assert "stood still on that day" in told.reason
    sound()


@pytest.mark.parametrize(
    ("hinder", "words"),
    [
        (
            lambda user: Index.objects.filter(slug="global-100").update(is_published=False),
            "there is no index",
        ),
        (plans_empty, "needs"),
        (lambda user: pause_start("buys", reason="We look into it."), "Buying is paused: We look into it."),
        (
            lambda user: pause_start("index", "global-100", reason="A dispute."),
            "Buying is paused: A dispute.",
        ),
        (lambda user: type(user).objects.filter(pk=user.pk).update(is_active=False), "account is closed"),
    ],
)
def test_what_is_no_longer_possible_is_skipped_with_words(user, hinder, words):
    plan = daily(user)
    hinder(user)
    tasks.recurring_tick()
    [run] = RecurringRun.objects.filter(plan=plan)
    assert (run.status, run.order) == ("skipped", None)
    assert words in run.reason
    assert words in Notice.objects.get(kind="recurring").text
    assert selectors.cash(user) == 500


def test_a_paused_plan_rests_and_does_not_make_up_for_what_it_missed(world, user):
    plan = daily(user)
    tasks.recurring_tick()
    recurring.recurring_change(user, plan.pk, paused=True)
    next_day(world, 2)
    assert tasks.recurring_tick() == 0
    plan = recurring.recurring_change(user, plan.pk, paused=False)
    assert plan.next_due == recurring.today()
    tasks.recurring_tick()
    assert len(runs(plan)) == 2
    again = recurring.recurring_change(user, plan.pk, paused=True)
    assert recurring.recurring_change(user, again.pk, paused=False).next_due == recurring.today() + timedelta(
        1
    )


def test_a_change_of_amount_holds_from_the_next_date_and_a_last_day_ends_the_plan(world, user):
    plan = daily(user)
    tasks.recurring_tick()
    last = recurring.today() + timedelta(days=1)
    recurring.recurring_change(user, plan.pk, amount="60.00", ends_on=last)
    next_day(world, 3)
    tasks.recurring_tick()
    plan.refresh_from_db()
    assert (plan.status, plan.next_due) == ("ended", None)
    assert set(Order.objects.values_list("amount", flat=True)) == {50, 60}
    with pytest.raises(errors.PlanOver):
        recurring.recurring_change(user, plan.pk, paused=False)


def test_a_cancelled_plan_is_over_and_its_orders_go_on(world, user):
    plan = daily(user)
    tasks.recurring_tick()
    assert recurring.recurring_cancel(user, plan.pk).status == "cancelled"
    assert recurring.recurring_cancel(user, plan.pk).status == "cancelled"
    next_day(world)
    assert tasks.recurring_tick() == 0
    assert Order.objects.get().status == "accepted"


@pytest.mark.parametrize(
    ("arguments", "error", "field"),
    [
        ({"amount": "49.99"}, errors.BelowMinimum, "amount"),
        ({"amount": "x"}, errors.InvalidAmount, "amount"),
        ({"index_slug": "nothing"}, errors.UnknownIndex, "index"),
        ({"frequency": "weekly"}, errors.InvalidSchedule, "weekday"),
        ({"frequency": "monthly", "day": 40}, errors.InvalidSchedule, "day"),
        ({"ends_on": date(2021, 1, 1)}, errors.InvalidSchedule, "ends_on"),
        (
            {"starts_on": date(2021, 1, 1), "ends_on": date(2021, 2, 1)},
            errors.InvalidSchedule,
            "ends_on",
        ),
    ],
)
def test_a_plan_that_could_not_work_is_refused_when_it_is_made(user, arguments, error, field):
    wish = {"index_slug": "global-100", "amount": "50", "frequency": "daily", **arguments}
    with pytest.raises(error) as refusal:
        recurring.recurring_create(user, wish.pop("index_slug"), wish.pop("amount"), **wish)
    assert refusal.value.field == field
    assert not RecurringPlan.objects.exists()


def test_an_index_that_the_plan_does_not_include_is_refused_and_so_is_a_strangers_plan(world, user):
    index_create("for-gold", "For gold")
    with pytest.raises((errors.PlanRequired, errors.IndexNotReady)):
        recurring.recurring_create(user, "for-gold", "50", frequency="daily")
    plan = daily(user)
    for act in (recurring.recurring_cancel, recurring.recurring_change):
        with pytest.raises(errors.UnknownRecurring):
            act(user_make(), plan.pk)
    with pytest.raises(errors.UnknownRecurring):
        recurring.recurring_cancel(user, "no-id")


def test_the_same_reference_twice_is_one_plan(user):
    plan = daily(user, reference="a")
    assert daily(user, reference="a") == plan
    with pytest.raises(errors.ConflictError):
        daily(user, amount="60", reference="a")


def test_an_order_that_its_owner_cancels_is_not_placed_again(user):
    daily(user)
    tasks.recurring_tick()
    investing.order_cancel(user, Order.objects.get().pk)
    assert tasks.recurring_tick() == 0
    assert (Order.objects.count(), selectors.cash(user)) == (1, 500)


@pytest.mark.django_db(transaction=True)
def test_many_ticks_at_once_make_one_order():
    world_create()
    user = user_make(cash="500.00")
    plan = daily(user)
    gate, made = Barrier(8), []

    def tick():
        try:
            gate.wait()
            made.append(tasks.recurring_tick())
        finally:
            connection.close()

    threads = [Thread(target=tick) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(made), sum(made)) == (8, 1)
    assert Order.objects.count() == RecurringRun.objects.filter(plan=plan).count() == 1
    assert selectors.cash(user) == Decimal(450)
    sound()
