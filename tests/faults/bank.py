"""A payment provider that acts before it fails: pages that are paid late, messages that come twice or never, payouts
whose answer is lost, disputes."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from portfolios.core import cards
from portfolios.payments.base import ChargeResult, EventRefused, PaymentUnreachable, ProviderEvent
from tests.faults.ports import Clock

NAME = "bank"


@dataclass
class Page:
    """A page on which somebody may pay: what is told about it, and what has really come in."""

    payment: str
    amount: Decimal
    is_paid: bool = False
    refunded: Decimal = Decimal(0)
    disputed: Decimal = Decimal(0)
    disputes: int = 0
    """How many there were; each has a name of its own."""


@dataclass
class Payout:
    """Money that was asked to leave; `state` is on its way, paid or declined."""

    reference: str
    amount: Decimal
    state: str


@dataclass
class Bank:
    """`PaymentProvider` and `EventProvider` with a seeded plan of faults. `events` are all messages there are."""

    seed: int
    clock: Clock
    name: str = NAME
    title: str = "Bank"
    collects: str = "by page"
    pays_out: bool = True
    play_money: bool = False
    faults: float = 0.3
    pages: dict[str, Page] = field(default_factory=dict)
    payouts: dict[str, Payout] = field(default_factory=dict)
    events: list[ProviderEvent] = field(default_factory=list)
    undelivered: set[str] = field(default_factory=set)
    charges: dict[str, Decimal] = field(default_factory=dict)
    """What plans were paid with, by reference; nothing where that was declined."""
    paused: bool = False
    wrongs: list[str] = field(default_factory=list)
    at: Callable[[str], None] = lambda place: None
    objection: Callable[[str, Decimal], str] = lambda payment, amount: ""
    """Why this payout must not have been asked for, in words, or nothing."""

    def __post_init__(self) -> None:
        self.chance = random.Random(f"{self.seed}:bank")

    def collect(
        self, *, customer: str, amount: Decimal, reference: str, return_url: str = ""
    ) -> ChargeResult:
        self.at("bank called")
        if self._fails(0.3):
            raise PaymentUnreachable("nobody there")
        page = self.pages.setdefault(reference, Page(reference, amount))
        self.at("bank acted")
        if page.amount != amount:
            self.wrongs.append(f"{reference} was asked for {page.amount} and then for {amount}")
        if self._fails(0.3):
            raise PaymentUnreachable("the answer was lost")
        return ChargeResult(
            paid=False, reference="", pending=True, url="https://bank.example/", session=reference
        )

    def deposit_find(self, *, session: str, reference: str) -> Sequence[ProviderEvent]:
        if self._fails(0.4):
            raise PaymentUnreachable("maintenance")
        return [event for event in self.events if event.subject == f"subject {reference}"]

    def address_checked(self, address: str) -> str:
        return address.strip()

    def pay_out(self, *, customer: str, amount: Decimal, reference: str, address: str = "") -> ChargeResult:
        if self.paused:
            self.wrongs.append(f"payout {reference} was sent although withdrawals are paused")
        objection = self.objection(reference, amount)
        if objection:
            self.wrongs.append(f"payout {reference} was sent although {objection}")
        self.at("bank called")
        if self._fails(0.3):
            raise PaymentUnreachable("nobody there")
        payout = self.payouts.get(reference)
        if payout is None:
            state = "declined" if self._fails(0.15) else "on its way" if self._fails(0.4) else "paid"
            payout = self.payouts[reference] = Payout(reference, amount, state)
        if payout.amount != amount:
            self.wrongs.append(f"payout {reference} of {payout.amount} was asked for again as {amount}")
        self.at("bank acted")
        if self._fails(0.3):
            raise PaymentUnreachable("the answer was lost")
        return self._answer(payout)

    def payout_find(self, *, reference: str) -> ChargeResult | None:
        if self._fails(0.3):
            raise PaymentUnreachable("maintenance")
        payout = self.payouts.get(reference)
        if payout is not None and payout.state == "on its way" and not self._fails(0.4):
            payout.state = "declined" if self._fails(0.2) else "paid"
        return None if payout is None else self._answer(payout)

    def charge(self, *, customer: str, amount: Decimal, reference: str) -> ChargeResult:
        """`BillingProvider`: a reference is charged once, and answered as it was the first time."""
        self.at("bank called")
        known = self.charges.setdefault(reference, Decimal(0) if self._fails(0.5) else amount)
        self.at("bank acted")
        return ChargeResult(paid=known > 0, reference=f"bank:{reference}", reason="" if known else "no cover")

    def event_read(self, body: bytes, signature: str) -> ProviderEvent:
        if signature != "good":
            raise EventRefused("not signed by the bank")
        return next(event for event in self.events if event.id == json.loads(body))

    def act(self) -> str:
        """Somebody pays, disputes or is refunded; the message about it is on its way."""
        open_pages = [page for page in self.pages.values() if not page.is_paid]
        paid = [page for page in self.pages.values() if page.is_paid]
        if open_pages and (not paid or self.chance.random() < 0.7):
            page = self.chance.choice(open_pages)
            if self.chance.random() < 0.2:
                return self._tell(page, cards.FAILED, Decimal(0))
            page.is_paid = True
            return self._tell(page, cards.PAID, page.amount)
        if not paid:
            return "nothing"
        page = self.chance.choice(paid)
        if page.disputed:
            page.disputed = Decimal(0)
            return self._tell(page, cards.DISPUTE_WON, page.amount, item=f"d{page.disputes}")
        if not page.refunded and self.chance.random() < 0.5:
            page.refunded = (page.amount / 4).quantize(Decimal("0.01"))
            return self._tell(page, cards.REFUNDED, page.refunded)
        if not page.refunded:
            page.disputed, page.disputes = page.amount, page.disputes + 1
            return self._tell(page, cards.DISPUTE_OPENED, page.amount, item=f"d{page.disputes}")
        return "nothing"

    def message(self) -> tuple[bytes, str] | None:
        """One of all messages, perhaps once more; now and then one that nobody signed."""
        if not self.events:
            return None
        fresh = [event for event in self.events if event.id in self.undelivered]
        event = self.chance.choice(fresh if fresh and self.chance.random() < 0.7 else self.events)
        return json.dumps(event.id).encode(), "forged" if self.chance.random() < 0.1 else "good"

    def balance(self) -> Decimal:
        """USD that the bank holds for us: what came in less what went out."""
        held = sum(
            (page.amount - page.refunded - page.disputed for page in self.pages.values() if page.is_paid),
            Decimal(0),
        )
        return held - sum(
            (payout.amount for payout in self.payouts.values() if payout.state == "paid"), Decimal(0)
        )

    def snapshot(self) -> Callable[[], None]:
        """What makes everything since undone."""
        pages = {key: copy.copy(page) for key, page in self.pages.items()}
        payouts = {key: copy.copy(payout) for key, payout in self.payouts.items()}
        events, undelivered, wrongs = list(self.events), set(self.undelivered), list(self.wrongs)
        charges = dict(self.charges)

        def restore() -> None:
            self.pages, self.payouts, self.events = pages, payouts, events
            self.undelivered, self.wrongs, self.charges = undelivered, wrongs, charges

        return restore

    def _tell(self, page: Page, kind: str, amount: Decimal, item: str = "") -> str:
        event = ProviderEvent(
            id=f"evt{len(self.events)}",
            type=kind,
            subject=f"subject {page.payment}",
            payment=page.payment if kind in (cards.PAID, cards.FAILED) else "",
            kind=kind,
            amount=amount,
            item=item,
            occurred_at=self.clock.wall,
        )
        self.events.append(event)
        self.undelivered.add(event.id)
        return f"{kind} {amount} {page.payment}"

    def _fails(self, chance: float) -> bool:
        return self.chance.random() < self.faults * chance

    def _answer(self, payout: Payout) -> ChargeResult:
        return ChargeResult(
            paid=payout.state == "paid",
            reference=f"bank:{payout.reference}",
            reason="the account is closed" if payout.state == "declined" else "",
            pending=payout.state == "on its way",
        )
