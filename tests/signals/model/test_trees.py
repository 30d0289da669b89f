"""The trees against LightGBM called directly, and byte-equal twice."""

import lightgbm
import numpy as np

from signals.core.model.trees import (
    booster_of,
    date_weights,
    grown,
    parameters,
    tree_contributions,
    tree_scores,
)
from tests.signals.model.markets import SMALL
from tests.signals.model.test_linear import cross_sections


def test_the_same_rows_give_the_same_bytes():
    sample, target = cross_sections(dates=80)
    assert grown(sample.ranks, target, sample.row, SMALL) == grown(sample.ranks, target, sample.row, SMALL)


def test_scores_equal_lightgbm_called_directly():
    sample, target = cross_sections(dates=80)
    direct = lightgbm.train(
        {
            "objective": "regression",
            "learning_rate": SMALL.rate,
            "num_leaves": SMALL.leaves,
            "min_data_in_leaf": SMALL.least_rows,
            "lambda_l2": SMALL.shrinkage,
            "feature_fraction": SMALL.share,
            "max_bin": 31,
            "seed": 0,
            "deterministic": True,
            "force_row_wise": True,
            "num_threads": 1,
            "verbose": -1,
        },
        lightgbm.Dataset(sample.ranks, target, weight=np.ones(len(target))),
        num_boost_round=SMALL.rounds,
    )
    ours = booster_of(grown(sample.ranks, target, sample.row, SMALL))
    np.testing.assert_array_equal(tree_scores(ours, sample.ranks), direct.predict(sample.ranks))
    assert np.std(direct.predict(sample.ranks)) > 0.001


def test_contributions_sum_to_the_score_but_for_a_constant():
    sample, target = cross_sections(dates=80)
    booster = booster_of(grown(sample.ranks, target, sample.row, SMALL))
    rest = tree_scores(booster, sample.ranks) - tree_contributions(booster, sample.ranks).sum(axis=1)
    np.testing.assert_allclose(rest, rest[0], atol=1e-12)


def test_no_rows_have_no_scores():
    sample, target = cross_sections(dates=80)
    booster = booster_of(grown(sample.ranks, target, sample.row, SMALL))
    assert tree_scores(booster, sample.ranks[:0]).shape == (0,)
    assert tree_contributions(booster, sample.ranks[:0]).shape == (0, 4)


def test_dates_weigh_alike_unless_they_have_few_tokens():
    row = np.repeat([0, 1, 2], [40, 20, 5])
    weights = date_weights(row)
    sums = np.bincount(row, weights)
    np.testing.assert_allclose(sums / sums[0], [1.0, 1.0, 0.25])
    assert weights.mean() == np.float64(1.0) or abs(weights.mean() - 1.0) < 1e-12


def test_training_is_told_to_be_deterministic():
    settings = parameters(SMALL)
    assert settings["deterministic"] is True
    assert settings["force_row_wise"] is True
    assert settings["num_threads"] == 1
