"""Everything that happened to a person's money, as dated lines that add up to the ledger."""

from portfolios.selectors.activity.history import (
    KINDS,
    ActivityFilter,
    activity,
    history,
    history_page,
)

__all__ = ["KINDS", "ActivityFilter", "activity", "history", "history_page"]
