"""USDC as a payment provider: it arrives at an address, and a payout is a row that the worker signs."""

from collections.abc import Sequence
from decimal import Decimal

from django.conf import settings
from django.utils import timezone

from portfolios.chain.derivation import address_checked
from portfolios.models import DepositAddress, UsdcPayout
from portfolios.payments.base import ChargeResult, Collects, ProviderEvent
from portfolios.payments.usdc_mark import usdc_for, usdc_mark


class Usdc:
    """No key and no node is needed here: both belong to the worker's tick."""

    name = "usdc"
    title = "USDC"
    collects: Collects = "by address"
    pays_out = True
    play_money = False

    def collect(
        self, *, customer: str, amount: Decimal, reference: str, return_url: str = ""
    ) -> ChargeResult:
        """Always declined: nobody can be charged, it arrives by itself."""
        return ChargeResult(
            paid=False, reference="", reason="USDC arrives by itself: send it to your own deposit address."
        )

    def deposit_find(self, *, session: str, reference: str) -> Sequence[ProviderEvent]:
        """Nothing is ever pending: a transfer is credited when it is confirmed."""
        return ()

    def address_checked(self, address: str) -> str:
        """The address with its checksum. Raises ValueError with a sentence for the person."""
        checked = address_checked(address)
        if checked.lower() == settings.USDC_CONTRACT.lower():
            raise ValueError(
                "That is the token's own address: what is sent to it is lost. Write your own address."
            )
        if DepositAddress.objects.filter(address=checked).exists():
            raise ValueError(
                "That is a deposit address of this platform. Write an address of your own wallet."
            )
        return checked

    def pay_out(self, *, customer: str, amount: Decimal, reference: str, address: str = "") -> ChargeResult:
        """A payout in the queue, at the mark of the first call. Declined where there is no mark to pay at."""
        known = self.payout_find(reference=reference)
        if known is not None:
            return known
        mark = usdc_mark()
        if mark.value is None or mark.waits:
            return ChargeResult(paid=False, reference="", reason=f"Nothing was sent. {mark.waits}")
        quantity = usdc_for(amount, mark.value)
        if quantity <= 0:
            return ChargeResult(paid=False, reference="", reason="Nothing was sent: it is too little.")
        payout, _ = UsdcPayout.objects.get_or_create(
            reference=reference,
            defaults={
                "chain_id": settings.USDC_CHAIN_ID,
                "contract": settings.USDC_CONTRACT,
                "destination": self.address_checked(address),
                "usd": amount,
                "mark": mark.value,
                "amount": quantity,
                "created_at": timezone.now(),
            },
        )
        return _answer(payout)

    def payout_find(self, *, reference: str) -> ChargeResult | None:
        """What has become of a payout. Our own table knows all there ever were."""
        payout = UsdcPayout.objects.filter(reference=reference).first()
        return None if payout is None else _answer(payout)


def _answer(payout: UsdcPayout) -> ChargeResult:
    paid = payout.status == UsdcPayout.Status.PAID
    return ChargeResult(
        paid=paid,
        pending=payout.status in UsdcPayout.OPEN,
        reference=payout.tx_hash if paid else "",
        reason=payout.reason,
    )
