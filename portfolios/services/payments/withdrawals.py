"""A person's wish to take money out, and taking it back."""

from datetime import timedelta
from decimal import Decimal
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from portfolios import selectors
from portfolios.errors import (
    ConflictError,
    DestinationNotYet,
    DestinationRequired,
    InsufficientFunds,
    NotCancellable,
    ReceivableOpen,
    UnknownPayment,
)
from portfolios.models import Payment, User, WithdrawalDestination
from portfolios.payments.base import PaymentProvider
from portfolios.selectors.pauses import pauses
from portfolios.selectors.payments import owed
from portfolios.services import accounts
from portfolios.services.payments import holds, receivables, telling
from portfolios.services.payments.asking import (
    checked_amount,
    dollars_only,
    own_reference,
    provider_of,
    repeated,
)
from portfolios.services.payments.destinations import destination_of
from portfolios.services.payments.limits import approvals_for, limits_of
from signals import selectors as signal_selectors


@transaction.atomic
def withdraw(
    user: User,
    amount: Decimal | str,
    method: str = "sandbox",
    reference: str = "",
    *,
    currency: str = "USD",
    destination: object = None,
) -> Payment:
    """Free money on its way out: set aside (`held`, or `awaiting_approval` where it is large) until it is sent.

    `destination` is the id of an address on the user's list and decides the method. Without one, play money is paid
    out at once, unless withdrawals are paused or the amount is large. References as in `deposit`. The caller has made
    sure that it is the user who asks. Raises InvalidAmount, UnknownMethod, DestinationRequired, UnknownDestination,
    DestinationNotYet, ReceivableOpen, InsufficientFunds, DailyLimitReached and ConflictError; nothing moves then.
    """
    usd_amount = checked_amount(amount)
    dollars_only(currency)
    accounts.user_queue(user)
    listed = destination_of(user, destination) if destination else None
    provider = provider_of(listed.method if listed else method, Payment.Direction.WITHDRAWAL)
    own = own_reference(user, Payment.Direction.WITHDRAWAL, reference)
    stored = repeated(provider.name, own, usd_amount) if reference else None
    if stored is not None:
        if stored.destination_id != (listed.pk if listed else None):
            raise ConflictError(
                f"Nothing was moved: the reference {reference} was used before for another address; use a new one."
            )
        return stored
    _destination_ready(provider, listed)
    moment = signal_selectors.market_time()
    if owed(user) > 0:
        receivables.collect(user, reference=f"withdrawal:{own}"[:140], effective_at=moment)
        debt = owed(user)
        if debt > 0:
            raise ReceivableOpen(
                f"Nothing was paid out: ${debt:,.2f} is owed since a deposit was taken back. Withdrawals wait until a "
                "deposit has paid it."
            )
    free = selectors.cash(user)
    if free < usd_amount:
        # Only to answer soon: what decides is the ledger's own lock and check.
        raise holds.not_enough(free, usd_amount)
    now = timezone.now()
    payment = Payment(
        user=user,
        direction=Payment.Direction.WITHDRAWAL,
        method=provider.name,
        currency=currency,
        amount=usd_amount,
        reference=own,
        destination=listed,
        approvals_needed=approvals_for(usd_amount, limits_of(user, provider, now=now)),
        effective_at=moment,
    )
    try:
        if (
            provider.play_money
            and listed is None
            and not payment.approvals_needed
            and not pauses().withdrawals
        ):
            return _paid_at_once(payment, provider)
        return _set_aside(payment)
    except InsufficientFunds as error:
        raise holds.not_enough(selectors.cash(user), usd_amount) from error


def _destination_ready(provider: PaymentProvider, listed: WithdrawalDestination | None) -> None:
    if listed is None:
        if not provider.play_money:
            raise DestinationRequired(
                "Nothing was moved: choose an address from your list, or add one first."
            )
        return
    if listed.usable_from > timezone.now():
        raise DestinationNotYet(
            f"Nothing was moved: {listed} can be used from {listed.usable_from:%-d %B %Y, %H:%M} UTC. A new address "
            "waits so that you can stop it if it was not you who added it."
        )


def _paid_at_once(payment: Payment, provider: PaymentProvider) -> Payment:
    holds.out_post(payment, from_hold=False)
    answer = provider.pay_out(
        customer=str(payment.user_id), amount=payment.amount, reference=payment.reference
    )
    if not answer.paid:
        raise ConflictError(
            f"Nothing was moved: the provider declined ({answer.reason}).", code="payment_declined"
        )
    payment.status, payment.completed_at = Payment.Status.COMPLETED, timezone.now()
    payment.provider_reference = answer.reference
    payment.save(force_insert=True)
    return payment


def _set_aside(payment: Payment) -> Payment:
    payment.status = Payment.Status.AWAITING_APPROVAL if payment.approvals_needed else Payment.Status.HELD
    payment.expires_at = timezone.now() + timedelta(hours=settings.WITHDRAWAL_HOLD_HOURS)
    holds.hold_post(payment)
    payment.save(force_insert=True)
    telling.security_note(
        payment.user,
        "withdrawal_asked",
        actor=payment.user,
        detail=f"${payment.amount:,.2f} by {payment.method} to {payment.destination or 'the sandbox'}",
        subject=payment.pk,
    )
    telling.withdrawal_changed(payment)
    return payment


@transaction.atomic
def withdrawal_cancel(user: User, payment_id: object) -> Payment:
    """A withdrawal that has not been sent is cancelled and its money is free again. Raises UnknownPayment and
    NotCancellable."""
    payment = withdrawal_of(user, payment_id)
    if not holds.hold_void(payment.pk, status=Payment.Status.CANCELLED, reason="You cancelled it."):
        payment.refresh_from_db()
        if payment.status == Payment.Status.CANCELLED:
            return payment
        raise NotCancellable(
            f"Nothing was changed: this withdrawal is {payment.get_status_display()} and cannot be cancelled any more."
        )
    telling.security_note(user, "withdrawal_cancelled", actor=user, subject=payment.pk)
    payment.refresh_from_db()
    return payment


def withdrawal_of(user: User, payment_id: object) -> Payment:
    """The user's withdrawal. Raises UnknownPayment."""
    try:
        key = UUID(str(payment_id))
    except ValueError as error:
        raise UnknownPayment("Nothing was changed: you have no such withdrawal.") from error
    found = Payment.objects.filter(pk=key, user=user, direction=Payment.Direction.WITHDRAWAL).first()
    if found is None:
        raise UnknownPayment("Nothing was changed: you have no such withdrawal.")
    return found
