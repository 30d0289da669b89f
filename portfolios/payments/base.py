"""What a payment provider must be able to do. Implementations know a provider, and nothing of the ledger."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal, Protocol

Collects = Literal["at once", "by page", "by address", ""]


class PaymentUnreachable(Exception):
    """No answer, or none that can be understood: what was asked may or may not have happened."""


class EventRefused(ValueError):
    """A message that does not come from the provider, is too old, or belongs to another mode. Nothing is kept of it."""


@dataclass(frozen=True)
class ChargeResult:
    """The provider's answer. `reference` is the provider's own; `reason` says why a charge was declined.

    Neither paid nor pending means declined for good. Pending means that the provider knows of it and has not finished:
    a person has yet to pay on the page at `url` (whose own reference is `session`), or a payout is on its way.
    """

    paid: bool
    reference: str
    reason: str = ""
    pending: bool = False
    url: str = ""
    session: str = ""


@dataclass(frozen=True)
class ProviderEvent:
    """One message of a provider, verified. `payment` is our id of the payment where the message carries it, `subject`
    the provider's own; `kind`, `amount` (USD) and `item` are a fact of core.cards, empty where it means nothing."""

    id: str
    type: str
    subject: str = ""
    payment: str = ""
    kind: str = ""
    amount: Decimal | None = None
    item: str = ""
    detail: str = ""
    occurred_at: datetime | None = None


class BillingProvider(Protocol):
    """Charges a customer for a plan."""

    name: str

    def charge(self, *, customer: str, amount: Decimal, reference: str) -> ChargeResult:
        """Charge USD once per `reference`: a second call with the same one gives the first answer."""
        ...


class PaymentProvider(Protocol):
    """Takes deposits and pays withdrawals out.

    `collects` says how money comes in: `at once` (the answer of `collect` is final and needs no network), `by page`
    (the person pays on the provider's page and an event tells us), `by address` (it arrives by itself; `collect` is not
    called), or not at all. `pays_out` says whether `pay_out` may be called; `play_money` that nothing of it is real.
    """

    name: str
    title: str
    collects: Collects
    pays_out: bool
    play_money: bool

    def collect(
        self, *, customer: str, amount: Decimal, reference: str, return_url: str = ""
    ) -> ChargeResult:
        """Take USD in, once per `reference`: asked again, the same answer. Raises PaymentUnreachable."""
        ...

    def deposit_find(self, *, session: str, reference: str) -> Sequence[ProviderEvent]:
        """What has become of a pending deposit, as events with ids of their own; empty while it is open. Raises
        PaymentUnreachable."""
        ...

    def address_checked(self, address: str) -> str:
        """The address in the form in which it is stored. Raises ValueError with a sentence for the person."""
        ...

    def pay_out(self, *, customer: str, amount: Decimal, reference: str, address: str = "") -> ChargeResult:
        """Pay USD out to `address`, once per `reference`: asked again, it is not sent again. Raises
        PaymentUnreachable."""
        ...

    def payout_find(self, *, reference: str) -> ChargeResult | None:
        """What has become of a payout; None only where the provider is sure that it never had it. Raises
        PaymentUnreachable."""
        ...


class EventProvider(Protocol):
    """A provider that sends messages about payments."""

    name: str

    def event_read(self, body: bytes, signature: str) -> ProviderEvent:
        """The message, verified on its raw bytes. Raises EventRefused."""
        ...
