"""Is the best of many strategies better than the benchmark, or only the luckiest?"""

from __future__ import annotations

from dataclasses import dataclass
from math import log

import numpy as np

from signals.core.panel import Array
from signals.core.validation.arrays import Ints, ValidationError, complete
from signals.core.validation.resampling import stationary_indices

_CHUNK = 250


@dataclass(frozen=True)
class SuperiorAbility:
    """P-values, 0 to 1, of 'no strategy beats the benchmark'; a small one says that some strategy does.

    `consistent` is the one to judge by; `lower` and `upper` bound it (`upper` is White's reality check). `statistic`
    is the largest of zero and the strategies' studentised mean excess x sqrt(T); `best` is the column it belongs to.
    """

    lower: float
    consistent: float
    upper: float
    statistic: float
    best: int


def superior_ability(
    returns: Array,
    benchmark: Array,
    *,
    seed: int,
    block: float = 8.0,
    draws: int = 5_000,
    studentised: bool = True,
) -> SuperiorAbility:
    """Hansen's test for superior predictive ability (2005) with the stationary bootstrap.

    `returns` [period x strategy] and `benchmark` [period] are per-period fractions on the same dates; `block` is the
    mean block length in periods. Raises ValidationError for gaps, lengths that differ, fewer than three periods, or
    a strategy whose excess never varies.
    """
    values = complete(returns, name="returns", dimensions=2, least=3)
    base = complete(benchmark, name="benchmark", least=3)
    if values.shape[1] < 1 or len(values) != len(base):
        raise ValidationError(
            f"returns is {values.shape} and benchmark has {len(base)} rows: give the same periods"
        )
    indices = stationary_indices(len(base), block=block, draws=draws, seed=seed)
    return superior_ability_by(values - base[:, None], indices, block=block, studentised=studentised)


def superior_ability_by(
    excess: Array, indices: Ints, *, block: float, studentised: bool = True
) -> SuperiorAbility:
    """The test on `excess` [period x strategy] over the histories `indices` [draw x period].

    T_k = sqrt(T) mean_k / w_k, w_k^2 as `long_run_variance`. Draws are centred on the mean where it counts: always
    (upper), where mean_k >= -w_k sqrt(2 ln ln T / T) (consistent), where it is above zero (lower). P = share of
    draws whose largest value, at least 0, exceeds the largest T_k, at least 0 (Hansen 2005, sections 2 and 3).
    Without `studentised` w_k is 1 in T_k.
    """
    count = len(excess)
    mean = excess.mean(axis=0)
    variance = long_run_variance(excess, block=block)
    if not (variance > 0).all():
        column = int(np.argmin(variance > 0))
        raise ValidationError(f"the excess of strategy {column} never varies: leave it out")
    scale = np.sqrt(variance) if studentised else np.ones_like(mean)
    counts = mean >= -np.sqrt(variance * 2.0 * log(max(log(count), 1.0)) / count)
    centres = np.array([np.maximum(mean, 0.0), np.where(counts, mean, 0.0), mean])
    observed = max(0.0, float((mean / scale).max()))
    beyond = np.zeros(3)
    for start in range(0, len(indices), _CHUNK):
        drawn = excess[indices[start : start + _CHUNK]].mean(axis=1)
        for kind, centre in enumerate(centres):
            largest = np.maximum(((drawn - centre) / scale).max(axis=1), 0.0)
            beyond[kind] += (largest > observed).sum()
    # Nothing beats the benchmark in sample: no draw can be less favourable, so no evidence at all.
    lower, consistent, upper = beyond / len(indices) if observed > 0 else np.ones(3)
    return SuperiorAbility(
        lower=float(lower),
        consistent=float(consistent),
        upper=float(upper),
        statistic=observed * float(np.sqrt(count)),
        best=int((mean / scale).argmax()),
    )


def long_run_variance(excess: Array, *, block: float) -> Array:
    """[strategy] variance of sqrt(T) x mean under the stationary bootstrap, in closed form.

    g_0 + 2 sum_i k(i) g_i with k(i) = (1 - i/T)(1 - p)^i + (i/T)(1 - p)^(T - i), p = 1 / block, autocovariances
    divided by T (Politis & Romano 1994, lemma 1; Hansen 2005, appendix).
    """
    count = len(excess)
    centred = excess - excess.mean(axis=0)
    variance: Array = (centred**2).sum(axis=0) / count
    stay = 1.0 - 1.0 / block
    for lag in range(1, count):
        weight = (1.0 - lag / count) * stay**lag + lag / count * stay ** (count - lag)
        if weight > 0:
            variance = variance + 2.0 * weight * (centred[lag:] * centred[:-lag]).sum(axis=0) / count
    return variance
