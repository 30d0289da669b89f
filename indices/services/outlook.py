"""What a decision may know beside the candles: grades and the regime, and what is done where they cannot be used."""

import re
from collections.abc import Callable, Iterable
from datetime import date

from indices.core.rulebook import Decision as Decided
from indices.core.rulebook import Outlook, Rulebook
from indices.core.rulebook.choosing import needs_grades
from indices.models import Decision, Index
from signals import selectors as signal_selectors
from signals import services as signal_services

Look = Callable[[date], Outlook]

REGIME_LIFE_DAYS = 8
ALERT_DAYS = 8
"""An older decision than this is history that was filled in: nobody needs to be called."""

_PASSIVE = "passive weights"
_UNHEDGED = "fully invested"
_GRADES_OF, _REGIME_OF = "grades of ", "regime of "
_REASON_LENGTH = 90


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


def passive_alert(index: Index, newest: Decided, *, through: date) -> None:
    """An operator is told while the newest decision of `index` had to go without grades or regime."""
    kind = f"passive {index.slug}"[:32]
    without = [note for note in newest.notes if note.startswith((_PASSIVE, _UNHEDGED))]
    if not without:
        signal_services.alert_clear(kind, as_of=newest.as_of)
    elif (through - newest.as_of).days <= ALERT_DAYS:
        signal_services.alert_raise(
            kind,
            as_of=newest.as_of,
            text=f"{index.slug} was decided on {newest.as_of} without all it should know: {'; '.join(without)}. "
            "See whether features, training and grades run (Alerts, worker log); the next decision uses them again.",
        )


def _day_of(marker: str, note: str) -> date | None:
    found = re.search(rf"{marker}(\d{{4}}-\d{{2}}-\d{{2}})", note)
    return None if found is None else date.fromisoformat(found.group(1))
