"""Bounds on weights: caps and floors whose excess is spread over the others in proportion to their own weight."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

_SLACK = 1e-12
_VISIBLE = 1e-9
_HALVINGS = 40


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


def bounded_in_groups(
    weights: Array,
    *,
    max_weight: float = 1.0,
    min_weight: float = 0.0,
    largest: float | None = None,
    groups: Mapping[str, tuple[Mask, float]] | None = None,
) -> Bounded:
    """As `bounded`, and the largest weight may reach `largest` while the members of each group, a mask and a fraction
    by name, sum to no more than that.

    All weights rise together, in proportion, from their floors; a weight stops at its own cap, and the members of a
    group stop where their sum reaches the group's. What the stopped do not take goes to those that still rise, until
    the sum is 1. Among assets of the same groups order is preserved; the largest is the first of the largest. Floors
    come before groups. Where all have stopped below 1 the groups are raised by the least common factor that fills the
    index; single caps that cannot be kept give equal weights, as in `bounded`. What could not be kept is in the note.
    Raises CappingError for weights that are not positive.
    """
    count = len(weights)
    if count == 0 or not weights.min() > 0 or not weights.max() < np.inf:
        raise CappingError("weights: must be positive numbers, at least one")
    most = np.full(count, max_weight)
    if largest is not None:
        most[int(np.argmax(weights))] = largest
    limits = {name: (mask, cap) for name, (mask, cap) in sorted((groups or {}).items()) if mask.any()}
    if most.sum() < 1.0 - _SLACK or count * min_weight >= 1.0:
        found = bounded(weights, max_weight=max_weight, min_weight=min_weight)
    else:
        filled = _in_groups(weights / weights.sum(), min_weight, most, list(limits.values()))
        found = Bounded(filled / filled.sum())
    sums = {name: float(found.weights[mask].sum()) for name, (mask, _) in limits.items()}
    told = [
        f"the cap of {limits[name][1]:.4g} on {name} cannot be kept: {amount:.4g}"
        for name, amount in sums.items()
        if amount > limits[name][1] + _VISIBLE
    ]
    return Bounded(found.weights, "; ".join([found.note, *told] if found.note else told))


def _in_groups(weights: Array, floor: float, most: Array, groups: list[tuple[Mask, float]]) -> Array:
    filled = _filled(weights, floor, most, groups)
    if filled.sum() >= 1.0 - _SLACK or not groups:
        return filled
    low, high = 1.0, 1.0 / min(cap for _, cap in groups)
    filled = _filled(weights, floor, most, [(mask, cap * high) for mask, cap in groups])
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        raised = _filled(weights, floor, most, [(mask, cap * middle) for mask, cap in groups])
        if raised.sum() < 1.0 - _SLACK:
            low = middle
        else:
            high, filled = middle, raised
    return filled


def _filled(weights: Array, floor: float, most: Array, groups: list[tuple[Mask, float]]) -> Array:
    rising = np.ones(len(weights), dtype=bool)
    result = np.zeros(len(weights))
    left = list(groups)
    while rising.any():
        whole = _scale(weights[rising], floor, most[rising], 1.0 - result[~rising].sum())
        stops = []
        for place, (mask, cap) in enumerate(left):
            inside = mask & rising
            if inside.any():
                room = cap - result[mask & ~rising].sum()
                stops.append((_scale(weights[inside], floor, most[inside], room), place))
        scale, place = min(stops, default=(np.inf, -1))
        stopping = left.pop(place)[0] & rising if scale < whole else rising.copy()
        result[stopping] = np.clip(min(scale, whole) * weights[stopping], floor, most[stopping])
        rising &= ~stopping
    return result


def _scale(weights: Array, floor: float, most: Array, total: float) -> float:
    """The least s at which clip(s x weights, floor, most) sums to `total`; infinite where it never does."""
    turns = np.unique(np.concatenate([np.zeros(1), floor / weights, most / weights]))
    sums = np.clip(turns[:, None] * weights, floor, most).sum(axis=1)
    if total > sums[-1]:
        return float("inf")
    upper = int(np.searchsorted(sums, total))
    if upper == 0:
        return float(turns[0])
    step = sums[upper] - sums[upper - 1]
    return float(turns[upper - 1] + (turns[upper] - turns[upper - 1]) * ((total - sums[upper - 1]) / step))


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


def capped_rows(weights: Array, cap: float) -> Array:
    """`bounded` by `cap` alone, of each row of `weights` [row x asset] (sums of 1, room under the cap), bit by bit."""
    result, full = weights.copy(), np.zeros(weights.shape, dtype=bool)
    rows = np.flatnonzero(weights.max(axis=1) > cap)
    while len(rows):
        above = (result[rows] > cap) & ~full[rows]
        going = above.any(axis=1)
        rows = rows[going]
        taken = full[rows] | above[going]
        full[rows] = taken
        counts = np.count_nonzero(taken, axis=1)
        # Rows with the same number of free weights are summed together: each by itself, in the order of `_capped`.
        for count in np.unique(counts).tolist():
            alike = rows[counts == count]
            free, lines = ~full[alike], np.full((len(alike), weights.shape[1]), cap)
            if count < weights.shape[1]:
                left = weights[alike][free].reshape(len(alike), -1)
                share = 1.0 - cap * count
                lines[free] = np.minimum(left * (share / left.sum(axis=1))[:, None], 1.0).reshape(-1)
            result[alike] = lines
    return result


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
