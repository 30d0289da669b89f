"""The management fee: a fraction of a portfolio a year, taken daily as new units. Integers only.

A fee of r/365 of what the portfolio is worth goes to the house as units, without anything being sold. After units `n`
are issued beside `i` the house's part of the pot is n / (i + n); that is r/365 where n = i x (r/365) / (1 - r/365).
With r in millionths this is n = i x r / (365 x 10^6 - r): a fraction of whole numbers, whose remainder is carried to
the next day, so that a year of days takes what one division would.
"""

from dataclasses import dataclass

DAYS_A_YEAR = 365
MILLION = 10**6


@dataclass(frozen=True)
class Accrual:
    """`units` base units to issue for one day; `carry` is what division left, in parts of `divisor(rate)`."""

    units: int
    carry: int


def divisor(rate: int) -> int:
    """What a day's division divides by, for a yearly rate in millionths."""
    return DAYS_A_YEAR * MILLION - rate


def accrued(issued: int, rate: int, *, carry: int = 0, carried_at: int | None = None) -> Accrual:
    """The fee of one day on `issued` base units at a yearly `rate` in millionths, rounded down, remainder kept.

    `carry` is the remainder of the day before, `carried_at` the rate it was left at (default: the same): at another
    rate it is rescaled, rounded down. Raises ValueError for a rate outside [0, 10^6) or a negative number of units.
    """
    if not 0 <= rate < MILLION:
        raise ValueError(f"rate: {rate} millionths a year; must be at least 0 and below {MILLION}")
    if issued < 0 or carry < 0:
        raise ValueError("accrued: units and carry must not be negative")
    if carried_at is not None and carried_at != rate:
        carry = carry * divisor(rate) // divisor(carried_at)
    units, left = divmod(issued * rate + carry, divisor(rate))
    return Accrual(units, left)


def borne(units: int, fee_units: int, issued: int) -> int:
    """Base units of the `fee_units` that fall on a holder of `units` of the `issued` ones, rounded half up.

    The fee is a share of every unit alike, so it falls in proportion to units held.
    """
    if not 0 <= units <= issued or issued == 0:
        raise ValueError(f"borne: {units} units of {issued} is no share")
    return (2 * fee_units * units + issued) // (2 * issued)
