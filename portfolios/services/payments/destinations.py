"""The allow-list: money is sent to addresses that have stood on it for a day."""

from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from portfolios.errors import DestinationListed, InvalidAddress, UnknownDestination
from portfolios.models import Payment, User, WithdrawalDestination
from portfolios.services import accounts
from portfolios.services.payments import holds, telling
from portfolios.services.payments.asking import provider_of

MAX_LABEL = 80


@transaction.atomic
def destination_add(
    user: User, *, method: str, address: str, label: str = "", actor: User | None = None
) -> WithdrawalDestination:
    """A new address on the user's list, usable after the waiting period; the user is told. An address that was removed
    waits anew.

    The caller has made sure that it is the user who asks. Raises UnknownMethod, InvalidAddress and DestinationListed.
    """
    provider = provider_of(method, Payment.Direction.WITHDRAWAL)
    try:
        checked = provider.address_checked(address)
    except ValueError as error:
        raise InvalidAddress(f"Nothing was added. {error}") from error
    accounts.user_queue(user)
    if WithdrawalDestination.objects.filter(
        user=user, method=method, address=checked, removed_at__isnull=True
    ).exists():
        raise DestinationListed("Nothing was added: this address is on your list already.")
    now = timezone.now()
    destination = WithdrawalDestination.objects.create(
        user=user,
        method=method,
        address=checked,
        label=" ".join(label.split())[:MAX_LABEL],
        created_at=now,
        usable_from=now + timedelta(hours=settings.WITHDRAWAL_DESTINATION_HOURS),
    )
    telling.security_note(
        user,
        "destination_added",
        actor=actor or user,
        detail=f"{method}: {checked}",
        subject=destination.pk,
    )
    telling.destination_added(destination)
    return destination


@transaction.atomic
def destination_remove(user: User, destination_id: object, *, actor: User | None = None) -> int:
    """The address is off the user's list, and what was set aside for it is free again; returns how many withdrawals
    that were. What has been sent is not called back. Raises UnknownDestination."""
    accounts.user_queue(user)
    destination = destination_of(user, destination_id)
    destination.removed_at = timezone.now()
    destination.save(update_fields=["removed_at"])
    waiting = Payment.objects.filter(destination=destination, status__in=holds.WAITING).order_by(
        "created_at", "pk"
    )
    cancelled = 0
    for key in waiting.values_list("pk", flat=True):
        cancelled += holds.hold_void(
            key, status=Payment.Status.CANCELLED, reason="Its address was removed from your list."
        )
    telling.security_note(
        user,
        "destination_removed",
        actor=actor or user,
        detail=f"{destination.method}: {destination.address}",
        subject=destination.pk,
    )
    telling.destination_removed(destination, cancelled=cancelled)
    return cancelled


def destination_of(user: User, destination_id: object) -> WithdrawalDestination:
    """The user's address that is on the list. Raises UnknownDestination."""
    try:
        key = UUID(str(destination_id))
    except ValueError as error:
        raise _unknown() from error
    found = WithdrawalDestination.objects.filter(user=user, pk=key, removed_at__isnull=True).first()
    if found is None:
        raise _unknown()
    return found


def _unknown() -> UnknownDestination:
    return UnknownDestination("Nothing was moved: there is no such address on your list.")
