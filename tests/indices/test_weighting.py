"""Risk schemes against closed forms and against what defines them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indices.core import weighting


def some_covariance(seed: int, count: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    factors = random.normal(size=(count, 3)) * 0.03
    return factors @ factors.T + np.diag(random.uniform(0.0005, 0.01, count))


def test_inverse_volatility_by_hand() -> None:
    calm = np.array([0.01, -0.01] * 15)
    returns = np.column_stack([calm, 2 * calm, 4 * calm])
    counts = np.array([30, 30, 30])
    assert weighting.by_inverse_volatility(returns, counts) == pytest.approx([4 / 7, 2 / 7, 1 / 7], abs=1e-15)


def test_an_unmeasured_asset_is_as_volatile_as_the_most_volatile() -> None:
    calm = np.array([0.01, -0.01] * 15)
    returns = np.column_stack([calm, 2 * calm, 0 * calm, calm])
    weights = weighting.by_inverse_volatility(returns, np.array([30, 30, 30, 19]))
    assert weights == pytest.approx([0.4, 0.2, 0.2, 0.2], abs=1e-15)
    assert weighting.by_inverse_volatility(returns, np.zeros(4, dtype=np.int64)).tolist() == [0.25] * 4


@settings(max_examples=25)
@given(seed=st.integers(0, 1000), count=st.integers(1, 40))
def test_risk_parity_gives_every_asset_the_same_contribution(seed: int, count: int) -> None:
    sigma = some_covariance(seed, count)
    weights = weighting.risk_parity(sigma)
    contributions = weights * (sigma @ weights)
    assert weights.sum() == pytest.approx(1.0, abs=1e-12)
    assert weights.min() > 0
    assert contributions == pytest.approx(contributions.mean(), rel=1e-5)


def test_risk_parity_of_uncorrelated_assets_is_inverse_volatility() -> None:
    assert weighting.risk_parity(np.diag([0.01, 0.04, 0.16])) == pytest.approx(
        [4 / 7, 2 / 7, 1 / 7], abs=1e-8
    )


def test_least_variance_of_two_assets_is_the_closed_form() -> None:
    sigma = np.array([[0.04, 0.006], [0.006, 0.09]])
    expected = (0.09 - 0.006) / (0.04 + 0.09 - 0.012)
    found = weighting.min_variance(sigma, max_weight=1.0, min_weight=0.0)
    assert found == pytest.approx([expected, 1 - expected], abs=1e-8)
    capped = weighting.min_variance(sigma, max_weight=0.6, min_weight=0.0)
    assert capped == pytest.approx([0.6, 0.4], abs=1e-9)


@settings(max_examples=25)
@given(seed=st.integers(0, 1000), count=st.integers(6, 40), cap=st.floats(0.2, 1.0))
def test_no_feasible_weights_have_less_variance(seed: int, count: int, cap: float) -> None:
    sigma = some_covariance(seed, count)
    weights = weighting.min_variance(sigma, max_weight=cap, min_weight=0.0)
    assert weights.sum() == pytest.approx(1.0, abs=1e-9)
    assert weights.max() <= cap + 1e-8
    assert weights.min() >= 0
    # Optimality: moving weight from any asset that has some to any that has room does not help.
    gradient = sigma @ weights
    has, room = weights > 1e-7, weights < cap - 1e-7
    if room.any():
        assert gradient[has].max() <= gradient[room].min() + 1e-7 or (
            gradient[has & room].size and gradient[has & room].max() - gradient[room].min() <= 1e-6
        )


def test_covariance_is_shrunk_to_its_diagonal_and_never_singular() -> None:
    random = np.random.default_rng(3)
    returns = random.normal(size=(30, 60))
    returns[:, 7] = 0.0
    sigma = weighting.covariance(returns)
    sample = np.cov(returns, rowvar=False, ddof=1)
    assert sigma[0, 1] == pytest.approx(0.9 * sample[0, 1])
    assert sigma[0, 0] == pytest.approx(sample[0, 0])
    assert sigma[7, 7] == pytest.approx(np.delete(np.diag(sample), 7).mean())
    assert np.linalg.eigvalsh(sigma).min() > 0


def test_grades_of_zero_everywhere_are_refused() -> None:
    with pytest.raises(weighting.WeightingError, match="grade above zero"):
        weighting.by_grade(np.array([1.0, 2.0]), np.array([0.0, 0.0]))
