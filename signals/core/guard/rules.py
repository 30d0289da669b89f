"""The numbers of the price guard, in one place."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class GuardRules:
    """Limits of the guard. Fractions are of a price: 0.03 is 3 %.

    `max_age`: how old a quote may be; None asks that it is of the same UTC day, the rule for daily closes.
    `confirmation_gap`: how far apart two rounds must be to count as two observations; None counts the sources of a
    round instead, the rule for daily closes, where each source speaks for a whole day of trading.
    `further`: confirmations a move needs beyond the first observation. `crash_sources`: independent sources that must
    stand behind a thaw. Raises ValueError for limits that contradict each other.
    """

    max_age: timedelta | None
    confirmation_gap: timedelta | None
    min_sources: int = 3
    deviation_large: float = 0.03
    deviation_rest: float = 0.10
    readmission: float = 0.5
    move: float = 0.30
    crash: float = 0.50
    further: int = 2
    crash_sources: int = 3

    def __post_init__(self) -> None:
        if self.min_sources < 2:
            raise ValueError(
                f"min_sources: is {self.min_sources}; one source is not a price, ask for 2 or more."
            )
        for name in ("deviation_large", "deviation_rest", "move", "crash"):
            if not 0 < getattr(self, name) < 1:
                raise ValueError(f"{name}: is {getattr(self, name)}; give a fraction between 0 and 1.")
        if not 0 < self.readmission <= 1:
            raise ValueError(f"readmission: is {self.readmission}; give a share of the limit in (0, 1].")
        if self.crash < self.move:
            raise ValueError(
                f"crash: {self.crash} is less than move ({self.move}); a crash is the larger move."
            )
        if self.further < 0 or self.crash_sources < 2:
            raise ValueError("further, crash_sources: give at least 0 confirmations and 2 sources.")
        if self.max_age is not None and self.max_age <= timedelta(0):
            raise ValueError(f"max_age: is {self.max_age}; give a positive age, or None for the same day.")
        if self.confirmation_gap is not None and self.confirmation_gap < timedelta(0):
            raise ValueError(
                f"confirmation_gap: is {self.confirmation_gap}; give a gap of 0 or more, or None."
            )

    def deviation(self, *, large: bool) -> float:
        """How far a source may lie from the median: the tighter limit for the 20 largest assets."""
        return self.deviation_large if large else self.deviation_rest


TRADING = GuardRules(max_age=timedelta(seconds=60), confirmation_gap=timedelta(minutes=2))
"""Marks that orders are sized by."""

NAV = GuardRules(max_age=timedelta(minutes=15), confirmation_gap=timedelta(minutes=2))
"""Marks that holdings are valued by."""

DAILY = GuardRules(max_age=None, confirmation_gap=None, min_sources=2)
"""Closes of one day. Two sources make a mark, but a move over a limit waits for a third voice."""
