"""What is owed and whether it is held, in whole base units."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from portfolios.core.money import USD_SCALE, from_base, price_base, value_of

MOST_SHORT_USD = Decimal(1)
LEAST_SHORT_USD = Decimal("0.01")
MOST_SHORT_PART = 10_000
"""Short by more than one part in so many, or by more than a dollar, is a break; less than a cent never is."""


@dataclass
class Division:
    """What a portfolio holds, divided over its `units` holder by holder. In whatever order they come, the parts are
    within one base unit of exact, never negative, and those of all holders together are the whole."""

    quantities: Sequence[int]
    units: int
    _dealt: int = 0
    _taken: list[int] = field(default_factory=list)

    def next(self, units: int) -> list[int]:
        """The part of the next holder, who has this many of the units. Raises ValueError where there are not so many
        left."""
        if units < 0 or self._dealt + units > self.units:
            raise ValueError(
                f"{units} units are held and {self.units - self._dealt} are left of {self.units}"
            )
        self._dealt += units
        reached = [quantity * self._dealt // self.units for quantity in self.quantities]
        before = self._taken or [0] * len(reached)
        self._taken = reached
        return [now - then for now, then in zip(reached, before, strict=True)]

    @property
    def left(self) -> int:
        """Units of holders who have not come yet."""
        return self.units - self._dealt


def is_short(owed: int, held: int, scale: int, mark: Decimal | None) -> bool:
    """Whether so much less is held than owed that everything must stop: more than $1 or 0.01 % of it, and at least a
    cent. Without a mark (USD per unit) the part alone decides."""
    missing = owed - held
    if missing <= 0:
        return False
    by_part = missing * MOST_SHORT_PART > owed
    if mark is None:
        return by_part
    usd = from_base(value_of(missing, scale, price_base(mark)), USD_SCALE)
    return usd > MOST_SHORT_USD or (by_part and usd >= LEAST_SHORT_USD)
