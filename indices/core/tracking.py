"""How far one index strays from another: what a changed rule has done against the rules it came from."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from indices.core import metrics

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Tracking:
    """Fractions over the common days. `difference` is the total return of the one less that of the other; `per_year`
    the difference of their growth per year, `error` the standard deviation of the daily differences of simple returns
    (ddof 1) x sqrt(365): both None under a year, which would be extrapolation. `correlation` of daily returns is None
    where one of the two stands still."""

    days: int
    difference: float
    per_year: float | None
    error: float | None
    correlation: float | None


def tracking(level: Array, base: Array, *, days: int) -> Tracking:
    """How `level` strays from `base`, levels of the same closes over `days` calendar days, two at least."""
    lead = metrics.total_return(level) - metrics.total_return(base)
    growth, base_growth = metrics.cagr(level, days), metrics.cagr(base, days)
    one, other = metrics.daily_returns(level), metrics.daily_returns(base)
    known = np.isfinite(one) & np.isfinite(other)
    one, other = one[known], other[known]
    gaps = one - other
    long_enough = days >= metrics.DAYS_PER_YEAR and len(gaps) > 1
    spread = float(one.std() * other.std()) if len(one) > 1 else 0.0
    return Tracking(
        days=days,
        difference=lead,
        per_year=None if growth is None or base_growth is None else growth - base_growth,
        error=float(gaps.std(ddof=1) * np.sqrt(metrics.DAYS_PER_YEAR)) if long_enough else None,
        correlation=min(1.0, float(np.mean((one - one.mean()) * (other - other.mean())) / spread))
        if spread > 0
        else None,
    )


def active_share(weights: dict[str, float], base: dict[str, float]) -> float:
    """Half the sum of |weight - base weight| over every asset of the two: 0 the same, 1 nothing in common."""
    return sum(abs(weights.get(slug, 0.0) - base.get(slug, 0.0)) for slug in {*weights, *base}) / 2
