"""Bounds on weights: caps and floors whose excess is spread over the others in proportion to their own weight."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


class CappingError(ValueError):
    """Weights cannot be bounded; the message says why."""


@dataclass(frozen=True, eq=False)
class Bounded:
    """Weights that sum to 1 within the bounds, and a note where the bounds could not be kept."""

    weights: Array
    note: str = ""


def bounded(weights: Array, *, max_weight: float = 1.0, min_weight: float = 0.0) -> Bounded:
    """Weights scaled to sum 1, none above `max_weight` or below `min_weight`, order preserved.

    The excess over a cap goes to the uncapped in proportion to their weight, again and again until no weight is above.
    That fixed point is w = clip(s x weight, min, max) for the one scale s at which the sum is 1. Bounds that no weights
    can keep (n x max < 1, n x min > 1) give equal weights and a note. Raises CappingError for weights that are not
    positive.
    """
    count = len(weights)
    # An unknown among them is the least and the largest at once.
    if count == 0 or not weights.min() > 0 or not weights.max() < np.inf:
        raise CappingError("weights: must be positive numbers, at least one")
    if count * max_weight <= 1.0 or count * min_weight >= 1.0:
        note = ""
        if count * max_weight < 1.0:
            note = f"{count} assets cannot fill the index at {max_weight:.4g} each: equal weights"
        elif count * min_weight > 1.0:
            note = f"{count} assets cannot hold {min_weight:.4g} each: equal weights"
        return Bounded(np.full(count, 1.0 / count), note)
    scaled = weights / weights.sum()
    if min_weight > 0:
        return Bounded(_clipped(scaled, min_weight, max_weight))
    return Bounded(_capped(scaled, max_weight))


def _capped(weights: Array, cap: float) -> Array:
    if weights.max() <= cap:
        return weights
    result, full = weights, np.zeros(len(weights), dtype=bool)
    while True:
        above = (result > cap) & ~full
        if not above.any():
            return result
        full |= above
        free = ~full
        share = 1.0 - cap * int(full.sum())
        result = np.full(len(weights), cap)
        result[free] = np.minimum(weights[free] * (share / weights[free].sum()), 1.0) if free.any() else 0.0


def _clipped(weights: Array, floor: float, cap: float) -> Array:
    turns = np.unique(np.concatenate([floor / weights, cap / weights]))
    sums = np.clip(turns[:, None] * weights, floor, cap).sum(axis=1)
    # Between two neighbouring turning points the sum is a straight line in the scale.
    upper = min(max(int(np.searchsorted(sums, 1.0)), 1), len(turns) - 1)
    middle = (turns[upper - 1] + turns[upper]) / 2
    at_floor, at_cap = middle * weights <= floor, middle * weights >= cap
    free = ~(at_floor | at_cap)
    result = np.where(at_cap, cap, floor)
    if free.any():
        share = 1.0 - floor * int(at_floor.sum()) - cap * int(at_cap.sum())
        result[free] = np.clip(weights[free] * (share / weights[free].sum()), floor, cap)
    return result / result.sum()


def projected(point: Array, *, max_weight: float, min_weight: float) -> Array:
    """The weights nearest to `point` (Euclidean) with sum 1 and every weight in [min_weight, max_weight].

    That is clip(point - t, min, max) for the one shift t at which the sum is 1. Expects feasible bounds.
    """
    turns = np.unique(np.concatenate([point - min_weight, point - max_weight]))
    sums = np.clip(point - turns[:, None], min_weight, max_weight).sum(axis=1)
    # The sum falls as the shift grows.
    upper = min(max(int(np.searchsorted(-sums, -1.0)), 1), len(turns) - 1)
    middle = (turns[upper - 1] + turns[upper]) / 2
    at_floor, at_cap = point - middle <= min_weight, point - middle >= max_weight
    free = ~(at_floor | at_cap)
    result = np.where(at_cap, max_weight, min_weight)
    if free.any():
        share = 1.0 - min_weight * int(at_floor.sum()) - max_weight * int(at_cap.sum())
        result[free] = np.clip(
            point[free] + (share - point[free].sum()) / int(free.sum()), min_weight, max_weight
        )
    return result
