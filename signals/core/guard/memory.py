"""The guard's memory as plain values that JSON can keep, and back to the bit."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from signals.core.guard.peg import PegLevel, PegRules, PegState
from signals.core.guard.rules import GuardRules
from signals.core.guard.state import GuardState, Pending


def guard_dict(state: GuardState) -> dict[str, Any]:
    """Every field of `state` but its rules, which are the program's and not the store's."""
    pending = state.pending
    return {
        "price": state.price,
        "accepted_at": _text(state.accepted_at),
        "suspended": sorted(state.suspended),
        "stepped_at": _text(state.stepped_at),
        "pending": None
        if pending is None
        else {
            "price": pending.price,
            "frozen": pending.frozen,
            "seen": pending.seen,
            "sources": sorted(pending.sources),
            "counted_at": _text(pending.counted_at),
        },
    }


def guard_state(data: Mapping[str, Any], rules: GuardRules) -> GuardState:
    """The state that `guard_dict` wrote, under `rules`; no data at all is a guard without memory. Raises KeyError."""
    if not data:
        return GuardState(rules)
    pending = data["pending"]
    return GuardState(
        rules=rules,
        price=data["price"],
        accepted_at=_moment(data["accepted_at"]),
        suspended=frozenset(data["suspended"]),
        stepped_at=_moment(data["stepped_at"]),
        pending=None
        if pending is None
        else Pending(
            price=pending["price"],
            frozen=pending["frozen"],
            seen=pending["seen"],
            sources=frozenset(pending["sources"]),
            counted_at=_moment(pending["counted_at"]),
        ),
    )


def peg_dict(state: PegState) -> dict[str, Any]:
    """Every field of `state` but its rules."""
    return {
        "level": int(state.level),
        "better_since": _text(state.better_since),
        "better_level": int(state.better_level),
        "stepped_at": _text(state.stepped_at),
    }


def peg_state(data: Mapping[str, Any] | None, rules: PegRules) -> PegState:
    """The state that `peg_dict` wrote, under `rules`; no data at all is a coin at par. Raises KeyError."""
    if not data:
        return PegState(rules)
    return PegState(
        rules=rules,
        level=PegLevel(data["level"]),
        better_since=_moment(data["better_since"]),
        better_level=PegLevel(data["better_level"]),
        stepped_at=_moment(data["stepped_at"]),
    )


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
