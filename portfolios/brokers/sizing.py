"""How large an order may be at a venue and at which limit: decimals in the venue's own currency, no questions asked."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from portfolios.brokers.base import BrokerOrder

SPARE = Decimal("0.0001")
"""USD kept back of a budget for rounding each of its fills up."""
PRICE_AGREES = Decimal("0.1")
"""A market whose price is further than this from the mark is not the token's, or the mark is wrong."""

Level = tuple[Decimal, Decimal]
"""Price and quantity."""


@dataclass(frozen=True)
class MarketRule:
    """A market and what its orders must keep. `symbol` is ccxt's, `base` the venue's code for the token."""

    symbol: str
    base: str
    step: Decimal
    tick: Decimal
    least_notional: Decimal
    least_quantity: Decimal


@dataclass(frozen=True)
class Sized:
    """A quantity and a limit that the venue takes; or a sentence why it must not be sent (`refusal`) or finds nobody
    now (`nothing`)."""

    quantity: Decimal = Decimal(0)
    limit: Decimal = Decimal(0)
    refusal: str = ""
    nothing: str = ""


def sized(
    order: BrokerOrder, rule: MarketRule, side: Sequence[Level], *, venue: str, quote: str, fee: Decimal
) -> Sized:
    """The order against one side of a book, best first. A purchase never costs more than its budget, fee included."""
    mark = order.mark / order.rate
    if not side:
        return Sized(nothing=f"Nobody is offering at {venue} now.")
    if abs(side[0][0] / mark - 1) > PRICE_AGREES:
        return Sized(
            refusal=f"Not sent: the price at {venue}, {side[0][0]:f}, is too far from the mark, {mark:.8g}."
        )
    levels = within(side, order)
    if not levels:
        return Sized(nothing=f"Nobody at {venue} offers within {distance(order)} of the mark.")
    step = max(rule.step, Decimal(1).scaleb(-order.scale))
    if order.side == "sell":
        quantity = in_steps(order.quantity or Decimal(0), step)
        limit = in_steps(_worst(order) or levels[-1][0], rule.tick, up=True)
    else:
        quantity, limit = _affordable(order, levels, step, fee)
    if quantity <= 0 or quantity < rule.least_quantity or quantity * limit < rule.least_notional:
        return Sized(
            refusal=f"Not sent: {quantity * limit:.2f} {quote} is less than {venue} trades, "
            f"{rule.least_notional:f} {quote} and {max(step, rule.least_quantity):f} tokens."
        )
    return Sized(quantity, limit)


def within(side: Sequence[Level], order: BrokerOrder) -> list[Level]:
    """The levels that are not further from the mark than the order may go."""
    worst = _worst(order)
    if worst is None:
        return list(side)
    return [line for line in side if (line[0] <= worst if order.side == "buy" else line[0] >= worst)]


def distance(order: BrokerOrder) -> str:
    """How far from the mark the order may go, in words."""
    return "any distance" if order.cap is None else f"{(order.cap * 100).normalize():f} %"


def in_steps(amount: Decimal, step: Decimal, *, up: bool = False) -> Decimal:
    """`amount` as a whole number of steps."""
    return (amount / step).to_integral_value(ROUND_CEILING if up else ROUND_FLOOR) * step


def _worst(order: BrokerOrder) -> Decimal | None:
    if order.cap is None:
        return None
    return order.mark / order.rate * (1 + order.cap if order.side == "buy" else 1 - order.cap)


def _affordable(
    order: BrokerOrder, levels: Sequence[Level], step: Decimal, fee: Decimal
) -> tuple[Decimal, Decimal]:
    """The most that the budget buys whatever happens, and the limit for it: the dearest level that it needs."""
    money = max(Decimal(0), (order.budget or Decimal(0)) - SPARE) / order.rate
    best, there = (Decimal(0), levels[0][0]), Decimal(0)
    for price, quantity in levels:
        there += quantity
        can_pay = in_steps(money / (price * (1 + fee)), step)
        got = in_steps(min(can_pay, there), step)
        if got > best[0]:
            best = (got, price)
        if can_pay <= there:
            break
    return best
