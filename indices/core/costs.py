"""What a rebalance costs, as a fraction of the index."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from indices.core.rulebook.clauses import Costs

Array = npt.NDArray[np.float64]


def half_spreads(costs: Costs, volume: Array) -> Array:
    """Half the spread of each asset by its daily `volume` (USD), basis points: that of the highest tier it reaches."""
    spreads = np.full(len(volume), costs.half_spread_bps)
    for tier in costs.tiers:
        spreads[volume >= tier.min_median_volume] = tier.half_spread_bps
    return spreads


def trade_cost(sizes: Array, turnover: float, costs: Costs, volume: Array | None = None) -> float:
    """The cost of trading `sizes` (|target - drifted|, [asset], fractions): V becomes V x (1 - cost).

    `turnover` is their sum. Two parts: (fee + half spread) x turnover, where with tiers the half spread is each asset's
    own, and sum sizes x impact x sqrt(sizes x capital / volume), the square-root law of market impact. `volume` is the
    daily USD volume per asset; where it is unknown or zero the trade is taken to be the whole day's volume and of the
    lowest tier. Capped at 1.
    """
    if not costs.needs_volume:
        return min((costs.fee_bps + costs.half_spread_bps) / 10_000 * turnover, 1.0)
    known = np.zeros(len(sizes)) if volume is None else np.nan_to_num(volume, nan=0.0)
    if costs.tiers:
        spread = math.fsum((sizes * half_spreads(costs, known)).tolist())
        cost = costs.fee_bps / 10_000 * turnover + spread / 10_000
    else:
        cost = (costs.fee_bps + costs.half_spread_bps) / 10_000 * turnover
    if costs.impact > 0:
        participation = np.divide(sizes * costs.capital_usd, known, out=np.ones(len(sizes)), where=known > 0)
        cost += math.fsum((sizes * costs.impact * np.sqrt(participation)).tolist())
    return min(cost, 1.0)
