"""The back office. Each module registers the models of one table family."""

from portfolios.admin import ledger, money, people, plans, trading

__all__ = ["ledger", "money", "people", "plans", "trading"]
