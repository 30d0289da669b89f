"""One series against another over the same days."""

import numpy as np

from indices.core.metrics.growth import DAYS_PER_YEAR, Array

FEWEST_MONTHS = 12


def beta(returns: Array, reference: Array) -> float | None:
    """Covariance / variance of the reference, daily simple returns; None where the reference never moves."""
    spread = float(np.var(reference))
    if not spread > 0:
        return None
    return float(np.mean((returns - returns.mean()) * (reference - reference.mean())) / spread)


def correlation(returns: Array, reference: Array) -> float | None:
    """Pearson's, of daily simple returns; None where either never moves."""
    if not (np.ptp(returns) > 0 and np.ptp(reference) > 0):
        return None
    return float(np.corrcoef(returns, reference)[0, 1])


def tracking_error(returns: Array, reference: Array) -> float:
    """Standard deviation (ddof 1) of daily return differences x sqrt(365)."""
    return float((returns - reference).std(ddof=1) * np.sqrt(DAYS_PER_YEAR))


def information_ratio(returns: Array, reference: Array) -> float | None:
    """Mean / standard deviation of daily return differences x sqrt(365); None where they never differ."""
    active = returns - reference
    deviation = active.std(ddof=1)
    return float(active.mean() / deviation * np.sqrt(DAYS_PER_YEAR)) if deviation > 0 else None


def capture(returns: Array, reference: Array, *, up: bool) -> float | None:
    """Geometric mean return of the periods in which the reference rose (`up`) or fell / that of the reference in them.

    Given monthly returns this is Morningstar's up- and down-capture ratio. None where the reference never did, or where
    all was lost.
    """
    chosen = reference > 0 if up else reference < 0
    if not chosen.any() or (returns[chosen] <= -1).any() or (reference[chosen] <= -1).any():
        return None
    mine = np.expm1(np.log1p(returns[chosen]).mean())
    theirs = np.expm1(np.log1p(reference[chosen]).mean())
    return float(mine / theirs)
