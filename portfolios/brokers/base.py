"""What a trading venue must be able to do. An adapter knows its venue, and nothing of portfolios or the ledger."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Literal, Protocol, runtime_checkable


class BrokerUnreachable(Exception):
    """No definite answer: the order may or may not have been received. Ask before anything is sent again."""


class BrokerConfused(Exception):
    """The venue says something that cannot be, or that we cannot account for. An operator has to look."""


@dataclass(frozen=True)
class BrokerOrder:
    """An order under our own id. A sale has a `quantity` of whole tokens, a purchase a `budget` in USD that its fee
    comes out of. `scale` is the number of decimals a quantity may have, `volume` whole USD traded a day.

    `mark` is USD a token; `rate` USD for one of the venue's quote currency. `cap` is how far from the mark it may
    trade, a fraction; None leaves that to the venue. `sent_at` (wall clock) and `reference` (the venue's own id) help
    to find it again.
    """

    client_id: str
    token: str
    side: Literal["buy", "sell"]
    quantity: Decimal | None
    budget: Decimal | None
    scale: int
    mark: Decimal
    volume: int | None
    placed_at: datetime
    rate: Decimal = Decimal(1)
    cap: Decimal | None = None
    sent_at: datetime | None = None
    reference: str = ""


@dataclass(frozen=True)
class BrokerFill:
    """One execution. `notional` and `fee` are USD in whole micro-dollars; the venue's `trade_id` is unique for good.

    A fee taken in a token has `fee` 0 here and its size in `fee_quantity` of `fee_token` (a slug; "" for dollars).
    `quote_amount` and `quote_fee` are the notional and the fee in the venue's own currency, where that is not USD.
    """

    trade_id: str
    quantity: Decimal
    price: Decimal
    notional: Decimal
    fee: Decimal
    fee_token: str = ""
    fee_quantity: Decimal = Decimal(0)
    quote_amount: Decimal | None = None
    quote_fee: Decimal = Decimal(0)


@dataclass(frozen=True)
class BrokerReport:
    """What has become of an order so far: every fill there is, and whether more can come. `reference` is the venue's
    own id of it."""

    state: Literal["open", "done", "rejected"]
    fills: list[BrokerFill] = field(default_factory=list)
    reason: str = ""
    reference: str = ""


class Broker(Protocol):
    """A venue. Both calls may raise BrokerUnreachable."""

    name: str

    def order_place(self, order: BrokerOrder) -> BrokerReport:
        """Send an order that was never sent before."""
        ...

    def order_find(self, order: BrokerOrder) -> BrokerReport | None:
        """What the venue knows of an order by our id (open, closed, trades), or None when it knows nothing of it."""
        ...


@dataclass(frozen=True)
class Depth:
    """What a taker finds, best first: (price, quantity) pairs of whole numbers, 10^-24 USD a token and base units.

    `fee` in parts per billion, `step` and `least_quantity` in base units, `least_notional` in micro-dollars.
    `available` is what the venue holds of what the order gives (base units of a sale, micro-dollars of a purchase), or
    None where it does not matter.
    """

    levels: Sequence[tuple[int, int]]
    fee: int
    step: int = 1
    least_quantity: int = 0
    least_notional: int = 0
    available: int | None = None


@runtime_checkable
class Readied(Protocol):
    """A venue that can say beforehand whether it would take an order."""

    def order_ready(self, order: BrokerOrder) -> None:
        """Nothing is sent. Raises BrokerUnreachable while the venue does not answer or has asked us to wait, and
        BrokerConfused where its market cannot be the token's."""
        ...


@runtime_checkable
class Quoting(Protocol):
    """A venue whose order book can be read."""

    def depth(self, order: BrokerOrder) -> Depth | None:
        """The side that the order would take, within its cap; None where the token is not traded there. Raises
        BrokerUnreachable."""
        ...


@dataclass(frozen=True)
class VenueTrade:
    """One execution on the account, whoever caused it."""

    trade_id: str
    order_reference: str
    token: str
    at: datetime


@dataclass(frozen=True)
class VenueBooks:
    """A venue's own books: all it holds for us by currency (free and locked), trades since the moment asked for, and
    the references of orders that are open. `tokens` says which currency is which token."""

    balances: Mapping[str, Decimal]
    trades: Sequence[VenueTrade]
    open_orders: Sequence[tuple[str, str]]
    tokens: Mapping[str, str]
    quote: str


@runtime_checkable
class Accountable(Protocol):
    """A venue whose books can be compared with ours."""

    def books(self, since: datetime) -> VenueBooks:
        """All of it, or BrokerUnreachable: an answer with a part missing is no answer."""
        ...

    def balances(self) -> Mapping[str, Decimal]:
        """Currency -> all that the venue holds for us. Raises BrokerUnreachable."""
        ...

    def fills_of(self, order: BrokerOrder) -> list[BrokerFill]:
        """The fills of an order with a known reference. Raises BrokerUnreachable."""
        ...

    def order_client_id(self, token: str, reference: str) -> str:
        """Our id of an order that the venue knows by its own, "" where it is none of ours. Raises BrokerUnreachable."""
        ...
