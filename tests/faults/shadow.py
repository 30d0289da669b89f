"""A second set of books, kept by other arithmetic from what people, the venue and the ledger say."""

from __future__ import annotations

import copy
from collections import defaultdict
from decimal import Context, Decimal
from typing import Any

from tests.faults.bank import NAME, Bank
from tests.faults.database import Database
from tests.faults.fairness import dealings_fair
from tests.faults.people import ONCE, People
from tests.faults.problems import Broken
from tests.faults.shelves import Shelf
from tests.faults.venue import Trade, Venue

_EXACT = Context(prec=80)
_MAY_OWE = {"outside", "venue", "issued", "clearing", "treasury", "receivable"}
_POSTINGS = """
SELECT p.id, e.reference, e.kind, e.effective_at, e.recorded_at, c.key, c.kind, a.code, a.scale, p.amount,
       f.venue_trade_id, e.xmin::text
FROM portfolios_posting p JOIN portfolios_entry e ON e.id = p.entry_id JOIN portfolios_account c ON c.id = p.account_id
JOIN portfolios_ledgerasset a ON a.id = p.asset_id LEFT JOIN portfolios_fill f ON f.entry_id = e.id
WHERE p.id > %s ORDER BY p.id
"""
_BALANCES = """
SELECT c.key, a.code, a.scale, b.amount FROM portfolios_balance b JOIN portfolios_account c ON c.id = b.account_id
JOIN portfolios_ledgerasset a ON a.id = b.asset_id WHERE b.amount <> 0
"""
_ORDERS = """
SELECT o.id::text, o.user_id, o.reference, o.side, o.status, o.amount, o.units, o.proceeds, o.dealing_id, u.code,
       o.cost_usd, o.portfolio_id, o.book_id
FROM portfolios_order o JOIN portfolios_portfolio f ON f.id = o.portfolio_id
JOIN portfolios_ledgerasset u ON u.id = f.units_id ORDER BY o.created_at, o.id
"""
_STATES = """
SELECT 'block', id::text, status FROM portfolios_blockorder
UNION ALL SELECT 'rebalance', id::text, status FROM portfolios_rebalance
UNION ALL SELECT 'switch', id::text, status FROM portfolios_switch
UNION ALL SELECT direction, id::text, status FROM portfolios_payment
UNION ALL SELECT 'cycle', id::text, status FROM portfolios_dealingcycle
UNION ALL SELECT 'dealing', id::text, CASE WHEN is_open THEN 'open' ELSE 'closed' END FROM portfolios_dealing
UNION ALL SELECT 'part', id::text, CASE WHEN stored_at IS NULL THEN 'open' ELSE 'stored' END
  FROM portfolios_dealingblock
"""
_PAYMENTS = """
SELECT id::text, user_id, direction, amount, reference, method, status, refunded, disputed, completed_at IS NOT NULL,
       approvals_needed
FROM portfolios_payment ORDER BY created_at, id
"""
_EPOCHS = """
SELECT r.id, r.epoch, to_char(d.as_of, 'IYYY-"W"IW') FROM portfolios_rebalance r
JOIN indices_decision d ON d.id = r.decision_id WHERE r.epoch <> to_char(d.as_of, 'IYYY-"W"IW')
"""
_EDGES = {
    "order": {"": {"accepted"}, "accepted": {"dealing", "cancelled"}, "dealing": {"settled"}},
    "block": {
        "": {"new"},
        "new": {"sending", "rejected"},
        "sending": {"open", "unknown", "done", "rejected"},
        "unknown": {"open", "done", "rejected"},
        "open": {"done", "rejected"},
    },
    "switch": {"": {"selling"}, "selling": {"buying", "cancelled", "stopped"}, "buying": {"done", "stopped"}},
    "deposit": {
        "": {"pending", "completed"},
        "pending": {"completed", "failed", "expired"},
        "failed": {"completed"},
        "expired": {"pending", "completed", "failed"},
        "completed": {"disputed", "reversed"},
        "disputed": {"completed", "reversed"},
        "reversed": {"completed", "disputed"},
    },
    "withdrawal": {
        "": {"held", "awaiting_approval", "completed"},
        "awaiting_approval": {"held", "failed", "cancelled", "expired"},
        "held": {"sending", "cancelled", "expired"},
        "sending": {"completed", "failed"},
    },
    "rebalance": {"": {"due", "skipped"}, "due": {"dealing", "skipped"}, "dealing": {"done"}},
    "cycle": {"": {"selling"}, "selling": {"buying"}, "buying": {"settled"}},
    "dealing": {"": {"open"}, "open": {"closed"}},
    "part": {"": {"open"}, "open": {"stored"}},
}


def _moved(row: tuple[Any, ...]) -> int:
    """Micro-dollars that a payment has brought, or taken."""
    _, _, direction, amount, _, _, status, refunded, disputed, completed, _ = row
    if direction == "deposit":
        return whole(amount - refunded - disputed, 6) if completed else 0
    return -whole(amount, 6) if status == "completed" else 0


def whole(amount: Decimal, scale: int) -> int:
    """Base units; whatever is not whole is broken."""
    scaled = amount.scaleb(scale, _EXACT)
    if scaled != int(scaled):
        raise Broken(f"{amount} is not a whole number of 10^-{scale}")
    return int(scaled)


def _reached(edges: dict[str, set[str]], before: str) -> set[str]:
    """Every state that several allowed steps lead to."""
    found: set[str] = set()
    ahead = [before]
    while ahead:
        for after in edges.get(ahead.pop(), set()) - found:
            found.add(after)
            ahead.append(after)
    return found


_REACHED = {
    kind: {state: _reached(edges, state) | {state} for state in {"", *edges, *set().union(*edges.values())}}
    for kind, edges in _EDGES.items()
}


class Shadow:
    """The books as they must be. `observe` reads what is new and raises Broken for the first thing that is wrong."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.last_posting = 0
        self.commits = -1
        self.balances: dict[tuple[str, str], int] = defaultdict(int)
        self.states: dict[tuple[str, str], str] = {}
        self.recorded: dict[str, str] = {}
        self.settled: set[int] = set()
        self.shelf: Shelf | None = None

    def copied(self) -> Shadow:
        """One to go on with while this one stays as it is."""
        twin = copy.copy(self)
        twin.balances, twin.states = copy.copy(self.balances), dict(self.states)
        twin.recorded, twin.settled = dict(self.recorded), set(self.settled)
        return twin

    def observe(self, people: People, venue: Venue, bank: Bank) -> None:
        """Everything that must hold between any two commits."""
        if venue.wrongs or bank.wrongs:
            raise Broken([*venue.wrongs, *bank.wrongs][0])
        if self.database.commits == self.commits:
            return
        self.commits = self.database.commits
        orders = self.database.raw(_ORDERS)
        self._states(orders)
        strange = self.database.raw(_EPOCHS)
        if strange:
            raise Broken(f"rebalance {strange[0][0]} is of {strange[0][1]}, its decision of {strange[0][2]}")
        self._postings(venue)
        self._balances()
        self._people(people, orders, bank)
        dealings_fair(self.database, self.settled)
        if self.shelf is not None:
            self.shelf.observe(people, self.balances, bank)

    def _states(self, orders: list[tuple[Any, ...]]) -> None:
        rows = [("order", row[0], row[4]) for row in orders] + self.database.raw(_STATES)
        for kind, key, after in rows:
            before = self.states.get((kind, key), "")
            if after not in _REACHED[kind][before]:
                raise Broken(f"{kind} {key} went from {before or 'nothing'} to {after}")
            self.states[kind, key] = after

    def _postings(self, venue: Venue) -> None:
        rows = self.database.raw(_POSTINGS, [self.last_posting])
        trades = {trade.trade_id: trade for trade in venue.trades}
        entries: dict[str, list[tuple[Any, ...]]] = {}
        for row in rows:
            entries.setdefault(row[1], []).append(row)
            self.last_posting = row[0]
        transaction = ""
        touched: list[tuple[Any, ...]] = []
        for reference, legs in entries.items():
            sums: dict[str, int] = defaultdict(int)
            for _, _, _, effective, recorded, key, _, code, scale, amount, *_ in legs:
                units = whole(amount, scale)
                sums[code] += units
                self.balances[key, code] += units
                if effective > recorded:
                    raise Broken(
                        f"{reference} takes effect at {effective}, after it was recorded at {recorded}"
                    )
            if len(legs) < 2 or any(sums.values()):
                raise Broken(f"{reference} does not balance: {dict(sums)}")
            self._overdrawn(reference, [row for row in legs if row[6] in ("cash", "reserved")])
            if legs[0][11] != transaction:
                self._overdrawn(transaction, touched)
                transaction, touched = legs[0][11], []
            touched += legs
            if legs[0][2] == "fill":
                self._fill(reference, legs, trades)
        self._overdrawn(transaction, touched)

    def _overdrawn(self, reference: str, legs: list[tuple[Any, ...]]) -> None:
        """A person never owes anything after any entry; a pot not after the entries that were posted together."""
        for row in legs:
            if self.balances[row[5], row[7]] < 0 and row[6] not in _MAY_OWE:
                raise Broken(f"{reference} leaves {row[5]} with {self.balances[row[5], row[7]]} {row[7]}")

    def _fill(self, reference: str, legs: list[tuple[Any, ...]], trades: dict[str, Trade]) -> None:
        trade_id = legs[0][10]
        trade = trades.get(trade_id)
        if trade is None or trade_id in self.recorded:
            raise Broken(f"{reference}: {'posted twice' if trade else 'no such trade at the venue'}")
        self.recorded[trade_id] = trade.client_id
        sums: dict[tuple[str, str], int] = defaultdict(int)
        for row in legs:
            sums[row[6], row[7]] += whole(row[9], row[8])
        sign = 1 if trade.side == "sell" else -1
        expected = {
            ("venue", f"token:{trade.token}"): sign * trade.quantity,
            ("venue", "USD"): -sign * trade.notional,
            ("fees", "USD"): trade.fee,
        }
        for (kind, code), units in expected.items():
            # The ledger sees the venue from inside: what it got from us is positive.
            if abs(sums[kind, code]) != abs(units):
                raise Broken(f"{reference}: {sums[kind, code]} {code} on {kind} where the venue says {units}")

    def _balances(self) -> None:
        stored = {
            (key, code): whole(amount, scale) for key, code, scale, amount in self.database.raw(_BALANCES)
        }
        kept = {key: units for key, units in self.balances.items() if units}
        if stored != kept:
            wrong = {key for key in stored.keys() | kept.keys() if stored.get(key) != kept.get(key)}
            raise Broken(f"balances are not the sum of their postings: {sorted(wrong)[:3]}")

    def _people(self, people: People, orders: list[tuple[Any, ...]], bank: Bank) -> None:
        wishes = {wish.reference: wish for wish in people.wishes}
        cash: dict[int, int] = defaultdict(int)
        reserved: dict[int, int] = defaultdict(int)
        units: dict[tuple[int, str], int] = defaultdict(int)
        held: dict[tuple[int, str], int] = defaultdict(int)
        seen: set[str] = set()
        for key, user, reference, side, status, amount, size, proceeds, _, code, _, _, book in orders:
            if reference in wishes:
                self._known(wishes[reference], key, user, amount, side)
                seen.add(reference)
            micro = whole(amount, 6) if amount is not None else 0
            # A book has no units: what is redeemed of it stays there until it is sold.
            parts = whole(size, 12) if size is not None and book is None else 0
            if side == "invest":
                reserved[user] += micro if status == "accepted" else 0
                cash[user] -= micro if status in ("dealing", "settled") else 0
                units[user, code] += parts if status == "settled" else 0
            else:
                held[user, code] += parts if status in ("accepted", "dealing") else 0
                cash[user] += whole(proceeds, 6) if status == "settled" else 0
                units[user, code] -= parts if status == "settled" else 0
        paid = self.database.raw(_PAYMENTS)
        for row in paid:
            key, user, direction, amount, reference, method, status, *_ = row
            own = reference.rpartition(":")[2]
            if own in wishes:
                self._known(wishes[own], key, user, amount, direction)
                seen.add(own)
            else:
                self._keyed(people, key, user, amount)
            cash[user] += _moved(row)
            if direction == "withdrawal" and status in ("held", "awaiting_approval", "sending"):
                reserved[user] += whole(amount, 6)
            if method == NAME:
                self._banked(row, bank)
        seen |= {row[0] for row in self.database.raw("SELECT reference FROM portfolios_switch")}
        for method in ("sandbox", NAME):
            known = sum(_moved(row) for row in paid if row[5] == method)
            known += self.shelf.charged() if self.shelf is not None and method == "sandbox" else 0
            outside = self.balances[f"outside:{method}", "USD"]
            if outside != -known:
                raise Broken(f"{known} micro-dollars came in by {method}, the ledger has {outside}")
        self._answers(people, seen, {row[0] for row in paid})
        for user in people.users:
            pk = user.pk
            owes = self.balances[f"user:{pk}:receivable", "USD"]
            found = (
                self.balances[f"user:{pk}:cash", "USD"] + owes,
                self.balances[f"user:{pk}:reserved", "USD"],
            )
            due = cash[pk] - reserved[pk], reserved[pk]
            if found != due:
                raise Broken(f"user {pk} has {found} micro-dollars free and reserved, not {due}")
            for code in {row[9] for row in orders}:
                free, kept = (
                    self.balances[f"user:{pk}:cash", code],
                    self.balances[f"user:{pk}:reserved", code],
                )
                if (free + kept, kept) != (units[pk, code], held[pk, code]):
                    raise Broken(
                        f"user {pk}: {(free + kept, kept)} {code}, not {(units[pk, code], held[pk, code])}"
                    )

    def _banked(self, row: tuple[Any, ...], bank: Bank) -> None:
        """A payment of the bank says no more than the bank does."""
        key, _, direction, amount, _, _, status, _, _, completed, needed = row
        if direction == "deposit":
            if completed and not (key in bank.pages and bank.pages[key].is_paid):
                raise Broken(f"deposit {key} of {amount} was credited, and the bank does not have it")
            return
        state = bank.payouts[key].state if key in bank.payouts else "nothing"
        said = {
            "completed": {"paid"},
            "failed": {"declined", "nothing"} if needed else {"declined"},
            "cancelled": {"nothing"},
            "expired": {"nothing"},
        }
        said |= {"held": {"nothing"}, "awaiting_approval": {"nothing"}}
        if state not in said.get(status, {state}):
            raise Broken(f"withdrawal {key} is {status}, and for the bank it is {state}")

    def _known(self, wish: Any, key: str, user: int, amount: Decimal | None, what: str) -> None:
        if wish.state == "refused":
            raise Broken(f"{wish}: refused, and yet there is {key}")
        if wish.user.pk != user or (wish.state == "done" and wish.answer != key):
            raise Broken(
                f"{wish}: answered with {wish.answer}, but {key} of user {user} carries its reference"
            )
        asked = wish.arguments.get("amount")
        if asked is not None and Decimal(asked) != amount:
            raise Broken(f"{wish}: {amount} was moved")

    def _keyed(self, people: People, key: str, user: int, amount: Decimal) -> None:
        """A payment under a name of its own belongs to one keyed request: one that it answered, or one unanswered."""
        keyed = [wish for wish in people.wishes if wish.verb == "keyed" and wish.user.pk == user]
        open_ = [w for w in keyed if w.state == "open" and Decimal(w.arguments["amount"]) == amount]
        if not open_ and key not in [wish.answer for wish in keyed if wish.state == "done"]:
            raise Broken(f"payment {key} of {amount}: nobody was told of it")

    def _answers(self, people: People, seen: set[str], paid: set[str]) -> None:
        for wish in people.wishes:
            named = wish.verb != "keyed" and wish.verb not in ONCE
            if wish.state == "done" and named and wish.reference not in seen:
                raise Broken(f"{wish}: answered with {wish.answer}, which is not there")
            if wish.state == "done" and wish.verb == "keyed" and wish.answer not in paid:
                raise Broken(f"{wish}: answered with {wish.answer}, which is not there")

    def at_rest(self, people: People, venue: Venue, bank: Bank) -> None:
        """What must hold besides once nothing is under way: every trade is in the books, and every dollar is found."""
        missing = {trade.trade_id for trade in venue.trades} - self.recorded.keys()
        if missing:
            raise Broken(f"trades that the books do not have: {sorted(missing)}")
        spent = sum(
            (1 if trade.side == "sell" else -1) * trade.notional - trade.fee for trade in venue.trades
        )
        brought = whole(bank.balance(), 6)
        outside = self.balances[f"outside:{NAME}", "USD"]
        if outside != -brought:
            raise Broken(f"the bank has {brought} micro-dollars of ours, the books {outside}")
        brought += self.shelf.charged() if self.shelf is not None else 0
        for wish in people.wishes:
            if wish.verb == "withdraw" and self.states.get(("withdrawal", wish.answer)) != "completed":
                continue
            if wish.state == "done" and wish.verb in ("deposit", "keyed", "withdraw"):
                micro = whole(Decimal(wish.arguments["amount"]), 6)
                brought += -micro if wish.verb == "withdraw" else micro
        inside = sum(
            units
            for (key, code), units in self.balances.items()
            if code == "USD" and not key.startswith(("outside:", "venue:", "fees:trading"))
        )
        if inside != brought + spent:
            raise Broken(
                f"people brought {brought} and trading left {spent} micro-dollars, but {inside} are here"
            )
        tokens: dict[str, int] = defaultdict(int)
        for trade in venue.trades:
            tokens[f"token:{trade.token}"] += trade.quantity if trade.side == "buy" else -trade.quantity
        for code, units in tokens.items():
            pots = sum(
                b for (key, c), b in self.balances.items() if c == code and not key.startswith("venue:")
            )
            if pots != units:
                raise Broken(f"{units} {code} were bought and not sold again, but {pots} are here")

        if self.shelf is not None:
            self.shelf.at_rest(people)

    def digest(self) -> str:
        """The books in one line."""
        return " ".join(
            f"{key}/{code}={units}" for (key, code), units in sorted(self.balances.items()) if units
        )
