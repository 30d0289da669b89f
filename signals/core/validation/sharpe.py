"""A Sharpe ratio, and what is left of it once luck, fat tails and the number of trials are counted."""

from __future__ import annotations

from dataclasses import dataclass
from math import e, inf, sqrt
from statistics import NormalDist

import numpy as np

from signals.core.panel import Array
from signals.core.validation.arrays import ValidationError, complete

_NORMAL = NormalDist()


def sharpe(returns: Array) -> float | None:
    """Mean / standard deviation (ddof 1) of `returns` per period, risk-free rate 0 (Sharpe 1994); None without risk."""
    values = complete(returns, name="returns")
    return float(values.mean() / values.std(ddof=1)) if np.ptp(values) > 0 else None


def annualised_sharpe(returns: Array, *, periods_per_year: float) -> float | None:
    """`sharpe` x sqrt(periods per year): 365 for days of a market that never closes, 52 for weeks."""
    if not periods_per_year > 0:
        raise ValidationError(f"periods_per_year is {periods_per_year}: give a positive number")
    ratio = sharpe(returns)
    return None if ratio is None else ratio * sqrt(periods_per_year)


def expected_best_sharpe(*, trials: int, variance: float) -> float:
    """The Sharpe ratio that the best of `trials` worthless ones is expected to show.

    sqrt(V) ((1 - g) Z(1 - 1/N) + g Z(1 - 1/(N e))), g Euler-Mascheroni's constant, Z the normal quantile (Bailey &
    Lopez de Prado 2014, The Deflated Sharpe Ratio, eq. 1). `variance` is that of the trials' Sharpe ratios, in the
    square of their unit; so is the answer. One trial expects 0. Raises ValidationError for no trials or a negative
    variance.
    """
    if trials < 1 or not variance >= 0:
        raise ValidationError(f"trials is {trials} and variance {variance}: give at least 1 and 0")
    if trials == 1:
        return 0.0
    first, second = (_NORMAL.inv_cdf(1.0 - 1.0 / (trials * scale)) for scale in (1.0, e))
    return sqrt(variance) * ((1.0 - np.euler_gamma) * first + np.euler_gamma * second)


def probabilistic_sharpe(
    ratio: float, *, threshold: float, count: int, skew: float = 0.0, kurtosis: float = 3.0
) -> float:
    """The probability, 0 to 1, that the true Sharpe ratio is above `threshold`.

    Phi((SR - SR0) sqrt(T - 1) / sqrt(1 - g3 SR + (g4 - 1) / 4 SR^2)) (Bailey & Lopez de Prado 2012). Ratios are per
    period, T periods; `kurtosis` is raw, 3 for a normal. Raises ValidationError under two periods, or where skew and
    kurtosis belong to no distribution.
    """
    if count < 2:
        raise ValidationError(f"count is {count}: at least 2 periods are needed")
    return _NORMAL.cdf((ratio - threshold) * sqrt((count - 1) / _spread(ratio, skew, kurtosis)))


def track_record_needed(
    ratio: float, *, threshold: float, confidence: float = 0.95, skew: float = 0.0, kurtosis: float = 3.0
) -> float:
    """Periods until `probabilistic_sharpe` reaches `confidence`; infinite where the ratio is not above the threshold.

    1 + (1 - g3 SR + (g4 - 1) / 4 SR^2) (Z(confidence) / (SR - SR0))^2 (Bailey & Lopez de Prado 2012), all per period.
    Raises ValidationError for a confidence outside 0.5 to 1.
    """
    if not 0.5 < confidence < 1.0:
        raise ValidationError(f"confidence is {confidence}: give a share between 0.5 and 1")
    if ratio <= threshold:
        return inf
    return 1.0 + _spread(ratio, skew, kurtosis) * (_NORMAL.inv_cdf(confidence) / (ratio - threshold)) ** 2


@dataclass(frozen=True)
class DeflatedSharpe:
    """The observed ratio, the one that luck alone would have found, and the probability of being above that.

    `ratio` and `threshold` are per period; `skew` and raw `kurtosis` are population moments of the returns.
    """

    probability: float
    ratio: float
    threshold: float
    trials: int
    count: int
    skew: float
    kurtosis: float


def deflated_sharpe(returns: Array, *, trial_sharpes: Array) -> DeflatedSharpe:
    """How sure one may be that `returns` are more than the best of many tries (Bailey & Lopez de Prado 2014).

    `trial_sharpes` are the per-period Sharpe ratios of every trial ever run, this one among them; their variance
    (ddof 1) and number set the threshold. Raises ValidationError for gaps, fewer than two trials, or returns without
    risk.
    """
    values = complete(returns, name="returns", least=3)
    trials = complete(trial_sharpes, name="trial_sharpes")
    ratio = sharpe(values)
    if ratio is None:
        raise ValidationError("returns never vary: a Sharpe ratio needs risk")
    threshold = expected_best_sharpe(trials=len(trials), variance=float(trials.var(ddof=1)))
    scaled = (values - values.mean()) / values.std()
    skew, kurtosis = float((scaled**3).mean()), float((scaled**4).mean())
    probability = probabilistic_sharpe(
        ratio, threshold=threshold, count=len(values), skew=skew, kurtosis=kurtosis
    )
    return DeflatedSharpe(probability, ratio, threshold, len(trials), len(values), skew, kurtosis)


def _spread(ratio: float, skew: float, kurtosis: float) -> float:
    """T - 1 times the variance of an estimated Sharpe ratio."""
    spread = 1.0 - skew * ratio + (kurtosis - 1.0) / 4.0 * ratio**2
    if not spread > 0:
        raise ValidationError(
            f"skew {skew} and kurtosis {kurtosis} belong to no distribution: kurtosis is raw, not excess"
        )
    return spread
