"""The books of personal portfolios, kept a second time from their postings and from what their owners asked for."""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.faults.bank import Bank
from tests.faults.contracts import contracts_right
from tests.faults.database import Database
from tests.faults.owners import LARGE, YES_NEEDED
from tests.faults.people import People, Wish
from tests.faults.problems import Broken
from tests.faults.shares import Dealt, Settled, dealing_shared

Held = dict[str, int]
"""Base units by asset code, micro-dollars by `USD`."""
_BOOKS = """
SELECT b.id, b.name, b.owner_id, b.nominee_id, i.slug, k.assets, b.cash, b.quantities, b.version, b.excluded,
       b.max_weight, b.risk_share
FROM portfolios_book b JOIN portfolios_basket k ON k.id = b.basket_id
JOIN portfolios_portfolio p ON p.id = b.nominee_id JOIN indices_index i ON i.id = p.index_id ORDER BY b.id
"""
_POSTINGS = """
SELECT t.id, t.reference, p.book_id, k.assets, p.cash, p.quantities, d.dealing_id
FROM portfolios_batch t JOIN portfolios_bookposting p ON p.batch_id = t.id
JOIN portfolios_basket k ON k.id = t.basket_id LEFT JOIN portfolios_dealingblock d ON d.id = t.block_id
WHERE t.id > %s ORDER BY t.id, p.book_id
"""
_ORDERS = """
SELECT id::text, book_id, user_id, reference, dealing_id, side, amount, share, proceeds, cost_usd, status, reason
FROM portfolios_order WHERE book_id IS NOT NULL ORDER BY created_at, id
"""
_CHANGES = """
SELECT book_id, excluded, max_weight, risk_share, applied_at IS NOT NULL, id FROM portfolios_bookchange ORDER BY id
"""
_DEALINGS = """
SELECT d.id, d.kind, d.portfolio_id, d.cycle_id, d.is_open, c.marks
FROM portfolios_dealing d JOIN portfolios_dealingcycle c ON c.id = d.cycle_id
JOIN portfolios_portfolio p ON p.id = d.portfolio_id WHERE p.kind = 'nominee' ORDER BY d.id
"""
_WITHDRAWALS = """
SELECT p.id::text, p.user_id, p.amount, p.status, p.approvals_needed,
       ARRAY(SELECT a.staff_id FROM portfolios_withdrawalapproval a WHERE a.payment_id = p.id ORDER BY a.id)
FROM portfolios_payment p WHERE p.direction = 'withdrawal'
"""
_STRAYS = """
SELECT e.reference, c.key FROM portfolios_posting p JOIN portfolios_entry e ON e.id = p.entry_id
JOIN portfolios_account c ON c.id = p.account_id AND c.kind IN ('assets', 'clearing')
LEFT JOIN portfolios_fill f ON f.entry_id = e.id LEFT JOIN portfolios_blockorder b ON b.id = f.block_order_id
WHERE e.kind IN ('fill', 'cross') AND NOT EXISTS (
  SELECT 1 FROM portfolios_dealing d WHERE d.portfolio_id = c.portfolio_id
  AND d.cycle_id = COALESCE(b.cycle_id, split_part(e.reference, ':', 2)::bigint)) LIMIT 1
"""


@dataclass(frozen=True)
class Chosen:
    """Settings: tokens left out, and millionths."""

    exclude: frozenset[str]
    cap: int
    risk: int

    def within(self, codes: frozenset[str]) -> Chosen:
        """As a basket of these assets can have them."""
        return Chosen(self.exclude & codes, self.cap, self.risk)


@dataclass
class Shelf:
    """What is in every book, and what each dealing did to it."""

    database: Database
    last_batch: int = 0
    held: dict[int, Held] = field(default_factory=dict)
    moves: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    dealt: dict[int, dict[int, Dealt]] = field(default_factory=dict)
    judged: set[int] = field(default_factory=set)
    applied: set[int] = field(default_factory=set)
    seen: dict[int, set[Chosen]] = field(default_factory=dict)
    """Settings that each book has had since its last dealing was looked at."""

    def observe(self, people: People, balances: Mapping[tuple[str, str], int], bank: Bank) -> None:
        """Everything that must hold of books and approvals between any two commits."""
        codes = {row[0]: row[1] for row in self.database.raw("SELECT id, code FROM portfolios_ledgerasset")}
        orders = self.database.raw(_ORDERS)
        books = self.database.raw(_BOOKS)
        for row in books:
            self.held.setdefault(row[0], {})
        self._postings(codes, {(row[4], row[1]) for row in orders})
        self._stored(books, codes, balances)
        self._owned(people, books, orders)
        self._chosen(people, books, codes)
        self._dealings(books, orders, balances)
        strays = self.database.raw(_STRAYS)
        if strays:
            raise Broken(f"{strays[0][0]} trades for {strays[0][1]}, which is not dealt")
        self._approved(people)
        contracts_right(self.database, people, bank)

    def charged(self) -> int:
        """Micro-dollars that plans have brought in."""
        return int(
            self.database.raw("SELECT COALESCE(SUM(amount), 0) * 1000000 FROM portfolios_invoice")[0][0]
        )

    def at_rest(self, people: People) -> None:
        """What was chosen last is what holds, or what waits; and every order is at its end."""
        waiting = {row[0]: row for row in self.database.raw(_CHANGES) if not row[4]}
        codes = {row[0]: row[1] for row in self.database.raw("SELECT id, code FROM portfolios_ledgerasset")}
        for row in self.database.raw(_BOOKS):
            known = frozenset(codes[key] for key in row[5])
            now = _settings(row, codes)
            if row[0] in waiting:
                change = waiting[row[0]]
                now = Chosen(frozenset(codes[key] for key in change[1]), change[2], change[3])
                known |= now.exclude
            # Of two that were asked for at the same moment either may be the last.
            if now not in [wanted.within(known) for wanted in _wanted(people, row[0], row[1])[-2:]]:
                raise Broken(f"book {row[0]}: ends with {now}")

    def _postings(self, codes: Mapping[int, str], ordered: set[tuple[int | None, int]]) -> None:
        for batch, reference, book, assets, cash, quantities, dealing in self.database.raw(
            _POSTINGS, [self.last_batch]
        ):
            self.last_batch = batch
            if dealing is None:
                raise Broken(f"{reference} moved book {book} outside every dealing")
            moved = {codes[key]: units for key, units in zip(assets, quantities, strict=True) if units}
            if cash:
                moved["USD"] = cash
            before = self.held[book]
            if book in self.dealt.setdefault(dealing, {}):
                raise Broken(f"{reference}: book {book} has its part of dealing {dealing} already")
            self.dealt[dealing][book] = Dealt(before, moved)
            after = {code: before.get(code, 0) + moved.get(code, 0) for code in before.keys() | moved.keys()}
            self.held[book] = {code: units for code, units in after.items() if units}
            self.moves[book] += 1

    def _stored(
        self,
        books: list[tuple[Any, ...]],
        codes: Mapping[int, str],
        balances: Mapping[tuple[str, str], int],
    ) -> None:
        sums: dict[tuple[str, str], int] = defaultdict(int)
        for key, _, _, nominee, _, assets, cash, quantities, version, *_ in books:
            there = {codes[asset]: units for asset, units in zip(assets, quantities, strict=True) if units}
            if cash:
                there["USD"] = cash
            if there != self.held[key] or version != self.moves[key]:
                raise Broken(f"book {key} has {there} after {version} postings, not {self.held[key]}")
            for code, units in there.items():
                if units < 0:
                    raise Broken(f"book {key} owes {units} {code}")
                sums[f"portfolio:{nominee}:books", code] += units
        control = {key: units for key, units in balances.items() if key[0].endswith(":books") and units}
        if dict(sums) != control:
            wrong = sorted(key for key in sums.keys() | control.keys() if sums.get(key) != control.get(key))
            raise Broken(f"books are {sums.get(wrong[0])} of {wrong[0]}, the ledger {control.get(wrong[0])}")

    def _owned(self, people: People, books: list[tuple[Any, ...]], orders: list[tuple[Any, ...]]) -> None:
        """Every book was asked for once, every order is of its owner's, and of each book one in a dealing."""
        wishes = {wish.reference: wish for wish in people.wishes}
        names = [row[1] for row in books]
        for key, name, owner, _, index, *_ in books:
            wish = wishes.get(name)
            if wish is None or wish.state == "refused" or wish.user.pk != owner or names.count(name) > 1:
                raise Broken(f"book {key} called {name} of user {owner}: nobody asked for it so")
            if wish.arguments["index"] != index or (wish.state == "done" and wish.answer != key):
                raise Broken(f"{wish}: answered with {wish.answer}, but book {key} of {index} has its name")
        for wish in people.wishes:
            if wish.verb == "open" and wish.state == "done" and wish.reference not in names:
                raise Broken(f"{wish}: answered with {wish.answer}, which is not there")
        owners = {row[0]: row[2] for row in books}
        taken = set()
        for key, book, user, reference, dealing, *_ in orders:
            wish = wishes.get(reference)
            if owners[book] != user or wish is None or wish.arguments.get("book") != book:
                raise Broken(f"order {key} of user {user} is for book {book}, which {wish} did not ask for")
            if dealing is not None and (dealing, book) in taken:
                raise Broken(f"order {key}: book {book} has another one in dealing {dealing}")
            taken.add((dealing, book))

    def _chosen(self, people: People, books: list[tuple[Any, ...]], codes: Mapping[int, str]) -> None:
        for row in books:
            known, now = frozenset(codes[key] for key in row[5]), _settings(row, codes)
            if now not in [wanted.within(known) for wanted in _wanted(people, row[0], row[1])]:
                raise Broken(f"book {row[0]}: nobody chose {now} for it")
            self.seen.setdefault(row[0], set()).add(now)
        names = {row[0]: row[1] for row in books}
        for book, excluded, cap, risk, applied, key in self.database.raw(_CHANGES):
            change = Chosen(frozenset(codes[key] for key in excluded), cap, risk)
            if change not in _wanted(people, book, names[book]):
                raise Broken(f"book {book}: nobody chose {change}, which waits for it")
            if applied and key not in self.applied:
                self.applied.add(key)
                self.seen[book].add(change)

    def _dealings(
        self,
        books: list[tuple[Any, ...]],
        orders: list[tuple[Any, ...]],
        balances: Mapping[tuple[str, str], int],
    ) -> None:
        dealings = self.database.raw(_DEALINGS)
        open_ = {row[2] for row in dealings if row[4]}
        for nominee in {row[3] for row in books} - open_:
            left = {code: units for (key, code), units in balances.items()
                    if key == f"portfolio:{nominee}:clearing" and units}  # fmt: skip
            if left:
                raise Broken(f"nominee {nominee} is not dealt and has {left} to clear")
        for dealing, kind, nominee, cycle, is_open, marks in dealings:
            if is_open or dealing in self.judged:
                continue
            self.judged.add(dealing)
            mine = {row[1]: Settled(row[0], *row[5:]) for row in orders if row[4] == dealing}
            parts = self.dealt.get(dealing, {})
            strangers = parts.keys() - mine.keys()
            if kind == "flow" and strangers:
                raise Broken(f"dealing {dealing} moved book {min(strangers)}, which ordered nothing in it")
            dealing_shared(self.database, dealing, nominee, cycle, marks, parts, mine)
            for book, part in parts.items():
                bought = {code for code, units in part.moved.items() if code != "USD" and units > 0}
                left_out = frozenset.intersection(*(chosen.exclude for chosen in self.seen[book]))
                if bought & left_out:
                    raise Broken(f"dealing {dealing}: book {book} bought {bought & left_out}, left out")
        self.seen = {row[0]: set() for row in books} if not open_ else self.seen

    def _approved(self, people: People) -> None:
        """Nothing large is on its way without two who said so and may; every yes is somebody's."""
        for key, owner, amount, status, needed, said in self.database.raw(_WITHDRAWALS):
            if needed != (YES_NEEDED if amount > LARGE else 0):
                raise Broken(f"withdrawal {key} of {amount} needs {needed} approvals")
            wishes = [wish for wish in people.wishes if wish.arguments.get("payment") == key]
            yes = {wish.user.pk for wish in wishes if wish.verb == "approve" and wish.state != "refused"}
            heard = {wish.user.pk for wish in wishes if wish.verb == "approve" and wish.state == "done"}
            if owner in said or not heard <= set(said) <= yes or len(said) != len(set(said)):
                raise Broken(
                    f"withdrawal {key} of user {owner}: {said} are said to have approved it, not {yes}"
                )
            if status in ("held", "sending", "completed") and len(said) < needed:
                raise Broken(f"withdrawal {key} of {amount} is {status} with {len(said)} approvals")
            if status == "failed" and len(said) < needed and "refuse" not in {w.verb for w in wishes}:
                raise Broken(f"withdrawal {key} failed, and nobody refused it")
            if any(w.verb == "refuse" and w.state == "done" for w in wishes) and status != "failed":
                raise Broken(f"withdrawal {key} was refused, and is {status}")

    def copied(self) -> Shelf:
        """One to go on with while this one stays as it is."""
        return copy.deepcopy(self, {id(self.database): self.database})


def _settings(row: tuple[Any, ...], codes: Mapping[int, str]) -> Chosen:
    mask = bytes(row[9])
    left_out = (codes[key] for place, key in enumerate(row[5]) if mask[place // 8] & 0x80 >> place % 8)
    return Chosen(frozenset(left_out), row[10], row[11])


def _wanted(people: People, book: int, name: str) -> list[Chosen]:
    """What its owner asked for, in that order; perhaps without having heard that it was noted."""

    def asked(wish: Wish) -> bool:
        mine = wish.arguments.get("book") == book if wish.verb == "choose" else wish.reference == name
        return mine and wish.verb in ("open", "choose") and wish.state != "refused"

    return [
        Chosen(
            frozenset(f"token:{slug}" for slug in wish.arguments["exclude"]),
            wish.arguments["cap"],
            wish.arguments["risk"],
        )
        for wish in people.wishes
        if asked(wish)
    ]
