"""Which days have published grades, and how long a published grade counts."""

from datetime import date, timedelta

GRADE_LIFE_DAYS = 8
"""A grade older than this says nothing any more: one weekly decision may be late by a day, not by two weeks."""
RECENT_DAYS = 14
"""A market that is new here gets the grades of every one of its last days, so that changes can be told."""
WEEKS_BACK = 52
"""And of the Sundays of a year, so that there is a history to look at."""
_SUNDAY = 6


def days_wanted(last: date, *, first: date) -> list[date]:
    """The days through `last`, the latest first, whose grades a market that is new here should have.

    The last RECENT_DAYS days, and the Sundays of the WEEKS_BACK weeks up to `last`; none before `first`.
    """
    recent = [last - timedelta(days=back) for back in range(RECENT_DAYS)]
    sundays = [
        day
        for back in range(RECENT_DAYS, 7 * WEEKS_BACK)
        if (day := last - timedelta(days=back)).weekday() == _SUNDAY
    ]
    return [day for day in recent + sundays if day >= first]
