"""What a set of weights is like: how spread, how different from another, how often changed. Weights are fractions."""

import math
from collections.abc import Mapping, Sequence

from indices.core.metrics.growth import DAYS_PER_YEAR


def active_share(weights: Mapping[str, float], reference: Mapping[str, float]) -> float:
    """Half the sum of |weight - reference weight|: 0 for the same holdings, 1 for nothing in common."""
    names = sorted({*weights, *reference})
    return math.fsum(abs(weights.get(name, 0.0) - reference.get(name, 0.0)) for name in names) / 2


def effective_names(weights: Mapping[str, float]) -> float:
    """1 / the sum of squared weights (Herfindahl): so many equal names would be as concentrated."""
    return 1.0 / math.fsum(weight**2 for weight in weights.values())


def top_share(weights: Mapping[str, float], count: int = 10) -> float:
    """The weight of the `count` largest names."""
    return math.fsum(sorted(weights.values(), reverse=True)[:count])


def turnover_per_year(turnovers: Sequence[float], days: int) -> float | None:
    """Buys plus sells per year (two-sided), `turnovers` being sums of |target - drifted|; None under a year."""
    return math.fsum(turnovers) * DAYS_PER_YEAR / days if days >= DAYS_PER_YEAR else None
