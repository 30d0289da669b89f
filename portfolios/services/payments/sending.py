"""Withdrawals on their way: claimed, sent outside every transaction, and followed until the provider has said.

No answer means unknown. What was claimed is asked about before it is sent again, with the same reference, which a
provider pays once.
"""

import logging
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q

from portfolios.models import Account, Balance, Payment
from portfolios.payments.base import ChargeResult, PaymentUnreachable
from portfolios.payments.registry import PAYMENTS
from portfolios.selectors.pauses import pauses
from portfolios.selectors.payments import owed
from portfolios.services.faultpoints import fault_point
from portfolios.services.payments import holds

log = logging.getLogger(__name__)

ASKED_EVERY = timedelta(seconds=30)


def withdrawals_send(*, now: datetime, limit: int = 100) -> int:
    """Every withdrawal that is set aside and may go is sent; returns how many were handed to their provider.

    Nothing goes while withdrawals are paused or while its owner owes money; it waits, and expires in its time.
    """
    if pauses().withdrawals:
        return 0
    # Those who cannot go yet must not keep the others from their turn.
    debtors = Balance.objects.filter(account__kind=Account.Kind.RECEIVABLE, amount__lt=0).values(
        "account__user"
    )
    waiting = (
        Payment.objects.filter(
            direction=Payment.Direction.WITHDRAWAL, status=Payment.Status.HELD, method__in=list(PAYMENTS)
        )
        .exclude(user__in=debtors)
        .order_by("created_at", "pk")
        .values_list("pk", flat=True)[:limit]
    )
    sent = 0
    for key in list(waiting):
        fault_point("withdrawal held")
        payment = _claim(key, now)
        if payment is not None:
            fault_point("withdrawal claimed")
            _send(payment)
            sent += 1
    return sent


def withdrawals_follow(*, now: datetime, limit: int = 100) -> int:
    """Withdrawals whose answer is out are asked about; returns how many were."""
    quiet = Q(asked_at__isnull=True) | Q(asked_at__lt=now - ASKED_EVERY)
    due = (
        Payment.objects.filter(quiet, direction=Payment.Direction.WITHDRAWAL, status=Payment.Status.SENDING)
        .order_by(F("asked_at").asc(nulls_first=True), "created_at", "pk")
        .values_list("pk", flat=True)[:limit]
    )
    asked = 0
    for key in list(due):
        # Whoever writes the time of asking first is the one who asks.
        if Payment.objects.filter(quiet, pk=key, status=Payment.Status.SENDING).update(asked_at=now):
            _ask(Payment.objects.select_related("destination").get(pk=key))
            asked += 1
    return asked


def withdrawals_expire(*, now: datetime, limit: int = 100) -> int:
    """What has been set aside for too long is free again; returns how many withdrawals that were. One that is being
    sent never expires: where its money is, only the provider knows."""
    late = (
        Payment.objects.filter(
            direction=Payment.Direction.WITHDRAWAL, status__in=holds.WAITING, expires_at__lte=now
        )
        .order_by("created_at", "pk")
        .values_list("pk", flat=True)[:limit]
    )
    return sum(
        holds.hold_void(key, status=Payment.Status.EXPIRED, reason="It was not sent in time.", expired_by=now)
        for key in list(late)
    )


@transaction.atomic
def _claim(payment_id: UUID | str, now: datetime) -> Payment | None:
    payment = (
        Payment.objects.select_for_update(of=("self",), skip_locked=True)
        .select_related("user", "destination")
        .filter(pk=payment_id, status=Payment.Status.HELD)
        .first()
    )
    if payment is None or payment.method not in PAYMENTS:
        return None
    if (payment.expires_at is not None and payment.expires_at <= now) or pauses().withdrawals:
        return None
    if owed(payment.user) > 0:
        return None
    payment.status, payment.sent_at, payment.asked_at = Payment.Status.SENDING, now, now
    payment.save(update_fields=["status", "sent_at", "asked_at"])
    return payment


def _send(payment: Payment) -> None:
    try:
        answer = PAYMENTS[payment.method].pay_out(
            customer=str(payment.user_id),
            amount=payment.amount,
            reference=str(payment.pk),
            address=payment.destination.address if payment.destination else "",
        )
    except PaymentUnreachable as error:
        log.warning("%s has not answered about withdrawal %s: %s", payment.method, payment.pk, error)
        return
    fault_point("withdrawal sent")
    _conclude(payment, answer)


def _ask(payment: Payment) -> None:
    provider = PAYMENTS.get(payment.method)
    if provider is None:
        log.error("withdrawal %s is being sent by %s, which is not set up", payment.pk, payment.method)
        return
    try:
        answer = provider.payout_find(reference=str(payment.pk))
    except PaymentUnreachable as error:
        log.warning("%s has not answered about withdrawal %s: %s", payment.method, payment.pk, error)
        return
    if answer is not None:
        _conclude(payment, answer)
    elif not pauses().withdrawals:
        _send(payment)


def _conclude(payment: Payment, answer: ChargeResult) -> None:
    if answer.paid:
        holds.hold_paid(payment.pk, answer)
    elif not answer.pending:
        holds.hold_void(
            payment.pk,
            status=Payment.Status.FAILED,
            reason=answer.reason or "The provider declined it.",
            only=(Payment.Status.SENDING,),
        )
    fault_point("withdrawal concluded")
