"""How much money an index can carry before a rebalance costs more than it should.

The square-root law of market impact: the cost of a trade as a fraction of the index is  fixed + slope x sqrt(capital),
so the capital at which it reaches a limit is  ((limit - fixed) / slope)^2.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from indices.core.costs import trade_cost
from indices.core.rulebook.clauses import Costs

Array = npt.NDArray[np.float64]

HOUSE_IMPACT = 0.1
"""Where a rulebook charges no impact: trading a day's volume moves the price by a tenth, as our own broker has it."""


@dataclass(frozen=True)
class CostCurve:
    """What one rebalance costs at a capital in USD, as a fraction of it: fixed + slope x sqrt(capital)."""

    fixed: float
    slope: float

    def at(self, capital: float) -> float:
        """The cost as a fraction of `capital` USD."""
        return self.fixed + self.slope * math.sqrt(capital)

    def capacity(self, limit: float) -> float:
        """The capital in USD at which it costs `limit` (fraction): 0 where it always does, infinite where never."""
        if self.fixed >= limit:
            return 0.0
        return ((limit - self.fixed) / self.slope) ** 2 if self.slope > 0 else math.inf


def cost_curve(sizes: Array, volume: Array, costs: Costs) -> CostCurve:
    """The curve of trading `sizes` (|target - drifted|, [asset], fractions) against daily USD `volume` [asset].

    Fees and spreads are those of `costs`; its impact coefficient too, or HOUSE_IMPACT where it has none. A name whose
    volume is unknown or zero is taken to be the whole day's volume at any capital, as in indices.core.costs.
    """
    impact = costs.impact or HOUSE_IMPACT
    plain = trade_cost(sizes, math.fsum(sizes.tolist()), replace(costs, impact=0.0), volume)
    known = np.nan_to_num(volume, nan=0.0)
    thin = known <= 0
    unknown = impact * math.fsum(sizes[thin].tolist())
    slope = impact * math.fsum((sizes[~thin] ** 1.5 / np.sqrt(known[~thin])).tolist())
    return CostCurve(plain + unknown, slope)
