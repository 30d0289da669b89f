"""The back office. Each module registers the models of one table family."""

from portfolios.admin import (
    books,
    custom,
    fees,
    ledger,
    money,
    notices,
    pauses,
    people,
    plans,
    recurring,
    reserves,
    statements,
    trading,
    usdc,
    venues,
    withdrawals,
)

__all__ = [
    "books",
    "custom",
    "fees",
    "ledger",
    "money",
    "notices",
    "pauses",
    "people",
    "plans",
    "recurring",
    "reserves",
    "statements",
    "trading",
    "usdc",
    "venues",
    "withdrawals",
]
