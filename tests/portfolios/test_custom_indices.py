"""Indices of one's own: how many, whose, who may invest in them, and what becomes of the money."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from threading import Barrier, Thread

import pytest
from django.core.cache import cache
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from config.replay import steps_inline
from indices import selectors as index_selectors
from indices import tasks as index_tasks
from indices.core.customising import Choices
from indices.models import Index
from indices.services import shelf
from portfolios import selectors, tasks
from portfolios.errors import (
    CustomIndexInUse,
    CustomIndexLimit,
    InvalidRules,
    MoneyError,
    PlanRequired,
    UnknownCustomIndex,
    UnknownIndex,
)
from portfolios.models import CustomIndex, NavPoint, Order, Plan, Portfolio, Rebalance, User
from portfolios.services import custom, execution, investing, plans
from signals import services as signal_services
from signals.core.clock import end_of_day
from tests.books import sound
from tests.factories import user_make
from tests.worlds import FIRST_DAY, World, world_create

TODAY = FIRST_DAY + timedelta(days=40)
CHOICES = Choices(exclude=("alpha",), count=3, max_weight=Decimal("0.5"))


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    shelf.shelf_clear()
    yield
    shelf.shelf_clear()


@pytest.fixture
def world(db: None) -> World:
    cache.clear()
    return world_create(today=TODAY)


@pytest.fixture
def ada(world: World) -> User:
    return user_make(cash="1000.00")


@pytest.fixture
def bob(world: World) -> User:
    return user_make(cash="1000.00")


def build(user: User, choices: Choices = CHOICES, name: str = "Mine") -> CustomIndex:
    return custom.custom_index_create(user, "global-100", choices, name=name)


def day_over() -> None:
    """The clock is a day on, and every tick of this day has run."""
    day = custom.last_day() + timedelta(days=1)
    signal_services.clock_set(end_of_day(day))
    with steps_inline():
        index_tasks.decisions_tick()
        tasks.rebalances_tick()
        tasks.dealing_tick()
        tasks.valuations_tick()


def test_a_built_index_is_its_owners_alone(ada: User, bob: User) -> None:
    own = build(ada)
    assert selectors.custom_indices(ada) == [own]
    assert selectors.custom_indices(bob) == []
    assert selectors.custom_index(bob, own.index.slug) is None
    assert index_selectors.rulebook(own.index).universe.exclude == ("alpha",)
    for call in (
        lambda: investing.invest(bob, own.index.slug, "50.00"),
        lambda: custom.custom_index_change(bob, own.index.slug, CHOICES),
        lambda: custom.custom_index_rename(bob, own.index.slug, "Bob's"),
        lambda: custom.custom_index_share(bob, own.index.slug),
        lambda: custom.custom_index_unshare(bob, own.index.slug),
        lambda: custom.custom_index_archive(bob, own.index.slug, now=timezone.now()),
    ):
        with pytest.raises((UnknownIndex, UnknownCustomIndex)):
            call()
    assert selectors.cash(bob) == Decimal("1000.00")
    assert Portfolio.objects.filter(index=own.index).count() == 0


def test_from_investing_to_selling_everything(ada: User) -> None:
    own = build(ada)
    slug = own.index.slug
    first = index_selectors.decision_in_force(own.index, as_of=TODAY)
    assert first is not None
    order = investing.invest(ada, slug, "500.00")
    execution.dealing_run()
    order.refresh_from_db()
    assert order.status == Order.Status.SETTLED
    portfolio = Portfolio.objects.get(index=own.index)
    assert (portfolio.kind, portfolio.owner) == ("personal", ada)
    holding = selectors.holding(ada, slug)
    assert holding is not None
    assert Decimal("495") < holding.value_usd < Decimal("500")
    assert {row.token for row in holding.positions} <= {"beta", "gamma", "epsilon", "delta", "usd"}
    sound()
    custom.custom_index_change(ada, slug, Choices(exclude=("beta",), count=3, max_weight=Decimal("0.5")))
    for _ in range(9):
        day_over()
    done = Rebalance.objects.filter(portfolio=portfolio, status=Rebalance.Status.DONE)
    assert done.count() >= 1
    assert done.order_by("id").last().decision.rulebook.version == 2  # type: ignore[union-attr]
    holding = selectors.holding(ada, slug)
    assert holding is not None
    worth = {row.token: row.weight for row in holding.positions}
    assert worth["alpha"] > Decimal("0.3")
    assert "beta" not in worth
    assert NavPoint.objects.filter(portfolio=portfolio).count() >= 8
    assert any(line.index_slug == slug and line.kind == "rebalance" for line in selectors.activity(ada))
    sound()
    with pytest.raises(CustomIndexInUse):
        custom.custom_index_archive(ada, slug, now=timezone.now())
    investing.redeem(ada, slug, all=True)
    with pytest.raises(CustomIndexInUse):
        custom.custom_index_archive(ada, slug, now=timezone.now())
    execution.dealing_run()
    assert selectors.holding(ada, slug) is None
    assert selectors.cash(ada) > Decimal("990.00")
    sound()
    custom.custom_index_archive(ada, slug, now=timezone.now())
    assert selectors.custom_indices(ada) == []
    with pytest.raises(UnknownIndex):
        investing.invest(ada, slug, "50.00")
    own.index.refresh_from_db()
    assert own.index.retired_at is not None
    last = index_selectors.levels(own.index)[-1]
    day_over()
    assert index_selectors.levels(own.index)[-1] == last


def test_a_personal_portfolio_is_nobody_elses_and_there_is_one(ada: User, bob: User) -> None:
    own = build(ada)
    investing.invest(ada, own.index.slug, "100.00")
    investing.invest(ada, own.index.slug, "60.00")
    assert Portfolio.objects.filter(index=own.index).count() == 1
    with pytest.raises(MoneyError):
        investing.redeem(bob, own.index.slug, all=True)
    units = Portfolio.objects.get(index=own.index).units
    with pytest.raises(IntegrityError), transaction.atomic():
        Portfolio.objects.create(index=own.index, kind="personal", owner=ada, units=units)


def test_two_people_with_the_same_rules_have_two_portfolios(ada: User, bob: User) -> None:
    mine, theirs = build(ada), build(bob)
    for user, own in ((ada, mine), (bob, theirs)):
        investing.invest(user, own.index.slug, "100.00")
    investing.invest(bob, "global-100", "100.00")
    execution.dealing_run()
    assert [holding.index_slug for holding in selectors.holdings(ada)] == [mine.index.slug]
    assert {holding.index_slug for holding in selectors.holdings(bob)} == {theirs.index.slug, "global-100"}
    sound()


def test_a_plan_lets_a_person_keep_so_many(ada: User) -> None:
    first = build(ada)
    assert selectors.custom_indices_left(ada) == 0
    with pytest.raises(CustomIndexLimit, match="the Free plan lets you keep 1 of your own"):
        build(ada)
    plans.subscribe(ada, "silver")
    build(ada, name="Second")
    assert selectors.custom_indices_left(ada) == 1
    custom.custom_index_archive(ada, first.index.slug, now=timezone.now())
    assert selectors.custom_indices_left(ada) == 2
    assert {plan.slug: plan.custom_indices for plan in Plan.objects.all()} == {
        "free": 1,
        "silver": 3,
        "gold": 10,
        "platinum": 50,
    }


@pytest.mark.django_db(transaction=True)
def test_two_at_the_same_moment_do_not_pass_the_limit() -> None:
    world_create(today=TODAY)
    user = user_make()
    together = Barrier(2)
    told: list[str] = []

    def one() -> None:
        together.wait()
        try:
            build(user)
            told.append("made")
        except CustomIndexLimit:
            told.append("refused")
        finally:
            connection.close()

    threads = [Thread(target=one) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(told) == ["made", "refused"]
    assert CustomIndex.objects.filter(user=user).count() == 1


def test_what_the_base_asks_for_its_copy_asks_too(ada: User, world: World) -> None:
    Plan.objects.get(slug="free").indices.clear()
    own = build(ada)
    with pytest.raises(PlanRequired, match="the Silver plan"):
        investing.invest(ada, own.index.slug, "50.00")
    plans.subscribe(ada, "silver")
    investing.invest(ada, own.index.slug, "50.00")


@pytest.mark.parametrize(
    ("choices", "field"),
    [
        (Choices(count=1), "count"),
        (Choices(count=3), "max_weight"),
        (Choices(exclude=("alfa",)), "exclude"),
        (Choices(exclude_categories=("funny",)), "exclude_categories"),
        (Choices(scheme="magic"), "scheme"),
        (Choices(frequency="hourly"), "frequency"),
        (Choices(drift_band=Decimal(1)), "drift_band"),
        (Choices(min_market_cap=Decimal(1)), "min_market_cap"),
        (Choices(regime=True), "regime"),
    ],
)
def test_a_refusal_names_the_field_and_saves_nothing(ada: User, choices: Choices, field: str) -> None:
    before = Index.objects.count()
    with pytest.raises(InvalidRules, match="Nothing was saved") as refused:
        build(ada, choices)
    assert refused.value.field == field
    assert (Index.objects.count(), CustomIndex.objects.count()) == (before, 0)


@pytest.mark.parametrize("name", ["", "   ", "x" * 65, "two\x00words"])
def test_a_name_is_needed(ada: User, name: str) -> None:
    with pytest.raises(InvalidRules) as refused:
        build(ada, name=name)
    assert (refused.value.field, refused.value.code) == ("name", "invalid_name")


def test_a_link_opens_until_it_is_withdrawn(ada: User) -> None:
    own = build(ada)
    assert selectors.custom_index_shared("") is None
    token = custom.custom_index_share(ada, own.index.slug).share_token
    assert token is not None
    assert len(token) >= 16
    assert custom.custom_index_share(ada, own.index.slug).share_token == token
    assert selectors.custom_index_shared(token) == own
    custom.custom_index_unshare(ada, own.index.slug)
    assert selectors.custom_index_shared(token) is None
    again = custom.custom_index_share(ada, own.index.slug).share_token
    assert again not in (None, token)
    custom.custom_index_archive(ada, own.index.slug, now=timezone.now())
    assert selectors.custom_index_shared(str(again)) is None


def test_a_new_name_is_the_indexs_too(ada: User) -> None:
    own = build(ada)
    custom.custom_index_rename(ada, own.index.slug, "  Calm   and small ")
    assert CustomIndex.objects.get().name == Index.objects.get(kind="custom").name == "Calm and small"


def test_previews_are_counted_by_the_minute(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(custom, "PREVIEWS_A_MINUTE", 2)
    assert [custom.allowance_take("address:one") for _ in range(3)] == [True, True, False]
    assert custom.allowance_take("address:two")
