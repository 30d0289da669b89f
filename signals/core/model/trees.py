"""Gradient boosted trees by LightGBM: small, strongly regularised, byte-equal for the same rows and seed."""

from __future__ import annotations

from typing import Any

import numpy as np

from signals.core.model.samples import Floats, Ints
from signals.core.model.spec import Spec
from signals.core.panel import Array

LEAST_WEIGHT_TOKENS = 20
"""Dates weigh alike, but one with fewer tokens than this weighs as many tokens as it has."""
BINS = 31


def parameters(spec: Spec) -> dict[str, Any]:
    """LightGBM's settings: squared error, one thread, and its switches for byte-equal results."""
    return {
        "objective": "regression",
        "learning_rate": spec.rate,
        "num_leaves": spec.leaves,
        "min_data_in_leaf": spec.least_rows,
        "lambda_l2": spec.shrinkage,
        "feature_fraction": spec.share,
        "max_bin": BINS,
        "seed": spec.seed,
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": 1,
        "verbose": -1,
    }


def date_weights(row: Ints) -> Array:
    """[row] one over the number of rows of its date, at least LEAST_WEIGHT_TOKENS, scaled to a mean of one."""
    count = np.bincount(row)[row]
    weights = 1.0 / np.maximum(count, LEAST_WEIGHT_TOKENS)
    out: Array = weights / weights.mean()
    return out


def grown(ranks: Floats, target: Array, row: Ints, spec: Spec) -> str:
    """The trees as LightGBM's own text, fitted to `target` [row], whose dates are `row`."""
    import lightgbm

    data = lightgbm.Dataset(ranks, target, weight=date_weights(row), params={"verbose": -1})
    booster = lightgbm.train(parameters(spec), data, num_boost_round=spec.rounds)
    text: str = booster.model_to_string()
    return text


def booster_of(text: str) -> Any:
    """The LightGBM model of its text."""
    import lightgbm

    return lightgbm.Booster(model_str=text)


def tree_scores(booster: Any, ranks: Floats) -> Array:
    """[row] the sum over trees; zeros for no rows, which LightGBM refuses."""
    if not len(ranks):
        return np.zeros(0)
    return np.asarray(booster.predict(ranks, num_threads=1), dtype=np.float64)


def tree_contributions(booster: Any, ranks: Floats) -> Array:
    """[row x feature] SHAP values (Lundberg et al. 2020); with the expected value they sum to the score."""
    if not len(ranks):
        return np.zeros(ranks.shape)
    values = np.asarray(booster.predict(ranks, pred_contrib=True, num_threads=1), dtype=np.float64)
    return values[:, :-1]
