"""A payout provider with a memory, for tests: it pays once per reference, and can be slow, deaf or unreachable."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal

from django.utils import timezone

from portfolios.models import User, WithdrawalDestination
from portfolios.payments.base import ChargeResult, Collects, PaymentUnreachable, ProviderEvent
from portfolios.services import payments


class Wire:
    """Money by wire. `mood`: "" pays, "slow" answers pending until `finish`, "deaf" acts and does not answer, "down"
    neither acts nor answers, "no" declines."""

    name = "wire"
    title = "Bank wire"
    collects: Collects = ""
    pays_out = True
    play_money = False

    def __init__(self) -> None:
        self.mood = ""
        self.paid: dict[str, tuple[str, Decimal]] = {}
        self.declined: set[str] = set()
        self.calls: list[str] = []

    def collect(
        self, *, customer: str, amount: Decimal, reference: str, return_url: str = ""
    ) -> ChargeResult:
        raise AssertionError("nothing comes in by wire")

    def deposit_find(self, *, session: str, reference: str) -> Sequence[ProviderEvent]:
        return ()

    def address_checked(self, address: str) -> str:
        account = address.replace(" ", "").upper()
        if not account.isalnum() or len(account) < 8:
            raise ValueError("An account has 8 or more letters and digits.")
        return account

    def pay_out(self, *, customer: str, amount: Decimal, reference: str, address: str = "") -> ChargeResult:
        self.calls.append(reference)
        if self.mood == "down":
            raise PaymentUnreachable("nobody there")
        if self.mood == "no":
            self.declined.add(reference)
            return ChargeResult(paid=False, reference="", reason="The bank closed the account.")
        # Once per reference, however often it is asked.
        self.paid.setdefault(reference, (address, amount))
        if self.mood == "deaf":
            raise PaymentUnreachable("the answer was lost")
        return self._answer(reference)

    def payout_find(self, *, reference: str) -> ChargeResult | None:
        if self.mood == "down":
            raise PaymentUnreachable("nobody there")
        if reference in self.declined:
            return ChargeResult(paid=False, reference="", reason="The bank closed the account.")
        return self._answer(reference) if reference in self.paid else None

    def _answer(self, reference: str) -> ChargeResult:
        if self.mood == "slow":
            return ChargeResult(paid=False, reference=f"wire-{reference}", pending=True)
        return ChargeResult(paid=True, reference=f"wire-{reference}")


def destination_make(user: User, address: str = "DE89370400440532", *, hours_ago: int = 25) -> str:
    """The id of an address on the user's list, added so long ago."""
    made = payments.destination_add(user, method="wire", address=address, label="Bank")
    added = timezone.now() - timedelta(hours=hours_ago)
    WithdrawalDestination.objects.filter(pk=made.pk).update(
        created_at=added, usable_from=added + timedelta(hours=24)
    )
    return str(made.pk)
