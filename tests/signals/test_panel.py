from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from signals.core.panel import FIELDS, Panel, PanelError

NAN = float("nan")


def frame(values, start="2022-01-01", columns=None):
    values = np.asarray(values, dtype=float)
    columns = columns or [chr(ord("a") + number) for number in range(values.shape[1])]
    return pd.DataFrame(values, index=pd.date_range(start, periods=len(values)), columns=columns)


def panels():
    shapes = st.tuples(st.integers(1, 8), st.integers(1, 5))
    prices = st.one_of(st.just(NAN), st.floats(1e-6, 1e6))
    return shapes.flatmap(lambda shape: npst.arrays(np.float64, shape, elements=prices)).map(
        lambda values: Panel.from_frames(
            close=frame(values), market_cap=frame(values) * 10, volume=frame(values) * 2
        )
    )


def test_a_panel_holds_what_the_frames_hold():
    close = frame([[1, NAN], [2, 3]])
    panel = Panel.from_frames(close=close, volume=close * 5, categories={"a": ["defi"], "z": ["ai"]})
    assert panel.shape == (2, 2)
    assert panel.assets == ["a", "b"]
    np.testing.assert_array_equal(panel.close, [[1, NAN], [2, 3]])
    np.testing.assert_array_equal(panel.volume, [[5, NAN], [10, 15]])
    assert np.isnan(panel.market_cap).all()
    assert panel.categories == {"a": frozenset({"defi"}), "b": frozenset()}
    pd.testing.assert_frame_equal(panel.frame("close"), close, check_freq=False, check_index_type=False)


def test_arrays_are_contiguous_and_cannot_be_written():
    panel = Panel.from_frames(close=frame([[1, 2], [3, 4]]).T.T)
    for name in FIELDS:
        array = getattr(panel, name)
        assert array.flags.c_contiguous
        assert array.dtype == np.float64
        with pytest.raises(ValueError, match="read-only"):
            array[0, 0] = 9


def test_the_cut_keeps_the_day_itself_and_copies_nothing():
    panel = Panel.from_frames(close=frame([[1, NAN], [2, NAN], [3, 7]]))
    cut = panel.as_of(date(2022, 1, 2))
    assert list(cut.dates) == [pd.Timestamp("2022-01-01"), pd.Timestamp("2022-01-02")]
    assert np.shares_memory(cut.close, panel.close)
    assert np.isnat(cut.first_days[1])
    assert panel.first_days[1] == np.datetime64("2022-01-03")


def test_a_cut_before_the_first_day_is_empty():
    cut = Panel.from_frames(close=frame([[1.0]])).as_of("2021-12-31")
    assert cut.shape == (0, 1)
    assert np.isnat(cut.first_days[0])


@given(panels(), st.integers(0, 9))
def test_a_cut_equals_a_panel_that_never_saw_later_rows(panel, days):
    day = pd.Timestamp("2022-01-01") + pd.Timedelta(days=days)
    cut = panel.as_of(day)
    frames = {name: panel.frame(name).loc[:day] for name in FIELDS}
    never_saw = Panel.from_frames(**frames)
    assert cut.dates.equals(never_saw.dates)
    np.testing.assert_array_equal(cut.first_days, never_saw.first_days)
    for name in FIELDS:
        assert getattr(cut, name).tobytes() == getattr(never_saw, name).tobytes()


@given(panels(), st.integers(0, 7), st.integers(0, 7))
def test_cutting_twice_is_cutting_at_the_earlier_day(panel, first, second):
    start = pd.Timestamp("2022-01-01")
    once = panel.as_of(start + pd.Timedelta(days=min(first, second)))
    twice = panel.as_of(start + pd.Timedelta(days=first)).as_of(start + pd.Timedelta(days=second))
    assert once.close.tobytes() == twice.close.tobytes()
    np.testing.assert_array_equal(once.first_days, twice.first_days)


def test_listing_days_survive_a_short_window_but_not_a_cut():
    panel = Panel.from_frames(
        close=frame([[1, 2], [3, 4]]), first_days={"a": date(2015, 8, 7), "b": date(2030, 1, 1)}
    )
    assert panel.first_days.tolist() == [date(2015, 8, 7), date(2022, 1, 1)]
    assert panel.last(1).first_days.tolist() == [date(2015, 8, 7), date(2022, 1, 1)]
    assert panel.last(1).close.tolist() == [[3, 4]]
    assert panel.as_of("2021-06-01").first_days.tolist() == [date(2015, 8, 7), None]


def test_selection_reorders_columns_and_refuses_strangers():
    panel = Panel.from_frames(close=frame([[1, 2, 3]]), categories={"c": ["ai"]})
    chosen = panel.select(["c", "a"])
    assert chosen.close.tolist() == [[3, 1]]
    assert chosen.close.flags.c_contiguous
    assert chosen.categories["c"] == frozenset({"ai"})
    with pytest.raises(PanelError, match="x"):
        panel.select(["x"])


def test_rows_are_found_by_day():
    panel = Panel.from_frames(close=frame([[1], [2]]))
    assert panel.row("2022-01-02") == 1
    with pytest.raises(PanelError, match="2022-01-03"):
        panel.row("2022-01-03")
    with pytest.raises(PanelError, match="moment within a day"):
        panel.row(pd.Timestamp("2022-01-02 12:00"))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda f: {"close": f * 0}, "close: holds prices that are not positive"),
        (lambda f: {"close": f * -1}, "close: holds prices that are not positive"),
        (lambda f: {"close": f, "low": f * 0}, "low: holds prices that are not positive"),
        (lambda f: {"close": f, "volume": f * -1}, "volume: holds negative"),
        (lambda f: {"close": f, "market_cap": f * float("inf")}, "market_cap: holds infinite"),
        (lambda f: {"close": f.iloc[::-1]}, "dates: must be known, sorted and unique"),
        (lambda f: {"close": pd.concat([f, f])}, "dates: must be known, sorted and unique"),
        (lambda f: {"close": f, "volume": f.iloc[:1]}, "volume: its days and assets"),
        (lambda f: {"close": f, "volume": f[["b", "a"]]}, "volume: its days and assets"),
        (lambda f: {"close": f.rename(columns={"b": "a"})}, "assets appear twice: a"),
        (lambda f: {"close": f.shift(freq="1h")}, "times of day"),
        (lambda f: {"close": f.reset_index(drop=True)}, "DatetimeIndex"),
        (lambda f: {"close": f.astype(object).replace(1.0, "one")}, "not numbers"),
    ],
)
def test_bad_frames_are_refused_by_name(change, reason):
    with pytest.raises(PanelError, match=reason):
        Panel.from_frames(**change(frame([[1, 2], [3, 4]])))


def test_days_in_utc_are_taken_as_they_are():
    panel = Panel.from_frames(close=frame([[1], [2]]).tz_localize("UTC"))
    assert panel.dates.tz is None
    assert panel.row("2022-01-02") == 1
