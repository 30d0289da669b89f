"""What providers tell us: each message is stored once, in one transaction with what it changes."""

import hashlib
import logging
import zlib
from collections.abc import Iterable
from decimal import Decimal
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone

from portfolios.core.cards import PAID, CardFact, CardState, card_state
from portfolios.models import Payment, PaymentEvent
from portfolios.payments.base import ProviderEvent
from portfolios.payments.registry import EVENTS
from portfolios.services import accounts, ledger
from portfolios.services.payments import receivables, telling
from signals import selectors as signal_selectors

log = logging.getLogger(__name__)

_SUBJECT_LOCK = 44


def event_receive(provider: str, body: bytes, signature: str) -> bool:
    """A message of `provider` stored with its effect; False where it had come before. Raises EventRefused, and KeyError
    for a provider that is not set up; then nothing is kept and nothing moves."""
    event = EVENTS[provider].event_read(body, signature)
    return _store(provider, event, hashlib.sha256(body).hexdigest())


def events_apply(provider: str, events: Iterable[ProviderEvent]) -> int:
    """Answers to our own question, stored like messages; returns how many were new."""
    return sum(_store(provider, event, "") for event in events)


@transaction.atomic
def _store(provider: str, event: ProviderEvent, digest: str) -> bool:
    if event.subject:
        # A dispute must not miss the success that is being stored at this moment, which tells whose it is.
        with connection.cursor() as cursor:
            lock = zlib.crc32(f"{provider}:{event.subject}".encode()) - 2**31
            cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_SUBJECT_LOCK, lock])
    named = _named(provider, event)
    # Waits for a delivery of the same message that is being stored at this moment.
    _, is_new = PaymentEvent.objects.get_or_create(
        provider=provider,
        event_id=event.id,
        defaults={
            "type": event.type[:80],
            "subject": event.subject,
            "payment": named,
            "kind": event.kind,
            "amount": event.amount,
            "item": event.item,
            "detail": event.detail[:240],
            "digest": digest,
            "occurred_at": event.occurred_at,
        },
    )
    if not is_new:
        return False
    payment = named or _of_subject(provider, event.subject)
    if payment is not None and event.kind:
        _settle(payment, event)
    elif event.kind:
        log.info("%s: %s is about no payment that is known yet", provider, event.type)
    return True


def _named(provider: str, event: ProviderEvent) -> Payment | None:
    try:
        key = UUID(event.payment)
    except ValueError:
        return None
    return Payment.objects.filter(pk=key, method=provider, direction=Payment.Direction.DEPOSIT).first()


def _of_subject(provider: str, subject: str) -> Payment | None:
    if not subject:
        return None
    return Payment.objects.filter(
        method=provider, direction=Payment.Direction.DEPOSIT, provider_reference=subject
    ).first()


def _settle(payment: Payment, event: ProviderEvent) -> None:
    accounts.user_queue(payment.user)
    payment = Payment.objects.select_for_update(of=("self",)).select_related("user").get(pk=payment.pk)
    if event.subject and not payment.provider_reference:
        payment.provider_reference = event.subject
    about = Q(payment=payment)
    if payment.provider_reference:
        about |= Q(provider=payment.method, subject=payment.provider_reference)
    facts = [
        CardFact(row.kind, row.amount or Decimal(0), row.item)
        for row in PaymentEvent.objects.filter(about).exclude(kind="")
    ]
    state = card_state(payment.amount, facts)
    if any(fact.kind == PAID and fact.amount != payment.amount for fact in facts) and not state.is_paid:
        log.critical("%s took another amount than asked for: payment %s", payment.method, payment.pk)
        payment.reason = (
            "The provider reports another amount than asked for. We look into it; nothing was credited."
        )
    _follow_state(payment, state, event)


def _follow_state(payment: Payment, state: CardState, event: ProviderEvent) -> None:
    before = payment.status
    if state.is_paid and payment.completed_at is None:
        _credit(payment)
    # First what comes back: it may pay for what goes.
    changes = [
        ("dispute", state.disputed - payment.disputed),
        ("refund", state.refunded - payment.refunded),
    ]
    for kind, change in sorted(changes, key=lambda line: line[1]):
        if change:
            _move(payment, change, kind=kind, event_id=event.id)
    if state.status == Payment.Status.FAILED and event.detail:
        payment.reason = event.detail[:240]
    elif state.is_paid:
        payment.reason = ""
    payment.status = Payment.Status(state.status)
    payment.refunded, payment.disputed = state.refunded, state.disputed
    payment.save()
    telling.deposit_changed(payment, before=before, changes=dict(changes))


def deposit_post(payment: Payment) -> None:
    """The money is the user's, as of the payment's `effective_at`; what the user owes is paid from it first. Inside the
    caller's transaction."""
    usd = accounts.usd()
    reference = f"payment:{payment.method}:{payment.reference}"
    ledger.entry_post(
        reference=reference,
        kind=Payment.Direction.DEPOSIT,
        effective_at=payment.effective_at,
        description=f"Deposit ({payment.method})",
        legs=[
            ledger.Leg(accounts.outside(payment.method), usd, -payment.amount),
            ledger.Leg(accounts.user_cash(payment.user), usd, payment.amount),
        ],
    )
    receivables.collect(payment.user, reference=reference, effective_at=payment.effective_at)


def _credit(payment: Payment) -> None:
    payment.effective_at, payment.completed_at = signal_selectors.market_time(), timezone.now()
    deposit_post(payment)


def _move(payment: Payment, change: Decimal, *, kind: str, event_id: str) -> None:
    """`change` USD of a deposit taken back by the provider, or given again where it is negative."""
    usd, outside = accounts.usd(), accounts.outside(payment.method)
    reference, moment = f"payment:{payment.pk}:{event_id}:{kind}", signal_selectors.market_time()
    if change > 0:
        receivables.take_back(
            payment.user,
            change,
            into=[ledger.Leg(outside, usd, change)],
            reference=reference,
            kind=kind,
            effective_at=moment,
            description=f"{kind.capitalize()} of a deposit ({payment.method})",
        )
        return
    ledger.entry_post(
        reference=reference,
        kind=f"{kind}_returned",
        effective_at=moment,
        description=f"{kind.capitalize()} of a deposit given back ({payment.method})",
        legs=[
            ledger.Leg(outside, usd, change),
            ledger.Leg(accounts.user_cash(payment.user), usd, -change),
        ],
    )
    receivables.collect(payment.user, reference=reference, effective_at=moment)
