"""When the history of an index begins: at its base date, or where the first grades are that its rules ask for."""

from dataclasses import dataclass
from datetime import date, timedelta

from indices.core.rulebook import Rulebook
from indices.core.rulebook.choosing import needs_grades
from indices.models import Decision, Index
from indices.selectors.indices import resolved, version_in_force
from signals import selectors as signal_selectors
from signals.core.publication import days_wanted

_SUNDAY = 6
_WEEK = timedelta(days=7)


@dataclass(frozen=True)
class Beginning:
    """`start` is the day of the first purchase, None while it cannot be told; `done` of `wanted` weeks of the past that
    should have grades have them (both 0 for rules without grades)."""

    start: date | None
    done: int = 0
    wanted: int = 0


def beginning(index: Index | str, *, through: date) -> Beginning:
    """When `index` begins, from what is stored and known through `through`.

    Rules without grades begin at their base date. A passive twin begins with the index it stands beside. Rules that use
    grades begin with the first of an unbroken row of graded Sundays, and not before every week of the past year is
    graded that can be: a history begun on half of the grades would have been decided without them for the other half.
    """
    found = resolved(index)
    rulebook = Rulebook.from_dict(version_in_force(found).body)
    graded = needs_grades(rulebook)
    if found.twin_of is None and not graded:
        return Beginning(rulebook.base.date)
    began = first_purchase(found)
    if began is not None:
        return Beginning(began)
    if found.twin_of is not None:
        return Beginning(first_purchase(found.twin_of))
    return _graded_beginning(rulebook, through)


def first_purchase(index: Index) -> date | None:
    """The day at whose close the first decision of `index` is traded; None where there is none yet."""
    return (
        Decision.objects.filter(index=index).order_by("as_of").values_list("effective_on", flat=True).first()
    )


def _graded_beginning(rulebook: Rulebook, through: date) -> Beginning:
    from signals.core.universe import UniverseRules

    market = signal_selectors.market_active()
    if market.first_day is None:
        return Beginning(None)
    # Nobody is old enough to be graded before that.
    first = market.first_day + timedelta(days=UniverseRules().min_age_days)
    wanted = [day for day in days_wanted(through, first=first) if day.weekday() == _SUNDAY]
    have = signal_selectors.graded_days(wanted)
    if not wanted or len(have) < len(wanted):
        return Beginning(None, len(have), len(wanted))
    earliest = _earliest(max(wanted), market.first_day)
    return Beginning(
        max(rulebook.base.date, earliest + timedelta(days=rulebook.calendar.lag_days)), len(have), len(wanted)
    )


def _earliest(latest: date, first: date) -> date:
    """The first of the graded Sundays that lead to `latest` without a gap."""
    sundays = [latest - weeks * _WEEK for weeks in range((latest - first).days // 7 + 1)]
    have = signal_selectors.graded_days(sundays)
    earliest = latest
    while earliest - _WEEK in have:
        earliest -= _WEEK
    return earliest
