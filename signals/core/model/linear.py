"""Ridge towards a declared prior, from sums per date: the closed form, and nothing else."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from signals.core.model.samples import Sample
from signals.core.model.spec import PRIOR
from signals.core.model.targets import LEAST_TOKENS
from signals.core.panel import Array

PRIOR_SLOPE = 0.08
"""Slope of the target on the mean of the prior's ranks that is believed before any data: an IC of about 0.06."""
_RANK_VARIANCE = 1.0 / 12.0
_DIGITS = 10
"""Weights are kept to this many decimals: what another processor's rounding would change is cut off."""


@dataclass(frozen=True, eq=False)
class Moments:
    """Per date, each weighing alike: X'X / n [date x feature x feature] and X'y / n [date x feature].

    `counted` [date] says where there were LEAST_TOKENS known targets; the others are zero.
    """

    products: Array
    slopes: Array
    counted: np.ndarray


def moments(sample: Sample, target: Array) -> Moments:
    """The moments of the rows whose `target` [row] is known."""
    width = len(sample.names)
    products = np.zeros((len(sample.dates), width, width))
    slopes = np.zeros((len(sample.dates), width))
    counted = np.zeros(len(sample.dates), dtype=bool)
    bounds = sample.bounds()
    for at, (start, stop) in enumerate(itertools.pairwise(bounds)):
        known = ~np.isnan(target[start:stop])
        count = int(known.sum())
        if count < LEAST_TOKENS:
            continue
        ranks = sample.ranks[start:stop][known].astype(np.float64)
        products[at] = ranks.T @ ranks / count
        slopes[at] = ranks.T @ target[start:stop][known] / count
        counted[at] = True
    return Moments(products, slopes, counted)


def prior_weights(names: tuple[str, ...]) -> Array:
    """[feature] what the prior expects: PRIOR_SLOPE spread evenly over the features it names, zero for the rest."""
    named = sum(name in PRIOR for name in names)
    return np.array([PRIOR_SLOPE * PRIOR.get(name, 0) / max(named, 1) for name in names])


def ridge_weights(sums: Moments, rows: np.ndarray, *, prior: Array, penalty: float) -> Array:
    """[feature] argmin over w of sum_t mean (y - Xw)² + penalty / 12 |w - prior|² over the dates where `rows`.

    Solves (sum_t X'X/n + k I) w = sum_t X'y/n + k prior with k = penalty / 12 (Hoerl & Kennard 1970, towards a prior
    as in Theil & Goldberger 1961); 1 / 12 is the variance of a rank, so `penalty` counts dates.
    """
    strength = penalty * _RANK_VARIANCE
    left = strength * np.eye(len(prior))
    right = strength * prior
    for at in np.flatnonzero(rows & sums.counted):
        left += sums.products[at]
        right += sums.slopes[at]
    weights: Array = np.round(np.linalg.solve(left, right), _DIGITS) + 0.0
    return weights


def linear_scores(ranks: np.ndarray, weights: Array) -> Array:
    """[row] sum of rank x weight, added feature by feature: the same bits for a row whoever its neighbours are."""
    out = np.zeros(len(ranks))
    for at in np.flatnonzero(weights):
        out += ranks[:, at].astype(np.float64) * weights[at]
    return out
