"""Typed events of tokens as the engine takes them, out of what the signals store."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

from indices.core.events import Event, events_from
from signals import selectors as signal_selectors


def events_known(
    *, as_of: date | None = None, known_at: datetime | None = None, slugs: Iterable[str] | None = None
) -> tuple[Event, ...]:
    """The events of days up to `as_of` that were entered and not withdrawn at `known_at` (wall clock; default now).

    Raises EventError for stored terms that the engine does not understand.
    """
    return events_from(
        event_dict(row) for row in signal_selectors.asset_events(as_of=as_of, known_at=known_at, slugs=slugs)
    )


def event_dict(row: signal_selectors.AssetHappening) -> dict[str, object]:
    """A stored event in the form that `events_from` reads."""
    days: dict[str, object] = {"day": row.day}
    if row.kind == "halt":
        days = {"from": row.day, **({"until": row.until} if row.until is not None else {})}
    into = {"into": row.into} if row.into else {}
    return {"kind": row.kind, "asset": row.slug, **days, **into, **row.terms}
