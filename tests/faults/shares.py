"""Whether each book had its part of a dealing, no more and no less: priced once more in fractions, from the ledger."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from tests.faults.database import Database
from tests.faults.fairness import CENT, MOST_COST
from tests.faults.problems import Broken

SLACK = 6
"""Micro-dollars for each asset that whole numbers, split over blocks and then over books, may differ by."""
PPM = 1_000_000
_OUTSIDE = """
SELECT COALESCE(t.code, split_part(e.reference, ':', 3) || ':' || split_part(e.reference, ':', 4)), e.id, a.code,
       p.amount * power(10::numeric, a.scale)
FROM portfolios_posting p JOIN portfolios_entry e ON e.id = p.entry_id
JOIN portfolios_account c ON c.id = p.account_id AND c.kind = 'clearing' AND c.portfolio_id = %s
JOIN portfolios_ledgerasset a ON a.id = p.asset_id
LEFT JOIN portfolios_fill f ON f.entry_id = e.id LEFT JOIN portfolios_blockorder b ON b.id = f.block_order_id
LEFT JOIN portfolios_ledgerasset t ON t.id = b.asset_id
WHERE b.cycle_id = %s OR (e.kind = 'cross' AND e.reference LIKE %s)
"""


@dataclass(frozen=True)
class Dealt:
    """What a book held before a dealing and what that moved: base units by asset code, micro-dollars by `USD`."""

    before: Mapping[str, int]
    moved: Mapping[str, int]


@dataclass(frozen=True)
class Settled:
    """An order of a book as it is stored."""

    key: str
    side: str
    amount: Decimal | None
    share: int | None
    proceeds: Decimal | None
    cost: Decimal
    status: str
    reason: str

    @property
    def came(self) -> int:
        """Micro-dollars that were put in."""
        return int((self.amount or 0) * PPM) if self.side == "invest" else 0

    @property
    def paid(self) -> int:
        """Micro-dollars that were paid out."""
        return int((self.proceeds or 0) * PPM)

    def wanted(self, worth: Fraction) -> Fraction:
        """Micro-dollars that a redemption asks for of a book of this worth."""
        if self.amount is not None:
            return min(Fraction(self.amount) * PPM, worth)
        return worth * (self.share or 0) / PPM


def dealing_shared(
    database: Database,
    dealing: int,
    nominee: int,
    cycle: int,
    marks: str,
    parts: Mapping[int, Dealt],
    orders: Mapping[int, Settled],
) -> None:
    """Raises Broken unless every book sold and bought at the prices that all of them together got, orders came to what
    follows from that, and nothing else moved."""
    scales = dict(database.raw("SELECT code, scale FROM portfolios_ledgerasset"))
    # Micro-dollars for a base unit.
    prices = {code: Fraction(text) * 10**6 / 10 ** scales[code] for code, text in json.loads(marks).items()}
    about = f"dealing {dealing}"
    selling, buying = _prices(database, about, nominee, cycle, prices, parts)
    for book, order in orders.items():
        if order.status != "settled":
            raise Broken(f"{about}: closed, and order {order.key} is {order.status}")
        if order.came and book not in parts:
            raise Broken(f"{about}: order {order.key} paid {order.came}, and its book {book} did not move")
    for book, part in parts.items():
        traded = {code: units for code, units in part.moved.items() if code != "USD"}
        brought = sum(-units * selling[code] for code, units in traded.items() if units < 0)
        spent = sum(units * buying[code] for code, units in traded.items() if units > 0)
        mine = orders.get(book)
        slack = SLACK * len(traded) + 1
        _money(f"{about}: book {book}", part, mine, Fraction(brought), Fraction(spent), slack)
        if mine is not None:
            lost = spent - brought - sum(units * prices.get(code, 0) for code, units in traded.items())
            if abs(Fraction(mine.cost) * PPM - max(Fraction(0), Fraction(lost))) > slack:
                raise Broken(f"{about}: order {mine.key} cost {mine.cost}, and {float(lost)} are gone")
            worth = sum(units * prices.get(code, 0) for code, units in part.before.items() if code != "USD")
            _order(about, mine, traded, Fraction(worth) + part.before.get("USD", 0), Fraction(brought))


def _money(
    about: str, part: Dealt, order: Settled | None, brought: Fraction, spent: Fraction, slack: int
) -> None:
    """The dollars of a book are what its own trades and its own order leave there; the last fraction of a cent of one
    that was emptied goes to the house."""
    came, paid = (order.came, order.paid) if order is not None else (0, 0)
    due = came + brought - spent - paid
    gone = due - part.moved.get("USD", 0)
    after = [part.before.get(code, 0) + units for code, units in part.moved.items()]
    left = [units for code, units in part.before.items() if code not in part.moved]
    most = slack + (CENT if not any([*after, *left]) else 0)
    if not -slack <= gone <= most:
        raise Broken(f"{about}: {part.moved.get('USD', 0)} micro-dollars moved, not {float(due)}")


def _order(about: str, order: Settled, traded: Mapping[str, int], worth: Fraction, brought: Fraction) -> None:
    buying = order.side == "invest"
    if any((units < 0) == buying for units in traded.values()):
        raise Broken(f"{about}: order {order.key} to {order.side} traded {dict(traded)}")
    if buying:
        return
    wanted = order.wanted(worth)
    if order.paid > wanted + brought * MOST_COST + CENT or order.paid % CENT:
        raise Broken(f"{about}: order {order.key} paid {order.paid} where {float(wanted)} was asked for")
    least = min(brought, wanted) if order.reason else wanted * (1 - MOST_COST)
    if order.paid < least - 2 * CENT:
        raise Broken(f"{about}: order {order.key} paid {order.paid}, at least {float(least)} was due")


def _prices(
    database: Database,
    about: str,
    nominee: int,
    cycle: int,
    prices: Mapping[str, Fraction],
    parts: Mapping[int, Dealt],
) -> tuple[dict[str, Fraction], dict[str, Fraction]]:
    """What a base unit brought and what it cost, by asset: outside, by the ledger, and at the mark between books."""
    entries: dict[tuple[str, int], dict[str, int]] = defaultdict(dict)
    for traded, entry, code, units in database.raw(_OUTSIDE, [nominee, cycle, f"cross:{cycle}:%"]):
        entries[traded, entry][code] = int(units)
    sold: dict[str, int] = defaultdict(int)
    income: dict[str, int] = defaultdict(int)
    bought: dict[str, int] = defaultdict(int)
    spent: dict[str, int] = defaultdict(int)
    for (token, _), legs in entries.items():
        units, usd = legs.get(token, 0), legs.get("USD", 0)
        if units < 0:
            sold[token] -= units
            income[token] += usd
        elif usd < 0 or units:
            bought[token] += units
            spent[token] -= usd
    selling: dict[str, Fraction] = {}
    buying: dict[str, Fraction] = {}
    moves = [(code, units) for part in parts.values() for code, units in part.moved.items() if code != "USD"]
    for token in {code for code, _ in moves} | sold.keys() | bought.keys():
        gave = -sum(units for code, units in moves if code == token and units < 0)
        took = sum(units for code, units in moves if code == token and units > 0)
        inside = gave - sold[token]
        if inside < 0 or inside != took - bought[token]:
            raise Broken(
                f"{about}: books gave {gave} and took {took} {token}, outside {sold[token]} and {bought[token]}"
            )
        crossing = inside * prices.get(token, Fraction(0))
        if gave:
            selling[token] = (income[token] + crossing) / gave
        if took:
            buying[token] = (spent[token] + crossing) / took
        for price, units in ((selling.get(token), gave), (buying.get(token), took)):
            if (
                price is not None
                and abs(price - prices[token]) * units > MOST_COST * prices[token] * units + CENT
            ):
                raise Broken(
                    f"{about}: {units} {token} at {float(price)} where the mark is {float(prices[token])}"
                )
    return selling, buying
