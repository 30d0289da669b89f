"""Money that comes in: at once, or when the provider says that it has it."""

import logging
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from portfolios.errors import ConflictError, PaymentsDown, UnknownMethod, UnknownPayment
from portfolios.models import Payment, User
from portfolios.payments.base import ChargeResult, PaymentProvider, PaymentUnreachable
from portfolios.payments.registry import PAYMENTS
from portfolios.services import accounts
from portfolios.services.faultpoints import fault_point
from portfolios.services.payments.asking import (
    checked_amount,
    dollars_only,
    own_reference,
    provider_of,
    repeated,
)
from portfolios.services.payments.events import deposit_post, events_apply
from signals import selectors as signal_selectors

log = logging.getLogger(__name__)

ASKED_EVERY = timedelta(minutes=2)
FOLLOWED_FOR = timedelta(days=4)
UNOPENED_FOR = timedelta(days=1)
_OPEN = (Payment.Status.PENDING, Payment.Status.FAILED)


@transaction.atomic
def deposit(
    user: User, amount: Decimal | str, method: str = "sandbox", reference: str = "", *, currency: str = "USD"
) -> Payment:
    """Money taken in through `method`: free to use afterwards, or pending where the person has yet to pay.

    The same `reference` of the same user twice is one deposit (the first is returned); with another amount it raises
    ConflictError. Without a reference a new one is made. Raises InvalidAmount and UnknownMethod; nothing moves then.
    What the user owes is paid first.
    """
    usd_amount = checked_amount(amount)
    provider = provider_of(method, Payment.Direction.DEPOSIT)
    if provider.collects == "by address":
        raise UnknownMethod(
            f"Nothing was moved: money by {provider.title} arrives by itself at the address that we show you."
        )
    dollars_only(currency)
    own = own_reference(user, Payment.Direction.DEPOSIT, reference)
    accounts.user_queue(user)
    stored = repeated(method, own, usd_amount) if reference else None
    if stored is not None:
        return stored
    payment = Payment(
        user=user,
        direction=Payment.Direction.DEPOSIT,
        method=method,
        currency=currency,
        amount=usd_amount,
        reference=own,
        effective_at=signal_selectors.market_time(),
    )
    if provider.collects == "at once":
        return _taken_at_once(payment, provider)
    payment.save(force_insert=True)
    return payment


def _taken_at_once(payment: Payment, provider: PaymentProvider) -> Payment:
    answer = provider.collect(
        customer=str(payment.user_id), amount=payment.amount, reference=payment.reference
    )
    if not answer.paid:
        raise ConflictError(
            f"Nothing was moved: the provider declined ({answer.reason}).", code="payment_declined"
        )
    payment.status, payment.completed_at = Payment.Status.COMPLETED, timezone.now()
    payment.provider_reference = answer.reference
    payment.save(force_insert=True)
    deposit_post(payment)
    return payment


def deposit_page_open(user: User, payment_id: UUID | str, *, return_url: str) -> Payment:
    """A pending deposit of the user with the page on which the person pays (`continue_url`).

    The provider is asked with our id of the payment, so asking again gives the same page. Must not be called in a
    transaction. Raises UnknownPayment, and PaymentsDown where there was no answer: nothing was charged then, and the
    next call may find the page.
    """
    payment = Payment.objects.filter(
        pk=payment_id, user=user, direction=Payment.Direction.DEPOSIT, status__in=_OPEN
    ).first()
    if payment is None:
        raise UnknownPayment("Nothing was moved: you have no such open deposit.")
    if payment.continue_url:
        return payment
    fault_point("deposit stored")
    try:
        answer = _page(payment, return_url)
    except PaymentUnreachable as error:
        raise PaymentsDown(
            "Nothing was charged: the card page could not be opened just now. Try again in a minute."
        ) from error
    if not answer.pending:
        raise ConflictError(
            f"Nothing was charged: the provider declined ({answer.reason}).", code="payment_declined"
        )
    return payment


def _page(payment: Payment, return_url: str) -> ChargeResult:
    answer = PAYMENTS[payment.method].collect(
        customer=str(payment.user_id),
        amount=payment.amount,
        reference=str(payment.pk),
        return_url=return_url,
    )
    fault_point("page opened")
    if answer.pending:
        payment.session, payment.continue_url = answer.session, answer.url
    else:
        payment.status, payment.reason = Payment.Status.FAILED, answer.reason[:240]
    # Only what this call found out: an event may have completed the payment meanwhile. Where it was given up meanwhile,
    # as never opened, it is open again: somebody has the page now, and may pay on it.
    waiting = [Payment.Status.PENDING, Payment.Status.EXPIRED]
    Payment.objects.filter(pk=payment.pk, status__in=waiting, session="").update(
        session=payment.session,
        continue_url=payment.continue_url,
        status=payment.status,
        reason=payment.reason,
    )
    return answer


def deposits_follow(*, now: datetime, limit: int = 100) -> int:
    """Open deposits whose provider was asked what became of them; returns how many were.

    A lost message costs two minutes. An attempt that failed is asked about as well: the person may try again on the
    same page. Each is claimed before it is asked, so that two workers do not ask for the same one.
    """
    due = (
        Payment.objects.filter(
            direction=Payment.Direction.DEPOSIT, status__in=_OPEN, created_at__gt=now - FOLLOWED_FOR
        )
        .exclude(session="")
        .filter(_not_asked_since(now))
        .order_by(F("asked_at").asc(nulls_first=True), "created_at", "pk")
        .values_list("pk", flat=True)[:limit]
    )
    asked = 0
    for key in list(due):
        if Payment.objects.filter(_not_asked_since(now), pk=key, status__in=_OPEN).update(asked_at=now):
            asked += _follow(Payment.objects.get(pk=key))
    return asked


def deposits_expire(*, now: datetime) -> int:
    """Deposits whose page was never opened are over after a day; returns how many. Nobody can have paid them: the
    address of the page reached nobody."""
    by_page = [name for name, provider in PAYMENTS.items() if provider.collects == "by page"]
    return Payment.objects.filter(
        direction=Payment.Direction.DEPOSIT,
        method__in=by_page,
        status=Payment.Status.PENDING,
        session="",
        created_at__lt=now - UNOPENED_FOR,
    ).update(status=Payment.Status.EXPIRED, reason="The card page was not opened in time.")


def _not_asked_since(now: datetime) -> Q:
    return Q(asked_at__isnull=True, created_at__lt=now - ASKED_EVERY) | Q(asked_at__lt=now - ASKED_EVERY)


def _follow(payment: Payment) -> int:
    provider = PAYMENTS.get(payment.method)
    if provider is None:
        return 0
    try:
        found = provider.deposit_find(session=payment.session, reference=str(payment.pk))
    except PaymentUnreachable as error:
        log.warning("%s has not said what became of deposit %s: %s", payment.method, payment.pk, error)
        return 0
    events_apply(payment.method, found)
    return 1
