"""Returns by calendar month and year."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from indices.core.metrics.growth import Array


@dataclass(frozen=True)
class Period:
    """The return of one month (`month` 1 to 12) or year (`month` 0), from the last level before it to its last level.

    A period that begins or ends inside is not whole: it starts at the first level of the series, or lacks its last day.
    """

    year: int
    month: int
    value: float
    is_whole: bool


def months(levels: Array, dates: Sequence[date]) -> list[Period]:
    """One per calendar month in which the level moved, oldest first."""
    return _periods(levels, dates, yearly=False)


def years(levels: Array, dates: Sequence[date]) -> list[Period]:
    """One per calendar year in which the level moved, oldest first."""
    return _periods(levels, dates, yearly=True)


def _periods(levels: Array, dates: Sequence[date], *, yearly: bool) -> list[Period]:
    def key(day: date) -> tuple[int, int]:
        return day.year, 0 if yearly else day.month

    found: list[Period] = []
    before = 0
    for row in range(1, len(dates)):
        if row + 1 < len(dates) and key(dates[row + 1]) == key(dates[row]):
            continue
        year, month = key(dates[row])
        # Whole where it starts from the eve of its first day and reaches its last.
        begins = dates[before] < date(year, month or 1, 1) <= dates[before] + timedelta(days=1)
        ends = key(dates[row] + timedelta(days=1)) != (year, month)
        found.append(Period(year, month, float(levels[row] / levels[before] - 1.0), begins and ends))
        before = row
    return found
