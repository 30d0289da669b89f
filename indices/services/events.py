"""Typed events of tokens: how they come in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from indices.core.events import Event, EventError, events_from
from indices.selectors.events import event_dict, events_known
from signals import selectors as signal_selectors

__all__ = ["event_dict", "event_read", "events_known"]

_PLACES = frozenset({"kind", "asset", "day", "from", "until", "into"})


def event_read(data: Mapping[str, Any]) -> tuple[tuple[Event, ...], dict[str, Any]]:
    """All events in force with the one that `data` describes (as `events_from` reads it), and its numbers by name.

    Raises EventError where it cannot be read, is there already, or does not fit the others.
    """
    known = [event_dict(row) for row in signal_selectors.asset_events()]
    together = events_from([*known, data])
    if not signal_selectors.assets_by_slug([str(data["asset"])]):
        raise EventError(f"asset: there is no token {data['asset']!r}; see the list of tokens")
    if data.get("into") and not signal_selectors.assets_by_slug([str(data["into"])]):
        raise EventError(f"into: there is no token {data['into']!r}; see the list of tokens")
    return together, {name: value for name, value in data.items() if name not in _PLACES}
