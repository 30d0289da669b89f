"""When an index is determined: the last day of each period, and the period's name."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from indices.core.rulebook.clauses import Calendar

FREQUENCIES = ("daily", "weekly", "monthly", "quarterly")
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
# The first determination of a history may fall within a period whose last day is still to come.
INITIAL_EPOCH = "initial"


def is_determination_day(calendar: Calendar, day: date) -> bool:
    """Whether `day` is the last day of one of the calendar's periods."""
    if calendar.frequency == "daily":
        return True
    if calendar.frequency == "weekly":
        return day.weekday() == WEEKDAYS.index(calendar.weekday)
    tomorrow = day + timedelta(days=1)
    month_ends = tomorrow.day == 1
    return month_ends if calendar.frequency == "monthly" else month_ends and tomorrow.month in (1, 4, 7, 10)


def determination_days(calendar: Calendar, *, after: date, through: date) -> Iterator[date]:
    """The determination days later than `after` up to and including `through`, in order."""
    if calendar.frequency == "weekly":
        ahead = (WEEKDAYS.index(calendar.weekday) - after.weekday() - 1) % 7 + 1
        for ordinal in range(after.toordinal() + ahead, through.toordinal() + 1, 7):
            yield date.fromordinal(ordinal)
        return
    for ordinal in range(after.toordinal() + 1, through.toordinal() + 1):
        day = date.fromordinal(ordinal)
        if is_determination_day(calendar, day):
            yield day


def effective_day(calendar: Calendar, as_of: date) -> date:
    """The day at whose close a decision of `as_of` is traded."""
    return as_of + timedelta(days=calendar.lag_days)


def announcement_day(calendar: Calendar, as_of: date) -> date:
    """The day on which a decision of `as_of` is announced: `announce_days` before it is traded, else at once."""
    if calendar.announce_days is None:
        return as_of
    return effective_day(calendar, as_of) - timedelta(days=calendar.announce_days)


def epoch(calendar: Calendar, day: date) -> str:
    """The name of the period that ends on `day`: 2022-06-05, 2022-W22, 2022-06 or 2022-Q2.

    A day on which no period ends (a history's first day) has the name `initial`.
    """
    if not is_determination_day(calendar, day):
        return INITIAL_EPOCH
    if calendar.frequency == "daily":
        return day.isoformat()
    if calendar.frequency == "weekly":
        year, week, _ = day.isocalendar()
        return f"{year:04d}-W{week:02d}"
    if calendar.frequency == "monthly":
        return f"{day.year:04d}-{day.month:02d}"
    return f"{day.year:04d}-Q{(day.month + 2) // 3}"
