"""Play money: every payment succeeds at once, and the answer depends on the reference alone."""

from decimal import Decimal

from portfolios.payments.base import ChargeResult


class Sandbox:
    """Both provider protocols without a provider behind them."""

    name = "sandbox"

    def charge(self, *, customer: str, amount: Decimal, reference: str) -> ChargeResult:
        """Always paid."""
        return ChargeResult(paid=True, reference=f"sandbox:{reference}")

    def collect(self, *, customer: str, amount: Decimal, reference: str) -> ChargeResult:
        """Always paid."""
        return ChargeResult(paid=True, reference=f"sandbox:{reference}")

    def pay_out(self, *, customer: str, amount: Decimal, reference: str) -> ChargeResult:
        """Always paid."""
        return ChargeResult(paid=True, reference=f"sandbox:{reference}")
