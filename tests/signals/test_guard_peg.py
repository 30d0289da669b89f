"""A stablecoin below its dollar: what stops, and what it takes to start again."""

from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from signals.core.guard import PegLevel, PegRules, PegState

NOON = datetime(2022, 6, 1, 12, tzinfo=UTC)
TEN_MINUTES = timedelta(minutes=10)


def levels(prices):
    """The level after each price, ten minutes apart."""
    state, told = PegState(PegRules()), []
    for number, price in enumerate(prices):
        state, verdict = state.step(price, at=NOON + number * TEN_MINUTES)
        told.append(int(verdict.level))
    return told


@pytest.mark.parametrize(
    ("price", "level", "buys", "rebalances"),
    [
        (1.02, PegLevel.PAR, True, True),
        (0.995, PegLevel.PAR, True, True),
        (0.9949, PegLevel.WARNED, True, True),
        (0.98, PegLevel.WARNED, True, True),
        (0.9799, PegLevel.BUYS_PAUSED, False, True),
        (0.95, PegLevel.BUYS_PAUSED, False, True),
        (0.9499, PegLevel.REBALANCES_STOPPED, False, False),
        (0.01, PegLevel.REBALANCES_STOPPED, False, False),
    ],
)
def test_each_level_begins_at_its_price_and_stops_its_thing(price, level, buys, rebalances):
    _, verdict = PegState(PegRules()).step(price, at=NOON)
    assert (verdict.level, verdict.buys_allowed, verdict.rebalances_allowed) == (level, buys, rebalances)


def test_a_level_ends_half_way_back_and_only_after_an_hour_there():
    # Below 0.98 buys pause; 0.985 is better but not half way back; 0.99 for an hour ends it, the warning stays.
    assert levels([0.979] + [0.985] * 12) == [2] * 13
    assert levels([0.979] + [0.99] * 7) == [2] * 7 + [1]
    assert levels([0.979] + [0.9975] * 7) == [2] * 7 + [0]


def test_a_relapse_breaks_off_the_recovery():
    assert levels([0.979] + [1.0] * 6 + [0.985] + [1.0] * 7) == [2] * 14 + [0]


def test_a_recovery_ends_at_the_worst_it_touched():
    assert levels([0.94] + [1.0] * 3 + [0.976] + [1.0] * 3) == [3] * 7 + [2]


def test_silence_changes_no_level_and_breaks_off_the_recovery():
    assert levels([0.979] + [1.0] * 6 + [None] + [1.0] * 7) == [2] * 14 + [0]
    _, verdict = PegState(PegRules()).step(None, at=NOON)
    assert (verdict.level, verdict.price) == (PegLevel.PAR, None)
    assert verdict.reasons == ("No agreed price: it stays par.",)


@given(st.lists(st.one_of(st.none(), st.floats(0.9, 1.05)), min_size=1, max_size=60))
def test_it_is_never_laxer_than_the_price_and_relaxes_only_after_recovery(prices):
    rules = PegRules()
    told = levels(prices)
    for number, (price, level) in enumerate(zip(prices, told, strict=True)):
        if price is not None:
            assert level >= rules.entered(price)
        if number and level < told[number - 1]:
            hour = prices[number - 6 : number + 1]
            assert len(hour) == 7
            assert all(past is not None and rules.left_behind(past) <= level for past in hour)


def test_what_is_no_price_or_no_order_in_time_is_refused():
    state, _ = PegState(PegRules()).step(1.0, at=NOON)
    for price in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="is not a price; pass None"):
            state.step(price, at=NOON)
    with pytest.raises(ValueError, match="lies before the last price"):
        state.step(1.0, at=NOON - timedelta(seconds=1))
    with pytest.raises(ValueError, match="no time zone"):
        state.step(1.0, at=NOON.replace(tzinfo=None))
    with pytest.raises(ValueError, match="must rise between 0 and 1"):
        PegRules(warn=0.9)
    with pytest.raises(ValueError, match="recovery"):
        PegRules(recovery=timedelta(0))


def test_the_fall_of_a_real_stablecoin_stops_everything_for_good(archive_path):
    table = pd.read_parquet(archive_path / "stablecoins_cmc.parquet", columns=["asset_id", "date", "close"])
    closes = table[table["asset_id"] == "terrausd"].set_index("date")["close"].loc["2022-04-01":]
    state, told = PegState(PegRules(recovery=timedelta(days=1))), {}
    for day, close in zip(pd.DatetimeIndex(closes.index), closes, strict=True):
        state, verdict = state.step(float(close), at=day.tz_localize("UTC").to_pydatetime())
        told[day.date().isoformat()] = verdict.level
    assert told["2022-05-08"] is PegLevel.PAR
    assert told["2022-05-09"] is PegLevel.REBALANCES_STOPPED
    assert {level for day, level in told.items() if day >= "2022-05-09"} == {PegLevel.REBALANCES_STOPPED}
