"""What follows a score, and only what follows it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from signals.core.labels import (
    LabelError,
    forward_return,
    label_reach,
    relative_return,
    relative_to_mean,
)

NAN = np.nan
ONE = np.array([[10.0], [11.0], [22.0], [33.0], [66.0]])


def test_a_score_meets_the_return_it_could_have_traded() -> None:
    # Row 0 is scored at 10, bought at 11, sold two days later at 33.
    assert forward_return(ONE, horizon=2)[:, 0] == pytest.approx([2.0, 2.0, NAN, NAN, NAN], nan_ok=True)
    assert forward_return(ONE, horizon=1, lag=0)[:, 0] == pytest.approx(
        [0.1, 1.0, 0.5, 1.0, NAN], nan_ok=True
    )


def test_a_horizon_beyond_the_data_is_unknown() -> None:
    assert np.isnan(forward_return(ONE, horizon=5)).all()
    assert forward_return(np.empty((0, 2)), horizon=1).shape == (0, 2)


def test_an_unknown_price_makes_an_unknown_label() -> None:
    close = np.array([[10.0], [NAN], [22.0], [NAN], [66.0]])
    assert np.isnan(forward_return(close, horizon=1)[:, 0]).all()
    assert forward_return(close, horizon=2, lag=0)[:, 0] == pytest.approx(
        [1.2, NAN, 2.0, NAN, NAN], nan_ok=True
    )


def test_a_dead_coin_is_held_at_its_last_price_and_then_written_off() -> None:
    close = np.array([[10.0], [20.0], [NAN], [NAN], [NAN]])
    held = forward_return(close, horizon=1, lag=0, delisting_return=-1.0, after_missing_days=2)
    assert held[:, 0] == pytest.approx([1.0, 0.0, NAN, NAN, NAN], nan_ok=True)
    gone = forward_return(close, horizon=3, lag=0, delisting_return=-0.5, after_missing_days=2)
    assert gone[:, 0] == pytest.approx([0.0, -0.5, NAN, NAN, NAN], nan_ok=True)


def test_a_coin_not_yet_born_is_not_a_dead_one() -> None:
    close = np.array([[NAN], [NAN], [5.0], [10.0]])
    labels = forward_return(close, horizon=1, lag=0, delisting_return=-1.0, after_missing_days=1)
    assert labels[:, 0] == pytest.approx([NAN, NAN, 1.0, NAN], nan_ok=True)


def test_a_label_is_relative_to_the_universe_of_its_own_date() -> None:
    close = np.array([[1.0, 1.0, 1.0], [1.0, 1.0, 1.0], [1.1, 1.3, 9.0]])
    everybody = relative_return(close, horizon=1, lag=1)
    assert everybody[0] == pytest.approx([0.1 - 8.4 / 3, 0.3 - 8.4 / 3, 8.0 - 8.4 / 3])
    universe = np.array([[True, True, False], [False] * 3, [True] * 3])
    chosen = relative_return(close, horizon=1, lag=1, universe=universe)
    assert chosen[0] == pytest.approx([-0.1, 0.1, NAN], nan_ok=True)
    assert np.isnan(chosen[1:]).all()


def test_one_token_has_nobody_to_be_compared_with() -> None:
    values = np.array([[0.5, NAN], [0.1, 0.3]])
    assert np.isnan(relative_to_mean(values)[0]).all()
    assert relative_to_mean(values)[1] == pytest.approx([-0.1, 0.1])
    assert relative_to_mean(values, min_count=1)[0] == pytest.approx([0.0, NAN], nan_ok=True)


@given(
    arrays.arrays(np.float64, (20, 3), elements=st.floats(0.5, 2.0)),
    st.integers(1, 5),
    st.integers(0, 3),
    st.integers(0, 19),
)
def test_a_label_reads_nothing_before_its_entry_or_after_its_exit(
    close: np.ndarray, horizon: int, lag: int, row: int
) -> None:
    label = forward_return(close, horizon=horizon, lag=lag, delisting_return=-1.0)[row]
    other = close.copy()
    other[: row + lag] = 7.0
    other[row + label_reach(horizon=horizon, lag=lag) + 1 :] = 9.0
    again = forward_return(other, horizon=horizon, lag=lag, delisting_return=-1.0)[row]
    assert np.array_equal(label, again, equal_nan=True)


@given(arrays.arrays(np.float64, (12, 4), elements=st.floats(0.5, 2.0)))
def test_labels_of_a_date_sum_to_zero(close: np.ndarray) -> None:
    labels = relative_return(close, horizon=3)
    assert np.abs(labels[:8].sum(axis=1)).max() < 1e-12
    assert np.isnan(labels[8:]).all()


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ({"horizon": 0}, "horizon is 0"),
        ({"horizon": 1, "lag": -1}, "lag is -1"),
        ({"horizon": 1, "delisting_return": -1.5}, "delisting_return is -1.5"),
        ({"horizon": 1, "delisting_return": NAN}, "delisting_return is nan"),
        ({"horizon": 1, "after_missing_days": 0}, "after_missing_days is 0"),
        ({"horizon": 1, "universe": np.ones((2, 2), dtype=bool)}, "universe is"),
    ],
)
def test_a_label_that_cannot_exist_is_refused(wrong: dict, text: str) -> None:
    with pytest.raises(LabelError, match=text):
        relative_return(ONE, **wrong)
