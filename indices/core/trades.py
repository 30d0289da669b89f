"""From wanted weights to the weights worth trading for: drift band, turnover budget, smallest trade.

Arrays are parallel over the union of what is held and what is wanted, [asset], fractions of the index.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from indices.core.rulebook.clauses import Costs, Trading

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Traded:
    """Weights after the trading rules; `held` says why nothing is to be traded, empty where something is."""

    weights: Array
    held: str = ""


def turnover(target: Array, drifted: Array) -> float:
    """Sum of |target - drifted|, buys and sells both; summed exactly, so that order does not matter."""
    return math.fsum(np.abs(target - drifted).tolist())


def worth_trading(target: Array, drifted: Array, trading: Trading, costs: Costs) -> Traded:
    """`target` as far as the trading rules let it go from `drifted` (all zero before the first purchase).

    In this order: half the turnover within `drift_band` is not traded at all; a single change smaller than
    `min_trade_usd` of `costs.capital_usd` is left out and the others scaled to sum 1; a turnover above `max_turnover`
    is shortened along the straight line from drifted to target.
    """
    if not drifted.any():
        return Traded(target)
    amount = turnover(target, drifted)
    if trading.drift_band > 0 and amount / 2 <= trading.drift_band:
        return Traded(drifted, f"drift of {amount / 2:.4%} is within the band of {trading.drift_band:.4%}")
    weights = target
    if trading.min_trade_usd > 0:
        small = np.abs(target - drifted) < trading.min_trade_usd / costs.capital_usd
        rest = 1.0 - drifted[small].sum()
        wanted = target[~small].sum()
        if not wanted > 0 or not rest > 0:
            return Traded(drifted, f"every trade is smaller than {trading.min_trade_usd:g} USD")
        weights = np.where(small, drifted, target * (rest / wanted))
    if trading.max_turnover is not None:
        amount = turnover(weights, drifted)
        if amount > trading.max_turnover:
            weights = drifted + (weights - drifted) * (trading.max_turnover / amount)
    return Traded(weights)
