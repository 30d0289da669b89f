"""Entering and withdrawing events of tokens, without moving a level that was published."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from django.db import transaction

from indices.core.events import Event, EventError, events_from
from indices.core.restating import level_change
from indices.models import Index, IndexLevel
from indices.services.events import event_dict, event_read
from indices.services.replaying import levels_replayed, score_of
from signals import selectors as signal_selectors
from signals import services as signal_services


@transaction.atomic
def event_enter(data: Mapping[str, Any], *, by: str, source_url: str, note: str = "") -> int:
    """The event that `data` describes (as indices.core.events.events_from reads it) is known from now on; its number.

    Raises EventError where it does not fit, or where levels that were published would be others, and CorrectionError.
    """
    _locked()
    together, terms = event_read(data)
    day = _day(data.get("from") or data.get("day"))
    _unmoved(together, since=day)
    until = data.get("until")
    row = signal_services.asset_event_enter(
        str(data["kind"]),
        str(data["asset"]),
        day=day,
        until=None if until is None else _day(until),
        into=str(data.get("into") or ""),
        terms=terms,
        by=by,
        source_url=source_url,
        note=note,
    )
    return row.pk


@transaction.atomic
def event_withdraw(event_id: int, *, by: str, why: str) -> None:
    """The event counts no more from now on. Raises EventError where published levels rest on it, CorrectionError."""
    _locked()
    rows = signal_selectors.asset_events()
    gone = next((row for row in rows if row.id == event_id), None)
    if gone is not None:
        _unmoved(events_from(event_dict(row) for row in rows if row.id != event_id), since=gone.day)
    signal_services.asset_event_withdraw(event_id, by=by, why=why)


def _locked() -> None:
    """Nobody extends a history meanwhile: what a decision knew is told by when it was made."""
    list(Index.objects.select_for_update().order_by("pk").values_list("pk", flat=True))


def _unmoved(events: Sequence[Event], *, since: date) -> None:
    """Raise EventError where `events` would move a published level of `since` or later."""
    reached = IndexLevel.objects.filter(date__gte=since).values("index")
    moved = []
    for index in Index.objects.filter(pk__in=reached).order_by("slug"):
        score = score_of(index, since=since, events=events)
        if score is None:
            continue
        through = max(score.points)
        panel = signal_selectors.panel(as_of=through, days=(through - score.reads).days + 1)
        change = level_change(score.points, levels_replayed(score, panel, events=events))
        if change is not None:
            moved.append(f"{index.slug} from {change.first} on (up to {abs(change.largest):.2%})")
    if moved:
        raise EventError(
            f"day: {since} lies in the past, and levels were published without this: {'; '.join(moved)}. Enter events "
            "before their day; a level that is wrong by now is restated through the candle that is wrong"
        )


def _day(value: object) -> date:
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(str(value))
    except ValueError as error:
        raise EventError(f"day: must be a day such as 2022-05-28, got {value!r}") from error
