"""Money in and out. Each payment has one external reference and one ledger entry, written together."""

import uuid
from decimal import Decimal

from django.db import transaction
from django.utils import timezone

from portfolios import selectors
from portfolios.core.money import amount_parse
from portfolios.errors import ConflictError, InsufficientFunds, InvalidAmount, UnknownMethod
from portfolios.models import Payment, User
from portfolios.payments.registry import PAYMENTS
from portfolios.services import accounts, ledger
from signals import selectors as signal_selectors


def deposit(
    user: User, amount: Decimal | str, method: str = "sandbox", reference: str = "", *, currency: str = "USD"
) -> Payment:
    """Money taken in through `method` and free to use afterwards.

    The same `reference` of the same user twice is one deposit (the first is returned); with another amount it raises
    ConflictError. Without a reference a new one is made. Raises InvalidAmount and UnknownMethod; nothing moves then.
    """
    return _pay(user, amount, method, reference, currency, Payment.Direction.DEPOSIT)


def withdraw(
    user: User, amount: Decimal | str, method: str = "sandbox", reference: str = "", *, currency: str = "USD"
) -> Payment:
    """Free money paid out through `method`; references as in `deposit`. Raises InsufficientFunds too."""
    return _pay(user, amount, method, reference, currency, Payment.Direction.WITHDRAWAL)


@transaction.atomic
def _pay(
    user: User,
    amount: Decimal | str,
    method: str,
    reference: str,
    currency: str,
    direction: Payment.Direction,
) -> Payment:
    usd_amount = checked_amount(amount)
    if method not in PAYMENTS:
        raise UnknownMethod(
            f"Nothing was moved: there is no payment method {method!r}; use {', '.join(PAYMENTS)}."
        )
    if currency != "USD":
        raise InvalidAmount(f"Nothing was moved: {currency} is not accepted here; use USD.", field="currency")
    if direction == Payment.Direction.WITHDRAWAL:
        accounts.user_queue(user)
    own = f"{direction}:{user.pk}:{reference or uuid.uuid4()}"
    repeated = Payment.objects.filter(method=method, reference=own).first() if reference else None
    if repeated is None and direction == Payment.Direction.WITHDRAWAL and selectors.cash(user) < usd_amount:
        # Only to answer soon: what decides is the ledger's own lock and check.
        raise _not_enough(user, usd_amount)
    moment = signal_selectors.market_time() if repeated is None else repeated.effective_at
    usd, sign = accounts.usd(), 1 if direction == Payment.Direction.DEPOSIT else -1
    try:
        ledger.entry_post(
            reference=f"payment:{method}:{own}",
            kind=direction,
            effective_at=moment,
            description=f"{direction.label.capitalize()} ({method})",
            legs=[
                ledger.Leg(accounts.outside(method), usd, -sign * usd_amount),
                ledger.Leg(accounts.user_cash(user), usd, sign * usd_amount),
            ],
        )
    except InsufficientFunds as error:
        raise _not_enough(user, usd_amount) from error
    # The entry's lock has made identical calls wait for each other: only now is the answer final.
    stored = Payment.objects.filter(method=method, reference=own).first() if reference else None
    if stored is not None:
        return stored
    provider = PAYMENTS[method]
    act = provider.collect if direction == Payment.Direction.DEPOSIT else provider.pay_out
    answer = act(customer=str(user.pk), amount=usd_amount, reference=own)
    if not answer.paid:
        raise ConflictError(
            f"Nothing was moved: the provider declined ({answer.reason}).", code="payment_declined"
        )
    return Payment.objects.create(
        user=user,
        direction=direction,
        method=method,
        currency=currency,
        amount=usd_amount,
        status=Payment.Status.COMPLETED,
        reference=own,
        effective_at=moment,
        completed_at=timezone.now(),
    )


def _not_enough(user: User, asked: Decimal) -> InsufficientFunds:
    return InsufficientFunds(
        f"Nothing was paid out: ${selectors.cash(user):,.2f} is free and ${asked:,.2f} was asked for. Ask for less, or "
        "redeem from an index first."
    )


def checked_amount(amount: Decimal | str) -> Decimal:
    """A person's amount in whole cents. Raises InvalidAmount."""
    try:
        return amount_parse(amount)
    except ValueError as error:
        raise InvalidAmount(f"Nothing was moved. {error}") from error
