"""Day arithmetic of the market clock. All times UTC; a day is closed once its last second has passed."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta

ONE_DAY = timedelta(days=1)


def start_of_day(day: date) -> datetime:
    """00:00 UTC of `day`, the moment at which its daily candle opens."""
    return datetime.combine(day, time.min, tzinfo=UTC)


def end_of_day(day: date) -> datetime:
    """00:00 UTC of the day after: from this moment on the close of `day` is known."""
    return start_of_day(day + ONE_DAY)


def last_closed_day(moment: datetime) -> date:
    """The latest day whose close is known at `moment`.

    Raises ValueError for a naive datetime: a moment without a time zone is not a moment.
    """
    if moment.tzinfo is None:
        raise ValueError(f"moment: has no time zone ({moment.isoformat()}); pass an aware UTC datetime.")
    return moment.astimezone(UTC).date() - ONE_DAY


def days_before(day: date, days: int) -> date:
    """The day `days` earlier, or the first day that the calendar can name."""
    return day - timedelta(days=min(days, (day - date.min).days))


def is_closed(day: date, *, at: datetime) -> bool:
    """Whether the close of `day` is known at the moment `at`."""
    return day <= last_closed_day(at)


def days_after(day: date, *, through: date) -> Iterator[date]:
    """The days after `day` up to and including `through`, in order; nothing if `through` is not later."""
    for offset in range(1, (through - day).days + 1):
        yield day + timedelta(days=offset)


def iso_week(day: date) -> str:
    """The ISO week of `day` in the form 2022-W01. The year is the ISO year: 2022-01-01 lies in 2021-W52."""
    year, week, _ = day.isocalendar()
    return f"{year:04d}-W{week:02d}"
