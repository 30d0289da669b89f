"""The ridge against scikit-learn's, and scores that do not depend on their neighbours."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge

from signals.core.model.linear import linear_scores, moments, prior_weights, ridge_weights
from signals.core.model.samples import Sample, ranks_by_date


def cross_sections(dates=30, tokens=15, features=4, seed=3):
    random = np.random.default_rng(seed)
    row = np.repeat(np.arange(dates), tokens)
    raw = random.normal(size=(dates * tokens, features)).astype(np.float32)
    sample = Sample(
        dates=pd.date_range("2020-01-05", periods=dates, freq="W"),
        assets=[f"t{number}" for number in range(tokens)],
        names=("vol_30d", "log_mcap", "ret_14d", "ret_7d")[:features],
        row=row,
        column=np.tile(np.arange(tokens), dates),
        raw=raw,
        ranks=ranks_by_date(raw, row, dates),
    )
    target = sample.ranks @ np.array([0.3, -0.1, 0.0, 0.2])[:features] + random.normal(0, 0.2, len(row))
    return sample, target


def test_ridge_equals_scikit_learn():
    sample, target = cross_sections()
    rows = np.ones(len(sample.dates), dtype=bool)
    weights = ridge_weights(moments(sample, target), rows, prior=np.zeros(4), penalty=60.0)
    # Each date weighs one, so a row weighs 1 / 15; sklearn's alpha is then penalty / 12.
    oracle = Ridge(alpha=60.0 / 12.0, fit_intercept=False).fit(
        sample.ranks.astype(np.float64), target, sample_weight=np.full(len(target), 1 / 15)
    )
    np.testing.assert_allclose(weights, oracle.coef_, atol=1e-9)


def test_shrinking_towards_a_prior_is_ridge_on_what_the_prior_leaves():
    sample, target = cross_sections()
    prior = np.array([0.05, -0.02, 0.01, 0.0])
    rows = np.ones(len(sample.dates), dtype=bool)
    weights = ridge_weights(moments(sample, target), rows, prior=prior, penalty=60.0)
    rest = ridge_weights(
        moments(sample, target - sample.ranks @ prior), rows, prior=np.zeros(4), penalty=60.0
    )
    np.testing.assert_allclose(weights, prior + rest, atol=1e-9)


def test_without_data_the_prior_remains():
    sample, target = cross_sections()
    prior = prior_weights(sample.names)
    none = np.zeros(len(sample.dates), dtype=bool)
    np.testing.assert_array_equal(
        ridge_weights(moments(sample, target), none, prior=prior, penalty=60.0), prior
    )
    assert prior.tolist() == [-0.04, 0.04, 0.0, 0.0]


def test_dates_with_few_targets_are_not_counted():
    sample, target = cross_sections()
    target[:6] = np.nan  # 9 of 15 remain on the first date
    target[15:20] = np.nan  # 10 remain on the second
    assert moments(sample, target).counted.tolist() == [False] + [True] * 29


def test_a_score_has_the_same_bits_alone_and_among_others():
    sample, _ = cross_sections(tokens=37)
    weights = np.array([0.1, -0.7, 0.3, 1e-9])
    together = linear_scores(sample.ranks, weights)
    alone = np.concatenate([linear_scores(sample.ranks[at : at + 1], weights) for at in range(len(together))])
    assert together.tobytes() == alone.tobytes()
    assert together == pytest.approx(sample.ranks @ weights)
