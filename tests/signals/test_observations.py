"""Observations in a panel: which row a number stands in, what a cut keeps, what is refused."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from signals.core.observations import (
    DERIVATIVES,
    GRACE,
    LAG_DAYS,
    METRICS,
    NOTHING,
    ONCHAIN,
    SENTIMENT,
    ObservationError,
    Observations,
    Observed,
    Readings,
    aligned,
    screened,
)
from signals.core.panel import Panel, PanelError

NAN = np.nan
DATES = pd.date_range("2022-01-01", periods=5)
ASSETS = ["a", "b", "c"]


def readings(
    family: str, *rows: tuple[str | None, int, float, float], metric: str, source: str = "x"
) -> Readings:
    """Rows of (asset, day of January, hours after the end of that day at which it was known, value)."""
    table = pd.DataFrame({"asset": pd.Series([row[0] for row in rows], dtype=object)})
    days = [pd.Timestamp(2022, 1, row[1]) for row in rows]
    table["day"] = pd.to_datetime(days)
    table["known_at"] = [
        day + pd.Timedelta(days=1, hours=row[2]) for day, row in zip(days, rows, strict=True)
    ]
    table[metric] = [row[3] for row in rows]
    return Readings(family, source, table)


def panel(observed: Observations = NOTHING) -> Panel:
    close = pd.DataFrame(np.ones((5, 3)), index=DATES, columns=ASSETS)
    return Panel.from_frames(close=close, observed=observed)


def test_a_count_of_blocks_stands_a_day_later_and_what_is_public_on_the_day_stands_on_it() -> None:
    onchain = readings(ONCHAIN, ("b", 2, 6.0, 10.0), ("a", 4, 24.0, 7.0), ("b", 5, 1.0, 9.0), metric="TxCnt")
    mood = readings(SENTIMENT, (None, 2, 0.0, 55.0), metric="fear_greed")
    found = aligned(DATES, ASSETS, [onchain, mood])
    assert set(found) == {"TxCnt", "fear_greed"}
    assert found["TxCnt"].columns == ("a", "b")
    expected = np.full((5, 2), NAN)
    expected[2, 1], expected[4, 0] = 10.0, 7.0  # that of the fifth would stand on the sixth
    np.testing.assert_array_equal(found["TxCnt"].values, expected)
    assert found["fear_greed"].columns is None
    np.testing.assert_array_equal(found["fear_greed"].values[:, 0], [NAN, 55.0, NAN, NAN, NAN])


def test_what_is_known_too_late_is_missing_and_of_two_versions_the_last_in_time_counts() -> None:
    late = 24 + GRACE / timedelta(hours=1)
    found = aligned(
        DATES,
        ASSETS,
        [
            readings(
                ONCHAIN,
                ("a", 1, late, 3.0),
                ("b", 1, late + 0.01, 4.0),
                ("c", 1, 20.0, 2.0),
                ("c", 1, 8.0, 1.0),
                ("c", 1, 30.0, 9.0),
                metric="TxCnt",
            )
        ],
    )
    assert found["TxCnt"].columns == ("a", "c")
    np.testing.assert_array_equal(found["TxCnt"].values[1], [3.0, 2.0])


def test_the_first_source_counts_and_the_second_fills_what_it_does_not_know() -> None:
    first = readings(DERIVATIVES, ("a", 1, 0.0, 1.0), ("a", 2, 0.0, NAN), metric="open_interest")
    second = readings(
        DERIVATIVES,
        ("a", 1, 0.0, 5.0),
        ("a", 2, 0.0, 6.0),
        ("b", 2, 0.0, 7.0),
        metric="open_interest",
        source="y",
    )
    found = aligned(DATES, ASSETS, [first, second])["open_interest"]
    assert found.columns == ("a", "b")
    np.testing.assert_array_equal(found.values[:2], [[1.0, NAN], [6.0, 7.0]])


def test_strangers_and_days_without_a_row_are_left_out() -> None:
    rows = readings(DERIVATIVES, ("z", 1, 0.0, 1.0), ("a", 3, 0.0, 2.0), metric="open_interest")
    gappy = DATES[[0, 1, 3]]
    assert not aligned(gappy, ASSETS, [rows])
    assert not aligned(DATES[:0], ASSETS, [rows])


@given(
    st.lists(
        st.tuples(st.sampled_from(ASSETS), st.integers(1, 5), st.floats(-2.0, 60.0), st.floats(0.0, 100.0)),
        max_size=25,
    ),
    st.integers(0, 4),
)
def test_a_cut_equals_what_never_saw_later_rows(rows: list[tuple[str, int, float, float]], row: int) -> None:
    if not rows:
        return
    made = readings(ONCHAIN, *rows, metric="TxCnt")
    whole = panel().observing(aligned(DATES, ASSETS, [made]))
    known = made.rows[made.rows["known_at"] <= DATES[row] + pd.Timedelta(days=1) + GRACE]
    then = aligned(DATES[: row + 1], ASSETS, [Readings(ONCHAIN, "x", known)])
    cut = whole.as_of(DATES[row]).observed
    frames = []
    for found in (cut, then):
        frame = pd.DataFrame(NAN, index=DATES[: row + 1], columns=ASSETS)
        if "TxCnt" in found:
            frame[list(found["TxCnt"].columns or ())] = found["TxCnt"].values
        frames.append(frame)
    pd.testing.assert_frame_equal(frames[0], frames[1])


def test_a_panel_carries_them_through_every_cut() -> None:
    values = np.arange(10.0).reshape(5, 2)
    mood = np.arange(5.0)[:, None]
    found = Observations({"TxCnt": Observed(("c", "a"), values), "fear_greed": Observed(None, mood)})
    whole = panel(observed=found)
    np.testing.assert_array_equal(whole.as_of(date(2022, 1, 2)).observed["TxCnt"].values, values[:2])
    np.testing.assert_array_equal(whole.last(2).observed["fear_greed"].values, mood[3:])
    some = whole.select(["b", "c"]).observed
    assert some["TxCnt"].columns == ("c",)
    np.testing.assert_array_equal(some["TxCnt"].values, values[:, :1])
    np.testing.assert_array_equal(some["fear_greed"].values, mood)
    assert set(whole.select(["b"]).observed) == {"fear_greed"}
    assert not panel().observed
    with pytest.raises(ValueError, match="read-only"):
        whole.observed["TxCnt"].values[0, 0] = 1.0


@pytest.mark.parametrize(
    ("observed", "said"),
    [
        (Observed(("a",), np.ones((4, 1))), r"TxCnt is \(4, 1\); it must be \(5, 1\)"),
        (Observed(None, np.ones((5, 2))), r"it must be \(5, 1\)"),
        (Observed(("z",), np.ones((5, 1))), "some not in the panel: z"),
        (Observed(("a", "a"), np.ones((5, 2))), "of one asset twice"),
        (Observed(("a",), np.full((5, 1), np.inf)), "infinite"),
    ],
)
def test_what_does_not_fit_a_panel_is_refused(observed: Observed, said: str) -> None:
    with pytest.raises(PanelError, match=said):
        panel(observed=Observations({"TxCnt": observed}))


def test_numbers_that_cannot_be_are_blanked_and_rows_without_any_are_gone() -> None:
    rows = readings(
        DERIVATIVES, ("a", 1, 0.0, -0.5), ("b", 1, 0.0, np.inf), ("c", 1, 0.0, NAN), metric="funding_rate"
    )
    clean, blanked = screened(rows)
    assert blanked == 1
    assert clean.rows["asset"].tolist() == ["a"]
    assert screened(readings(ONCHAIN, ("a", 1, 0.0, -1.0), metric="TxCnt"))[1] == 1
    with pytest.raises(ObservationError, match="TxCnt: is no metric of the family sentiment"):
        screened(readings(SENTIMENT, ("a", 1, 0.0, 1.0), metric="TxCnt"))


def test_every_metric_is_described_and_exchange_flows_are_not_among_them() -> None:
    assert {metric.family for metric in METRICS.values()} == set(LAG_DAYS)
    assert all(metric.name == name and metric.unit and metric.about for name, metric in METRICS.items())
    assert not [name for name in METRICS if name.startswith(("Flow", "SplyEx"))]
