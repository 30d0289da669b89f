"""Which units were sold when some were sold: lots of a thing that came in, and the parts of them that went out.

Whole numbers only: base units of the thing, and of money (cents or micro-dollars, as the caller likes). Days are market
days. A lot's parts always sum to the lot, in quantity and in cost; where a cost or the proceeds are not known there is
no gain, and nothing pretends that there is one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum

from portfolios.core.allocation import split

LONG_AFTER = 365
"""Days: what was held for more of them than this was held long."""


class Method(StrEnum):
    """Which lots go first. What was chosen by hand goes before every rule; the rule deals with the rest."""

    FIFO = "fifo"
    LIFO = "lifo"
    HIFO = "hifo"
    AVERAGE = "average"
    SPECIFIC = "specific"


@dataclass(frozen=True)
class Acquired:
    """What came in. `place` orders what happened on one day (the ledger's entry id); `cost` is what was paid with every
    fee in it, None where nobody knows."""

    key: str
    place: int
    day: date
    quantity: int
    cost: int | None
    kind: str = "purchase"


@dataclass(frozen=True)
class Disposed:
    """What went out. `proceeds` is what was paid for it after every fee, None where nobody knows. `chosen` names lots
    by hand: (lot key, quantity)."""

    key: str
    place: int
    day: date
    quantity: int
    proceeds: int | None
    kind: str = "sale"
    chosen: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True)
class Lot:
    """What is left of one acquisition: `quantity` and `cost` of the `acquired` whole."""

    acquired: Acquired
    quantity: int
    cost: int | None


@dataclass(frozen=True)
class Part:
    """The part of one disposal that came out of one lot. `lot` is None where more went out than ever came in."""

    disposed: Disposed
    lot: Acquired | None
    quantity: int
    cost: int | None
    proceeds: int | None
    method: Method
    by_choice: bool = False

    @property
    def gain(self) -> int | None:
        """Proceeds less cost; None while either is unknown."""
        return None if self.cost is None or self.proceeds is None else self.proceeds - self.cost

    @property
    def days_held(self) -> int | None:
        """From the day it came in to the day it went out; None where it never came in."""
        return None if self.lot is None else (self.disposed.day - self.lot.day).days

    def is_long(self, long_after: int = LONG_AFTER) -> bool | None:
        """Held for more than `long_after` days; None where nobody knows since when."""
        return None if self.days_held is None else self.days_held > long_after


@dataclass
class Matching:
    """Every part of every disposal in order, what is still there, and which choices could not be followed."""

    parts: list[Part] = field(default_factory=list)
    open_lots: list[Lot] = field(default_factory=list)
    unfollowed: list[tuple[str, str, int]] = field(default_factory=list)
    """(disposal key, lot key, quantity that was chosen and not there)."""


def match(
    acquired: Sequence[Acquired],
    disposed: Sequence[Disposed],
    methods: Mapping[int, Method] | None = None,
    *,
    default: Method = Method.FIFO,
) -> Matching:
    """Disposals matched to lots in the order in which things happened (`place`; what comes in goes first).

    `methods` says by year which rule holds for what goes out in it, `default` for the other years. Average: quantities
    leave first in, first out, and all known costs are spread evenly over the quantities of that moment. Highest cost
    first puts lots of unknown cost last. Where a choice by hand leaves a rest the rest goes first in, first out.
    Raises ValueError for a quantity that is not positive, a negative amount, or a key that occurs twice.
    """
    _checked(acquired, disposed)
    found = Matching()
    lots: list[Lot] = []
    coming = sorted(acquired, key=lambda item: item.place)
    come = 0
    for sale in sorted(disposed, key=lambda item: item.place):
        while come < len(coming) and coming[come].place <= sale.place:
            lots.append(Lot(coming[come], coming[come].quantity, coming[come].cost))
            come += 1
        method = (methods or {}).get(sale.day.year, default)
        lots = _sold(sale, lots, method, found)
    lots += [Lot(item, item.quantity, item.cost) for item in coming[come:]]
    found.open_lots = lots
    return found


def _sold(sale: Disposed, lots: list[Lot], method: Method, found: Matching) -> list[Lot]:
    """The lots that are left; the parts of the sale are in `found`."""
    if method is Method.AVERAGE:
        lots = averaged(lots)
    takes = _taken(sale, lots, method, found)
    left: dict[str, Lot] = {lot.acquired.key: lot for lot in lots}
    costs = _costs(takes, left, method)
    quantities = [quantity for _, quantity, _ in takes]
    short = sale.quantity - sum(quantities)
    proceeds: list[int] | list[None] = (
        [None] * (len(takes) + 1) if sale.proceeds is None else split(sale.proceeds, [*quantities, short])
    )
    for (key, quantity, by_choice), cost, paid in zip(takes, costs, proceeds, strict=False):
        lot = left[key]
        found.parts.append(Part(sale, lot.acquired, quantity, cost, paid, method, by_choice))
        rest = None if lot.cost is None or cost is None else lot.cost - cost
        left[key] = Lot(lot.acquired, lot.quantity - quantity, rest)
    if short:
        found.parts.append(Part(sale, None, short, None, proceeds[-1], method))
    kept = [left[lot.acquired.key] for lot in lots if left[lot.acquired.key].quantity]
    if method is not Method.AVERAGE:
        return kept
    known = sum(lot.cost for lot in lots if lot.cost is not None) - sum(cost or 0 for cost in costs)
    return _spread(kept, known)


def _taken(
    sale: Disposed, lots: Sequence[Lot], method: Method, found: Matching
) -> list[tuple[str, int, bool]]:
    """(lot key, quantity, whether by hand) of every take, one per lot."""
    there = {lot.acquired.key: lot.quantity for lot in lots}
    wanted, takes = sale.quantity, dict[str, int]()
    by_hand: set[str] = set()
    for key, quantity in sale.chosen:
        got = min(quantity, wanted, there.get(key, 0))
        if got < quantity:
            found.unfollowed.append((sale.key, key, quantity - got))
        if got:
            takes[key] = takes.get(key, 0) + got
            by_hand.add(key)
            there[key] -= got
            wanted -= got
    for lot in _in_turn(lots, method):
        key = lot.acquired.key
        got = min(wanted, there[key])
        if got:
            takes[key] = takes.get(key, 0) + got
            by_hand -= {key}
            wanted -= got
    return [(key, quantity, key in by_hand) for key, quantity in takes.items()]


def _in_turn(lots: Sequence[Lot], method: Method) -> list[Lot]:
    by_age = sorted(lots, key=lambda lot: lot.acquired.place)
    if method is Method.LIFO:
        return by_age[::-1]
    if method is not Method.HIFO:
        return by_age
    known = [lot for lot in by_age if lot.cost is not None]
    known.sort(key=_per_unit, reverse=True)
    return known + [lot for lot in by_age if lot.cost is None]


class _Ratio:
    """A cost per unit, compared without being divided: a / b < c / d where a * d < c * b."""

    def __init__(self, cost: int, quantity: int) -> None:
        self.cost, self.quantity = cost, quantity

    def __lt__(self, other: "_Ratio") -> bool:
        return self.cost * other.quantity < other.cost * self.quantity


def _per_unit(lot: Lot) -> _Ratio:
    return _Ratio(lot.cost or 0, lot.quantity)


def _costs(
    takes: Sequence[tuple[str, int, bool]], lots: Mapping[str, Lot], method: Method
) -> list[int | None]:
    """The cost of each take: its share of its lot, or of all known lots together."""
    if method is not Method.AVERAGE:
        costs: list[int | None] = []
        for key, quantity, _ in takes:
            lot = lots[key]
            costs.append(
                None if lot.cost is None else split(lot.cost, [quantity, lot.quantity - quantity])[0]
            )
        return costs
    known = [lot for lot in lots.values() if lot.cost is not None]
    whole = sum(lot.quantity for lot in known)
    sizes = [quantity if lots[key].cost is not None else 0 for key, quantity, _ in takes]
    if not any(sizes):
        return [None] * len(takes)
    gone = split(sum(lot.cost or 0 for lot in known), [sum(sizes), whole - sum(sizes)])[0]
    return [part if size else None for size, part in zip(sizes, split(gone, sizes), strict=True)]


def averaged(lots: Sequence[Lot]) -> list[Lot]:
    """The same quantities with the known costs spread evenly over them."""
    return _spread(lots, sum(lot.cost for lot in lots if lot.cost is not None))


def _spread(lots: Sequence[Lot], cost: int) -> list[Lot]:
    known = [lot.quantity for lot in lots if lot.cost is not None]
    if not known:
        return list(lots)
    parts = iter(split(cost, known))
    return [lot if lot.cost is None else replace(lot, cost=next(parts)) for lot in lots]


def _checked(acquired: Sequence[Acquired], disposed: Sequence[Disposed]) -> None:
    items: list[Acquired | Disposed] = [*acquired, *disposed]
    for item in items:
        amount = item.cost if isinstance(item, Acquired) else item.proceeds
        if item.quantity <= 0 or (amount is not None and amount < 0):
            raise ValueError(f"lots: {item.key} must have a quantity above zero and no negative amount")
    keys = [item.key for item in acquired]
    if len(set(keys)) < len(keys):
        raise ValueError("lots: every acquisition needs a key of its own")
