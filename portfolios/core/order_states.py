"""Which way a block order may go. A table, so that every pair can be tested; the database holds the same one.

`unknown` means that nobody has answered yet whether the venue has the order: only the venue's answer ends it. What was
acknowledged once (`open`) is never unknown again, and the two ends are ends.
"""

from collections.abc import Mapping

EDGES: Mapping[str, frozenset[str]] = {
    "new": frozenset({"sending", "rejected"}),
    "sending": frozenset({"open", "unknown", "done", "rejected"}),
    "open": frozenset({"done", "rejected"}),
    "unknown": frozenset({"open", "done", "rejected"}),
    "done": frozenset(),
    "rejected": frozenset(),
}
REST = frozenset(state for state, onward in EDGES.items() if not onward)


class ForbiddenEdge(ValueError):
    """A block order cannot go that way; nothing was changed."""


def allowed(before: str, after: str) -> bool:
    """Whether an order may be in `after` next; staying is no step and always allowed."""
    return before == after or after in EDGES[before]


def check(before: str, after: str) -> None:
    """Raises ForbiddenEdge where an order may not go from `before` to `after`."""
    if not allowed(before, after):
        raise ForbiddenEdge(f"a block order cannot go from {before} to {after}")


def sources(after: str) -> list[str]:
    """The states from which `after` can be reached in one step: for conditional updates."""
    return sorted(state for state, onward in EDGES.items() if after in onward)
