"""Play money: every payment succeeds at once, and the answer depends on the reference alone."""

from collections.abc import Sequence
from decimal import Decimal

from portfolios.payments.base import ChargeResult, Collects, ProviderEvent


class Sandbox:
    """Both provider protocols without a provider behind them."""

    name = "sandbox"
    title = "Sandbox (play money)"
    collects: Collects = "at once"
    pays_out = True
    play_money = True

    def charge(self, *, customer: str, amount: Decimal, reference: str) -> ChargeResult:
        """Always paid."""
        return ChargeResult(paid=True, reference=f"sandbox:{reference}")

    def collect(
        self, *, customer: str, amount: Decimal, reference: str, return_url: str = ""
    ) -> ChargeResult:
        """Always paid."""
        return ChargeResult(paid=True, reference=f"sandbox:{reference}")

    def deposit_find(self, *, session: str, reference: str) -> Sequence[ProviderEvent]:
        """Nothing is ever open."""
        return ()

    def address_checked(self, address: str) -> str:
        """Any name of three characters or more."""
        name = " ".join(address.split())
        if not 3 <= len(name) <= 80:
            raise ValueError("Give a name of 3 to 80 characters, such as an account number.")
        return name

    def pay_out(self, *, customer: str, amount: Decimal, reference: str, address: str = "") -> ChargeResult:
        """Always paid."""
        return ChargeResult(paid=True, reference=f"sandbox:{reference}")

    def payout_find(self, *, reference: str) -> ChargeResult | None:
        """Nothing leaves, so whatever was asked for has happened."""
        return ChargeResult(paid=True, reference=f"sandbox:{reference}")
