"""From the rank of a score to a hit rate: Platt's logistic curve, held back by a declared belief."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from signals.core.panel import Array

BELIEVED_SLOPE = 0.4
"""Log odds between the best and the worst token of a date, before any data: hit rates from 45 to 55 %."""
BELIEVED_DATES = 26
"""How many dates of out-of-fold scores the belief counts for."""
LEAST_SLOPE = 0.01
"""A score that did not work is not turned around: its grades lie so close to 50 that they say nothing."""
_STEPS = 50


@dataclass(frozen=True)
class Calibration:
    """hit rate = 1 / (1 + exp(-(level + slope x rank))), rank in [-0.5, 0.5]; strictly rising, slope > 0."""

    level: float
    slope: float

    def hit_rate(self, ranks: Array) -> Array:
        """Probability, per rank of a score within its date, that the token beats the median; NaN stays."""
        return 1.0 / (1.0 + np.exp(-(self.level + self.slope * ranks)))


def calibrated(ranks: Array, hits: Array, weights: Array) -> Calibration:
    """The curve of out-of-fold score `ranks` and `hits` (1 beat the median, 0 did not), all [row].

    Platt (1999) by penalised maximum likelihood. `weights` sum to the number of dates; the belief enters as
    BELIEVED_DATES dates of ranks spread evenly, hit at the believed rate. Decimals are cut at 8, and the slope is at
    least LEAST_SLOPE.
    """
    spread = np.linspace(-0.5, 0.5, 21)
    believed = 1.0 / (1.0 + np.exp(-BELIEVED_SLOPE * spread))
    x = np.concatenate([ranks, spread])
    y = np.concatenate([hits, believed])
    w = np.concatenate([weights, np.full(len(spread), BELIEVED_DATES / len(spread))])
    level, slope = 0.0, BELIEVED_SLOPE
    for _ in range(_STEPS):
        rate = 1.0 / (1.0 + np.exp(-(level + slope * x)))
        error, curve = w * (y - rate), w * rate * (1.0 - rate)
        gradient = np.array([error.sum(), (error * x).sum()])
        cross = (curve * x).sum()
        step = np.linalg.solve(np.array([[curve.sum(), cross], [cross, (curve * x * x).sum()]]), gradient)
        level, slope = level + float(step[0]), slope + float(step[1])
        if float(np.abs(step).max()) < 1e-12:
            break
    return Calibration(level=round(level, 8) + 0.0, slope=max(round(slope, 8), LEAST_SLOPE))
