"""Chance made on purpose: shuffled scores, and histories drawn anew in blocks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from signals.core.features.ranking import ranks
from signals.core.panel import Array
from signals.core.validation.arrays import Ints, ValidationError, pair
from signals.core.validation.ic import MIN_COUNT, rank_ic


@dataclass(frozen=True)
class Placebo:
    """The mean IC beside the mean ICs [trial] of scores shuffled within each date.

    `p_value` is (1 + shuffles at or above the observed) / (1 + trials) (Davison & Hinkley 1997): never zero.
    `percentile_99` is of the shuffles; the gate asks the observed to be above it.
    """

    observed: float
    shuffled: Array
    p_value: float
    percentile_99: float


def placebo(
    scores: Array, labels: Array, *, seed: int, trials: int = 200, min_count: int = MIN_COUNT
) -> Placebo:
    """How good worthless scores look on these labels (Fisher's permutation test, one shuffle per date and trial).

    Scores move among the tokens whose score and label are known, so coverage and ties stay as they are. Raises
    ValidationError for other shapes, no trials, or where no date has an IC.
    """
    if trials < 1:
        raise ValidationError(f"trials is {trials}: give at least 1")
    known_scores, known_labels = pair(scores, labels)
    observed = rank_ic(known_scores, known_labels, min_count=min_count)
    rows = np.flatnonzero(~np.isnan(observed))
    if len(rows) == 0:
        raise ValidationError(
            f"no date has {min_count} tokens with a score and a label: give more, or a lower min_count"
        )
    generator = np.random.default_rng(seed)
    ranked_scores, ranked_labels = ranks(known_scores), ranks(known_labels)
    total = np.zeros(trials)
    for row in rows:
        known = ~np.isnan(ranked_scores[row])
        left, right = (
            values[row, known] - values[row, known].mean() for values in (ranked_scores, ranked_labels)
        )
        shuffled = generator.permuted(np.tile(left, (trials, 1)), axis=1)
        total += shuffled @ right / np.sqrt((left @ left) * (right @ right))
    mean, means = float(observed[rows].mean()), total / len(rows)
    # A shuffle that restores the order equals the observed up to rounding, and must count as reaching it.
    reached = int((means >= mean - 1e-12).sum())
    return Placebo(mean, means, (1.0 + reached) / (1.0 + trials), float(np.quantile(means, 0.99)))


def stationary_indices(count: int, *, block: float, draws: int, seed: int) -> Ints:
    """[draw x count] row numbers of the stationary bootstrap (Politis & Romano 1994).

    Each history is made of runs of following rows, the last row followed by the first; a run begins anywhere and
    ends after every row with probability 1 / block, so it is `block` rows long on average. Raises ValidationError
    for lengths under 1.
    """
    if count < 1 or draws < 1 or not block >= 1:
        raise ValidationError(f"count is {count}, draws {draws}, block {block}: all are at least 1")
    generator = np.random.default_rng(seed)
    begins = generator.random((draws, count)) < 1.0 / block
    begins[:, 0] = True
    starts = generator.integers(0, count, size=(draws, count))
    place = np.arange(count)
    origin = np.maximum.accumulate(np.where(begins, place, 0), axis=1)
    out: Ints = (np.take_along_axis(starts, origin, axis=1) + place - origin) % count
    return out
