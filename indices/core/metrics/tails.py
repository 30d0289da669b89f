"""The ends of the distribution of daily returns, as they were: nothing is fitted."""

import numpy as np

from indices.core.metrics.growth import Array

FEWEST_FOR_TAILS = 100
"""Below so many returns one day in a hundred has not been seen."""
FEWEST_FOR_SHAPE = 30


def value_at_risk(returns: Array, confidence: float) -> float:
    """The return that was undercut on a share of 1 - `confidence` of the days: the empirical quantile, interpolated."""
    return float(np.percentile(returns, 100.0 * (1.0 - confidence)))


def expected_shortfall(returns: Array, confidence: float) -> float:
    """CVaR: the mean of the worst 1 - `confidence` of the returns, at least of one.

    The worst floor((n - 1) x (1 - confidence)) + 1 of n returns are averaged, empyrical's convention.
    """
    # 1 - 0.95 is a little more than 0.05 in binary; a hair less keeps 100 returns at their five worst.
    count = int((len(returns) - 1) * round(1.0 - confidence, 12)) + 1
    return float(np.sort(returns)[:count].mean())


def skewness(returns: Array) -> float | None:
    """Third central moment / second to the power 1.5 (population moments); None where nothing varies."""
    centred = returns - returns.mean()
    spread = float(np.mean(centred**2))
    return float(np.mean(centred**3) / spread**1.5) if spread > 0 else None


def excess_kurtosis(returns: Array) -> float | None:
    """Fourth central moment / second squared - 3 (population moments): 0 for a normal distribution; None where nothing
    varies."""
    centred = returns - returns.mean()
    spread = float(np.mean(centred**2))
    return float(np.mean(centred**4) / spread**2 - 3.0) if spread > 0 else None
