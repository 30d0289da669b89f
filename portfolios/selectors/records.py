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
    """What one investor has in one index. `invested_usd` is the average cost of the units still held. A personal
    portfolio in a book (`book_id`) has a name of its own and positions, but no units."""

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
    book_id: int | None = None


@dataclass(frozen=True)
class SwitchRow:
    """A switch as its owner sees it. `status`: selling, buying, done, cancelled, stopped (half-way: the money is cash).
    `redeem_id` and `invest_id` are its legs; the second is there once the first is settled."""

    id: UUID
    status: str
    index_slug: str
    index_name: str
    into_slug: str
    into_name: str
    redeem_id: UUID
    invest_id: UUID | None
    proceeds: Decimal | None
    cost_usd: Decimal
    cancellable: bool
    reason: str
    created_at: datetime
    finished_at: datetime | None


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
    percent: Decimal | None = None
    switch: SwitchRow | None = None


@dataclass(frozen=True)
class CostPart:
    """One cost of one line, USD. `kind`: trading_fee, spread, rounding, management_fee, performance_fee, plan."""

    kind: str
    title: str
    usd: Decimal


@dataclass(frozen=True)
class ActivityLine:
    """One dated line of a person's history. `at` is market time, `recorded_at` the wall clock. `amount_usd` is signed
    from the point of view of the person's free cash, None where no cash of theirs moved (a rebalance). `cost_usd` is
    what it cost this person: of a rebalance, the share that their units had in the portfolio; `receipt` is then the
    index's public record of what was decided.
    `kind`: deposit, withdrawal, invest, redeem, rebalance, plan, fee, adjustment. `reference`: order, payment,
    rebalance, invoice or ledger reference. `key` names the line for good.

    `gross_usd` less `costs` is `after_costs_usd`: what went into units, or came out of them. `free_usd`,
    `set_aside_usd` and `owed_usd` (negative is owed) are what the line's ledger `entries` changed; over all lines they
    sum to the balances. `dollars_after_usd` is what the three came to after the line. `units` came (positive) or went.
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
    key: str = ""
    gross_usd: Decimal | None = None
    costs: tuple[CostPart, ...] = ()
    after_costs_usd: Decimal | None = None
    free_usd: Decimal = Decimal(0)
    set_aside_usd: Decimal = Decimal(0)
    owed_usd: Decimal = Decimal(0)
    dollars_after_usd: Decimal | None = None
    units: Decimal | None = None
    entries: tuple[int, ...] = ()

    @property
    def net_usd(self) -> Decimal:
        """What the line changed in the person's dollars, free, set aside and owed together."""
        return self.free_usd + self.set_aside_usd + self.owed_usd


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
class PreviewLeg:
    """What an order would trade of one token, USD, and what that is expected to cost: half the spread, the price moved
    by its own size, the venue's fee. `share` is its fraction of all legs."""

    token: str
    name: str
    symbol: str
    side: str
    amount_usd: Decimal
    share: Decimal
    half_spread_usd: Decimal
    impact_usd: Decimal
    fee_usd: Decimal
    cost_usd: Decimal


@dataclass(frozen=True)
class CashLine:
    """Dollars of an order that would stay in the portfolio as cash, and why; `why` is a stable word."""

    why: str
    usd: Decimal
    words: str


@dataclass(frozen=True)
class PreviewProblem:
    """Why the order would be refused if it were placed now."""

    field: str
    code: str
    message: str


@dataclass(frozen=True)
class OrderPreview:
    """What an order would do at marks of now, traded by itself. `side`: invest, redeem, switch.

    `amount` goes in, or is what the units are worth; `units` are issued or burned; costs are estimates and inside
    `amount`. Of a redemption `proceeds` are paid out, `from_cash` of them without a trade. Of a switch `into` is the
    second leg. `waits` says why it would wait, `problems` why it would be refused; both empty where nothing hinders.
    """

    side: str
    index_slug: str
    index_name: str
    amount: Decimal = Decimal(0)
    minimum: Decimal | None = None
    units: Decimal = Decimal(0)
    unit_price: Decimal = Decimal(0)
    half_spread_usd: Decimal = Decimal(0)
    impact_usd: Decimal = Decimal(0)
    fee_usd: Decimal = Decimal(0)
    cost_usd: Decimal = Decimal(0)
    proceeds: Decimal | None = None
    from_cash: Decimal = Decimal(0)
    cash_left: list[CashLine] = field(default_factory=list)
    management_rate: Decimal | None = None
    performance_rate: Decimal | None = None
    waits: str = ""
    problems: list[PreviewProblem] = field(default_factory=list)
    legs: list[PreviewLeg] = field(default_factory=list)
    into: "OrderPreview | None" = None

    @property
    def token_count(self) -> int:
        """How many tokens it would trade."""
        return len(self.legs)
