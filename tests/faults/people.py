"""Investors who ask, lose the answer, and ask again: what each of them knows to have happened."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from portfolios.errors import MoneyError, PaymentsDown
from portfolios.models import Order, User
from portfolios.services import investing, payments
from portfolios.services.idempotency import Answer, answer_once, fingerprint
from tests.faults.bank import NAME
from tests.faults.problems import Broken

INDICES = ("global-100", "top-10")
VERBS = {
    "deposit": 8,
    "withdraw": 9,
    "invest": 24,
    "redeem": 21,
    "cancel": 8,
    "keyed": 6,
    "card": 9,
    "payout": 12,
    "stop": 4,
    "switch": 8,
    "quick": 12,
}
"""What people do, and how often."""
ONCE = ("cancel", "stop", "quick", "open", "choose", "approve", "refuse", "subscribe", "unsubscribe")
"""What nobody asks for twice."""


@dataclass
class Wish:
    """One request. `open` while nobody has heard an answer; then `done` with the answer, or `refused`: no effect."""

    number: int
    verb: str
    user: User
    arguments: dict[str, Any]
    reference: str
    state: str = "open"
    answer: Any = None
    times: int = 0

    def __str__(self) -> str:
        told = " ".join(f"{key}={value}" for key, value in self.arguments.items())
        return f"{self.reference} {self.verb} {told}".strip()


@dataclass
class People:
    """The investors, what they have asked for, and how they choose what to ask next."""

    users: list[User]
    chance: random.Random
    wishes: list[Wish] = field(default_factory=list)
    destinations: dict[int, str] = field(default_factory=dict)
    size: int = 1
    """Everybody's amounts are this many times the usual ones."""
    verbs: dict[str, int] = field(default_factory=lambda: VERBS)

    def wish(self, user: User | None = None, verb: str = "") -> Wish | None:
        """Something new of somebody, or something old once more; what `verb` says where it says anything."""
        if verb:
            return self._new(verb, user or self.chance.choice(self.users))
        repeated = [w for w in self.wishes if w.verb not in ONCE]
        if user is None and repeated and self.chance.random() < 0.15:
            return self.chance.choice(repeated[-4:])
        verb = self.chance.choices([*self.verbs], [*self.verbs.values()])[0]
        return self._new(verb, user or self.chance.choice(self.users))

    def _new(self, verb: str, user: User) -> Wish | None:
        arguments = getattr(self, f"_{verb}_arguments")(user)
        if arguments is None:
            return None
        wish = Wish(len(self.wishes), verb, user, arguments, f"w{len(self.wishes)}")
        self.wishes.append(wish)
        return wish

    def ask(self, wish: Wish) -> str:
        """Ask, and compare the answer with any that was heard before. Whoever dies here leaves the wish open."""
        wish.times += 1
        before = wish.state
        if before == "refused":
            wish.state = "open"
        try:
            answer = getattr(self, f"_{wish.verb}")(wish)
        except PaymentsDown:
            wish.state = "open"
            return "no answer"
        except MoneyError as error:
            if before == "done":
                raise Broken(f"{wish}: done before, refused when repeated: {error.code}") from error
            wish.state = "refused"
            return f"refused {error.code}"
        if before == "done" and answer != wish.answer:
            raise Broken(f"{wish}: answered {answer} where it was {wish.answer}")
        wish.state, wish.answer = "done", answer
        return f"{answer}"

    def open_wishes(self) -> list[Wish]:
        """What may be asked again; a wish without a reference may not."""
        return [
            wish
            for wish in self.wishes
            if wish.state == "open" and (wish.verb in ("cancel", "stop") or wish.verb not in ONCE)
        ]

    def snapshot(self) -> Callable[[], None]:
        """What puts everything back as it is now: a transaction around what follows may yet be rolled back."""
        kept = [(wish, wish.state, wish.answer) for wish in self.wishes]

        def restore() -> None:
            del self.wishes[len(kept) :]
            for wish, state, answer in kept:
                wish.state, wish.answer = state, answer

        return restore

    def _cents(self, low: int, high: int) -> str:
        return f"{Decimal(self.size * self.chance.randint(low * 100, high * 100)) / 100:.2f}"

    def _deposit_arguments(self, user: User) -> dict[str, Any]:
        return {"amount": self._cents(1, 3000)}

    def _withdraw_arguments(self, user: User) -> dict[str, Any]:
        return {"amount": self._cents(1, 3500)}

    def _keyed_arguments(self, user: User) -> dict[str, Any]:
        return {"amount": self._cents(1, 500)}

    def _invest_arguments(self, user: User) -> dict[str, Any]:
        return {"index": self.chance.choice(INDICES), "amount": self._cents(50, 2500)}

    _quick_arguments = _invest_arguments

    def _redeem_arguments(self, user: User) -> dict[str, Any]:
        how = self.chance.choice(["all", "amount", "amount", "units"])
        size = {"all": True, "amount": self._cents(1, 1500), "units": f"{self.chance.uniform(0.01, 12):.6f}"}[
            how
        ]
        return {"index": self.chance.choice(INDICES), how: size}

    def _card_arguments(self, user: User) -> dict[str, Any]:
        return {"amount": self._cents(1, 2000)}

    def _payout_arguments(self, user: User) -> dict[str, Any]:
        return {"amount": self._cents(1, 2500)}

    def _switch_arguments(self, user: User) -> dict[str, Any]:
        index = self.chance.choice(INDICES)
        how = self.chance.choice(["all", "amount", "percent"])
        size = {"all": True, "amount": self._cents(50, 1500), "percent": str(self.chance.randint(10, 100))}[
            how
        ]
        return {"index": index, "into": next(slug for slug in INDICES if slug != index), how: size}

    def _stop_arguments(self, user: User) -> dict[str, Any] | None:
        asked = [w for w in self.wishes if w.user == user and w.verb == "payout" and w.state == "done"]
        return {"payment": asked[-1].answer} if asked else None

    def _cancel_arguments(self, user: User) -> dict[str, Any] | None:
        placed = [
            w
            for w in self.wishes
            if w.user == user and w.verb in ("invest", "redeem", "fund", "draw") and w.state == "done"
        ]
        return {"order": self.chance.choice(placed[-3:]).answer} if placed else None

    def _deposit(self, wish: Wish) -> str:
        return str(payments.deposit(wish.user, wish.arguments["amount"], "sandbox", wish.reference).pk)

    def _withdraw(self, wish: Wish) -> str:
        return str(payments.withdraw(wish.user, wish.arguments["amount"], "sandbox", wish.reference).pk)

    def _card(self, wish: Wish) -> str:
        payment = payments.deposit(wish.user, wish.arguments["amount"], NAME, wish.reference)
        if payment.status == payment.Status.PENDING:
            payments.deposit_page_open(wish.user, payment.pk, return_url="https://here.example/")
        return str(payment.pk)

    def _payout(self, wish: Wish) -> str:
        destination = self.destinations[wish.user.pk]
        amount = wish.arguments["amount"]
        return str(payments.withdraw(wish.user, amount, NAME, wish.reference, destination=destination).pk)

    def _stop(self, wish: Wish) -> str:
        payment = payments.withdrawal_cancel(wish.user, wish.arguments["payment"])
        if payment.status != payment.Status.CANCELLED:
            raise Broken(f"{wish}: answered with a withdrawal that is {payment.status}")
        return str(payment.pk)

    def _switch(self, wish: Wish) -> str:
        how = {key: value for key, value in wish.arguments.items() if key not in ("index", "into")}
        slugs = wish.arguments["index"], wish.arguments["into"]
        return str(investing.switch(wish.user, *slugs, **how, reference=wish.reference).pk)

    def _keyed(self, wish: Wish) -> Any:
        """A deposit as the API does it: no reference, but an Idempotency-Key."""

        def act() -> Answer:
            payment = payments.deposit(wish.user, wish.arguments["amount"])
            return Answer(201, {"id": str(payment.pk), "amount": wish.arguments["amount"]})

        answer = answer_once(wish.user, wish.reference, fingerprint("POST", "/d", wish.arguments), act)
        return answer.body["id"]

    def _invest(self, wish: Wish) -> str:
        order = investing.invest(
            wish.user, wish.arguments["index"], wish.arguments["amount"], reference=wish.reference
        )
        return str(order.pk)

    def _quick(self, wish: Wish) -> str:
        return str(investing.invest(wish.user, wish.arguments["index"], wish.arguments["amount"]).pk)

    def _redeem(self, wish: Wish) -> str:
        how = {key: value for key, value in wish.arguments.items() if key != "index"}
        order = investing.redeem(wish.user, wish.arguments["index"], **how, reference=wish.reference)
        return str(order.pk)

    def _cancel(self, wish: Wish) -> str:
        order = investing.order_cancel(wish.user, wish.arguments["order"])
        if order.status != Order.Status.CANCELLED:
            raise Broken(f"{wish}: answered with an order that is {order.status}")
        return str(order.pk)
