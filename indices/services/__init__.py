"""What can be done to the indices: store their rulebooks, decide, extend their history, verify it."""

from indices.services.history import (
    Advance,
    IndexNotDue,
    histories_backfill,
    history_due,
    index_advance,
    index_backfill,
    index_decide,
    levels_extend,
)
from indices.services.outlook import grades_awaited
from indices.services.rulebooks import index_sync, published_rulebook
from indices.services.verification import index_verify

__all__ = [
    "Advance",
    "IndexNotDue",
    "grades_awaited",
    "histories_backfill",
    "history_due",
    "index_advance",
    "index_backfill",
    "index_decide",
    "index_sync",
    "index_verify",
    "levels_extend",
    "published_rulebook",
]
