"""A person's money in and out, and where it may go."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db.models import QuerySet

from portfolios.models import Balance, Payment, User, WithdrawalDestination
from portfolios.payments.registry import PAYMENTS

SET_ASIDE = (Payment.Status.HELD, Payment.Status.AWAITING_APPROVAL, Payment.Status.SENDING)
CANCELLABLE = (Payment.Status.HELD, Payment.Status.AWAITING_APPROVAL)


@dataclass(frozen=True)
class Destination:
    """An address on somebody's list. `is_usable` once its waiting period is over."""

    id: UUID
    method: str
    title: str
    address: str
    label: str
    created_at: datetime
    usable_from: datetime
    is_usable: bool


def payment_queryset(user: User, direction: str) -> QuerySet[Payment]:
    """The user's payments of one direction (deposit, withdrawal), newest first; a paginator may cut it."""
    return Payment.objects.filter(user=user, direction=direction).order_by("-created_at", "-id")


def payment_of(user: User, payment_id: UUID) -> Payment | None:
    """The user's payment of either direction."""
    return Payment.objects.filter(user=user, pk=payment_id).select_related("destination").first()


def withdrawals_open(user: User) -> list[Payment]:
    """Withdrawals whose money is set aside, oldest first."""
    rows = payment_queryset(user, Payment.Direction.WITHDRAWAL).filter(status__in=SET_ASIDE)
    return list(rows.select_related("destination").order_by("created_at"))


def deposits_open(user: User) -> list[Payment]:
    """The newest five deposits that the person has yet to pay."""
    rows = payment_queryset(user, Payment.Direction.DEPOSIT).filter(status=Payment.Status.PENDING)
    return list(rows[:5])


def destination_queryset(user: User) -> QuerySet[WithdrawalDestination]:
    """The user's addresses, newest first; a paginator may cut it."""
    return WithdrawalDestination.objects.filter(user=user, removed_at__isnull=True).order_by(
        "-created_at", "-id"
    )


def destinations(user: User, *, now: datetime) -> list[Destination]:
    """The user's addresses at `now`, newest first."""
    return [
        Destination(
            id=row.pk,
            method=row.method,
            title=method_title(row.method),
            address=row.address,
            label=row.label,
            created_at=row.created_at,
            usable_from=row.usable_from,
            is_usable=row.usable_from <= now,
        )
        for row in destination_queryset(user)
    ]


def owed(user: User) -> Decimal:
    """USD that the user owes since a payment of theirs was taken back; 0 for nearly everybody."""
    amount = (
        Balance.objects.filter(account__key=f"user:{user.pk}:receivable", asset__code="USD")
        .values_list("amount", flat=True)
        .first()
    )
    return -amount if amount else Decimal(0)


def method_title(method: str) -> str:
    """What people call a method."""
    provider = PAYMENTS.get(method)
    return provider.title if provider else method


def deposit_methods() -> list[tuple[str, str]]:
    """(name, title) of the methods by which a person can pay in from a form; those with a page come first."""
    rows = [row for row in PAYMENTS.values() if row.collects in ("at once", "by page")]
    return [(row.name, row.title) for row in sorted(rows, key=lambda row: row.play_money)]


def payout_methods() -> list[tuple[str, str]]:
    """(name, title) of the methods by which money goes out to an address; real ones first."""
    rows = [row for row in PAYMENTS.values() if row.pays_out]
    return [(row.name, row.title) for row in sorted(rows, key=lambda row: row.play_money)]


def play_money_pays_out() -> bool:
    """Whether money may go out without an address: it is not real."""
    return any(row.pays_out and row.play_money for row in PAYMENTS.values())


def pays_by_page() -> bool:
    """Whether some money comes in by a provider's page."""
    return any(row.collects == "by page" for row in PAYMENTS.values())
