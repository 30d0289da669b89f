"""A venue made of arithmetic: spread by liquidity, a fee, a price that moves with size, fills in pieces.

Everything is derived from the order itself, seeded by its id, so that the answer to a question is always the same and a
restart forgets nothing. That holds for misfortunes too: an order that was lost on its way is lost whenever it is asked
about, and one whose answer was lost is there.
"""

import random
from dataclasses import dataclass
from decimal import Decimal

from portfolios.brokers import paper_book
from portfolios.brokers.base import BrokerFill, BrokerOrder, BrokerReport, BrokerUnreachable, Depth
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
_MILLION = 1_000_000


@dataclass(frozen=True)
class PaperRules:
    """How the venue behaves. With `book` an order walks the levels of an order book and keeps its cap; without, it
    trades at one price of the same law. The others are millionths of all orders, seeded by their ids."""

    book: bool = False
    rejects: int = 0
    outages: int = 0
    partials: int = 0


def rules_configured() -> PaperRules:
    """The rules that the settings name."""
    from django.conf import settings

    return PaperRules(
        settings.PAPER_BOOK, settings.PAPER_REJECTS, settings.PAPER_OUTAGES, settings.PAPER_PARTIALS
    )


class PaperBroker:
    """Sales fill below the mark, purchases above it. Large orders come in up to four fills, of which the first is
    there at once and the others when it is asked again. `rules` default to the settings."""

    name = "paper"
    _rules: PaperRules | None = None

    def __init__(self, name: str = "paper", rules: PaperRules | None = None) -> None:
        self.name, self._rules = name, rules

    @property
    def rules(self) -> PaperRules:
        """How the venue behaves now."""
        return self._rules if self._rules is not None else rules_configured()

    def order_place(self, order: BrokerOrder) -> BrokerReport:
        """The order with its first fill."""
        if _happens(order, "outage", self.rules.outages):
            raise BrokerUnreachable(f"{self.name}: the connection was lost")
        report = self._report(order)
        if len(report.fills) > 1:
            return BrokerReport("open", report.fills[:1])
        return report

    def order_find(self, order: BrokerOrder) -> BrokerReport | None:
        """The order with all its fills: it is known as soon as somebody asks for it, unless it was lost on its way."""
        lost = _happens(order, "outage", self.rules.outages) and _happens(order, "lost", _MILLION // 2)
        return None if lost else self._report(order)

    def depth(self, order: BrokerOrder) -> Depth | None:
        """The side that the order would take."""
        return paper_book.depth_of(self._book(order), FEE)

    def _report(self, order: BrokerOrder) -> BrokerReport:
        if _happens(order, "reject", self.rules.rejects):
            return BrokerReport("rejected", [], f"{self.name} refused it for no reason but bad luck.")
        wanted, pieces = self._walked(order) if self.rules.book else _at_one_price(order)
        fills = _fills(order, pieces)
        if fills:
            got = sum(fill.quantity for fill in fills)
            short = got < from_base(wanted, order.scale)
            reason = f"{got:f} of {from_base(wanted, order.scale):f} tokens were filled." if short else ""
            return BrokerReport("done", fills, reason)
        if self.rules.book and wanted > 0:
            return BrokerReport("done", [], f"Nobody at {self.name} offers that near the mark.")
        return BrokerReport("rejected", [], "too small to trade")

    def _book(self, order: BrokerOrder) -> list[paper_book.Level]:
        mark, buying = price_base(order.mark), order.side == "buy"
        book = paper_book.levels(
            f"{self.name}:{order.token}:{order.placed_at:%Y-%m-%d}:{order.side}",
            mark=mark,
            scale=order.scale,
            volume=order.volume,
            buying=buying,
        )
        cap = None if order.cap is None else int(order.cap * PPB)
        return paper_book.within(book, mark=mark, cap=cap, buying=buying)

    def _walked(self, order: BrokerOrder) -> tuple[int, list[paper_book.Level]]:
        """(base units wanted, what is taken at which price), merged to a few fills."""
        book = self._book(order)
        one = 10 ** (order.scale + PRICE_SCALE - USD_SCALE)
        if order.quantity is not None:
            wanted = to_base(order.quantity, order.scale)
        else:
            # One micro-dollar of room for each of the two roundings up, in each fill.
            money = max(0, to_base(order.budget or Decimal(0), USD_SCALE) - 2 * MOST_PIECES)
            wanted = paper_book.affordable(book, money, fee=FEE, one=one)
            if not book:
                wanted = quantity_worth(money, order.scale, price_base(order.mark))
        filled = wanted
        if _happens(order, "partial", self.rules.partials):
            filled = wanted * _dice(order, "part").randint(1, 99) // 100
        return wanted, _merged(paper_book.walked(book, filled), buying=order.side == "buy")


def _at_one_price(order: BrokerOrder) -> tuple[int, list[paper_book.Level]]:
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
    return quantity, [(price, piece) for piece in _pieces(order.client_id, quantity, size)]


def _fills(order: BrokerOrder, pieces: list[paper_book.Level]) -> list[BrokerFill]:
    fills = []
    for number, (price, piece) in enumerate(pieces):
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


def _merged(taken: list[paper_book.Level], *, buying: bool) -> list[paper_book.Level]:
    """At most a few fills: neighbouring levels become one at their average price, never better than they were."""
    size = -(-len(taken) // MOST_PIECES) if taken else 1
    merged = []
    for start in range(0, len(taken), size):
        group = taken[start : start + size]
        quantity = sum(units for _, units in group)
        spent = sum(price * units for price, units in group)
        merged.append((-(-spent // quantity) if buying else spent // quantity, quantity))
    return merged


def _stored_price(price: int) -> Decimal:
    return max(from_base(1, 18), from_base(price // 10 ** (PRICE_SCALE - 18), 18))


def _pieces(client_id: str, quantity: int, size: int) -> list[int]:
    """How the quantity comes in: one piece for a small order, up to four for a large one."""
    if size < SMALLEST_PIECE:
        return [quantity]
    seeded = random.Random(client_id)  # noqa: S311 - a simulation that must repeat itself, not a secret
    return split(quantity, [seeded.randint(1, 100) for _ in range(seeded.randint(2, MOST_PIECES))])


def _dice(order: BrokerOrder, what: str) -> random.Random:
    return random.Random(f"{order.client_id}:{what}")  # noqa: S311 - as above


def _happens(order: BrokerOrder, what: str, rate: int) -> bool:
    return rate > 0 and _dice(order, what).randrange(_MILLION) < rate
