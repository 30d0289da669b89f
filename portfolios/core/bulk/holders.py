"""What very many holders' units of one portfolio are worth, each exactly."""

import numpy as np

from portfolios.core.bulk.whole import LARGEST, TooLarge, Whole

_DIGITS = np.finfo(np.longdouble).nmant


def units_values(units: Whole, value: int, issued: int) -> Whole:
    """floor(units x value / issued) of each [holder]: micro-dollars of a portfolio worth `value` with `issued` units.
    `value` and `issued` may have any size; units are below 2^62.

    The machine's product is off by a few parts in 2^63. Where that leaves in doubt to which side of a whole number it
    belongs, a handful in a million, whole numbers of any size decide. Raises ValueError for what is negative, or units
    without any issued; TooLarge where a holder's part is.
    """
    if value < 0 or issued < 0 or (units.size and int(units.min()) < 0):
        raise ValueError("holders: units, value and issued units must not be negative")
    if issued == 0:
        if units.any():
            raise ValueError("holders: there are units, but none are issued")
        return np.zeros_like(units)
    rate = np.longdouble(value) / np.longdouble(issued)
    guess = units * rate
    if guess.size and guess.max() >= LARGEST:
        raise TooLarge("holders: a holder's part must be below 2^62 micro-dollars")
    whole = np.floor(guess)
    off = (np.abs(guess) + 1) * np.ldexp(np.longdouble(1), 4 - _DIGITS)
    unsure = np.flatnonzero((guess - whole < off) | (whole + 1 - guess < off))
    result = whole.astype(np.int64)
    result[unsure] = [int(units[place]) * value // issued for place in unsure]
    return result
