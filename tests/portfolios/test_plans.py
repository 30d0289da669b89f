"""Contracts for plans, in market time."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from portfolios import errors, selectors, tasks
from portfolios.core.periods import month_later, prorated
from portfolios.models import Entry, Invoice, Subscription, User
from portfolios.payments import registry
from portfolios.payments.base import ChargeResult
from portfolios.services import plans
from signals import selectors as signal_selectors
from tests.books import sound
from tests.factories import user_make
from tests.worlds import World, clock_to, index_create, world_create


@pytest.fixture
def world(db: None) -> World:
    return world_create()


@pytest.fixture
def user(world: World) -> User:
    return user_make()


def days_pass(world: World, days: int) -> None:
    clock_to(world, signal_selectors.last_closed_day() + timedelta(days=days))
    tasks.subscriptions_tick()
    tasks.subscriptions_tick()


def amounts() -> list[str]:
    return [str(amount) for amount in Invoice.objects.order_by("id").values_list("amount", flat=True)]


@pytest.mark.parametrize(
    ("start", "end"),
    [("2022-01-31", "2022-02-28"), ("2024-01-31", "2024-02-29"), ("2022-12-15", "2023-01-15")],
)
def test_a_month_later(start: str, end: str) -> None:
    assert month_later(datetime.fromisoformat(start).replace(tzinfo=UTC)).date().isoformat() == end


def test_a_contract_of_the_31st_comes_back_to_the_31st() -> None:
    moment = datetime(2022, 1, 31, 12, tzinfo=UTC)
    paid = []
    for _ in range(4):
        moment = month_later(moment, billing_day=31)
        paid.append(moment.date().isoformat())
    assert paid == ["2022-02-28", "2022-03-31", "2022-04-30", "2022-05-31"]


def test_a_contract_of_the_31st_is_renewed_on_the_31st(db: None) -> None:
    world = world_create(today=date(2022, 1, 30))  # whose close is the beginning of the 31st
    user = user_make()
    plans.subscribe(user, "silver")
    days_pass(world, 28 + 31)
    contract = Subscription.objects.get(user=user)
    assert (contract.billing_day, contract.period_start.date(), contract.period_end.date()) == (
        31,
        date(2022, 3, 31),
        date(2022, 4, 30),
    )


def test_the_rest_of_a_period() -> None:
    start, end = datetime(2022, 6, 1, tzinfo=UTC), datetime(2022, 7, 1, tzinfo=UTC)
    assert prorated(Decimal(30), start=start, end=end, now=datetime(2022, 6, 21, tzinfo=UTC)) == Decimal(
        "10.00"
    )
    assert prorated(Decimal(30), start=start, end=end, now=end + timedelta(days=9)) == 0


def test_everybody_starts_on_free(user: User) -> None:
    plan = selectors.plan_of(user)
    assert (plan.slug, plan.api_requests_per_minute, plan.index_slugs) == ("free", 60, ["global-100"])
    assert [row.slug for row in selectors.plans()] == ["free", "silver", "gold", "platinum"]
    assert [row.api_requests_per_minute for row in selectors.plans()] == [60, 240, 600, 3000]
    assert selectors.subscription_of(user).period_end is None


def test_subscribe_is_charged_once_and_renews(world: World, user: User) -> None:
    plans.subscribe(user, "silver")
    assert selectors.plan_of(user).slug == "silver"
    with pytest.raises(errors.PlanUnchanged):
        plans.subscribe(user, "silver")
    assert amounts() == ["29.00"]
    days_pass(world, 10)
    assert amounts() == ["29.00"]
    days_pass(world, 25)
    assert amounts() == ["29.00", "29.00"]
    days_pass(world, 65)
    assert len(amounts()) == 4
    assert Entry.objects.filter(kind="charge").count() == 4
    assert [row.amount for row in selectors.invoices(user)] == [Decimal(29)] * 4
    sound()


def test_an_upgrade_is_at_once_a_downgrade_at_the_end(world: World, user: User) -> None:
    plans.subscribe(user, "silver")
    contract = Subscription.objects.get()
    days = (contract.period_end - contract.period_start).days
    days_pass(world, 10)
    plans.change(user, "gold")
    assert selectors.plan_of(user).slug == "gold"
    rest = (Decimal(70) * (days - 10) / days).quantize(Decimal("0.01"))
    assert amounts() == ["29.00", str(rest)]
    plans.change(user, "silver")
    row = selectors.subscription_of(user)
    assert (row.plan.slug, row.next_plan and row.next_plan.slug) == ("gold", "silver")
    days_pass(world, 30)
    assert selectors.plan_of(user).slug == "silver"
    assert amounts() == ["29.00", str(rest), "29.00"]
    sound()


def test_cancel_and_resume(world: World, user: User) -> None:
    with pytest.raises(errors.PlanUnchanged):
        plans.cancel(user)
    plans.subscribe(user, "gold")
    plans.cancel(user)
    assert selectors.subscription_of(user).cancel_at_period_end
    plans.resume(user)
    days_pass(world, 35)
    assert selectors.plan_of(user).slug == "gold"
    plans.change(user, "free")
    assert selectors.plan_of(user).slug == "gold"
    days_pass(world, 35)
    assert selectors.plan_of(user).slug == "free"
    assert Subscription.objects.get().status == "ended"
    assert len(amounts()) == 2
    plans.subscribe(user, "silver")
    assert selectors.plan_of(user).slug == "silver"
    sound()


class Declines:
    name = "sandbox"

    def charge(self, *, customer: str, amount: Decimal, reference: str) -> ChargeResult:
        return ChargeResult(paid=False, reference="", reason="no funds")


def test_a_declined_charge_changes_nothing(world: World, user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    plans.subscribe(user, "silver")
    monkeypatch.setitem(registry.BILLING, "sandbox", Declines())
    with pytest.raises(errors.PaymentDeclined):
        plans.change(user, "gold")
    assert selectors.plan_of(user).slug == "silver"
    with pytest.raises(errors.PaymentDeclined):
        plans.subscribe(user_make(), "gold")
    assert Subscription.objects.count() == 1
    days_pass(world, 35)
    assert selectors.plan_of(user).slug == "free"
    assert amounts() == ["29.00"]
    sound()


def test_a_plan_decides_which_indices(world: World, user: User) -> None:
    index_create("new-ideas", "New ideas")
    assert not selectors.index_allowed(user, "new-ideas")
    needed = selectors.plan_needed("new-ideas")
    assert needed is not None
    assert needed.slug == "gold"
    with pytest.raises(errors.UnknownPlan):
        plans.change(user, "diamond")
    plans.subscribe(user, "gold")
    assert selectors.index_allowed(user, "new-ideas")


def test_seeding_keeps_what_an_operator_changed(world: World) -> None:
    silver = next(plan for plan in plans.plans_seed() if plan.slug == "silver")
    silver.monthly_price = Decimal("35.00")
    silver.save()
    assert [str(plan.monthly_price) for plan in plans.plans_seed()] == ["0.00", "35.00", "99.00", "299.00"]
