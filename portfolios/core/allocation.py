"""Splitting a whole number so that the parts are whole and sum exactly."""

from collections.abc import Sequence


def split(total: int, weights: Sequence[int]) -> list[int]:
    """Parts of `total` in proportion to `weights` (whole, not negative), by the largest remainder.

    The parts sum to `total`; each is the exact share rounded down or up, so a part never exceeds its weight while
    `total` does not exceed the sum of weights; a weight of zero gets nothing. Ties go to the earlier part.
    Raises ValueError for a negative input, or when there is something to split and no weight.
    """
    if total < 0 or any(weight < 0 for weight in weights):
        raise ValueError("split: the total and every weight must be zero or more")
    whole = sum(weights)
    if whole == 0:
        if total:
            raise ValueError(f"split: {total} cannot be divided over weights that are all zero")
        return [0] * len(weights)
    parts = [total * weight // whole for weight in weights]
    remainders = [total * weight % whole for weight in weights]
    left = total - sum(parts)
    for index in sorted(range(len(weights)), key=lambda i: -remainders[i])[:left]:
        parts[index] += 1
    return parts


def split_with_minimum(total: int, weights: Sequence[int], minimum: int) -> list[int]:
    """Like `split`, but a part below `minimum` is not made: its share goes to the others in proportion.

    When every part would be too small nothing is split: all parts are zero.
    """
    kept = [
        weight if part >= minimum else 0
        for weight, part in zip(
            weights, split(total, weights) if any(weights) else [0] * len(weights), strict=True
        )
    ]
    if not any(kept):
        return [0] * len(weights)
    return split(total, kept)
