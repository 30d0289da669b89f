"""Whose money is it, and did it move correctly?"""

from portfolios.models.books import Basket, Batch, Book, BookPosting
from portfolios.models.custom import CustomIndex
from portfolios.models.ledger import Account, Balance, Entry, LedgerAsset, Posting
from portfolios.models.payments import Payment
from portfolios.models.people import ApiKey, IdempotencyRecord, User
from portfolios.models.plans import Invoice, Plan, Subscription
from portfolios.models.trading import (
    Allocation,
    BlockOrder,
    Dealing,
    DealingCycle,
    Fill,
    NavPoint,
    Order,
    Portfolio,
    Rebalance,
)

__all__ = [
    "Account",
    "Allocation",
    "ApiKey",
    "Balance",
    "Basket",
    "Batch",
    "BlockOrder",
    "Book",
    "BookPosting",
    "CustomIndex",
    "Dealing",
    "DealingCycle",
    "Entry",
    "Fill",
    "IdempotencyRecord",
    "Invoice",
    "LedgerAsset",
    "NavPoint",
    "Order",
    "Payment",
    "Plan",
    "Portfolio",
    "Posting",
    "Rebalance",
    "Subscription",
    "User",
]
