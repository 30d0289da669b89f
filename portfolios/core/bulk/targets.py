"""What each personal portfolio wants to hold: the weights of its index, less its own exclusions, under its own cap, and
with its own share at risk."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

import numpy as np
import numpy.typing as npt

from portfolios.core.allocation import split
from portfolios.core.bands import PPM
from portfolios.core.bulk.planning import WEIGHT_ONE, BlockError
from portfolios.core.bulk.whole import Whole, muldiv
from portfolios.core.money import to_base

_ROUNDS = 64


def index_weights(weights: Mapping[str, Decimal], codes: Sequence[str]) -> Whole:
    """Parts of WEIGHT_ONE of each of `codes` by the `weights` (code -> fraction) of an index; what others would have
    goes to these in proportion. All zero where none of them is wanted."""
    parts = [to_base(weights.get(code, Decimal(0)), 18) for code in codes]
    if not any(parts):
        return np.zeros(len(parts), dtype=np.int64)
    return np.array(split(WEIGHT_ONE, parts), dtype=np.int64)


def own_weights(
    weights: Whole, excluded: npt.NDArray[np.bool_], max_weight: Whole, risk_share: Whole, refuge: int | None
) -> Whole:
    """[asset x portfolio] in parts of WEIGHT_ONE, each column summing to it, or to zero where all is excluded.
    Without a refuge a column sums to its risk share: the rest stays in dollars.

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
    if refuge is not None:
        open_[refuge] = weights[refuge]
    scaled = _scaled(open_, np.full(excluded.shape[1], WEIGHT_ONE))
    capped = _capped(scaled, muldiv(max_weight, WEIGHT_ONE, PPM), refuge)
    if int(risk_share.min(initial=PPM)) == PPM:
        return _whole(capped, np.full(excluded.shape[1], WEIGHT_ONE))
    waiting = muldiv(PPM - risk_share, WEIGHT_ONE, PPM)
    capped = muldiv(capped, risk_share, PPM)
    if refuge is None:
        return _whole(capped, WEIGHT_ONE - waiting)
    capped[refuge] += waiting * scaled.any(axis=0)
    return _whole(capped, np.full(excluded.shape[1], WEIGHT_ONE))


def _scaled(weights: Whole, to: Whole) -> Whole:
    """Columns in proportion, summing to nearly `to` (rounded down); a column of zeros stays one."""
    total = weights.sum(axis=0)
    return muldiv(weights, to, np.maximum(total, 1))


def _capped(weights: Whole, cap: Whole, refuge: int | None) -> Whole:
    exempt = np.zeros(weights.shape, dtype=bool)
    if refuge is not None:
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


def _whole(weights: Whole, to: Whole) -> Whole:
    missing = np.where(weights.any(axis=0), to - weights.sum(axis=0), 0)
    largest = weights.argmax(axis=0)
    weights[largest, np.arange(weights.shape[1])] += missing
    return weights
