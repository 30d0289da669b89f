"""Personal portfolios: what is in them, what they are meant to hold, and what their dealings did."""

from portfolios.selectors.personal.allocations import (
    RISK_SHARES,
    Allocation,
    Settings,
    Target,
    Trade,
    allocation,
    index_tokens,
    refuge_of,
    trades_preview,
)
from portfolios.selectors.personal.books import (
    PersonalRow,
    book_holdings,
    book_of,
    book_queryset,
    book_row,
    book_rows,
    book_value,
    personal,
    personals,
)
from portfolios.selectors.personal.history import book_activity

__all__ = [
    "RISK_SHARES",
    "Allocation",
    "PersonalRow",
    "Settings",
    "Target",
    "Trade",
    "allocation",
    "book_activity",
    "book_holdings",
    "book_of",
    "book_queryset",
    "book_row",
    "book_rows",
    "book_value",
    "index_tokens",
    "personal",
    "personals",
    "refuge_of",
    "trades_preview",
]
