"""The back office. Each module registers the models of one table family."""

from portfolios.admin import books, custom, ledger, money, people, plans, trading

__all__ = ["books", "custom", "ledger", "money", "people", "plans", "trading"]
