from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from signals.core.candles import COLUMNS, screen

NAN, INF = float("nan"), float("inf")
NOW = datetime(2022, 1, 10, tzinfo=UTC)
DAY = pd.Timedelta(days=1)


def rows(*lines):
    table = pd.DataFrame(list(lines), columns=["asset", "opened_at", "close", "volume", "market_cap"])
    table["opened_at"] = pd.to_datetime(table["opened_at"])
    return table.assign(open=NAN, high=NAN, low=NAN)[list(COLUMNS)]


def test_every_kind_of_bad_row_is_counted_under_its_own_reason():
    screened = screen(
        rows(
            ("a", "2022-01-01", 1.0, 5.0, 10.0),
            ("a", "2022-01-01", 2.0, 5.0, 10.0),  # duplicate: the first one stays
            ("b", "2022-01-01", 1.0, 5.0, 10.0),
            ("a", "2022-01-02", NAN, 5.0, 10.0),
            ("a", "2022-01-03", INF, 5.0, 10.0),
            ("a", "2022-01-04", 0.0, 5.0, 10.0),
            ("a", "2022-01-05", -1.0, 5.0, 10.0),
            ("a", "2022-01-06", 1.0, -5.0, 10.0),
            ("a", "2022-01-07", 1.0, INF, 10.0),
            ("a", None, 1.0, 5.0, 10.0),
            ("a", "2022-01-09", 1.0, 5.0, 10.0),  # closes exactly now: known
            ("a", "2022-01-10", 1.0, 5.0, 10.0),  # closes tomorrow
        ),
        known_at=NOW,
        bar=DAY,
    )
    assert screened.refused == {
        "date_missing": 1,
        "in_future": 1,
        "close_missing": 1,
        "close_infinite": 1,
        "close_not_positive": 2,
        "volume_infinite": 1,
        "volume_negative": 1,
        "duplicate": 1,
    }
    clean = screened.clean
    kept = list(zip(clean["asset"], clean["opened_at"].dt.day, clean["close"], strict=True))
    assert kept == [("a", 1, 1.0), ("b", 1, 1.0), ("a", 9, 1.0)]
    assert screened.cleared == {}


def test_a_row_is_counted_once_under_the_first_reason():
    screened = screen(rows(("a", "2022-02-01", NAN, -1.0, 1.0)), known_at=NOW, bar=DAY)
    assert screened.refused == {"in_future": 1}


def test_a_refused_row_makes_no_duplicate_of_a_sound_one():
    screened = screen(
        rows(("a", "2022-01-01", NAN, 1.0, 1.0), ("a", "2022-01-01", 3.0, 1.0, 1.0)), known_at=NOW, bar=DAY
    )
    assert screened.refused == {"close_missing": 1}
    assert screened.clean["close"].tolist() == [3.0]


def test_what_the_source_suspects_is_refused_under_its_reason():
    table = rows(("a", "2022-01-01", 1.0, 1.0, 1.0), ("a", "2022-01-02", 9.0, 1.0, 1.0))
    screened = screen(table, known_at=NOW, bar=DAY, suspects={"suspect_spike": np.array([False, True])})
    assert screened.refused == {"suspect_spike": 1}
    assert screened.clean["close"].tolist() == [1.0]


def test_unknown_volume_is_kept_and_a_nought_cap_is_unknown():
    table = rows(
        ("a", "2022-01-01", 1.0, NAN, 0.0),
        ("b", "2022-01-01", 1.0, 0.0, -3.0),
        ("c", "2022-01-01", 1, 1, INF),
    )
    screened = screen(table, known_at=NOW, bar=DAY)
    assert screened.refused == {}
    assert screened.cleared == {"market_cap_not_positive": 3}
    assert screened.clean["market_cap"].isna().all()
    np.testing.assert_array_equal(screened.clean["volume"], [NAN, 0.0, 1.0])


@pytest.mark.parametrize(
    ("bar", "kept"),
    [
        ((1.0, 3.0, 0.5), True),
        ((2.0, 2.0, 2.0), True),
        ((1.0, 1.9, 0.5), False),  # high under the close
        ((1.0, 3.0, 1.5), False),  # low over the open
        ((1.0, 3.0, 0.0), False),
        ((1.0, NAN, 0.5), False),
    ],
)
def test_a_bar_that_contradicts_itself_loses_its_open_high_and_low(bar, kept):
    table = rows(("a", "2022-01-01", 2.0, 1.0, 1.0)).assign(open=bar[0], high=bar[1], low=bar[2])
    screened = screen(table, known_at=NOW, bar=DAY)
    assert screened.clean["close"].tolist() == [2.0]
    assert screened.clean[["open", "high", "low"]].notna().all(axis=None) == kept
    assert screened.cleared == ({} if kept else {"open_high_low_inconsistent": 1})


PRICES = st.one_of(st.just(NAN), st.just(INF), st.floats(-2, 5), st.just(0.0))


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 12), PRICES, PRICES, PRICES), max_size=30))
def test_no_row_is_lost_and_what_is_kept_is_sound(lines):
    table = rows(*[(asset, f"2022-01-{day:02d}", *numbers) for asset, day, *numbers in lines])
    screened = screen(table, known_at=NOW, bar=DAY)
    clean = screened.clean
    assert len(clean) + sum(screened.refused.values()) == len(lines)
    assert (clean["close"] > 0).all()
    assert np.isfinite(clean["close"]).all()
    assert not (clean["volume"] < 0).any()
    assert not clean.duplicated(["asset", "opened_at"]).any()
    assert (clean["opened_at"] < pd.Timestamp("2022-01-10")).all()


def test_a_missing_column_is_named():
    with pytest.raises(ValueError, match="market_cap"):
        screen(rows().drop(columns="market_cap"), known_at=NOW, bar=DAY)
