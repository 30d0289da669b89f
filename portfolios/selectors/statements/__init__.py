"""Monthly statements: what one says, and which have been issued."""

from portfolios.selectors.statements.issued import statement, statement_queryset, statement_versions
from portfolios.selectors.statements.report import Account, MonthReport
from portfolios.selectors.statements.sheet import statement_sheet

__all__ = [
    "Account",
    "MonthReport",
    "statement",
    "statement_queryset",
    "statement_sheet",
    "statement_versions",
]
