"""How a token moves with another series."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from signals.core.quant.statistics import Array

LEAST_DAYS = 60
"""Days on which both must have a return."""
CORRELATION = "Pearson correlation of daily returns on days where both are known."
BETA = "Covariance with the other’s daily returns ÷ variance of those: the token’s move where the other gains 1%."


@dataclass(frozen=True)
class Relation:
    """Correlation and beta over `days` common days; both None with a `reason` where they cannot be told."""

    name: str
    days: int
    correlation: float | None
    beta: float | None
    reason: str


def relation(own: Array, other: Array, *, name: str) -> Relation:
    """The relation of two series of daily returns on the same days, NaN where unknown.

    Correlation is cov ÷ (deviation × deviation), beta cov ÷ variance of `other`. Source: Sharpe (1964). Raises
    ValueError for series of different length.
    """
    if own.shape != other.shape:
        raise ValueError(f"other: has {len(other)} days and own has {len(own)}; align them first.")
    both = ~np.isnan(own) & ~np.isnan(other)
    days = int(both.sum())
    if days < LEAST_DAYS:
        return Relation(name, days, None, None, f"Needs {LEAST_DAYS} common days; there are {days}.")
    x, y = own[both], other[both]
    spread_x, spread_y = x - x.mean(), y - y.mean()
    own_square, square = float(spread_x @ spread_x), float(spread_y @ spread_y)
    if own_square <= 0 or square <= 0:
        return Relation(name, days, None, None, "One of the two did not move.")
    shared = float(spread_x @ spread_y)
    return Relation(name, days, shared / float(np.sqrt(own_square * square)), shared / square, "")
