"""Owners of personal portfolios, and staff who say yes or no to large withdrawals."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.db import connection

from portfolios.models import User, WithdrawalLimit
from portfolios.selectors.personal import RISK_SHARES, Settings
from portfolios.services import payments, personal, plans
from tests.faults.people import INDICES, VERBS, People, Wish

OWNERS_EACH, _OWNERS_AT = 9, 5
"""Of as many schedules the one that has personal portfolios, and staff."""
LARGE = Decimal(400)
"""USD above which two members of staff must agree."""
YES_NEEDED = 2
PPM = 1_000_000
_OWN = {
    "open": 5,
    "fund": 22,
    "draw": 20,
    "choose": 9,
    "large": 7,
    "approve": 22,
    "refuse": 3,
    "subscribe": 8,
    "unsubscribe": 2,
}
FIRST_BOOKS = (
    (0, "global-100", {"exclude": [], "cap": PPM, "risk": PPM}, "700.00"),
    (0, "global-100", {"exclude": ["beta"], "cap": PPM, "risk": 750_000}, "150.01"),
    (1, "global-100", {"exclude": [], "cap": 550_000, "risk": PPM}, "433.33"),
)


@dataclass
class Owners(People):
    """People who have books as well, and the staff. One of the staff is an investor too."""

    staff: list[User] = field(default_factory=list)
    verbs: dict[str, int] = field(default_factory=lambda: VERBS | _OWN)

    def settle_in(self) -> str:
        """What such a schedule begins with: limits, and books with money on its way to them."""
        with connection.cursor() as cursor:
            # Ids are told in the trace: the same ones whatever schedules ran before.
            cursor.execute(
                "SELECT setval(format('%I.%I', schemaname, sequencename)::regclass, 2000000) FROM pg_sequences "
                "WHERE schemaname = 'public'"
            )
        WithdrawalLimit.objects.bulk_create(
            WithdrawalLimit(user=user, approval_above=LARGE, note="A drill.") for user in self.users
        )
        for owner, index, settings, amount in FIRST_BOOKS:
            opened = self._add("open", self.users[owner], {"index": index, **settings})
            self.ask(opened)
            self.ask(self._add("fund", opened.user, {"book": opened.answer, "amount": amount}))
        return "books"

    def objection(self, payment: str, amount: Decimal) -> str:
        """Why a payout must not be on its way, by what people were heard to say."""
        if amount <= LARGE:
            return ""
        asked = next((w for w in self.wishes if w.answer == payment and w.verb == "payout"), None)
        said = [w for w in self.wishes if w.arguments.get("payment") == payment and w.state != "refused"]
        yes = {w.user.pk for w in said if w.verb == "approve"}
        if asked is not None and asked.user.pk in yes:
            return "its owner said yes to it"
        if any(w.verb == "refuse" and w.state == "done" for w in said):
            return "it was refused"
        return "" if len(yes) >= YES_NEEDED else f"only {len(yes)} said yes"

    def _add(self, verb: str, user: User, arguments: dict[str, Any]) -> Wish:
        wish = Wish(len(self.wishes), verb, user, arguments, f"w{len(self.wishes)}")
        self.wishes.append(wish)
        return wish

    def _settings(self, index: str) -> dict[str, Any]:
        tokens = {"global-100": ["alpha", "beta"], "top-10": ["beta", "gamma"]}[index]
        return {
            "exclude": [self.chance.choice(tokens)] if self.chance.random() < 0.5 else [],
            "cap": self.chance.choice([PPM, PPM, 550_000, 300_000]),
            "risk": self.chance.choice([PPM, *sorted(RISK_SHARES)]),
        }

    def _books(self, user: User) -> list[Wish]:
        return [w for w in self.wishes if w.verb == "open" and w.user == user and w.state == "done"]

    def _open_arguments(self, user: User) -> dict[str, Any]:
        index = self.chance.choice(INDICES)
        return {"index": index, **self._settings(index)}

    def _of_a_book(self, user: User, make: Callable[[Wish], dict[str, Any]]) -> dict[str, Any] | None:
        books = self._books(user)
        if not books:
            return None
        book = self.chance.choice(books)
        return {"book": book.answer, **make(book)}

    def _fund_arguments(self, user: User) -> dict[str, Any] | None:
        return self._of_a_book(user, lambda book: {"amount": self._cents(1, 900)})

    def _draw_arguments(self, user: User) -> dict[str, Any] | None:
        def size(book: Wish) -> dict[str, Any]:
            how = self.chance.choice(["all", "amount", "amount", "share"])
            if how == "amount":
                return {"amount": self._cents(1, 400)}
            return {"share": PPM if how == "all" else self.chance.randint(1, PPM)}

        return self._of_a_book(user, size)

    def _empty_arguments(self, user: User) -> dict[str, Any] | None:
        return self._of_a_book(user, lambda book: {"share": PPM})

    def _choose_arguments(self, user: User) -> dict[str, Any] | None:
        return self._of_a_book(user, lambda book: self._settings(book.arguments["index"]))

    def _large_arguments(self, user: User) -> dict[str, Any]:
        return {"amount": self._cents(int(LARGE) + 1, 900)}

    def _approve_arguments(self, user: User) -> dict[str, Any] | None:
        asked = [w for w in self.wishes if w.verb in ("payout", "withdraw") and w.state == "done"]
        waiting = [w for w in asked if Decimal(w.arguments["amount"]) > LARGE]
        return {"payment": self.chance.choice(waiting[-2:]).answer} if waiting else None

    _refuse_arguments = _approve_arguments

    def _subscribe_arguments(self, user: User) -> dict[str, Any]:
        return {"plan": self.chance.choice(["silver", "gold", "gold", "platinum", "free"])}

    def _unsubscribe_arguments(self, user: User) -> dict[str, Any]:
        return {}

    def _new(self, verb: str, user: User) -> Wish | None:
        # Who says yes or no is somebody of the staff, whoever it is about; and most of them have no money here.
        if verb in ("approve", "refuse"):
            user = self.chance.choice(self.staff)
        elif user not in self.users:
            user = self.chance.choice(self.users)
        made = super()._new(verb, user)
        if made is not None and verb in ("empty", "large"):
            made.verb = {"empty": "draw", "large": "payout"}[verb]
        return made

    def _open(self, wish: Wish) -> int:
        return int(
            personal.book_create(wish.user, wish.arguments["index"], _wanted(wish), name=wish.reference).pk
        )

    def _choose(self, wish: Wish) -> str:
        personal.book_change(wish.user, wish.arguments["book"], _wanted(wish))
        return "noted"

    def _fund(self, wish: Wish) -> str:
        book, amount = wish.arguments["book"], wish.arguments["amount"]
        return str(personal.book_invest(wish.user, book, amount, reference=wish.reference).pk)

    def _draw(self, wish: Wish) -> str:
        how = {key: value for key, value in wish.arguments.items() if key != "book"}
        order = personal.book_redeem(wish.user, wish.arguments["book"], **how, reference=wish.reference)
        return str(order.pk)

    def _subscribe(self, wish: Wish) -> str:
        contract = plans.change(wish.user, wish.arguments["plan"])
        return "none" if contract is None else contract.plan.slug

    def _unsubscribe(self, wish: Wish) -> str:
        return f"until {plans.cancel(wish.user).period_end}"

    def _approve(self, wish: Wish) -> str:
        return str(payments.withdrawal_approve(wish.arguments["payment"], staff=wish.user).status)

    def _refuse(self, wish: Wish) -> str:
        payment = payments.withdrawal_refuse(wish.arguments["payment"], staff=wish.user, reason="A drill.")
        return str(payment.status)


def with_owners(seed: int) -> bool:
    """Whether the schedule of this seed has owners of books and staff in it."""
    return seed % OWNERS_EACH == _OWNERS_AT


def _wanted(wish: Wish) -> Settings:
    return Settings(tuple(wish.arguments["exclude"]), wish.arguments["cap"], wish.arguments["risk"])
