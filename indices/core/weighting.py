"""Weighting schemes: from what is known of the chosen assets to weights, before caps and floors.

Returns of the risk schemes are simple daily returns [day x asset]; a day without a price counts as no move, because
the engine holds the last price. No logarithm is taken, so the arithmetic is the same on every machine.
"""

import numpy as np
import numpy.typing as npt

from indices.core.capping import projected

Array = npt.NDArray[np.float64]

# A sample covariance of a hundred assets over ninety days is singular; the diagonal keeps it honest.
SHRINKAGE = 0.1
MIN_RETURNS = 20
_TOLERANCE = 1e-12
_OPTIMISED_PLACES = 9


class WeightingError(ValueError):
    """A scheme lacks what it needs; the message says what."""


def by_market_cap(caps: Array) -> Array:
    """Weights in proportion to market cap."""
    return caps / caps.sum()


def by_sqrt_market_cap(caps: Array) -> Array:
    """Weights in proportion to the square root of market cap."""
    roots = np.sqrt(caps)
    return roots / roots.sum()


def equal(count: int) -> Array:
    """`count` equal weights."""
    return np.full(count, 1.0 / count)


def by_grade(caps: Array, grades: Array, tilt: float = 1.0) -> Array:
    """Weights in proportion to market cap x (grade / 100) ^ `tilt`, a multiple of 0.5.

    Raises WeightingError where all of that is zero.
    """
    tilted = caps * grades / 100.0 if tilt == 1.0 else caps * _power(grades / 100.0, tilt)
    if not tilted.sum() > 0:
        raise WeightingError("weighting.scheme: grade_tilt needs at least one grade above zero")
    return tilted / tilted.sum()


def by_inverse_volatility(returns: Array, counts: npt.NDArray[np.int64]) -> Array:
    """Weights in proportion to 1 / standard deviation of daily returns (ddof 1).

    `counts` is the number of days with a real return; under 20, or without any move, an asset is taken to be as
    volatile as the most volatile of the others, and all are equal where none is measured.
    """
    deviations = returns.std(axis=0, ddof=1)
    measured = (counts >= MIN_RETURNS) & (deviations > 0)
    if not measured.any():
        return equal(len(deviations))
    inverse = 1.0 / np.where(measured, deviations, deviations[measured].max())
    return inverse / inverse.sum()


def covariance(returns: Array) -> Array:
    """Sample covariance [asset x asset] (ddof 1), shrunk by 10 % toward its own diagonal; an asset without any move
    gets the mean variance of the others."""
    centred = returns - returns.mean(axis=0)
    sample = centred.T @ centred / max(len(returns) - 1, 1)
    variances = np.diag(sample).copy()
    moving = variances > 0
    if not moving.any():
        return np.eye(len(variances))
    variances[~moving] = variances[moving].mean()
    shrunk = (1.0 - SHRINKAGE) * sample
    np.fill_diagonal(shrunk, variances)
    return shrunk


def risk_parity(sigma: Array) -> Array:
    """Long-only weights whose risk contributions w_i (Sigma w)_i are equal.

    Cyclical coordinate descent on 1/2 x' Sigma x - 1/n sum log x_i (Griveau-Billion, Richard, Roncalli 2013), then x
    scaled to sum 1.
    """
    count = len(sigma)
    diagonal = np.diag(sigma)
    budget = 1.0 / count
    x = 1.0 / np.sqrt(diagonal) / count
    for _ in range(10_000):
        before = x.copy()
        for i in range(count):
            rest = float(sigma[i] @ x) - diagonal[i] * x[i]
            x[i] = (-rest + np.sqrt(rest * rest + 4.0 * diagonal[i] * budget)) / (2.0 * diagonal[i])
        if np.max(np.abs(x - before)) <= _TOLERANCE * np.max(x):
            return _settled(x / x.sum())
    raise WeightingError("weighting.scheme: risk_parity did not converge; use a longer weighting.window_days")


def min_variance(sigma: Array, *, max_weight: float, min_weight: float) -> Array:
    """Long-only weights of least variance w' Sigma w with every weight in [min_weight, max_weight], sum 1.

    Accelerated projected gradient (Beck and Teboulle 2009, restarted where it overshoots), step 1 / largest eigenvalue.
    Bounds that cannot be kept give equal weights.
    """
    count = len(sigma)
    if count * max_weight <= 1.0 or count * min_weight >= 1.0:
        return equal(count)
    scaled = sigma / float(np.linalg.eigvalsh(sigma)[-1])
    weights = ahead = projected(equal(count), max_weight=max_weight, min_weight=min_weight)
    momentum = 1.0
    for _ in range(20_000):
        step = projected(ahead - scaled @ ahead, max_weight=max_weight, min_weight=min_weight)
        if float((ahead - step) @ (step - weights)) > 0:
            momentum = 1.0
        next_momentum = (1.0 + np.sqrt(1.0 + 4.0 * momentum * momentum)) / 2.0
        ahead = step + (momentum - 1.0) / next_momentum * (step - weights)
        moved = float(np.max(np.abs(step - weights)))
        weights, momentum = step, next_momentum
        if moved <= _TOLERANCE:
            break
    return _settled(weights)


def _power(base: Array, exponent: float) -> Array:
    # Products and square roots: the same bits on every machine, which a power function does not promise.
    whole = int(exponent)
    result = np.ones(len(base)) if whole == exponent else np.sqrt(base)
    for _ in range(whole):
        result = result * base
    return result


def _settled(weights: Array) -> Array:
    # The last digits of a matrix product are the library's business; a decision must not hang on them.
    rounded = np.round(weights, _OPTIMISED_PLACES)
    return rounded / rounded.sum()
