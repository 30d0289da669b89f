"""What the selectors of this room answer with. Money is Decimal, USD; weights and changes are fractions; UTC."""

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from indices.selectors import ReceiptMark


@dataclass(frozen=True)
class Position:
    """One token seen through a holding. `token` is its slug, `usd` for cash. `price` is None where there is no mark
    (not traded for a week): such a token is worth nothing until it is priced again."""

    token: str
    name: str
    symbol: str
    quantity: Decimal
    price: Decimal | None
    value_usd: Decimal
    weight: Decimal


@dataclass(frozen=True)
class Holding:
    """What one investor has in one index. `invested_usd` is the average cost of the units still held."""

    portfolio_id: int
    index_slug: str
    index_name: str
    units: Decimal
    reserved_units: Decimal
    unit_price: Decimal
    value_usd: Decimal
    invested_usd: Decimal
    gain_usd: Decimal
    gain: Decimal | None
    positions: list[Position] = field(default_factory=list)


@dataclass(frozen=True)
class OrderRow:
    """An order as its owner sees it. `status`: accepted, dealing, settled, cancelled. `stage`/`progress` say in words
    and as a fraction how far it is. `units`: issued (invest) or to be redeemed; `amount`: asked for."""

    id: UUID
    index_slug: str
    index_name: str
    side: str
    status: str
    amount: Decimal | None
    units: Decimal | None
    unit_price: Decimal | None
    proceeds: Decimal | None
    cost_usd: Decimal
    reason: str
    created_at: datetime
    placed_at: datetime
    settled_at: datetime | None
    cancellable: bool
    stage: str
    progress: Decimal


@dataclass(frozen=True)
class ActivityLine:
    """One dated line of a person's history. `at` is market time, `recorded_at` the wall clock. `amount_usd` is signed
    from the point of view of the person's free cash, None where no cash of theirs moved (a rebalance). `cost_usd` is
    what it cost this person: of a rebalance, the share that their units had in the portfolio; `receipt` is then the
    index's public record of what was decided.
    `kind`: deposit, withdrawal, invest, redeem, rebalance, plan. `reference`: order, payment, rebalance or invoice id.
    """

    at: datetime
    recorded_at: datetime
    kind: str
    title: str
    detail: str
    amount_usd: Decimal | None
    cost_usd: Decimal | None
    status: str
    index_slug: str
    reference: str
    receipt: ReceiptMark | None = None


@dataclass(frozen=True)
class PlanRow:
    """A plan as offered. `index_slugs` is empty where `all_indices`."""

    slug: str
    name: str
    rank: int
    summary: str
    monthly_price: Decimal
    api_requests_per_minute: int
    custom_indices: int
    all_indices: bool
    index_slugs: list[str]


@dataclass(frozen=True)
class SubscriptionRow:
    """The user's contract now; without one (Free) the period is None."""

    plan: PlanRow
    next_plan: PlanRow | None
    period_start: datetime | None
    period_end: datetime | None
    cancel_at_period_end: bool


@dataclass(frozen=True)
class InvoiceRow:
    """One charge of a plan."""

    reference: str
    plan_name: str
    amount: Decimal
    status: str
    at: datetime
    period_start: datetime
    period_end: datetime


@dataclass(frozen=True)
class NavPointRow:
    """The value of a portfolio at the close of one day."""

    date: date
    unit_price: Decimal
    value_usd: Decimal
    units: Decimal


@dataclass(frozen=True)
class TradeLine:
    """What a rebalance did in one token: quantity and USD before fees, both positive."""

    token: str
    name: str
    symbol: str
    side: str
    quantity: Decimal
    value_usd: Decimal


@dataclass(frozen=True)
class RebalanceRow:
    """One move of a portfolio to a decision. `status`: due, dealing, done, skipped.

    `trades` and `cost_usd` are what was done for the portfolio itself; `receipt` is where the index put on record what
    was decided, None where it did not.
    """

    id: int
    index_slug: str
    index_name: str
    epoch: str
    decided_as_of: date
    status: str
    reason: str
    turnover_usd: Decimal
    cost_usd: Decimal
    done_at: datetime | None
    trades: list[TradeLine] = field(default_factory=list)
    receipt: ReceiptMark | None = None


@dataclass(frozen=True)
class PortfolioValue:
    """A portfolio as a whole at marks of `at`. `positions` sum to `value_usd`; `pending_usd` is investors' money that
    is inside but has no units yet and is not part of `value_usd`."""

    portfolio_id: int
    at: datetime
    value_usd: Decimal
    units: Decimal
    unit_price: Decimal
    pending_usd: Decimal
    positions: list[Position] = field(default_factory=list)


@dataclass(frozen=True)
class InvestPreview:
    """What investing an amount would do, at marks of now. `cost_usd` is an estimate of spread, fee and size impact."""

    index_slug: str
    index_name: str
    amount: Decimal
    minimum: Decimal
    token_count: int
    cost_usd: Decimal
    unit_price: Decimal
    units: Decimal
