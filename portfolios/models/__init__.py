"""Whose money is it, and did it move correctly?"""

from portfolios.models.books import (
    Basket,
    Batch,
    Book,
    BookChange,
    BookPosting,
    DealingBlock,
    NomineeDealing,
)
from portfolios.models.chain import (
    ChainCheckpoint,
    ChainTransaction,
    ChainTransfer,
    DepositAddress,
    UsdcPayout,
)
from portfolios.models.custom import CustomIndex
from portfolios.models.fees import FeeAccrual, FeeSchedule
from portfolios.models.ledger import Account, Balance, Entry, LedgerAsset, Posting
from portfolios.models.notices import Announcement, Notice, NoticeKind, NoticePreference
from portfolios.models.orders import Order
from portfolios.models.pauses import Pause
from portfolios.models.payments import Payment, PaymentEvent
from portfolios.models.people import ApiKey, IdempotencyRecord, User
from portfolios.models.plans import Invoice, Plan, Subscription
from portfolios.models.recurring import RecurringPlan, RecurringRun
from portfolios.models.reserves import (
    CustodyBalance,
    CustodyReport,
    ReserveBlock,
    ReserveLeaf,
    ReserveLine,
    ReserveSnapshot,
)
from portfolios.models.statements import LotChoice, Statement, TaxYear
from portfolios.models.switches import Switch
from portfolios.models.trading import (
    Allocation,
    BlockOrder,
    Dealing,
    DealingCycle,
    Fill,
    NavPoint,
    Portfolio,
    Rebalance,
)
from portfolios.models.venues import Reconciliation, VenueAccount, VenueMarket
from portfolios.models.withdrawals import (
    SecurityEvent,
    WithdrawalApproval,
    WithdrawalDestination,
    WithdrawalLimit,
)

__all__ = [
    "Account",
    "Allocation",
    "Announcement",
    "ApiKey",
    "Balance",
    "Basket",
    "Batch",
    "BlockOrder",
    "Book",
    "BookChange",
    "BookPosting",
    "ChainCheckpoint",
    "ChainTransaction",
    "ChainTransfer",
    "CustodyBalance",
    "CustodyReport",
    "CustomIndex",
    "Dealing",
    "DealingBlock",
    "DealingCycle",
    "DepositAddress",
    "Entry",
    "FeeAccrual",
    "FeeSchedule",
    "Fill",
    "IdempotencyRecord",
    "Invoice",
    "LedgerAsset",
    "LotChoice",
    "NavPoint",
    "NomineeDealing",
    "Notice",
    "NoticeKind",
    "NoticePreference",
    "Order",
    "Pause",
    "Payment",
    "PaymentEvent",
    "Plan",
    "Portfolio",
    "Posting",
    "Rebalance",
    "Reconciliation",
    "RecurringPlan",
    "RecurringRun",
    "ReserveBlock",
    "ReserveLeaf",
    "ReserveLine",
    "ReserveSnapshot",
    "SecurityEvent",
    "Statement",
    "Subscription",
    "Switch",
    "TaxYear",
    "UsdcPayout",
    "User",
    "VenueAccount",
    "VenueMarket",
    "WithdrawalApproval",
    "WithdrawalDestination",
    "WithdrawalLimit",
]
