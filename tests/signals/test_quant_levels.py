"""Support, resistance and shared falls: by hand, and never from a day that had not come yet."""

from __future__ import annotations

from datetime import date
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from signals.core.quant import levels, market_falls, shared_falls
from signals.core.quant.levels import PIVOT_REACH, peaks, true_range


def days(count: int) -> np.ndarray:
    return np.datetime64("2022-01-01", "D") + np.arange(count)


def zigzag(*turns: float, steps: int = 10) -> np.ndarray:
    """Straight lines from turn to turn, `steps` days each."""
    parts = [np.linspace(a, b, steps, endpoint=False) for a, b in pairwise(turns)]
    return np.concatenate([*parts, [turns[-1]]])


def test_a_peak_is_above_its_five_neighbours_on_either_side() -> None:
    values = zigzag(1, 9, 2, 6, 3)
    assert peaks(values) == [10, 30]
    assert peaks(np.full(30, 4.0)) == []
    # The fifth day on either side counts, the sixth does not.
    for distance, found in ((5, [20]), (6, [14, 20])):
        twin = np.full(40, 1.0) + np.abs(np.arange(40) - 20) * -0.01
        twin[20 - distance], twin[20] = 2.0, 3.0
        assert peaks(twin) == found
    holed = values.copy()
    holed[14] = np.nan
    assert peaks(holed) == [30]
    assert peaks(values[: 2 * PIVOT_REACH]) == []


def test_turning_points_that_agree_make_a_level() -> None:
    # Highs at 120, 120.5 and 140, lows at 100, 100.4 and 80, then the close at 110.
    close = zigzag(110, 120, 100, 120.5, 100.4, 140, 80, 110)
    found = levels(days(len(close)), close)
    assert [(level.kind, level.touches) for level in found] == [("support", 2), ("resistance", 2)]
    support, resistance = found
    assert support.price == pytest.approx(100.2)
    assert resistance.price == pytest.approx(120.25)
    assert support.distance == pytest.approx(100.2 / 110 - 1)
    assert support.last_touch == date(2022, 2, 10)  # the 40th day after the first


def test_the_width_is_the_true_range() -> None:
    close = np.full(20, 100.0)
    high, low = close + 3, close - 2
    assert true_range(close, high, low) == pytest.approx(0.05)
    # A gap counts: from the close before to the far end of the day.
    gapped = close.copy()
    gapped[-1] = 110.0
    assert true_range(gapped, gapped, gapped) == pytest.approx((10 / 14) / 110)
    assert true_range(close, close, close) is None
    assert true_range(close[:14], high[:14], low[:14]) is None


def test_highs_and_lows_are_used_where_known() -> None:
    close = zigzag(110, 120, 100, 120, 100, 110)
    high = np.where(close == 120, 125.0, np.nan)
    found = levels(days(len(close)), close, high, np.full(len(close), np.nan))
    assert {level.kind: level.price for level in found} == pytest.approx(
        {"support": 100.0, "resistance": 125.0}
    )


def test_no_level_without_a_last_close_or_any_range() -> None:
    assert levels(days(0), np.array([])) == []
    assert levels(days(40), np.full(40, 7.0)) == []
    assert levels(days(40), np.append(np.arange(1.0, 40.0), np.nan)) == []


@given(st.integers(0, 2**32 - 1))
def test_levels_enclose_the_close_and_the_nearest_come_first(seed: int) -> None:
    close = 50 * np.exp(np.cumsum(np.random.default_rng(seed).normal(size=300) * 0.03))
    found = levels(days(300), close)
    for kind, sign in (("support", -1), ("resistance", 1)):
        distances = [level.distance for level in found if level.kind == kind]
        assert len(distances) <= 3
        assert all(distance * sign >= 0 for distance in distances)
        assert [abs(distance) for distance in distances] == sorted(abs(distance) for distance in distances)


def test_falls_end_at_the_low_before_a_rise_of_thirty_percent() -> None:
    close = np.array([100, 90, 69, 75, 60, 77, 78.1, 120, 80, 79, 90, 102.7, 130, 95, 91])
    # 100 -> 60 is over at 78.1 (60 x 1.3 = 78); 120 -> 79 is over at 102.7; 130 -> 91 is open.
    assert market_falls(close) == [(0, 4, False), (7, 9, False), (12, 14, True)]
    assert market_falls(np.array([100.0, 71, 100, 71])) == []
    assert market_falls(np.array([])) == []


def test_a_fall_is_not_known_before_its_close() -> None:
    close = np.array([100, 90, 69, 75, 60, 77, 78.1, 120])
    assert market_falls(close[:2]) == []
    assert market_falls(close[:3]) == [(0, 2, True)]
    assert market_falls(close[:6]) == [(0, 4, True)]
    assert market_falls(close[:7]) == [(0, 4, False)]


def test_what_the_token_did_in_the_same_days() -> None:
    reference = np.array([100.0, 90, 60, 100, 120, 70, 100, 100, 50])
    own = np.array([np.nan, 10, 11, 12, 20, 5, np.nan, 8, 10])
    falls = shared_falls(days(9), reference, own)
    assert [(fall.start, fall.end) for fall in falls] == [
        (date(2022, 1, 1), date(2022, 1, 3)),
        (date(2022, 1, 5), date(2022, 1, 6)),
        (date(2022, 1, 8), date(2022, 1, 9)),
    ]
    assert [fall.own for fall in falls] == [None, pytest.approx(-0.75), pytest.approx(0.25)]
    assert falls[0].reason == "It had no price yet."
    assert falls[1].reference == pytest.approx(-5 / 12)
    assert [fall.is_open for fall in falls] == [False, False, True]


def test_an_unknown_close_after_the_start_is_named() -> None:
    reference = np.array([100.0, 100, 60, 90])
    falls = shared_falls(days(4), reference, np.array([1.0, np.nan, 1, 1]))
    assert falls[0].reason == "A close is missing."
