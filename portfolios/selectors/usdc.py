"""USDC of one person: their address, what has arrived there, and what it waits for."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.conf import settings
from django.db.models import Max

from portfolios.models import ChainCheckpoint, ChainTransfer, DepositAddress, User

LIMIT = 50


@dataclass(frozen=True)
class UsdcTransferRow:
    """A transfer to the person's address. `usd` and `mark` are None until it is credited; `confirmed` of `needed`
    blocks have confirmed it when the chain was last read."""

    seen_at: datetime
    amount: Decimal
    status: str
    title: str
    reason: str
    tx_hash: str
    usd: Decimal | None
    mark: Decimal | None
    confirmed: int
    needed: int


def usdc_enabled() -> bool:
    """Whether USDC is set up on this platform."""
    return bool(settings.USDC_RPC_URL)


def usdc_address(user: User) -> str:
    """The person's deposit address, or empty where they never asked for one."""
    mine = DepositAddress.objects.filter(chain_id=settings.USDC_CHAIN_ID, user=user)
    return mine.values_list("address", flat=True).first() or ""


def usdc_transfers(user: User) -> list[UsdcTransferRow]:
    """The newest transfers first, at most 50."""
    needed = settings.USDC_CONFIRMATIONS
    read = ChainCheckpoint.objects.filter(
        chain_id=settings.USDC_CHAIN_ID, contract=settings.USDC_CONTRACT
    ).aggregate(number=Max("number"))["number"]
    head = 0 if read is None else read + needed
    rows = ChainTransfer.objects.filter(user=user, chain_id=settings.USDC_CHAIN_ID).select_related("payment")
    return [
        UsdcTransferRow(
            seen_at=row.seen_at,
            amount=row.amount,
            status=row.status,
            title=row.get_status_display().capitalize(),
            reason=row.reason,
            tx_hash=row.tx_hash,
            usd=row.payment.amount if row.payment is not None else None,
            mark=row.mark if row.payment is not None else None,
            confirmed=max(1, min(needed, head - row.block_number + 1)),
            needed=needed,
        )
        for row in rows.order_by("-pk")[:LIMIT]
    ]
