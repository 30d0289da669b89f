"""What a trading venue must be able to do. An adapter knows its venue, and nothing of portfolios or the ledger."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Literal, Protocol


class BrokerUnreachable(Exception):
    """No definite answer: the order may or may not have been received. Ask before anything is sent again."""


@dataclass(frozen=True)
class BrokerOrder:
    """A market order under our own id. A sale has a `quantity` of whole tokens, a purchase a `budget` in USD that its
    fee comes out of. `scale` is the number of decimals a quantity may have, `volume` whole USD traded a day."""

    client_id: str
    token: str
    side: Literal["buy", "sell"]
    quantity: Decimal | None
    budget: Decimal | None
    scale: int
    mark: Decimal
    volume: int | None
    placed_at: datetime


@dataclass(frozen=True)
class BrokerFill:
    """One execution. `notional` and `fee` are USD in whole micro-dollars; the venue's `trade_id` is unique for good."""

    trade_id: str
    quantity: Decimal
    price: Decimal
    notional: Decimal
    fee: Decimal


@dataclass(frozen=True)
class BrokerReport:
    """What has become of an order so far: every fill there is, and whether more can come."""

    state: Literal["open", "done", "rejected"]
    fills: list[BrokerFill] = field(default_factory=list)
    reason: str = ""


class Broker(Protocol):
    """A venue. Both calls may raise BrokerUnreachable."""

    name: str

    def order_place(self, order: BrokerOrder) -> BrokerReport:
        """Send an order that was never sent before."""
        ...

    def order_find(self, order: BrokerOrder) -> BrokerReport | None:
        """What the venue knows of an order by our id (open, closed, trades), or None when it knows nothing of it."""
        ...
