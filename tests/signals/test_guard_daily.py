"""The guard over daily closes of many assets: the verdicts of the single step, to the bit."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from signals.core.guard import DAILY, TRADING, Drop, GuardState, Quote, Status, guard_daily

VENUES = ("alpha", "bravo", "charlie", "delta", "echo")
FACTORS = (0.001, 0.3, 0.45, 0.6, 0.75, 0.9, 0.96, 0.98, 1.0, 1.0, 1.0, 1.02, 1.04, 1.06, 1.11, 1.2, 1.4, 3.0)
ODD = (np.nan, np.nan, 0.0, -1.0, np.inf)


@st.composite
def worlds(draw):
    days, assets, sources = draw(st.integers(1, 12)), draw(st.integers(1, 3)), draw(st.integers(1, 5))
    seed = draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    calm = draw(st.sampled_from([0.5, 0.9]))
    steps = np.where(rng.random((days, assets)) < calm, 1.0, rng.choice(FACTORS, (days, assets)))
    cube = 100.0 * np.cumprod(steps, axis=0)[:, :, None] * rng.uniform(0.98, 1.02, (days, assets, sources))
    bent = rng.random(cube.shape)
    cube = np.where(bent < 0.15, cube * rng.choice(FACTORS, cube.shape), cube)
    cube = np.where(bent > 0.9, rng.choice(ODD, cube.shape), cube)
    flags = {"large": rng.random((days, assets)) < 0.5, "confirmed": rng.random((days, assets)) < 0.05}
    rules = replace(
        DAILY,
        min_sources=draw(st.integers(2, 3)),
        further=draw(st.integers(0, 4)),
        crash_sources=draw(st.integers(2, 4)),
        readmission=draw(st.sampled_from([0.5, 1.0])),
    )
    return cube, flags, rules


def frames(cube, flags):
    index, columns = pd.date_range("2022-01-01", periods=cube.shape[0]), list("xyz")[: cube.shape[1]]
    closes = {VENUES[at]: pd.DataFrame(cube[:, :, at], index, columns) for at in range(cube.shape[2])}
    return closes, {name: pd.DataFrame(flag, index, columns) for name, flag in flags.items()}


def day_by_day(closes, flags, rules, asset):
    """One asset through the single step: (mark, candidate, status, fresh, kept) of each day."""
    state, rows = GuardState(rules), []
    for day in next(iter(closes.values())).index:
        at = day.tz_localize("UTC").to_pydatetime()
        told = [
            Quote(source, float(frame.at[day, asset]), at)
            for source, frame in closes.items()
            if not np.isnan(frame.at[day, asset])
        ]
        state, verdict = state.step(
            told,
            at=at,
            large=bool(flags["large"].at[day, asset]),
            confirmed_by="ada" if flags["confirmed"].at[day, asset] else "",
        )
        fresh = len(told) - sum(dropped.why is Drop.INVALID for dropped in verdict.dropped)
        numbers = [np.nan if price is None else price for price in (verdict.price, verdict.candidate)]
        rows.append((*numbers, int(verdict.status), fresh, verdict.sources))
    return rows


def assert_the_same(closes, flags, rules, assets):
    marks = guard_daily(closes, rules=rules, **flags)
    for asset in assets:
        place = marks.mark.columns.get_loc(asset)
        mark, candidate, status, fresh, kept = zip(*day_by_day(closes, flags, rules, asset), strict=True)
        # To the bit: both clocks make one mark.
        np.testing.assert_array_equal(marks.mark[asset].to_numpy(), mark)
        np.testing.assert_array_equal(marks.candidate[asset].to_numpy(), candidate)
        assert marks.status[asset].tolist() == list(status)
        assert marks.fresh[asset].tolist() == list(fresh)
        for day, names in enumerate(kept):
            assert tuple(np.array(marks.sources)[marks.kept[day, place]]) == names
    return marks


@given(worlds())
def test_the_panel_and_the_single_step_agree_to_the_bit(world):
    cube, flags, rules = world
    closes, flags = frames(cube, flags)
    assert_the_same(closes, flags, rules, next(iter(closes.values())).columns)


def test_the_worlds_of_that_test_reach_every_verdict():
    seen = set()
    rng = np.random.default_rng(7)
    cube = 100.0 * np.cumprod(rng.choice(FACTORS, (300, 3)), axis=0)[:, :, None] ** 0.1 * np.ones(3)
    cube *= rng.choice(FACTORS, cube.shape[:2])[:, :, None]
    cube[rng.random(cube.shape) < 0.3] = np.nan
    closes, flags = frames(cube, {"large": np.zeros((300, 3), bool), "confirmed": np.zeros((300, 3), bool)})
    marks = assert_the_same(closes, flags, DAILY, ["x", "y", "z"])
    seen.update(np.unique(marks.status.to_numpy()).tolist())
    assert seen == {int(status) for status in Status}


def test_two_daily_sources_confirm_a_move_on_the_second_day_and_three_on_the_first():
    closes, flags = frames(
        np.array(
            [[[100.0, 100, np.nan]], [[140.0, 140, np.nan]], [[140.0, 140, np.nan]], [[200.0, 200, 200]]]
        ),
        {"large": np.zeros((4, 1), bool), "confirmed": np.zeros((4, 1), bool)},
    )
    marks = assert_the_same(closes, flags, DAILY, ["x"])
    assert marks.status["x"].tolist() == [Status.ACCEPTED, Status.PENDING, Status.ACCEPTED, Status.ACCEPTED]
    np.testing.assert_array_equal(marks.mark["x"], [100.0, np.nan, 140.0, 200.0])


def test_a_daily_crash_waits_for_a_third_source():
    fall = np.array(
        [[[100.0, 100, np.nan]], [[40.0, 40, np.nan]], [[40.0, 40, np.nan]], [[40.0, np.nan, 40]]]
    )
    closes, flags = frames(fall, {"large": np.zeros((4, 1), bool), "confirmed": np.zeros((4, 1), bool)})
    marks = assert_the_same(closes, flags, DAILY, ["x"])
    assert marks.status["x"].tolist() == [Status.ACCEPTED, Status.FROZEN, Status.FROZEN, Status.ACCEPTED]


def test_frames_that_do_not_match_are_refused():
    day = pd.DataFrame({"x": [1.0, 1.0]}, index=pd.date_range("2022-01-01", periods=2))
    with pytest.raises(ValueError, match="closes: is empty"):
        guard_daily({})
    with pytest.raises(ValueError, match="bravo: its days and assets are not those of alpha"):
        guard_daily({"alpha": day, "bravo": day.iloc[:1]})
    with pytest.raises(ValueError, match="large: its days and assets"):
        guard_daily({"alpha": day}, large=day.rename(columns={"x": "y"}))
    with pytest.raises(ValueError, match="days must rise"):
        guard_daily({"alpha": day.iloc[::-1]})
    with pytest.raises(ValueError, match="rules: daily closes are judged by day"):
        guard_daily({"alpha": day}, rules=TRADING)
