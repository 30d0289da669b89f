"""Caps and floors: sum 1, bounds kept, order kept, and the fixed point of redistribution."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from indices.core.capping import CappingError, bounded, projected

positive = arrays.arrays(
    np.float64, st.integers(1, 60), elements=st.floats(1e-6, 1e12, allow_nan=False, allow_infinity=False)
)


def redistributed(weights: np.ndarray, cap: float) -> np.ndarray:
    """The textbook: spread the excess over the uncapped in proportion, until none is above."""
    result = weights / weights.sum()
    for _ in range(1000):
        above = result > cap + 1e-15
        if not above.any():
            break
        excess = (result[above] - cap).sum()
        result[above] = cap
        below = result < cap - 1e-15
        result[below] += excess * result[below] / result[below].sum()
    return result


def test_the_excess_of_one_giant_goes_to_the_others_in_proportion() -> None:
    assert bounded(np.array([70.0, 20.0, 10.0]), max_weight=0.5).weights == pytest.approx(
        [0.5, 1 / 3, 1 / 6], abs=1e-15
    )


def test_redistribution_can_push_another_over_the_cap() -> None:
    weights = bounded(np.array([60.0, 25.0, 10.0, 5.0]), max_weight=0.3).weights
    assert weights == pytest.approx([0.3, 0.3, 0.8 / 3, 0.4 / 3], abs=1e-15)


@given(weights=positive, cap=st.floats(0.02, 1.0))
def test_capped_weights_sum_to_one_stay_under_the_cap_and_keep_their_order(
    weights: np.ndarray, cap: float
) -> None:
    result = bounded(weights, max_weight=cap)
    assert result.weights.sum() == pytest.approx(1.0, abs=1e-12)
    if len(weights) * cap < 1:
        assert "equal weights" in result.note
        assert result.weights == pytest.approx(1 / len(weights))
        return
    assert result.note == ""
    assert result.weights.max() <= cap + 1e-12
    order = np.argsort(weights, kind="stable")
    assert (np.diff(result.weights[order]) >= -1e-12).all()
    uncapped = result.weights < cap - 1e-9
    if uncapped.sum() > 1:
        ratio = result.weights[uncapped] / weights[uncapped]
        assert ratio == pytest.approx(ratio[0], rel=1e-9)


@given(
    weights=arrays.arrays(np.float64, st.integers(5, 40), elements=st.floats(1.0, 1e6)),
    cap=st.floats(0.25, 1.0),
)
def test_the_result_is_the_fixed_point_of_the_textbook_loop(weights: np.ndarray, cap: float) -> None:
    assert bounded(weights, max_weight=cap).weights == pytest.approx(redistributed(weights, cap), abs=1e-9)


@given(weights=positive, cap=st.floats(0.05, 1.0), share=st.floats(0.0, 0.99))
def test_floors_and_caps_hold_together(weights: np.ndarray, cap: float, share: float) -> None:
    count = len(weights)
    floor = min(share / count, cap)
    result = bounded(weights, max_weight=cap, min_weight=floor)
    assert result.weights.sum() == pytest.approx(1.0, abs=1e-9)
    if count * cap >= 1:
        assert result.weights.max() <= cap + 1e-9
        assert result.weights.min() >= floor - 1e-9


@pytest.mark.parametrize("weights", [[], [1.0, 0.0], [1.0, -1.0], [1.0, np.nan], [np.inf, 1.0]])
def test_weights_that_are_not_positive_are_refused(weights: list[float]) -> None:
    with pytest.raises(CappingError, match="positive"):
        bounded(np.array(weights))


@given(
    point=arrays.arrays(np.float64, st.integers(4, 30), elements=st.floats(-5, 5)), cap=st.floats(0.3, 1.0)
)
def test_the_projection_is_feasible_and_no_feasible_point_is_nearer(point: np.ndarray, cap: float) -> None:
    nearest = projected(point, max_weight=cap, min_weight=0.0)
    assert nearest.sum() == pytest.approx(1.0, abs=1e-9)
    assert nearest.min() >= 0
    assert nearest.max() <= cap + 1e-12
    for seed in range(5):
        other = bounded(np.random.default_rng(seed).random(len(point)) + 1e-9, max_weight=cap).weights
        assert ((point - nearest) ** 2).sum() <= ((point - other) ** 2).sum() + 1e-9
