"""Whether those who stay were left as they were: every dealing priced once more, in fractions, from the postings."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from tests.faults.database import Database
from tests.faults.problems import Broken

FIRST_PRICE = Fraction(100 * 10**6, 10**12)
"""Micro-dollars for a base unit of a portfolio that nobody holds."""
CENT = 10_000
SLACK = 2
"""Micro-dollars that whole numbers may differ from fractions by."""
MOST_COST = Fraction(2, 100)
_DEALINGS = """
SELECT d.id, d.kind, d.cycle_id, d.portfolio_id, d.value_before, d.units_before, c.marks, d.cost_usd, d.is_open
FROM portfolios_dealing d JOIN portfolios_dealingcycle c ON c.id = d.cycle_id ORDER BY d.id
"""
_MOVES = """
SELECT e.id, e.kind, e.reference, c.portfolio_id, c.kind, a.code, a.scale, p.amount, b.cycle_id
FROM portfolios_posting p JOIN portfolios_entry e ON e.id = p.entry_id
JOIN portfolios_account c ON c.id = p.account_id AND c.kind IN ('assets', 'issued')
JOIN portfolios_ledgerasset a ON a.id = p.asset_id
LEFT JOIN portfolios_fill f ON f.entry_id = e.id LEFT JOIN portfolios_blockorder b ON b.id = f.block_order_id
ORDER BY e.id, p.id
"""
_ORDERS = """
SELECT id::text, dealing_id, side, amount, units, proceeds, cost_usd, status FROM portfolios_order
WHERE dealing_id IS NOT NULL ORDER BY created_at, id
"""


@dataclass
class Pot:
    """What a portfolio holds (asset code -> whole tokens or dollars) and the base units that it has issued."""

    held: dict[str, Fraction] = field(default_factory=lambda: defaultdict(Fraction))
    units: Fraction = Fraction(0)

    def copied(self) -> Pot:
        return Pot(defaultdict(Fraction, self.held), self.units)

    def worth(self, marks: dict[str, Fraction]) -> Fraction:
        """Micro-dollars, each holding rounded down as people see it."""
        return Fraction(sum(int(amount * marks.get(code, 0) * 10**6) for code, amount in self.held.items()))


def dealings_fair(database: Database, done: set[int]) -> None:
    """Raises Broken for a closed dealing that took from those who stay, gave them what is not theirs, or priced an
    order by anything but the value before it; `done` are the dealings that have been looked at before."""
    rows = [row for row in database.raw(_DEALINGS) if not row[8] and row[0] not in done]
    if not rows:
        return
    orders: dict[int, list[tuple[Any, ...]]] = defaultdict(list)
    dealing_of = {}
    for row in database.raw(_ORDERS):
        orders[row[1]].append(row)
        dealing_of[row[0]] = row[1]
    before, after = _pots(database, {row[0]: row[2] for row in database.raw(_DEALINGS)}, dealing_of)
    for key, kind, cycle, portfolio, value, units, marks, cost, _ in rows:
        done.add(key)
        if (cycle, portfolio) not in before:
            continue
        prices = {"USD": Fraction(1), **{code: Fraction(text) for code, text in json.loads(marks).items()}}
        old, new = before[cycle, portfolio], after[cycle, portfolio]
        was, now = old.worth(prices), new.worth(prices)
        about = f"dealing {key} ({kind})"
        if was != Fraction(value) * 10**6 or old.units != Fraction(units) * 10**12:
            raise Broken(
                f"{about}: starts from {value} USD and {units} units, not {float(was)} and {old.units}"
            )
        if kind == "rebalance":
            _rebalanced(about, old, new, was, now, Fraction(cost) * 10**6)
        else:
            _settled(about, orders[key], old, new, was, now, Fraction(cost) * 10**6)


def _pots(
    database: Database, cycle_of: dict[int, int], dealing_of: dict[str, int]
) -> tuple[dict[tuple[int, int], Pot], dict[tuple[int, int], Pot]]:
    """(cycle, portfolio) -> its pot before the first and after the last entry of the cycle."""
    pots: dict[int, Pot] = defaultdict(Pot)
    before: dict[tuple[int, int], Pot] = {}
    after: dict[tuple[int, int], Pot] = {}
    for _, kind, reference, portfolio, account, code, _, amount, cycle in database.raw(_MOVES):
        parts = reference.split(":")
        found = cycle
        if parts[0] == "cross":
            found = int(parts[1])
        elif parts[0] == "order" and dealing_of.get(parts[1]) is not None and kind != "release":
            found = cycle_of[dealing_of[parts[1]]]
        elif parts[0] == "dealing":
            found = cycle_of[int(parts[1])]
        pot = pots[portfolio]
        if found is not None:
            before.setdefault((found, portfolio), pot.copied())
            after[found, portfolio] = pot
        if account == "issued":
            pot.units -= Fraction(amount) * 10**12
        else:
            pot.held[code] += Fraction(amount)
        if found is not None:
            after[found, portfolio] = pot.copied()
    return before, after


def _rebalanced(about: str, old: Pot, new: Pot, was: Fraction, now: Fraction, cost: Fraction) -> None:
    if old.units != new.units:
        raise Broken(f"{about}: {new.units - old.units} units appeared")
    if not -SLACK <= was - now <= MOST_COST * was + SLACK:
        raise Broken(f"{about}: worth {float(was)} before and {float(now)} micro-dollars after")
    if abs(max(Fraction(0), was - now) - cost) > SLACK:
        raise Broken(
            f"{about}: says that it cost {float(cost)}, but {float(was - now)} micro-dollars are gone"
        )


def _settled(
    about: str,
    orders: list[tuple[Any, ...]],
    old: Pot,
    new: Pot,
    was: Fraction,
    now: Fraction,
    cost: Fraction,
) -> None:
    price = was / old.units if old.units else FIRST_PRICE
    gained = now - price * new.units
    most = len(orders) * (CENT + 4) + SLACK + (CENT if not old.units else 0)
    if gained < -SLACK:
        raise Broken(f"{about}: those who stay lost {float(-gained)} micro-dollars")
    if gained > most:
        raise Broken(f"{about}: those who stay were given {float(gained)} micro-dollars")
    sizes = []
    for key, _, side, amount, units, proceeds, share, status in orders:
        if status != "settled":
            raise Broken(f"{about}: closed, and order {key} is {status}")
        worth = Fraction(units) * 10**12 * price
        paid = Fraction(amount if side == "invest" else proceeds) * 10**6
        left = (
            paid - worth - Fraction(share) * 10**6
            if side == "invest"
            else worth - Fraction(share) * 10**6 - paid
        )
        if not -4 <= left <= (4 + price if side == "invest" else CENT + 4 + price):
            raise Broken(f"{about}: order {key} of {float(paid)} got {float(worth)} at a cost of {share}")
        sizes.append((side, worth if side == "redeem" else paid, Fraction(share) * 10**6))
    if abs(sum(share for _, _, share in sizes) - cost) > SLACK:
        raise Broken(
            f"{about}: its orders bear {float(sum(share for _, _, share in sizes))} of {float(cost)}"
        )
    bearing = [(size, share) for _, size, share in sizes if share > 0]
    whole = sum(size for size, _ in bearing)
    if cost > MOST_COST * whole + CENT:
        raise Broken(f"{about}: cost {float(cost)} of {float(whole)} micro-dollars")
    if len({side for side, _, share in sizes if share > 0}) > 1:
        raise Broken(f"{about}: both sides bear the cost of the net flow")
