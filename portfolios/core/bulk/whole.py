"""Exact arithmetic on arrays of whole numbers, wider than one machine word in between."""

import numpy as np
import numpy.typing as npt

from portfolios.core.allocation import split

Whole = npt.NDArray[np.int64]

LARGEST = 2**62
"""Amounts are below this, sums of a block included."""
# A guess of 53 bits leaves over what fits a word up to here; one of 64 bits goes further, where the machine has it.
_SHORT_PRODUCT = 2**112
_LARGEST_PRODUCT = 2**122 if np.finfo(np.longdouble).nmant >= 63 else _SHORT_PRODUCT


class TooLarge(ValueError):
    """An amount does not fit; the message says which and what to do."""


def whole(values: npt.ArrayLike) -> Whole:
    """`values` as int64. Raises TypeError for anything that is not a whole number already: nothing is cut off."""
    array = np.asarray(values)
    if array.dtype.kind not in "iu":
        raise TypeError(f"amounts: must be whole numbers of base units, got {array.dtype}")
    if array.dtype.kind == "u" and array.size and int(array.max()) >= LARGEST:
        raise TooLarge(f"amounts: must be below 2^62, got {array.max()}")
    return array.astype(np.int64, copy=False)


def muldiv(a: Whole | int, b: Whole | int, c: Whole | int) -> Whole:
    """floor(a x b / c), exactly, for a, b >= 0 and c > 0 that broadcast; the product may have up to 122 bits
    (112 on machines without long floating-point numbers).

    The machine's division gives a first guess. What the guess leaves over, a x b - guess x c, is small enough to be
    right modulo 2^64, so the correction that whole numbers make is exact whatever the guess was. Raises TooLarge.
    """
    a, b, c = np.asarray(a, dtype=np.int64), np.asarray(b, dtype=np.int64), np.asarray(c, dtype=np.int64)
    short = _product(a, b, c) < _SHORT_PRODUCT
    guess = np.asarray(np.multiply(a, b, dtype=np.float64 if short else np.longdouble) / c)
    if guess.size and guess.max() >= LARGEST:
        raise TooLarge("amounts: the result of a x b / c must be below 2^62; use smaller blocks")
    result = guess.astype(np.int64)
    with np.errstate(over="ignore"):
        left = np.asarray(a * b - result * c)
    wrong = (left < 0) | (left >= c)
    if wrong.any():
        result = np.asarray(result + np.where(wrong, left // c, 0))
    return result


def divided(total: int, weights: Whole) -> Whole:
    """Parts of `total` in proportion to `weights` [n], by the largest remainder; ties go to the earlier part.

    The parts sum to `total` and are what portfolios.core.allocation.split gives: by it where a sum is too wide for the
    machine's numbers. Raises ValueError where there is something to divide and no weight.
    """
    weight = total_of(weights)
    if max(total, weight) >= LARGEST:
        return whole(np.array(split(total, weights.tolist()), dtype=np.int64))
    if weight == 0:
        if total:
            raise ValueError(f"divided: {total} cannot be divided over weights that are all zero")
        return np.zeros(len(weights), dtype=np.int64)
    parts = muldiv(total, weights, weight)
    left = total - int(parts.sum())
    if left:
        with np.errstate(over="ignore"):
            remainders = total * weights - parts * weight
        parts[_largest(remainders, left)] += 1
    return parts


def total_of(amounts: Whole) -> int:
    """The sum of `amounts` as a number of any size."""
    if amounts.size and max(int(amounts.max()), -int(amounts.min())) > LARGEST // amounts.size:
        return int(amounts.sum(dtype=object))
    return int(amounts.sum())


def _largest(remainders: Whole, count: int) -> npt.NDArray[np.intp]:
    """The places of the `count` largest, the earlier of equals first."""
    bar = np.partition(remainders, len(remainders) - count)[len(remainders) - count]
    above = np.flatnonzero(remainders > bar)
    level = np.flatnonzero(remainders == bar)[: count - len(above)]
    return np.concatenate([above, level])


def _product(a: Whole, b: Whole, c: Whole) -> int:
    """The largest product of two factors, after a look at all three."""
    if not (a.size and b.size and c.size):
        return 0
    if min(int(a.min()), int(b.min())) < 0 or int(c.min()) <= 0:
        raise ValueError("muldiv: factors must not be negative, and the divisor must be above zero")
    largest = int(a.max()) * int(b.max())
    if largest >= _LARGEST_PRODUCT or int(c.max()) >= LARGEST:
        raise TooLarge(
            "amounts: a product is too wide, or a divisor has more than 62 bits; use smaller blocks"
        )
    return largest
