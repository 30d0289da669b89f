"""The same money on the same days in something else. Micro-dollars and Decimals.

What a flow buys is amount / price, rounded down at 18 decimals; what it takes out is sold at the price of its moment.
Where less is left than was taken out, all of it goes, and what is missing is said: nothing is borrowed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_DOWN, Context, Decimal

_WIDE = Context(prec=60, rounding=ROUND_DOWN)
_QUANTUM = Decimal("1E-18")


@dataclass(frozen=True)
class Flow:
    """Money that went in and came out at one moment, and the price of the alternative then."""

    day: date
    money_in: int
    money_out: int
    price: Decimal


@dataclass(frozen=True)
class Line:
    """One row of the recomputation: the flow, and how much of the alternative is held after it."""

    day: date
    money_in: int
    money_out: int
    unpaid: int
    price: Decimal
    quantity: Decimal


@dataclass(frozen=True)
class Replay:
    """What came of it: `value` at the end, `gain` = value + out - unpaid - in, and every row."""

    value: int
    gain: int
    unpaid: int
    price: Decimal
    lines: tuple[Line, ...]


def replayed(flows: Sequence[Flow], *, price: Decimal) -> Replay:
    """The flows, oldest first, in an alternative whose price at the end is `price`. Raises ValueError for a price that
    is not positive."""
    quantity, gain, unpaid = Decimal(0), 0, 0
    lines = []
    for flow in flows:
        if not flow.price > 0:
            raise ValueError(f"price: {flow.price} on {flow.day} is not positive")
        quantity += _worth_of(flow.money_in, flow.price)
        needed = _worth_of(flow.money_out, flow.price)
        missing = 0
        if needed > quantity:
            missing = flow.money_out - _micro(quantity, flow.price)
            needed = quantity
        quantity -= needed
        gain += flow.money_out - missing - flow.money_in
        unpaid += missing
        lines.append(Line(flow.day, flow.money_in, flow.money_out, missing, flow.price, quantity))
    value = _micro(quantity, price)
    return Replay(value, gain + value, unpaid, price, tuple(lines))


def _worth_of(micro: int, price: Decimal) -> Decimal:
    return _WIDE.divide(Decimal(micro).scaleb(-6, _WIDE), price).quantize(
        _QUANTUM, rounding=ROUND_DOWN, context=_WIDE
    )


def _micro(quantity: Decimal, price: Decimal) -> int:
    return int(_WIDE.multiply(quantity, price).scaleb(6, _WIDE))
