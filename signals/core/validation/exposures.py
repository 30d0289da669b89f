"""What is left of a score once the known exposures are taken out: volatility, beta, size, momentum."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from signals.core.features.ranking import ranks
from signals.core.panel import Array
from signals.core.validation.arrays import ValidationError
from signals.core.validation.ic import MIN_COUNT, rank_ic

_NOTHING_LEFT = 1e-9


def residual_scores(scores: Array, exposures: Mapping[str, Array], *, min_count: int = MIN_COUNT) -> Array:
    """[date x asset] residuals of ranked scores on a constant and the ranked exposures, one regression per date.

    Ordinary least squares across tokens (Fama & MacBeth 1973, one cross-section at a time; Frisch-Waugh-Lovell: the
    residual is uncorrelated with every ranked exposure). Ranks are taken among the tokens known in the score and in
    every exposure; the others are NaN. So is a date with fewer than `min_count` of them, or no more than there are
    coefficients. A score that the exposures explain wholly leaves zeros. Raises ValidationError for another shape.
    """
    for name, values in exposures.items():
        if values.shape != scores.shape:
            raise ValidationError(
                f"exposure {name} is {values.shape} but scores are {scores.shape}: give one shape"
            )
    unknown = np.isnan(scores)
    for values in exposures.values():
        unknown = unknown | np.isnan(values)
    target = ranks(np.where(unknown, np.nan, scores))
    ranked = [ranks(np.where(unknown, np.nan, values)) for values in exposures.values()]
    out = np.full(scores.shape, np.nan)
    least = max(min_count, len(ranked) + 2)
    for row in np.flatnonzero((~unknown).sum(axis=1) >= least):
        known = ~unknown[row]
        wanted = _centred(target[row, known])
        design = np.column_stack([np.ones(len(wanted)), *(_centred(values[row, known]) for values in ranked)])
        residual = wanted - design @ np.linalg.lstsq(design, wanted, rcond=None)[0]
        # Rounding noise would rank as eagerly as a signal does.
        out[row, known] = np.where(np.abs(residual) > _NOTHING_LEFT, residual, 0.0)
    return out


def residual_ic(
    scores: Array, labels: Array, exposures: Mapping[str, Array], *, min_count: int = MIN_COUNT
) -> Array:
    """[date] rank IC of `residual_scores` with the labels: what the score knows beyond the exposures.

    Without exposures it is the plain rank IC. NaN where nothing is left of the score. Raises ValidationError as both
    do.
    """
    return rank_ic(residual_scores(scores, exposures, min_count=min_count), labels, min_count=min_count)


def _centred(ranked: Array) -> Array:
    """Ranks spread over [-0.5, 0.5]."""
    return (ranked - 1.0) / (len(ranked) - 1.0) - 0.5
