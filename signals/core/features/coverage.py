"""How much is really known: features per token, the least of them in a universe, and how many say something new."""

from __future__ import annotations

import numpy as np
import pandas as pd

from signals.core.features.engine import compute_last
from signals.core.features.registry import chosen
from signals.core.panel import Array, Panel
from signals.core.universe import STILL_DAYS, UniverseRules, gradable


def coverage(features: pd.DataFrame) -> pd.Series:
    """How many of its own features are known of each token: [asset] integers, from [asset x feature] of one date.

    Features that all tokens share say nothing about one and are not counted. Raises UnknownFeature for a column that
    is no feature.
    """
    own = [feature.name for feature in chosen(map(str, features.columns)) if not feature.shared]
    return features[own].notna().sum(axis=1).astype(np.int64)


def least_coverage(features: pd.DataFrame, universe: list[str]) -> int:
    """The number of features that every token of the universe has at least: the one to be made public.

    Zero for an empty universe. Raises KeyError for a token that has no row.
    """
    return int(coverage(features.loc[universe]).min()) if universe else 0


def least_coverage_of(panel: Panel, rules: UniverseRules | None = None) -> int:
    """`least_coverage` of the tokens that are graded on the panel's last date. Raises ValueError without dates."""
    features = compute_last(panel)
    rules = rules or UniverseRules()
    # No more rows than who is graded on the last one depends on.
    graded = gradable(panel.last(max(rules.volume_days, STILL_DAYS + 1)), rules)[-1]
    return least_coverage(features, [panel.assets[at] for at in np.flatnonzero(graded)])


def effective_rank(values: Array, share: float = 0.95) -> int:
    """How many principal components hold `share` of the variance of [observation x feature] values.

    Each feature is standardised first (the components are those of the correlation matrix); a missing value counts as
    its feature's mean, and features that do not vary count as nothing. Zero where nothing varies. Raises ValueError
    for a share outside (0, 1].
    """
    if not 0 < share <= 1:
        raise ValueError(f"share: must be above 0 and at most 1, got {share}.")
    known = ~np.isnan(values)
    number = known.sum(axis=0)
    mean = np.where(known, values, 0.0).sum(axis=0) / np.maximum(number, 1)
    away = np.where(known, values - mean, 0.0)
    size = np.sqrt((away * away).sum(axis=0))
    varying = size > 1e-12 * np.maximum(np.abs(mean), 1e-300) * np.sqrt(np.maximum(number, 1))
    if not varying.any():
        return 0
    scaled = away[:, varying] / size[varying]
    parts = np.sort(np.linalg.eigvalsh(scaled.T @ scaled))[::-1]
    # Equal shares add up to a rounding less than they should.
    return int(np.searchsorted(np.cumsum(parts) / parts.sum(), share - 1e-9) + 1)
