"""On which days something that recurs is due. Dates only: no clock, no money."""

from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta

DAILY, WEEKLY, MONTHLY = "daily", "weekly", "monthly"
FREQUENCIES = (DAILY, WEEKLY, MONTHLY)


@dataclass(frozen=True)
class Recurrence:
    """Every day, every week on `weekday` (0 is Monday), or every month on `day` (1 to 31), from `starts_on` to
    `ends_on`, both included; without `ends_on` for ever. In a month that has no such day its last day is due.

    Raises ValueError, naming the field, for a rule that says too little or too much.
    """

    frequency: str
    starts_on: date
    ends_on: date | None = None
    weekday: int | None = None
    day: int | None = None

    def __post_init__(self) -> None:
        if self.frequency not in FREQUENCIES:
            raise ValueError(f"frequency: choose one of {', '.join(FREQUENCIES)}")
        if (self.frequency == WEEKLY) != (self.weekday is not None):
            raise ValueError(
                "weekday: a weekly plan needs one, 0 (Monday) to 6 (Sunday); no other plan takes one"
            )
        if (self.frequency == MONTHLY) != (self.day is not None):
            raise ValueError("day: a monthly plan needs one of the month, 1 to 31; no other plan takes one")
        if self.weekday is not None and not 0 <= self.weekday <= 6:
            raise ValueError("weekday: 0 is Monday and 6 is Sunday")
        if self.day is not None and not 1 <= self.day <= 31:
            raise ValueError("day: from 1 to 31")
        if self.ends_on is not None and self.ends_on < self.starts_on:
            raise ValueError("ends_on: not before the first day")


def due_from(rule: Recurrence, earliest: date) -> date | None:
    """The first due day at or after `earliest`, or None where the rule has ended by then."""
    start = max(earliest, rule.starts_on)
    if rule.weekday is not None:
        found = start + timedelta(days=(rule.weekday - start.weekday()) % 7)
    elif rule.day is not None:
        found = _in_month(start.year, start.month, rule.day)
        if found < start:
            following = date(start.year, start.month, 1) + timedelta(days=31)
            found = _in_month(following.year, following.month, rule.day)
    else:
        found = start
    return None if rule.ends_on is not None and found > rule.ends_on else found


def due_after(rule: Recurrence, day: date) -> date | None:
    """The first due day after `day`, or None."""
    return due_from(rule, day + timedelta(days=1))


def _in_month(year: int, month: int, day: int) -> date:
    return date(year, month, min(day, monthrange(year, month)[1]))
