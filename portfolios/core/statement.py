"""A month of a person's money as a sum: opening value, what came and went, gains, costs, closing value.

Whole numbers: micro-dollars in, whole cents (as micro-dollars) out. Every printed line is in cents and the printed
lines add up, so nobody has to believe a rounding.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from portfolios.core.money import CENT, cents_down


@dataclass(frozen=True)
class Held:
    """One holding over the month, micro-dollars: worth at both ends, dollars put in and taken out between them."""

    key: str
    opening: int
    put_in: int
    taken_out: int
    closing: int

    @property
    def result(self) -> int:
        """What the holding brought after every cost."""
        return self.closing - self.opening - self.put_in + self.taken_out


@dataclass(frozen=True)
class Month:
    """The summary in whole cents, as micro-dollars: opening + deposits - withdrawals + other + gains - costs = closing.
    `gains` is before costs and negative for a loss; `other` is money that moved for any other reason."""

    opening: int
    deposits: int
    withdrawals: int
    other: int
    gains: int
    costs: tuple[int, ...]
    closing: int

    @property
    def adds_up(self) -> bool:
        """Whether the lines lead from the opening to the closing value."""
        return self.closing == (
            self.opening + self.deposits - self.withdrawals + self.other + self.gains - sum(self.costs)
        )


def in_cents(held: Held) -> Held:
    """The holding in whole cents: both values rounded down, as everywhere; what moved, to the nearest cent."""
    return Held(
        held.key,
        cents_down(held.opening),
        nearest(held.put_in),
        nearest(held.taken_out),
        cents_down(held.closing),
    )


def month_sum(
    *,
    dollars_opening: int,
    dollars_closing: int,
    deposits: int,
    withdrawals: int,
    held: Sequence[Held],
    costs: Sequence[int],
) -> Month:
    """The summary of a month. `held` is in cents already (`in_cents`), everything else in micro-dollars.

    What dollars did that was neither a deposit, a withdrawal nor a holding's is `other`. The result of each holding is
    its own arithmetic; gains are those results before `costs`, which are inside them.
    """
    opening, closing = cents_down(dollars_opening), cents_down(dollars_closing)
    came, went = nearest(deposits), nearest(withdrawals)
    into = sum(line.put_in - line.taken_out for line in held)
    result = sum(line.result for line in held)
    paid = rounded_together(costs)
    return Month(
        opening=opening + sum(line.opening for line in held),
        deposits=came,
        withdrawals=went,
        other=closing - opening - came + went + into,
        gains=result + sum(paid),
        costs=tuple(paid),
        closing=closing + sum(line.closing for line in held),
    )


def nearest(micro: int) -> int:
    """To the nearest whole cent, half up."""
    return (micro + CENT // 2) // CENT * CENT


def rounded_together(parts: Sequence[int]) -> list[int]:
    """Each part in whole cents, rounded down or up, so that they sum to the sum rounded to the nearest cent.

    The largest remainders are rounded up, and a part that is in whole cents stays as it is."""
    floors = [cents_down(part) for part in parts]
    left = (nearest(sum(parts)) - sum(floors)) // CENT
    order = sorted(range(len(parts)), key=lambda place: floors[place] - parts[place])
    for place in order[:left]:
        floors[place] += CENT
    return floors


def bounds(month: date) -> tuple[datetime, datetime]:
    """(after, through): market time `t` belongs to the month of this first day where after < t <= through. Midnight is
    the close of the day before it."""
    start = datetime(month.year, month.month, 1, tzinfo=UTC)
    return start, datetime(month.year + month.month // 12, month.month % 12 + 1, 1, tzinfo=UTC)


def month_named(text: str) -> date:
    """The first day of a month written like 2026-01. Raises ValueError for anything else."""
    found = re.fullmatch(r"([1-9][0-9]{3})-(0[1-9]|1[0-2])", text)
    if found is None:
        raise ValueError("A month is written like 2026-01.")
    return date(int(found[1]), int(found[2]), 1)


def month_of(day: date) -> date:
    """The first day of its month."""
    return day.replace(day=1)


def next_month(month: date) -> date:
    """The first day of the month after."""
    return bounds(month)[1].date()
