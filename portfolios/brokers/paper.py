"""A venue made of arithmetic: spread by liquidity, a fee, a price that moves with size, fills in pieces.

Everything is derived from the order itself, seeded by its id, so that the answer to a question is always the same and a
restart forgets nothing.
"""

import random
from decimal import Decimal

from portfolios.brokers.base import BrokerFill, BrokerOrder, BrokerReport
from portfolios.core.allocation import split
from portfolios.core.fees import FEE, PPB, fee_on, slippage
from portfolios.core.money import (
    PRICE_SCALE,
    USD_SCALE,
    from_base,
    price_base,
    quantity_worth,
    to_base,
    value_of,
)

SMALLEST_PIECE = 1_000_000_000
"""Orders under 1,000 USD (in micro-dollars) come in one fill."""
MOST_PIECES = 4


class PaperBroker:
    """Sales fill below the mark, purchases above it. Large orders come in up to four fills, of which the first is
    there at once and the others when it is asked again."""

    name = "paper"

    def order_place(self, order: BrokerOrder) -> BrokerReport:
        """The order with its first fill."""
        fills = _fills(order)
        if not fills:
            return BrokerReport("rejected", [], "too small to trade")
        return BrokerReport("done" if len(fills) == 1 else "open", fills[:1])

    def order_find(self, order: BrokerOrder) -> BrokerReport | None:
        """The order with all its fills: it is known as soon as somebody asks for it."""
        fills = _fills(order)
        if not fills:
            return BrokerReport("rejected", [], "too small to trade")
        return BrokerReport("done", fills)


def _fills(order: BrokerOrder) -> list[BrokerFill]:
    mark = price_base(order.mark)
    quantity = None if order.quantity is None else to_base(order.quantity, order.scale)
    budget = None if order.budget is None else to_base(order.budget, USD_SCALE)
    size = value_of(quantity, order.scale, mark) if quantity is not None else (budget or 0)
    away = slippage(size, order.volume)
    if quantity is not None:
        price = mark * (PPB - away) // PPB
    else:
        price = -(-mark * (PPB + away) // PPB)
        # One micro-dollar of room for each of the two roundings up below, in each piece.
        spare = 2 * MOST_PIECES
        quantity = quantity_worth(max(0, (budget or 0) - spare) * PPB // (PPB + FEE), order.scale, price)
    fills = []
    for number, piece in enumerate(_pieces(order.client_id, quantity, size)):
        notional = value_of(piece, order.scale, price)
        if order.side == "buy":
            notional = -(-piece * price // 10 ** (order.scale + PRICE_SCALE - USD_SCALE))
        fee = fee_on(notional) if order.side == "buy" else min(notional, fee_on(notional))
        if piece > 0 and notional > 0:
            fills.append(
                BrokerFill(
                    trade_id=f"{order.client_id}:{number}",
                    quantity=from_base(piece, order.scale),
                    price=_stored_price(price),
                    notional=from_base(notional, USD_SCALE),
                    fee=from_base(fee, USD_SCALE),
                )
            )
    return fills


def _stored_price(price: int) -> Decimal:
    return max(from_base(1, 18), from_base(price // 10 ** (PRICE_SCALE - 18), 18))


def _pieces(client_id: str, quantity: int, size: int) -> list[int]:
    """How the quantity comes in: one piece for a small order, up to four for a large one."""
    if size < SMALLEST_PIECE:
        return [quantity]
    seeded = random.Random(client_id)  # noqa: S311 - a simulation that must repeat itself, not a secret
    return split(quantity, [seeded.randint(1, 100) for _ in range(seeded.randint(2, MOST_PIECES))])
