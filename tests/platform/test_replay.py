"""The walk of the replay clock beside other processes: cut short, waited for, asked for twice."""

from __future__ import annotations

from datetime import date, timedelta

import psycopg
import pytest
from django.db import connection

from config import replay, week
from portfolios.models import DealingCycle, NavPoint, Rebalance
from portfolios.services import execution, investing
from portfolios.tasks import dealing_tick, rebalances_tick, valuations_tick
from signals import selectors as signal_selectors
from signals import services as signal_services
from signals.models import Candle, Market
from tests.factories import user_make
from tests.worlds import World, clock_to, decision_create, world_create

pytestmark = pytest.mark.django_db


class Killed(BaseException):
    """Not an Exception: nothing in the product may catch it."""


@pytest.fixture
def world() -> World:
    created = world_create()
    # Its one decision is made by hand; there is no history for the indices' own ticks to go on with.
    created.index.versions.update(body={**created.index.versions.get().body, "base": {"date": "2030-01-01"}})
    return created


def invested() -> None:
    investing.invest(user_make(cash="1000"), "global-100", "1000")
    assert dealing_tick()["at_rest"]


def rebalance_comes(world: World) -> date:
    """A week later another decision is in force and nobody has followed it yet; the last closed day."""
    today = signal_selectors.last_closed_day()
    decision_create(world, as_of=today + timedelta(days=6), weights={"alpha": "0.2", "gamma": "0.8"})
    clock_to(world, today + timedelta(days=7))
    return today + timedelta(days=7)


def test_a_first_walk_cut_short_in_its_first_day_goes_on_with_that_day(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = signal_selectors.last_closed_day() + timedelta(days=1)
    with monkeypatch.context() as dying:

        def die() -> None:
            raise Killed

        dying.setattr(replay, "day_run", die)
        with pytest.raises(Killed):
            replay.replay_advance(first + timedelta(days=1))
    assert signal_selectors.last_closed_day() == first
    walked: list[date] = []
    assert replay.replay_advance(first + timedelta(days=1), walked.append)
    assert walked == [first, first + timedelta(days=1)]


def test_a_walk_that_is_asked_for_where_the_clock_stands_is_over_at_once(world: World) -> None:
    today = signal_selectors.last_closed_day()
    signal_services.ticked_through_set(today)
    signal_services.replay_until_set(today)
    assert replay.replay_advance(today)
    world.market.refresh_from_db()
    assert world.market.replay_until is None
    assert signal_selectors.last_closed_day() == today


def test_a_day_is_not_over_while_another_process_drives_a_cycle(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    invested()
    cycle = DealingCycle.objects.create(
        priced_at=signal_selectors.market_time(), status=DealingCycle.Status.SELLING, marks={}, volumes={}
    )
    settings = connection.settings_dict
    other = psycopg.connect(
        host=settings["HOST"],
        port=settings["PORT"],
        user=settings["USER"],
        password=settings["PASSWORD"],
        dbname=settings["NAME"],
        autocommit=True,
    )
    other.execute("SELECT pg_advisory_lock(42, %s)", [cycle.pk])
    waits: list[float] = []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        cycle.refresh_from_db()
        assert cycle.status == DealingCycle.Status.SELLING
        other.close()  # the driver dies; the kernel lets go of its lock

    monkeypatch.setattr(replay.time, "sleep", sleep)
    replay.day_run()
    cycle.refresh_from_db()
    assert waits == [replay.REST_POLL_SECONDS]
    assert cycle.status == DealingCycle.Status.SETTLED


def test_a_day_whose_dealing_never_rests_is_an_error_that_says_so(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replay, "REST_SECONDS", -1.0)
    monkeypatch.setattr(replay.portfolio_selectors, "dealing_at_rest", lambda: False)
    with pytest.raises(replay.ReplayError, match="has not come to rest"):
        replay.day_run()


def test_a_value_is_taken_after_the_days_rebalance_not_before(world: World) -> None:
    invested()
    day = rebalance_comes(world)
    assert valuations_tick() == 0, "before anybody noticed that a rebalance is due"
    rebalances_tick()
    assert valuations_tick() == 0, "while it is due"
    execution.dealing_run()
    assert valuations_tick() == 1
    [rebalance] = Rebalance.objects.filter(status="done")
    assert NavPoint.objects.get(date=day).unit_price == rebalance.dealing.unit_price


def test_money_that_buys_the_decision_in_force_is_not_rebalanced_to_it_again(world: World) -> None:
    invested()
    assert rebalances_tick() == 0
    assert list(Rebalance.objects.values_list("status", flat=True)) == ["skipped"]
    assert DealingCycle.objects.count() == 1


def test_a_closed_day_and_its_candles_come_at_one_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("signals.services.loading.SIMULATED_THROUGH", date(2021, 1, 20))
    signal_services.market_load_simulated()
    with monkeypatch.context() as dying:

        def die() -> None:
            raise Killed

        dying.setattr("signals.services.days.days_ingest", die)
        with pytest.raises(Killed):
            signal_services.day_close(date(2021, 1, 21))
    assert signal_selectors.last_closed_day() == date(2021, 1, 20)
    signal_services.day_close(date(2021, 1, 21))
    assert signal_selectors.last_closed_day() == date(2021, 1, 21)
    assert Market.objects.get().last_day == date(2021, 1, 21)
    assert Candle.objects.filter(opened_at="2021-01-21T00:00Z").exists()


def test_a_week_is_asked_for_in_the_row_and_waits_for_whoever_walks(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    until = signal_selectors.last_closed_day() + timedelta(days=2)
    seen: list[date | None] = []

    def advance(day: date) -> bool:
        seen.append(Market.objects.get().replay_until)
        return len(seen) == 3

    monkeypatch.setattr(week, "replay_advance", advance)
    monkeypatch.setattr(week.time, "sleep", lambda seconds: None)
    week.walk(until)
    assert seen == [until] * 3
    signal_services.replay_until_set(until + timedelta(days=5))
    seen.clear()
    week.walk(until)
    assert seen == [until + timedelta(days=5)] * 3, "a longer walk that was asked for is not cut short"
