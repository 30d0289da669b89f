"""What a person's money has returned, why, and what would have come of it elsewhere."""

from portfolios.selectors.returns.report import Performance, PeriodError, performance

__all__ = ["Performance", "PeriodError", "performance"]
