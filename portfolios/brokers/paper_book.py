"""The order book of the paper venue: levels whose average price follows the square-root law that previews show.

Everything is derived from the token's daily volume and a seed; nothing is kept. Whole numbers: prices in 10^-24 USD,
base units, micro-dollars, parts per billion.
"""

import random

from portfolios.brokers.base import Depth
from portfolios.core.fees import LARGEST_SLIPPAGE, PPB, half_spread, impact
from portfolios.core.money import quantity_worth

SMALLEST_LEVEL = 10_000_000
"""10 USD stand at the best price; every level away holds half as much again."""
LEVELS = 48
MOST_FILLS = 4
_TILT = 10

Level = tuple[int, int]
"""Price and base units."""


def levels(seed: str, *, mark: int, scale: int, volume: int | None, buying: bool) -> list[Level]:
    """Best first, as far as the largest slippage. Walking a whole level costs what the law says of that size, give or
    take a tenth of the impact by the seed."""
    dice = random.Random(seed)  # noqa: S311 - a simulation that must repeat itself, not a secret
    found: list[Level] = []
    size, reached = SMALLEST_LEVEL, 0
    for _ in range(LEVELS):
        upto = reached + size
        # impact(x) is an average over x; its mean over this level alone follows from the two ends.
        moved = (upto * impact(upto, volume) - reached * impact(reached, volume)) // size
        away = half_spread(volume) + moved * (100 + dice.randint(-_TILT, _TILT)) // 100
        if away > LARGEST_SLIPPAGE:
            break
        price = -(-mark * (PPB + away) // PPB) if buying else mark * (PPB - away) // PPB
        quantity = quantity_worth(size, scale, price)
        if quantity > 0:
            found.append((price, quantity))
        reached, size = upto, size * 3 // 2
    return sorted(found, reverse=not buying)


def within(book: list[Level], *, mark: int, cap: int | None, buying: bool) -> list[Level]:
    """The levels that are at most `cap` (parts per billion) from the mark."""
    if cap is None:
        return book
    worst = mark * (PPB + cap) // PPB if buying else -(-mark * (PPB - cap) // PPB)
    return [line for line in book if (line[0] <= worst if buying else line[0] >= worst)]


def walked(book: list[Level], quantity: int) -> list[Level]:
    """What is taken of each level, best first, until `quantity` is there or the book is empty."""
    taken, left = [], quantity
    for price, there in book:
        if left <= 0:
            break
        taken.append((price, min(there, left)))
        left -= there
    return taken


def affordable(book: list[Level], money: int, *, fee: int, one: int) -> int:
    """The most base units that `money` micro-dollars pay for, fee included; `one` turns price x quantity into
    micro-dollars."""
    got, left = 0, money * one * PPB // (PPB + fee)
    for price, there in book:
        some = min(there, left // price)
        got, left = got + some, left - some * price
        if some < there:
            break
    return got


def depth_of(book: list[Level], fee: int) -> Depth:
    """The book as routing reads it."""
    return Depth(levels=book, fee=fee)
