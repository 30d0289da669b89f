"""Whose deposit address is whose."""

from collections.abc import Iterable

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from portfolios.chain.derivation import address_checked, addresses_derived
from portfolios.errors import AddressUnavailable
from portfolios.models import DepositAddress, User
from portfolios.services import accounts


@transaction.atomic
def address_assign(user: User) -> DepositAddress:
    """The person's own deposit address: the first unused one of the pool at the first call, the same one ever after.

    Raises AddressUnavailable where USDC is not set up or the pool is empty.
    """
    mine = DepositAddress.objects.filter(chain_id=settings.USDC_CHAIN_ID, user=user).first()
    if mine is not None:
        return mine
    if not settings.USDC_RPC_URL:
        raise AddressUnavailable("Nothing can be sent yet: USDC is not set up on this platform.")
    accounts.user_queue(user)  # two first calls at once must not take two addresses
    mine = DepositAddress.objects.filter(chain_id=settings.USDC_CHAIN_ID, user=user).first()
    if mine is not None:
        return mine
    free = DepositAddress.objects.filter(chain_id=settings.USDC_CHAIN_ID, user__isnull=True)
    found = free.select_for_update(skip_locked=True).order_by("pk").first()
    if found is None:
        raise AddressUnavailable(
            "Nothing can be sent yet: all deposit addresses are taken. An operator adds more; try again later."
        )
    found.user, found.assigned_at = user, timezone.now()
    found.save(update_fields=["user", "assigned_at"])
    return found


def addresses_add(addresses: Iterable[str]) -> int:
    """The pool with these addresses in it; how many are new. Raises ValueError, naming the line; none is added then."""
    rows = []
    for number, line in enumerate(addresses, start=1):
        try:
            rows.append(("", address_checked(line)))
        except ValueError as error:
            raise ValueError(f"line {number}: {error}") from error
    return _added(rows)


def addresses_derive(xpub: str, count: int) -> int:
    """The pool with the next `count` addresses of an extended public key in it; how many are new. A second call goes
    on where the first ended. Raises ValueError where the key is none."""
    if not 0 < count <= 100_000:
        raise ValueError("count: ask for 1 to 100,000 addresses at a time")
    known = DepositAddress.objects.filter(chain_id=settings.USDC_CHAIN_ID).exclude(path="").count()
    return _added(addresses_derived(xpub, known, count))


def _added(rows: list[tuple[str, str]]) -> int:
    before = DepositAddress.objects.count()
    DepositAddress.objects.bulk_create(
        [
            DepositAddress(chain_id=settings.USDC_CHAIN_ID, path=path, address=address)
            for path, address in rows
        ],
        ignore_conflicts=True,
        batch_size=2000,
    )
    return DepositAddress.objects.count() - before
