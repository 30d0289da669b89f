"""Money set aside for a withdrawal: each hold ends exactly once, paid out or given back."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from portfolios.errors import InsufficientFunds
from portfolios.models import Payment
from portfolios.payments.base import ChargeResult
from portfolios.services import accounts, ledger
from portfolios.services.payments import receivables, telling
from portfolios.services.payments.legs import paid_out_legs
from signals import selectors as signal_selectors

WAITING = (Payment.Status.HELD, Payment.Status.AWAITING_APPROVAL)
OPEN = (*WAITING, Payment.Status.SENDING)


def hold_post(payment: Payment) -> None:
    """The payment's dollars moved from its owner's cash to what is set aside. Inside the caller's transaction. Raises
    InsufficientFunds."""
    usd = accounts.usd()
    ledger.entry_post(
        reference=f"payment:{payment.pk}:hold",
        kind="withdrawal_hold",
        effective_at=payment.effective_at,
        description=f"Set aside for a withdrawal ({payment.method})",
        legs=[
            ledger.Leg(accounts.user_cash(payment.user), usd, -payment.amount),
            ledger.Leg(accounts.user_reserved(payment.user), usd, payment.amount),
        ],
    )


@transaction.atomic
def hold_void(
    payment_id: UUID | str,
    *,
    status: Payment.Status,
    reason: str = "",
    only: tuple[Payment.Status, ...] = WAITING,
    expired_by: datetime | None = None,
) -> bool:
    """The money set aside is the owner's free cash again and the payment ends with `status`; False where it is not in
    one of the states `only` (any more), or not yet expired."""
    payment = _locked(payment_id)
    if payment.status not in only:
        return False
    if expired_by is not None and (payment.expires_at is None or payment.expires_at > expired_by):
        return False
    usd, moment = accounts.usd(), signal_selectors.market_time()
    reference = f"payment:{payment.pk}:void"
    ledger.entry_post(
        reference=reference,
        kind="withdrawal_void",
        effective_at=moment,
        description=f"A withdrawal that was not sent ({payment.method})",
        legs=[
            ledger.Leg(accounts.user_reserved(payment.user), usd, -payment.amount),
            ledger.Leg(accounts.user_cash(payment.user), usd, payment.amount),
        ],
    )
    receivables.collect(payment.user, reference=reference, effective_at=moment)
    payment.status, payment.reason = status, reason[:240]
    payment.save(update_fields=["status", "reason"])
    telling.withdrawal_changed(payment)
    return True


@transaction.atomic
def hold_paid(payment_id: UUID | str, answer: ChargeResult) -> bool:
    """The money set aside has left: posted once, linked to the provider's reference. False where it was before."""
    payment = _locked(payment_id)
    if payment.status != Payment.Status.SENDING:
        return False
    payment.effective_at = signal_selectors.market_time()
    out_post(payment, from_hold=True)
    payment.status, payment.completed_at = Payment.Status.COMPLETED, timezone.now()
    payment.provider_reference, payment.reason = answer.reference, ""
    payment.save()
    telling.withdrawal_changed(payment)
    return True


def out_post(payment: Payment, *, from_hold: bool) -> None:
    """The entry by which a withdrawal leaves our books. Inside the caller's transaction. Raises InsufficientFunds."""
    source = accounts.user_reserved if from_hold else accounts.user_cash
    ledger.entry_post(
        reference=f"payment:{payment.method}:{payment.reference}",
        kind=Payment.Direction.WITHDRAWAL,
        effective_at=payment.effective_at,
        description=f"Withdrawal ({payment.method})",
        legs=[
            *paid_out_legs(payment),
            ledger.Leg(source(payment.user), accounts.usd(), -payment.amount),
        ],
    )


def not_enough(free: Decimal, asked: Decimal) -> InsufficientFunds:
    """The refusal of a withdrawal that is larger than the free cash."""
    return InsufficientFunds(
        f"Nothing was paid out: ${free:,.2f} is free and ${asked:,.2f} was asked for. Ask for less, or "
        "redeem from an index first."
    )


def _locked(payment_id: UUID | str) -> Payment:
    """The payment, whose state nobody else changes until the transaction ends; its owner's queue comes first."""
    payment = Payment.objects.select_related("user").get(pk=payment_id)
    accounts.user_queue(payment.user)
    return (
        Payment.objects.select_for_update(of=("self",))
        .select_related("user", "destination")
        .get(pk=payment_id)
    )
