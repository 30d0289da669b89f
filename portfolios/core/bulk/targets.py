"""What each personal portfolio wants to hold: the weights of its index, less its own exclusions, under its own cap, and
with its own share at risk."""

import numpy as np
import numpy.typing as npt

from portfolios.core.bulk.planning import PPM, WEIGHT_ONE, BlockError
from portfolios.core.bulk.whole import Whole, muldiv

_ROUNDS = 64


def own_weights(
    weights: Whole, excluded: npt.NDArray[np.bool_], max_weight: Whole, risk_share: Whole, refuge: int
) -> Whole:
    """[asset x portfolio] in parts of WEIGHT_ONE, each column summing to it, or to zero where all is excluded.

    `weights` [asset] are those of the index and sum to WEIGHT_ONE; `excluded` [asset x portfolio]; `max_weight` and
    `risk_share` [portfolio] in millionths. What a cap takes away goes to the others in proportion, again and again; a
    cap that the names cannot keep gives them equal weights. What is not at risk goes to the asset at place `refuge`,
    which neither cap nor exclusion touches. What rounding leaves goes to the largest.
    """
    if weights.ndim != 1 or int(weights.sum()) != WEIGHT_ONE or int(weights.min()) < 0:
        raise BlockError(
            f"weights: must not be negative and must sum to {WEIGHT_ONE}, got {int(weights.sum())}"
        )
    open_ = np.where(excluded, 0, weights[:, None])
    open_[refuge] = weights[refuge]
    scaled = _scaled(open_, np.full(excluded.shape[1], WEIGHT_ONE))
    capped = _capped(scaled, muldiv(max_weight, WEIGHT_ONE, PPM), refuge)
    if int(risk_share.min(initial=PPM)) < PPM:
        capped = muldiv(capped, risk_share, PPM)
        capped[refuge] += muldiv(PPM - risk_share, WEIGHT_ONE, PPM) * scaled.any(axis=0)
    return _whole(capped)


def _scaled(weights: Whole, to: Whole) -> Whole:
    """Columns in proportion, summing to nearly `to` (rounded down); a column of zeros stays one."""
    total = weights.sum(axis=0)
    return muldiv(weights, to, np.maximum(total, 1))


def _capped(weights: Whole, cap: Whole, refuge: int) -> Whole:
    exempt = np.zeros(weights.shape, dtype=bool)
    exempt[refuge] = True
    above = (weights > cap) & ~exempt
    wide = np.flatnonzero(above.any(axis=0))
    if not len(wide):
        return weights
    result = weights.copy()
    result[:, wide] = _capped_columns(weights[:, wide], cap[wide], exempt[:, wide])
    return result


def _capped_columns(weights: Whole, cap: Whole, exempt: npt.NDArray[np.bool_]) -> Whole:
    full = np.zeros(weights.shape, dtype=bool)
    result = weights
    for _ in range(_ROUNDS):
        above = (result > cap) & ~exempt & ~full
        if not above.any():
            return result
        full |= above
        free = np.where(full, 0, weights)
        left = np.maximum(WEIGHT_ONE - cap * full.sum(axis=0), 0)
        result = np.where(full, cap, _scaled(free, left))
        # Nobody is left to take the rest: the names are too few for the cap.
        stuck = ~free.any(axis=0)
        if stuck.any():
            count = np.maximum((weights > 0).sum(axis=0), 1)
            result = np.where(stuck & (weights > 0), WEIGHT_ONE // count, result)
            full |= stuck
    return result


def _whole(weights: Whole) -> Whole:
    missing = np.where(weights.any(axis=0), WEIGHT_ONE - weights.sum(axis=0), 0)
    largest = weights.argmax(axis=0)
    weights[largest, np.arange(weights.shape[1])] += missing
    return weights
