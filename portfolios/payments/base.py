"""What a payment provider must be able to do. Implementations know a provider, and nothing of the ledger."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol


@dataclass(frozen=True)
class ChargeResult:
    """The provider's answer. `reference` is the provider's own; `reason` says why a charge was declined."""

    paid: bool
    reference: str
    reason: str = ""


class BillingProvider(Protocol):
    """Charges a customer for a plan."""

    name: str

    def charge(self, *, customer: str, amount: Decimal, reference: str) -> ChargeResult:
        """Charge USD once per `reference`: a second call with the same one gives the first answer."""
        ...


class PaymentProvider(Protocol):
    """Takes deposits and pays withdrawals out."""

    name: str

    def collect(self, *, customer: str, amount: Decimal, reference: str) -> ChargeResult:
        """Take USD in, once per `reference`."""
        ...

    def pay_out(self, *, customer: str, amount: Decimal, reference: str) -> ChargeResult:
        """Pay USD out, once per `reference`."""
        ...
