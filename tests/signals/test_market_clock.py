from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine

from signals import selectors, services
from signals.models import Candle, Market
from signals.tasks import candles_tick, quotes_tick
from tests.markets import market_store, panel_make

pytestmark = pytest.mark.django_db


@pytest.fixture
def archive():
    return market_store(panel_make({"beta": [10, 11, 12, 13]}))


@pytest.fixture
def simulated(monkeypatch):
    monkeypatch.setattr("signals.services.loading.SIMULATED_THROUGH", date(2021, 1, 20))
    services.market_load_simulated()
    return Market.objects.get(source="simulated")


def test_a_new_market_stands_at_its_end_or_at_the_close_of_the_day_asked_for(archive):
    archive.delete()
    assert services.market_open("archive").time == datetime(2022, 1, 5, tzinfo=UTC)
    Market.objects.all().delete()
    market = services.market_open("archive", replay_from=date(2022, 1, 2))
    assert market.time == datetime(2022, 1, 3, tzinfo=UTC)
    assert (market.first_day, market.last_day) == (date(2022, 1, 1), date(2022, 1, 4))
    assert selectors.last_closed_day() == date(2022, 1, 2)


def test_opening_again_leaves_the_clock_alone(archive):
    services.market_open("archive", replay_from=date(2022, 1, 2), settings={"note": 1})
    archive.refresh_from_db()
    assert archive.time == datetime(2022, 1, 5, tzinfo=UTC)
    assert archive.settings == {"note": 1}


def test_a_day_outside_the_market_is_refused_and_nothing_is_opened(archive):
    archive.delete()
    with pytest.raises(services.ClockError, match="2022-01-01 to 2022-01-04"):
        services.market_open("archive", replay_from=date(2023, 1, 1))
    assert not Market.objects.exists()


def test_an_empty_market_has_no_clock():
    with pytest.raises(services.ClockError, match="no candles"):
        services.market_open("archive")


def test_one_market_is_active(archive):
    other = Market.objects.create(source="live")
    services.market_activate(other)
    assert list(Market.objects.filter(is_active=True)) == [other]
    services.market_open("archive", activate=False)
    assert list(Market.objects.filter(is_active=True)) == [other]


def test_the_clock_moves_forward_only(archive):
    services.clock_set(datetime(2022, 2, 1, tzinfo=UTC))
    assert selectors.market_time() == datetime(2022, 2, 1, tzinfo=UTC)
    services.clock_set(datetime(2022, 2, 1, tzinfo=UTC))
    with pytest.raises(services.ClockError, match="stands at 2022-02-01"):
        services.clock_set(datetime(2022, 1, 31, tzinfo=UTC))


def test_the_live_clock_is_the_wall_clock():
    Market.objects.create(source="live", is_active=True)
    with time_machine.travel(datetime(2026, 5, 1, 12, tzinfo=UTC), tick=False):
        assert selectors.market_time() == datetime(2026, 5, 1, 12, tzinfo=UTC)
        assert selectors.last_closed_day() == date(2026, 4, 30)
    with pytest.raises(services.ClockError, match="wall clock"):
        services.clock_set(datetime(2026, 5, 1, tzinfo=UTC))


def test_the_archive_stands_still_while_the_wall_clock_runs(archive):
    for seconds in (0, 15, 30):
        services.clock_run(wall=datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds))
    assert selectors.market_time() == datetime(2022, 1, 5, tzinfo=UTC)


def test_the_simulated_clock_runs_with_the_wall_clock_and_never_jumps(simulated):
    start, wall = simulated.time, datetime(2026, 1, 1, tzinfo=UTC)
    run = lambda seconds: services.clock_run(wall=wall + timedelta(seconds=seconds)).time - start  # noqa: E731
    assert run(0) == timedelta(0)
    assert run(15) == timedelta(seconds=15)
    assert run(40) == timedelta(seconds=40)
    assert run(100_000) == timedelta(seconds=100)  # switched off for a day: sixty seconds, no more
    assert run(99_000) == timedelta(seconds=100)  # a wall clock set back moves nothing


def test_the_simulated_clock_waits_for_a_replay(simulated):
    wall = datetime(2026, 1, 1, tzinfo=UTC)
    services.clock_run(wall=wall)
    services.replay_until_set(date(2021, 1, 30))
    services.clock_run(wall=wall + timedelta(seconds=30))
    assert selectors.market_time() == simulated.time
    services.ticked_through_set(date(2021, 1, 30))
    services.clock_run(wall=wall + timedelta(seconds=45))
    assert selectors.market_time() == simulated.time + timedelta(seconds=15)


def test_a_walk_ends_when_its_last_day_has_ticked(archive):
    services.replay_until_set(date(2022, 1, 8))
    assert services.ticked_through_set(date(2022, 1, 7)).replay_until == date(2022, 1, 8)
    market = services.ticked_through_set(date(2022, 1, 8))
    assert (market.replay_until, market.ticked_through) == (None, date(2022, 1, 8))
    assert services.ticked_through_set(date(2022, 1, 2)).ticked_through == date(2022, 1, 8)


def test_simulated_days_come_in_as_they_close_and_equal_a_bulk_load(simulated):
    assert candles_tick() == 0
    services.clock_set(datetime(2021, 1, 23, 23, 59, tzinfo=UTC))
    assert candles_tick() == 2
    assert candles_tick() == 0
    simulated.refresh_from_db()
    assert simulated.last_day == date(2021, 1, 22)
    by_day = selectors.panel(as_of=date(2021, 1, 22))
    assert by_day.shape[0] == 22
    Candle.objects.all().delete()
    rows = (
        services.loading.SimulatedProvider(services.loading.SIMULATED_SEED)
        .history(through=date(2021, 1, 22))
        .rows
    )
    services.candles_ingest(
        rows, source="simulated", interval="1d", known_at=simulated.time + timedelta(days=30)
    )
    in_bulk = selectors.panel(as_of=date(2021, 1, 22))
    for name in ("close", "open", "high", "low", "volume", "market_cap"):
        assert getattr(by_day, name).tobytes() == getattr(in_bulk, name).tobytes()


def test_a_day_that_has_not_closed_is_not_made(simulated):
    with pytest.raises(ValueError, match="has not closed"):
        services.day_ingest(date(2021, 1, 21))


def test_an_archive_that_has_ended_has_no_further_day(archive):
    services.clock_set(datetime(2022, 1, 8, tzinfo=UTC))
    assert candles_tick() == 0
    assert services.day_ingest(date(2022, 1, 4))
    assert not services.day_ingest(date(2022, 1, 6))


def test_quotes_come_each_minute_once_and_old_ones_go(simulated):
    day = date(2021, 1, 21)
    services.clock_set(datetime(2021, 1, 21, 12, 0, 30, tzinfo=UTC))
    with time_machine.travel(datetime(2026, 1, 1, tzinfo=UTC), tick=False):
        first = quotes_tick()
        assert first > 100
        assert quotes_tick() == 0
    minute = Candle.objects.filter(interval="1m")
    assert set(minute.values_list("opened_at", flat=True)) == {datetime(2021, 1, 21, 11, 59, tzinfo=UTC)}
    mark = selectors.prices(["orrinium"], at=selectors.market_time())["orrinium"]
    assert mark == minute.get(asset__slug="orrinium").close
    services.clock_set(datetime(2021, 1, 23, 12, 0, tzinfo=UTC))
    quotes_tick()
    assert minute.filter(opened_at__date=day).count() == 0
    assert minute.count() > 100


def test_an_archive_has_no_minutes(archive):
    assert quotes_tick() == 0
    assert not Candle.objects.filter(interval="1m").exists()


def test_without_a_market_the_ticks_do_nothing():
    assert (candles_tick(), quotes_tick()) == (0, 0)


def test_a_second_seed_is_refused(simulated):
    from signals.providers.base import ProviderError

    with pytest.raises(ProviderError, match="seed"):
        services.market_load_simulated(seed=5)


def test_loading_another_market_leaves_the_active_one(archive, monkeypatch):
    monkeypatch.setattr("signals.services.loading.SIMULATED_THROUGH", date(2021, 1, 3))
    services.market_load_simulated()
    assert selectors.market_active().source == "archive"
    services.market_load_simulated(activate=True)
    assert selectors.market_active().source == "simulated"
    assert selectors.market_label() == "simulated market"
