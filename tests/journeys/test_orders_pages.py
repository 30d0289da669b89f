"""Selling, switching and repeating on the pages, without a script."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.test import Client

from indices.models import Decision, Index, RulebookVersion, TargetWeight
from portfolios import selectors, tasks
from portfolios.models import Order, Plan, RecurringPlan, User
from portfolios.services import execution, investing
from signals.models import Asset
from tests.factories import held, user_make
from tests.journeys.reading import read, submit
from tests.worlds import World, world_create

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    made = world_create()
    index = Index.objects.create(slug="top-2", name="Top two", family="market_cap")
    version = RulebookVersion.objects.create(
        index=index,
        version=1,
        body={"slug": "top-2", "name": "Top two", "family": "market_cap"},
        digest="two",
    )
    first = made.decisions[0]
    decision = Decision.objects.create(
        index=index,
        rulebook=version,
        as_of=first.as_of,
        effective_on=first.effective_on,
        epoch=first.epoch,
        input_hash="1" * 64,
        turnover=0,
        reasons={},
    )
    TargetWeight.objects.create(decision=decision, asset=Asset.objects.get(slug="alpha"), weight=1, rank=1)
    for plan in Plan.objects.filter(all_indices=False):
        plan.indices.add(index)
    return made


@pytest.fixture
def holder(world: World) -> User:
    user = user_make(cash="1000.00")
    investing.invest(user, "global-100", "600.00")
    execution.dealing_run()
    return user


@pytest.fixture
def visitor(holder: User) -> Client:
    client = Client()
    client.force_login(holder, backend="django.contrib.auth.backends.ModelBackend")
    return client


def test_a_part_is_shown_with_its_costs_and_then_sold(visitor: Client, holder: User) -> None:
    page = read(visitor.get("/redeem/global-100/?percent=25"))
    for words in ("What happens", "half the spread", "venue’s fee", "Every trade and its cost", "Sell 25 %"):
        assert words in page.text
    answer = submit(visitor, "/redeem/global-100/?percent=25", "/redeem/global-100/")
    order = Order.objects.get(side="redeem")
    assert answer.headers["Location"] == f"/orders/{order.pk}/"
    assert order.percent == 25
    assert "Sell 25 % of Bellwether Global 100" in read(visitor.get(f"/orders/{order.pk}/")).text


def test_a_part_goes_before_an_amount_that_was_left_in_the_field(visitor: Client) -> None:
    page = read(visitor.get("/redeem/global-100/?amount=60&percent=50"))
    assert "Sell 50 %" in page.text
    assert "Sell $60.00" in read(visitor.get("/redeem/global-100/?amount=60&percent=")).text


@pytest.mark.parametrize("size", ["amount=9999", "amount=x", "percent=101", "percent=-3"])
def test_a_size_that_cannot_be_is_told_before_anything_is_sent(visitor: Client, size: str) -> None:
    page = read(visitor.get(f"/redeem/global-100/?{size}"))
    assert "Nothing was moved" in page.text
    assert "Sell everything" in page.text


def test_a_switch_shows_both_legs_and_follows_them(visitor: Client, holder: User) -> None:
    address = "/switch/global-100/?into=top-2&percent=100"
    page = read(visitor.get(address))
    for words in (
        "First: Bellwether Global 100 is sold",
        "Then: Top two is bought",
        "Switch everything into Top two",
    ):
        assert words in page.text
    answer = submit(visitor, address, "/switch/global-100/")
    first = answer.headers["Location"]
    page = read(visitor.get(first))
    assert "One leg of a switch from Bellwether Global 100 into Top two" in page.text
    tasks.dealing_tick()
    assert "Done. Trading cost you" in read(visitor.get(first)).text
    assert [row.index_slug for row in selectors.holdings(holder)] == ["top-2"]


def test_a_switch_is_cancelled_from_the_page_of_its_first_order(visitor: Client, holder: User) -> None:
    row = investing.switch(holder, "global-100", "top-2", all=True)
    page = read(visitor.get(f"/orders/{row.redeem_id}/"))
    assert page.form(f"/switches/{row.pk}/cancel/")
    answer = visitor.post(f"/switches/{row.pk}/cancel/", follow=True)
    assert "Your units are yours as before." in read(answer).text
    again = visitor.post(f"/switches/{row.pk}/cancel/", follow=True)
    assert again.status_code == 200
    assert held(holder).reserved_units == 0


def test_too_little_for_the_other_index_cannot_be_sent(visitor: Client) -> None:
    page = visitor.get("/switch/global-100/?into=top-2&amount=20").content.decode()
    assert "the smallest investment is $50.00" in page
    assert 'type="submit" disabled' in page
    answer = visitor.post("/switch/global-100/", {"token": "t", "into": "top-2", "amount": "20"})
    assert answer.status_code == 422
    assert visitor.post("/switch/global-100/", {"token": "t", "amount": "60"}).status_code == 422


def test_who_holds_nothing_is_sent_to_the_index(world: World) -> None:
    client = Client()
    client.force_login(user_make(), backend="django.contrib.auth.backends.ModelBackend")
    assert client.get("/switch/global-100/").headers["Location"] == "/indices/global-100/"


def test_a_recurring_plan_is_set_up_paused_changed_and_ended(visitor: Client, holder: User) -> None:
    page = read(visitor.get("/invest/global-100/?amount=100"))
    assert "Repeat this every day, week or month instead" in page.text
    answer = submit(
        visitor,
        "/recurring/?index=global-100&amount=100.00",
        "/recurring/",
        index="global-100",
        frequency="monthly",
        day="31",
        weekday="2",
    )
    assert answer.status_code == 302, read(answer).text
    plan = RecurringPlan.objects.get()
    assert (plan.frequency, plan.day, plan.weekday, plan.amount) == ("monthly", 31, None, 100)
    text = read(visitor.get("/recurring/")).text
    assert "$100.00 every month on the 31st, or its last day into Bellwether Global 100" in text
    change = f"/recurring/{plan.pk}/"
    for act, words in (("pause", "The plan rests."), ("resume", "The plan goes on. Due next on")):
        assert words in read(visitor.post(change, {"act": act}, follow=True)).text
    told = read(visitor.post(change, {"act": "amount", "amount": "$1,200"}, follow=True)).text
    assert "The new amount holds from the next date on." in told
    assert RecurringPlan.objects.get().amount == Decimal(1200)
    assert (
        "smallest investment"
        in read(visitor.post(change, {"act": "amount", "amount": "5"}, follow=True)).text
    )
    assert "The plan has ended." in read(visitor.post(change, {"act": "cancel"}, follow=True)).text
    assert visitor.post(change, {"act": "nonsense"}).status_code == 302


def test_a_plan_that_cannot_be_is_refused_at_its_field(visitor: Client) -> None:
    answer = submit(visitor, "/recurring/", "/recurring/", index="global-100", amount="10", frequency="daily")
    assert answer.status_code == 422
    assert "the smallest investment is $50.00" in read(answer).text
    answer = submit(
        visitor, "/recurring/", "/recurring/", index="global-100", amount="60", frequency="monthly", day=""
    )
    assert answer.status_code == 422
    assert not RecurringPlan.objects.exists()


def test_the_dates_of_a_plan_say_what_became_of_them(visitor: Client, holder: User) -> None:
    submit(visitor, "/recurring/", "/recurring/", index="global-100", amount="500", frequency="daily")
    tasks.recurring_tick()
    page = read(visitor.get("/recurring/")).text
    assert "skipped. $400.00 is free and $500.00 was asked for." in page
