"""What a decision may know beside the candles: grades and the regime, and what is done where they cannot be used."""

import re
from collections.abc import Callable, Iterable
from datetime import date, timedelta

import pandas as pd

from indices.core import calendar
from indices.core.guardrails import alarming
from indices.core.rulebook import Decision as Decided
from indices.core.rulebook import Outlook, Rulebook
from indices.core.rulebook.choosing import needs_grades
from indices.models import Decision, Index
from indices.selectors.standing import PRICES_LATE_DAYS
from signals import selectors as signal_selectors
from signals import services as signal_services
from signals.core.panel import Panel

Look = Callable[[date], Outlook]

REGIME_LIFE_DAYS = 8
ALERT_DAYS = 8
"""An older decision than this is history that was filled in: nobody needs to be called."""

STALE_PRICES = "stale_prices"

_PASSIVE = "passive weights"
_UNHEDGED = "fully invested"
_GRADES_OF, _REGIME_OF = "grades of ", "regime of "
_REASON_LENGTH = 90
_KIND_LENGTH = 32


def outlook_live(rulebook: Rulebook) -> Look | None:
    """Asks for the grades and the regime in force at a day, as far as the rules use them; None where they use neither.

    Where grades may not be relied on (signals.selectors.grading_state), or no regime is known, the decision goes
    without and its note begins with the reason.
    """
    grades_needed, regime_needed = needs_grades(rulebook), rulebook.overlay.regime
    if not grades_needed and not regime_needed:
        return None

    def look(day: date) -> Outlook:
        grades, regime, notes = None, None, []
        if grades_needed:
            state = signal_selectors.grading_state(as_of=day)
            if state.usable and state.graded_on is not None:
                grades = signal_selectors.trader_grades(as_of=state.graded_on)
                notes += [] if state.graded_on == day else [f"{_GRADES_OF}{state.graded_on}"]
            else:
                notes.append(f"{_PASSIVE}: {state.reason[:_REASON_LENGTH]}")
        if regime_needed:
            known = signal_selectors.regime_day(as_of=day)
            if known is not None and (day - known.day).days <= REGIME_LIFE_DAYS:
                regime = known.risk_share / 100
                notes += [] if known.day == day else [f"{_REGIME_OF}{known.day}"]
            else:
                notes.append(f"{_UNHEDGED}: no regime is known")
        return Outlook(grades, regime, tuple(notes))

    return look


def outlook_of_panel(
    panel: Panel,
    rulebook: Rulebook,
    *,
    start: date,
    end: date,
    market: str | None = None,
    progress: signal_services.Progress | None = None,
) -> tuple[pd.DataFrame | None, pd.Series | None]:
    """The grades [date x asset] (0 to 100) and the regime [date] (risk share, fraction) that `rulebook` asks for over
    [start, end], made from `panel` alone; None for what it does not ask for.

    Grades are walk-forward: each day's are by models that were trained on quarters that had ended by then. They are
    made for the days of determination; `panel` should reach back as far as the market does. Models that `market` has
    stored are used where all that are needed are there.
    """
    grades, shares = None, None
    if rulebook.overlay.regime:
        from signals.core.regime import regime

        shares = regime(panel).risk_share
    if needs_grades(rulebook):
        first = start - timedelta(days=rulebook.calendar.lag_days)
        wanted = [first, *calendar.determination_days(rulebook.calendar, after=first, through=end)]
        rows = panel.dates.searchsorted(pd.DatetimeIndex(wanted), side="right") - 1
        days = panel.dates[sorted({int(row) for row in rows if row >= 0})]
        listen = {} if progress is None else {"progress": progress}
        made = signal_services.grades_made(panel, days, market=market, **listen)
        grades = made.pivot(index="date", columns="asset", values="trader_grade")
    return grades, shares


def grades_awaited(rulebook: Rulebook, *, through: date) -> bool:
    """Whether the rules want the grades of `through` and a process is at them now: the decision then comes after."""
    return (
        needs_grades(rulebook)
        and signal_selectors.grades_day(as_of=through) != through
        and signal_selectors.learning_busy()
    )


def outlook_recorded(rulebook: Rulebook, decisions: Iterable[Decision]) -> Look | None:
    """What the stored `decisions` say they knew, looked up again: grades published since then change nothing."""
    live = outlook_live(rulebook)
    if live is None:
        return None
    notes = {decision.as_of: decision.note for decision in decisions}
    grades_needed, regime_needed = needs_grades(rulebook), rulebook.overlay.regime

    def look(day: date) -> Outlook:
        note = notes.get(day)
        if note is None:
            return live(day)
        grades, regime = None, None
        if grades_needed and _PASSIVE not in note:
            grades = signal_selectors.trader_grades(as_of=_day_of(_GRADES_OF, note) or day)
        if regime_needed and _UNHEDGED not in note:
            known = signal_selectors.regime_day(as_of=_day_of(_REGIME_OF, note) or day)
            regime = None if known is None else known.risk_share / 100
        return Outlook(grades, regime)

    return look


def sources(rulebook: Rulebook, note: str, *, as_of: date) -> tuple[date | None, date | None]:
    """The days whose grades and whose regime a decision of `as_of` used, as its note says; None where it used none."""
    grades = needs_grades(rulebook) and _PASSIVE not in note
    regime = rulebook.overlay.regime and _UNHEDGED not in note
    return (
        (_day_of(_GRADES_OF, note) or as_of) if grades else None,
        (_day_of(_REGIME_OF, note) or as_of) if regime else None,
    )


def alert_kind(what: str, index: Index) -> str:
    """The kind under which an alert about `index` stands: `held global-100`."""
    return f"{what} {index.slug}"[:_KIND_LENGTH]


def passive_alert(index: Index, newest: Decided, *, through: date) -> None:
    """An operator is told while the newest decision of `index` had to go without grades or regime."""
    without = "; ".join(note for note in newest.notes if note.startswith((_PASSIVE, _UNHEDGED)))
    text = (
        f"{index.slug} was decided on {newest.as_of} without all it should know: {without}. "
        "See whether features, training and grades run (Alerts, worker log); the next decision uses them again."
    )
    _told("passive", index, newest, bool(without), text, through)


def held_alert(index: Index, newest: Decided, *, through: date) -> None:
    """An operator is told while the newest decision of `index` is held for a reason that is not in its own rules."""
    text = (
        f"The decision of {index.slug} of {newest.as_of} is held: {newest.held}. The last weights stay and the page "
        "says so. Look at the prices and market caps of that day; the next decision is made as usual."
    )
    _told("held", index, newest, alarming(newest.held), text, through)


def _told(what: str, index: Index, newest: Decided, wrong: bool, text: str, through: date) -> None:
    if index.kind == Index.Kind.CUSTOM:
        # Whoever built it reads it on the page; an operator has nothing to do about somebody's own rules.
        return
    kind = alert_kind(what, index)
    if not wrong:
        signal_services.alert_clear(kind, as_of=newest.as_of)
    elif (through - newest.as_of).days <= ALERT_DAYS:
        signal_services.alert_raise(kind, as_of=newest.as_of, text=text)


def prices_watch(*, through: date) -> None:
    """An operator is told while the last complete day, `through`, lies too far behind market time to decide on."""
    closed = signal_selectors.last_closed_day()
    if (closed - through).days > PRICES_LATE_DAYS:
        signal_services.alert_raise(
            STALE_PRICES,
            as_of=closed,
            text=f"The last day with all candles is {through}, market time is past {closed}. Every decision is held: "
            "the last weights and levels stay until the days come in. Do candles arrive? See the worker log.",
        )
    else:
        signal_services.alert_clear(STALE_PRICES, as_of=closed)


def _day_of(marker: str, note: str) -> date | None:
    found = re.search(rf"{marker}(\d{{4}}-\d{{2}}-\d{{2}})", note)
    return None if found is None else date.fromisoformat(found.group(1))
