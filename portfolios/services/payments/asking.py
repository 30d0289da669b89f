"""What every payment is checked for before anything moves."""

import uuid
from decimal import Decimal

from portfolios.core.money import amount_parse
from portfolios.errors import ConflictError, InvalidAmount, UnknownMethod
from portfolios.models import Payment, User
from portfolios.payments.base import PaymentProvider
from portfolios.payments.registry import PAYMENTS


def checked_amount(amount: Decimal | str) -> Decimal:
    """A person's amount in whole cents. Raises InvalidAmount."""
    try:
        return amount_parse(amount)
    except ValueError as error:
        raise InvalidAmount(f"Nothing was moved. {error}") from error


def provider_of(method: str, direction: Payment.Direction) -> PaymentProvider:
    """The provider of a method that serves this direction. Raises UnknownMethod."""
    usable = [
        name
        for name, provider in PAYMENTS.items()
        if (provider.pays_out if direction == Payment.Direction.WITHDRAWAL else provider.collects)
    ]
    if method not in usable:
        raise UnknownMethod(
            f"Nothing was moved: there is no payment method {method!r} for a {direction}; use {', '.join(usable)}."
        )
    return PAYMENTS[method]


def dollars_only(currency: str) -> None:
    """Raises InvalidAmount for anything but USD."""
    if currency != "USD":
        raise InvalidAmount(f"Nothing was moved: {currency} is not accepted here; use USD.", field="currency")


def own_reference(user: User, direction: Payment.Direction, reference: str) -> str:
    """Our reference of a payment: the caller's word, apart for each person and direction."""
    return f"{direction}:{user.pk}:{reference or uuid.uuid4()}"


def repeated(method: str, reference: str, amount: Decimal) -> Payment | None:
    """The payment that was made with this reference before. Raises ConflictError where it was of another amount."""
    found = Payment.objects.filter(method=method, reference=reference).first()
    if found is not None and found.amount != amount:
        raise ConflictError(
            f"Nothing was moved: the reference {reference} was used before for something else; use a new one."
        )
    return found
