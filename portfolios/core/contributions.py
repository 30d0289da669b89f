"""Which token brought how much of one holder's gain. Integers; the parts sum to the gain exactly.

From one close to the next, a holder of U of a pot's I units has the part U / I of what each token of the pot gained:
U x Q x (p1 - p0) / I, with Q its quantity at the first close. Whatever a day's gain is more or less than that (costs of
trading, fees, what moved between an order's price and the close, fractions of micro-dollars) is counted apart.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal

_WIDE = Context(prec=80)


@dataclass(frozen=True)
class Stretch:
    """From one close to the next: the holder's `units` of `issued` (base units), `quantities` of the pot per token at
    the first close, `before` and `after` marks in USD; a token without a mark counts as worth nothing."""

    units: int
    issued: int
    quantities: Mapping[str, Decimal]
    before: Mapping[str, Decimal]
    after: Mapping[str, Decimal]


def contributions(stretches: Sequence[Stretch]) -> dict[str, int]:
    """Token -> micro-dollars it brought the holder over all stretches, each stretch rounded towards zero."""
    brought: dict[str, int] = {}
    for stretch in stretches:
        if stretch.issued <= 0:
            continue
        share = _WIDE.divide(Decimal(stretch.units), Decimal(stretch.issued))
        for token, quantity in stretch.quantities.items():
            moved = stretch.after.get(token, Decimal(0)) - stretch.before.get(token, Decimal(0))
            if moved and quantity:
                worth = _WIDE.multiply(_WIDE.multiply(quantity, moved), share)
                brought[token] = brought.get(token, 0) + int(worth.scaleb(6, _WIDE))
    return brought
