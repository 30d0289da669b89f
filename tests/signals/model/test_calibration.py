"""Hit rates from scores: honest, strictly rising, and modest without evidence."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from signals.core.model.calibration import BELIEVED_SLOPE, LEAST_SLOPE, Calibration, calibrated


def drawn(slope, dates=2000, tokens=21, seed=5):
    random = np.random.default_rng(seed)
    ranks = np.tile(np.linspace(-0.5, 0.5, tokens), dates)
    hits = (random.random(len(ranks)) < 1.0 / (1.0 + np.exp(-slope * ranks))).astype(np.float64)
    return ranks, hits, np.full(len(ranks), 1.0 / tokens)


def test_without_data_the_declared_belief_remains():
    none = np.zeros(0)
    assert calibrated(none, none, none) == Calibration(level=0.0, slope=BELIEVED_SLOPE)


def test_much_data_gives_the_maximum_likelihood_curve():
    ranks, hits, weights = drawn(1.2, dates=20_000)
    oracle = LogisticRegression(C=np.inf, tol=1e-10).fit(ranks[:, None], hits)
    ours = calibrated(ranks, hits, weights)
    assert ours.slope == pytest.approx(oracle.coef_[0, 0], rel=0.01)
    assert ours.level == pytest.approx(oracle.intercept_[0], abs=0.005)


def test_little_data_moves_the_belief_a_little():
    ranks, hits, weights = drawn(4.0, dates=4)
    assert BELIEVED_SLOPE < calibrated(ranks, hits, weights).slope < 2.0


def test_a_score_that_failed_is_not_turned_around():
    ranks, hits, weights = drawn(-3.0)
    found = calibrated(ranks, hits, weights)
    assert found.slope == LEAST_SLOPE
    assert np.abs(found.hit_rate(np.array([-0.5, 0.5])) - 0.5).max() < 0.03


@given(st.floats(-3.0, 3.0), st.integers(1, 60), st.integers(0, 100))
@settings(max_examples=25, deadline=None)
def test_the_curve_rises_strictly(slope, dates, seed):
    found = calibrated(*drawn(slope, dates=dates, seed=seed))
    rates = found.hit_rate(np.linspace(-0.5, 0.5, 300))
    assert (np.diff(rates) > 0).all()
    assert ((rates > 0) & (rates < 1)).all()
