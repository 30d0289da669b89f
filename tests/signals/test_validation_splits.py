"""Walk-forward: everything is judged once, by a model that could not have known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from signals.core.validation import ValidationError, walk_forward


def days(count: int, freq: str = "D") -> pd.DatetimeIndex:
    return pd.date_range("2020-01-01", periods=count, freq=freq)


def test_folds_by_hand() -> None:
    folds = list(walk_forward(days(20), horizon=2, lag=1, embargo=3, test_days=5, min_train_days=10))
    assert [fold.train.tolist() for fold in folds] == [list(range(5)), list(range(10))]
    assert [fold.test.tolist() for fold in folds] == [list(range(10, 15)), list(range(15, 20))]


def test_weekly_rows_are_counted_in_days() -> None:
    # Tests begin on day 28 and 42; lag 1 + horizon 7 + embargo 7 leave days up to 13 and 27.
    folds = list(walk_forward(days(8, "7D"), horizon=7, embargo=7, test_days=14, min_train_days=28))
    assert [fold.train.tolist() for fold in folds] == [[0, 1], [0, 1, 2, 3]]
    assert [fold.test.tolist() for fold in folds] == [[4, 5], [6, 7]]


def test_a_last_short_window_is_kept_and_an_empty_one_skipped() -> None:
    dates = days(30).delete(list(range(15, 25)))
    folds = list(walk_forward(dates, horizon=1, lag=0, embargo=0, test_days=5, min_train_days=10))
    assert [len(fold.test) for fold in folds] == [5, 5]
    assert dates[folds[1].test[0]] == pd.Timestamp("2020-01-26")
    short = list(walk_forward(days(13), horizon=1, embargo=0, test_days=5, min_train_days=6))
    assert [fold.test.tolist() for fold in short] == [[6, 7, 8, 9, 10], [11, 12]]


@given(
    st.sets(st.integers(0, 300), min_size=30).map(sorted),
    st.integers(1, 28),
    st.integers(0, 3),
    st.integers(0, 14),
    st.integers(1, 60),
    st.integers(20, 120),
)
def test_purge_leaves_no_label_overlap(
    offsets: list[int], horizon: int, lag: int, embargo: int, test_days: int, min_train_days: int
) -> None:
    dates = pd.Timestamp("2020-01-01") + pd.to_timedelta(offsets, unit="D")
    try:
        folds = list(
            walk_forward(
                dates,
                horizon=horizon,
                lag=lag,
                embargo=embargo,
                test_days=test_days,
                min_train_days=min_train_days,
            )
        )
    except ValidationError:
        assume(False)
    day = np.array(offsets) - offsets[0]
    judged = np.concatenate([fold.test for fold in folds])
    assert judged.tolist() == np.flatnonzero(day >= min_train_days).tolist()
    for before, fold in zip([None, *folds], folds, strict=False):
        exits_known = day[fold.train] + lag + horizon
        assert exits_known.max() + embargo <= day[fold.test].min()
        spans = {int(d) + lag + step for d in day[fold.train] for step in range(1, horizon + 1)}
        assert not spans & {int(d) + lag + step for d in day[fold.test] for step in range(1, horizon + 1)}
        if before is not None:
            assert set(before.train) <= set(fold.train)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"dates": days(40)[::-1]}, "do not rise"),
        ({"dates": days(40)[[0, 0, 1]]}, "do not rise"),
        ({"dates": days(0)}, "do not rise"),
        ({"test_days": 0}, "test_days is 0"),
        ({"embargo": -1}, "embargo -1"),
        ({"min_train_days": 14}, "before it"),
        ({"min_train_days": 40}, "no test after 40 days"),
    ],
)
def test_a_split_that_would_leak_or_be_empty_is_refused(change: dict, text: str) -> None:
    settings = {"dates": days(40), "horizon": 7, "embargo": 7, "test_days": 7, "min_train_days": 20} | change
    with pytest.raises(ValidationError, match=text):
        walk_forward(settings.pop("dates"), **settings)
