"""What can be done to the indices: store their rulebooks, decide, extend their history, verify it."""

from indices.services.bundling import bundle_file, bundle_of, bundle_refusal, bundle_zip
from indices.services.history import (
    GUARD,
    Advance,
    BrokenHistory,
    IndexNotDue,
    histories_backfill,
    history_due,
    index_advance,
    index_advance_safely,
    index_backfill,
    index_decide,
    levels_extend,
)
from indices.services.outlook import grades_awaited, outlook_of_panel, prices_watch
from indices.services.receipt_checks import receipts_verify
from indices.services.receipt_history import receipts_fill, receipts_fill_all
from indices.services.recomputing import Recomputed, recomputed
from indices.services.rulebooks import index_sync, published_rulebook
from indices.services.verification import index_verify

__all__ = [
    "GUARD",
    "Advance",
    "BrokenHistory",
    "IndexNotDue",
    "Recomputed",
    "bundle_file",
    "bundle_of",
    "bundle_refusal",
    "bundle_zip",
    "grades_awaited",
    "histories_backfill",
    "history_due",
    "index_advance",
    "index_advance_safely",
    "index_backfill",
    "index_decide",
    "index_sync",
    "index_verify",
    "levels_extend",
    "outlook_of_panel",
    "prices_watch",
    "published_rulebook",
    "receipts_fill",
    "receipts_fill_all",
    "receipts_verify",
    "recomputed",
]
