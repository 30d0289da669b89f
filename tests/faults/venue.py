"""A venue that acts before it fails, forgets nothing, and reports late, twice, in pieces and out of order."""

from __future__ import annotations

import copy
import itertools
import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal

from portfolios.brokers.base import BrokerFill, BrokerOrder, BrokerReport, BrokerUnreachable
from portfolios.core.money import PRICE_SCALE, USD_SCALE, from_base, price_base, to_base
from tests.faults.ports import Clock, Feed

PPM = 1_000_000
FEE_PPM = 1_000


@dataclass(frozen=True)
class Trade:
    """What really happened at the venue: base units, micro-dollars."""

    trade_id: str
    client_id: str
    token: str
    side: str
    quantity: int
    notional: int
    fee: int


@dataclass
class Kept:
    """An order as the venue has it. The first `shown` trades have been told; it is under way until `arrives`."""

    order: BrokerOrder
    arrives: datetime
    trades: list[Trade] = field(default_factory=list)
    shown: int = 0
    refused: str = ""


class Venue:
    """`Broker` with a seeded plan of faults; `faults` is how likely each call goes wrong."""

    name = "paper"

    def __init__(self, seed: int, clock: Clock, feed: Feed) -> None:
        self.chance = random.Random(f"{seed}:venue")
        self.clock, self.feed = clock, feed
        self.faults = 0.3
        self.lateness, self.brags = 0.15, 0.12
        """How many of the faults are orders that arrive late, and how likely more is reported than was traded."""
        self.orders: dict[str, list[Kept]] = {}
        self.trades: list[Trade] = []
        self.wrongs: list[str] = []
        self.at: Callable[[str], None] = lambda place: None
        self.paused = ("", "")
        self.bragging: set[str] = set()
        """Orders of which more is reported than was traded."""

    def order_place(self, order: BrokerOrder) -> BrokerReport:
        if order.token in self.feed.frozen:
            self.wrongs.append(f"an order for {order.token} was sent although it is frozen")
        if self.paused in (("all", ""), (f"{order.side}s", ""), ("asset", order.token)):
            self.wrongs.append(f"a {order.side} of {order.token} was sent although {self.paused} is stopped")
        if order.client_id in self.orders:
            self.wrongs.append(f"order {order.client_id} was sent twice")
        self.at("venue called")
        fault = self.chance.random() / max(self.faults, 1e-9)
        if fault < 0.25:
            raise BrokerUnreachable("nobody there")
        kept = self._take(order, late=0.25 <= fault < 0.25 + self.lateness)
        self.at("venue acted")
        if fault < 0.7:
            raise BrokerUnreachable("the answer was lost")
        return self._report(kept)

    def order_find(self, order: BrokerOrder) -> BrokerReport | None:
        self.at("venue asked")
        if self.chance.random() < self.faults * 0.4:
            raise BrokerUnreachable("maintenance")
        known = [kept for kept in self.orders.get(order.client_id, []) if kept.arrives <= self.clock.wall]
        return self._report(known[0]) if known else None

    def snapshot(self) -> Callable[[], None]:
        """What makes everything since undone."""
        kept = {key: [copy.copy(order) for order in orders] for key, orders in self.orders.items()}
        trades, wrongs, bragging = list(self.trades), list(self.wrongs), set(self.bragging)

        def restore() -> None:
            self.orders, self.trades, self.wrongs, self.bragging = kept, trades, wrongs, bragging

        return restore

    def _take(self, order: BrokerOrder, *, late: bool) -> Kept:
        arrives = self.clock.wall + timedelta(seconds=self.chance.randint(5, 50) if late else 0)
        kept = Kept(order, arrives)
        self.orders.setdefault(order.client_id, []).append(kept)
        if self.chance.random() < self.faults * 0.1:
            kept.refused = "closed for maintenance"
            return kept
        kept.trades = self._trade(order)
        if not kept.trades:
            kept.refused = "too small to trade"
        elif len(kept.trades) > 1 and self.chance.random() < self.faults * 0.3:
            kept.trades.pop()  # the book was too thin for the rest
        self.trades += kept.trades
        if kept.trades and self.chance.random() < self.faults * self.brags:
            self.bragging.add(order.client_id)
        return kept

    def _trade(self, order: BrokerOrder) -> list[Trade]:
        mark, places = price_base(order.mark), 10 ** (order.scale + PRICE_SCALE - USD_SCALE)
        away = self.chance.randint(50, 4_000)
        if order.quantity is not None:
            price, quantity = mark * (PPM - away) // PPM, to_base(order.quantity, order.scale)
        else:
            price, budget = -(-mark * (PPM + away) // PPM), to_base(order.budget or Decimal(0), USD_SCALE)
            quantity = max(0, budget - 12) * PPM // (PPM + FEE_PPM) * places // price
        trades: list[Trade] = []
        for piece in self._pieces(quantity):
            notional = piece * price // places if order.side == "sell" else -(-piece * price // places)
            fee = -(-notional * FEE_PPM // PPM)
            fee = min(notional, fee) if order.side == "sell" else fee
            if piece > 0 and notional > 0:
                number = len(self.trades) + len(trades)
                trades.append(
                    Trade(f"T{number}", order.client_id, order.token, order.side, piece, notional, fee)
                )
        return trades

    def _pieces(self, quantity: int) -> list[int]:
        cuts = sorted(
            self.chance.randint(quantity // 4, quantity) for _ in range(self.chance.choice([0, 0, 1, 3]))
        )
        edges = [0, *cuts, quantity]
        return [after - before for before, after in itertools.pairwise(edges)]

    def _report(self, kept: Kept) -> BrokerReport:
        if kept.refused:
            return BrokerReport("rejected", [], kept.refused)
        if self.faults == 0 or self.chance.random() > self.faults:
            kept.shown = len(kept.trades)
        else:
            kept.shown = max(kept.shown, self.chance.randint(0, len(kept.trades)))
        told = kept.trades[: kept.shown]
        done = kept.shown == len(kept.trades)
        fills = [_fill(trade, kept.order.scale) for trade in told]
        if done and kept.order.client_id in self.bragging:
            # The first piece is a quarter or more: four of it are more than any order can have left.
            first = kept.trades[0]
            more = replace(
                first,
                trade_id=f"X{first.trade_id}",
                quantity=4 * first.quantity,
                notional=4 * first.notional,
                fee=4 * first.fee,
            )
            fills.append(_fill(more, kept.order.scale))
        if self.faults and self.chance.random() < 0.3:
            self.chance.shuffle(fills)
        return BrokerReport("done" if done else "open", fills)


def _fill(trade: Trade, scale: int) -> BrokerFill:
    price = trade.notional * 10**scale * 10**12 // trade.quantity
    return BrokerFill(
        trade_id=trade.trade_id,
        quantity=from_base(trade.quantity, scale),
        price=max(from_base(1, 18), from_base(price, 18)),
        notional=from_base(trade.notional, USD_SCALE),
        fee=from_base(trade.fee, USD_SCALE),
    )
