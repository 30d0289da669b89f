"""What a page must say about an index that is not going by all of its rules at the moment."""

from dataclasses import dataclass
from datetime import date

from indices.core.guardrails import alarming
from indices.models import Decision, Index
from indices.selectors.beginnings import beginning
from indices.selectors.indices import resolved
from signals import selectors as signal_selectors

FALLBACKS = ("passive weights", "fully invested")
"""How the note of a decision begins that had to go without grades or the regime."""
PRICES_LATE_DAYS = 2
"""Live candles arrive some minutes after midnight, a slow source within the next day."""


@dataclass(frozen=True)
class StandingNote:
    """`kind` is waiting (no history yet), held (the last weights stay) or fallback (decided without grades or regime);
    `as_of` the day of the decision that says so, None where there is none."""

    kind: str
    text: str
    as_of: date | None = None


def standing_note(index: Index | str, *, as_of: date) -> StandingNote | None:
    """What is to be said of `index` at the close of `as_of`; None where it goes by its rules.

    A decision that is held because nothing is worth a trade goes by the rules.
    """
    found = resolved(index)
    late = _late(as_of)
    if late is not None:
        return late
    newest = Decision.objects.filter(index=found, as_of__lte=as_of).order_by("-as_of").first()
    if newest is None:
        return _waiting(found, as_of)
    # The reason for holding comes last in a note.
    why = newest.note.split("; ")[-1]
    if newest.is_held and alarming(why):
        why = why.removeprefix("guard: ")
        return StandingNote(
            "held", f"The decision of {newest.as_of} is held and the last weights stay: {why}.", newest.as_of
        )
    without = [part for part in newest.note.split("; ") if part.startswith(FALLBACKS)]
    if without:
        return StandingNote(
            "fallback",
            f"Decided on {newest.as_of} without all it should know: {'; '.join(without)}.",
            newest.as_of,
        )
    return None


def _late(as_of: date) -> StandingNote | None:
    closed, complete = signal_selectors.last_closed_day(), signal_selectors.last_complete_day()
    if complete is None or as_of < closed or (closed - complete).days <= PRICES_LATE_DAYS:
        return None
    text = f"Prices have come in through {complete} only. Nothing is decided on old prices: the last weights stay."
    return StandingNote("held", text, complete)


def _waiting(index: Index, as_of: date) -> StandingNote | None:
    owner = index.twin_of
    begins = beginning(owner or index, through=as_of)
    if begins.wanted and begins.start is None:
        when = "when the grades of the past are computed" if owner is None else f"with {owner.name}"
        text = f"No history yet. It begins {when}: {begins.done} of {begins.wanted} weeks are graded."
        return StandingNote("waiting", text)
    return None
