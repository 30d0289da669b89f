"""Who trades for a block order, and the order in the venue's words."""

from dataclasses import dataclass
from decimal import Decimal

from django.conf import settings

from portfolios.brokers.base import Broker, BrokerOrder, BrokerUnreachable
from portfolios.models import BlockOrder, DealingCycle
from portfolios.selectors.venues import quote_rate, venue_account
from portfolios.services import venues
from portfolios.services.execution.venue.fills import VenueMismatch
from portfolios.services.vault import VaultClosed

PAR = Decimal("0.98")
"""Below this many dollars the quote currency of a venue is not spent, above 2 - PAR it is not earned."""


@dataclass(frozen=True)
class Desk:
    """A venue as one cycle finds it: its broker, and USD for one of its quote currency at the cycle's time."""

    broker: Broker
    rate: Decimal
    capped: bool

    def doubt(self, side: str) -> str:
        """Why an order of this side must not go to the venue, or empty."""
        if side == BlockOrder.Side.BUY and self.rate < PAR:
            return f"Not sent: the money at {self.broker.name} is worth {self.rate:.4f} dollars only."
        if side == BlockOrder.Side.SELL and self.rate > 2 - PAR:
            return f"Not sent: the money at {self.broker.name} costs {self.rate:.4f} dollars."
        return ""


class Desks:
    """The venues of one drive of a cycle, each looked up once."""

    def __init__(self, cycle: DealingCycle) -> None:
        self._cycle = cycle
        self._known: dict[str, Desk] = {}

    def at(self, name: str) -> Desk:
        """The venue. Raises BrokerUnreachable where it cannot be used now, VenueMismatch where there is none."""
        if name not in self._known:
            self._known[name] = self._found(name)
        return self._known[name]

    def _found(self, name: str) -> Desk:
        try:
            broker = venues.broker_named(name)
        except venues.UnknownVenue as error:
            raise VenueMismatch(str(error)) from error
        except VaultClosed as error:
            raise BrokerUnreachable(f"{name}: {error}") from error
        account = None if name == "paper" else venue_account(name)
        if account is None:
            return Desk(broker, Decimal(1), capped=False)
        rate = quote_rate(account, at=self._cycle.priced_at)
        if rate is None:
            raise BrokerUnreachable(f"{name}: {account.quote} has no price now")
        return Desk(broker, rate, capped=account.exchange != "paper")


def broker_order(block: BlockOrder, desk: Desk | None = None) -> BrokerOrder:
    """The block order as a broker takes it; `cycle` and `asset__token` must be loaded."""
    if block.asset.token is None:
        raise VenueMismatch(f"order {block.pk} trades {block.asset.code}, which is no token")
    volume = block.cycle.volumes.get(block.asset.code)
    return BrokerOrder(
        client_id=str(block.pk),
        token=block.asset.token.slug,
        side="sell" if block.side == BlockOrder.Side.SELL else "buy",
        quantity=block.quantity,
        budget=block.budget,
        scale=block.asset.scale,
        mark=Decimal(block.cycle.marks[block.asset.code]),
        volume=None if volume is None else int(volume),
        placed_at=block.cycle.priced_at,
        rate=Decimal(1) if desk is None else desk.rate,
        cap=settings.SLIPPAGE_CAP if desk is not None and desk.capped else None,
        sent_at=block.sent_at,
        reference=block.venue_reference,
    )
