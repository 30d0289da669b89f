"""Confirmed transfers become dollars, once; what a reorganisation of the chain took away is taken back."""

import logging
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from django.conf import settings
from django.db import transaction
from django.urls import reverse

from portfolios.chain.node import Node, NodeFailed
from portfolios.errors import InvalidTransfer
from portfolios.models import ChainTransfer, Payment, User
from portfolios.payments.usdc_mark import UsdcMark, dollars_for, usdc_mark
from portfolios.services import accounts, ledger
from portfolios.services.faultpoints import fault_point
from portfolios.services.notices import notice_send
from portfolios.services.payments.receivables import collect, take_back
from portfolios.services.usdc.books import METHOD, arrived_legs, gone_legs
from signals import selectors as signal_selectors

log = logging.getLogger(__name__)
Status = ChainTransfer.Status


def transfers_credit(nodes: Sequence[Node], *, now: datetime) -> int:
    """Every transfer with enough confirmations in its person's cash, at the mark; how many were credited.

    Every node is asked again about each one first. One that is worth less than the minimum waits for more, one whose
    mark is too low or unknown for a better price or a person; both say so. Raises NodeFailed.
    """
    head = min(node.head().number for node in nodes)
    due = ChainTransfer.objects.filter(
        chain_id=settings.USDC_CHAIN_ID,
        contract=settings.USDC_CONTRACT,
        status__in=[Status.SEEN, Status.WAITING],
        block_number__lte=head + 1 - settings.USDC_CONFIRMATIONS,
    )
    ready = [transfer for transfer in due.order_by("pk") if _stands(transfer, nodes)]
    if not ready:
        return 0
    mark = usdc_mark()
    if mark.warned:
        log.warning("usdc: credited at $%s, which is below its usual band", mark.value)
    together: dict[int, Decimal] = defaultdict(Decimal)
    for transfer in ready:
        together[transfer.user_id] += transfer.amount
    count = 0
    for transfer in ready:
        count += _credit(transfer.pk, mark, together[transfer.user_id], now=now)
        fault_point("usdc transfer credited")
    return count


def _stands(transfer: ChainTransfer, nodes: Sequence[Node]) -> bool:
    """Whether every node has the transaction in the block that it was read from. The next scan undoes what does not."""
    for node in nodes:
        mined, block = node.mined(transfer.tx_hash), node.block(transfer.block_number)
        if mined is None or block is None or block.hash != transfer.block_hash or mined.block != block:
            return False
        if not mined.succeeded:
            raise NodeFailed(f"the node tells a transfer in {transfer.tx_hash}, which failed")
    return True


@transaction.atomic
def _credit(key: int, mark: UsdcMark, together: Decimal, *, now: datetime) -> bool:
    transfer = ChainTransfer.objects.select_for_update(of=("self",)).select_related("user").get(pk=key)
    if transfer.status not in (Status.SEEN, Status.WAITING):
        return False
    price, waits = mark.value, mark.waits
    if transfer.released_by_id is not None:
        price, waits = transfer.mark or mark.value, ""
    if price is None or waits:
        return _wait(transfer, f"{waits} Your {_told(transfer.amount)} are safe and wait for a better price.")
    usd = dollars_for(transfer.amount, price)
    if usd <= 0 or together < Decimal(settings.USDC_MINIMUM):
        return _wait(
            transfer,
            f"Less than {settings.USDC_MINIMUM} USDC has arrived: {_told(together)} wait until more comes.",
        )
    moment = signal_selectors.market_time()
    own = transfer.reference
    ledger.entry_post(
        reference=f"payment:{METHOD}:{own}",
        kind="deposit",
        effective_at=moment,
        description=f"Deposit ({_told(transfer.amount)} at ${price:f})",
        legs=[
            *arrived_legs(transfer.amount, usd),
            ledger.Leg(accounts.user_cash(transfer.user), accounts.usd(), usd),
        ],
    )
    transfer.payment = Payment.objects.create(
        user=transfer.user,
        direction=Payment.Direction.DEPOSIT,
        method=METHOD,
        currency="USD",
        amount=usd,
        status=Payment.Status.COMPLETED,
        reference=own,
        provider_reference=own,
        effective_at=moment,
        completed_at=now,
    )
    transfer.status, transfer.reason = Status.CREDITED, ""
    transfer.mark, transfer.credited_at = price, now
    transfer.save()
    collect(transfer.user, reference=f"payment:{METHOD}:{own}", effective_at=moment)
    _tell(
        transfer,
        "credited",
        "USDC has arrived",
        f"${usd:,.2f} was added to your cash: {_told(transfer.amount)} at ${price:f} each.",
    )
    return True


def transfer_gone(key: int, *, now: datetime) -> bool:
    """The block of a transfer is no longer part of the chain: one that waited is forgotten, one that was credited is
    taken back from the person's cash, and what is no longer there is owed. False where it was undone already."""
    with transaction.atomic():
        transfer = ChainTransfer.objects.select_for_update(of=("self",)).select_related("user").get(pk=key)
        if transfer.status in (Status.SEEN, Status.WAITING):
            transfer.status, transfer.reason = Status.ORPHANED, ""
            transfer.save(update_fields=["status", "reason"])
            return True
        if transfer.status != Status.CREDITED or transfer.payment is None:
            return False
        usd = transfer.payment.amount
        take_back(
            transfer.user,
            usd,
            into=gone_legs(transfer.amount, usd),
            reference=f"payment:{METHOD}:{transfer.reference}:reversed",
            kind="reversal",
            effective_at=signal_selectors.market_time(),
            description=f"Deposit taken back ({_told(transfer.amount)}): its block is gone",
        )
        Payment.objects.filter(pk=transfer.payment.pk).update(
            status=Payment.Status.REVERSED, reason="The chain dropped the block it was in."
        )
        transfer.status = Status.REVERSED
        transfer.save(update_fields=["status"])
        _tell(
            transfer,
            "reversed",
            "A USDC deposit was taken back",
            f"${usd:,.2f} was taken out of your cash: the network dropped the block that your {_told(transfer.amount)} "
            "came in. If they arrive again, which is usual, they are added again.",
        )
        log.error("usdc: transfer %s was credited and its block is gone; %s USD taken back", key, usd)
        return True


@transaction.atomic
def transfer_release(key: int, *, by: User, mark: Decimal | None = None) -> ChainTransfer:
    """An operator lets a waiting transfer through, at `mark` USD per USDC or at whatever the mark is then. It is
    credited by the next tick, after the nodes were asked again. Raises InvalidTransfer."""
    transfer = ChainTransfer.objects.select_for_update().filter(pk=key).first()
    if transfer is None or transfer.status != Status.WAITING:
        raise InvalidTransfer("Nothing was moved: there is no such transfer that waits.")
    if by.pk == transfer.user_id:
        raise InvalidTransfer("Nothing was moved: nobody lets their own money through. Ask a colleague.")
    if mark is not None and not (mark.is_finite() and 0 < mark <= 1 and mark == round(mark, 6)):
        raise InvalidTransfer(
            "Nothing was moved: a USDC is worth more than $0 and at most $1, in at most six decimals.",
            field="mark",
        )
    if mark is None and usdc_mark().value is None:
        raise InvalidTransfer(
            "Nothing was moved: there is no price; say at what it is credited.", field="mark"
        )
    transfer.released_by, transfer.mark = by, mark
    transfer.save(update_fields=["released_by", "mark"])
    return transfer


def _wait(transfer: ChainTransfer, reason: str) -> bool:
    first = transfer.status == Status.SEEN
    if first or transfer.reason != reason:
        transfer.status, transfer.reason = Status.WAITING, reason[:240]
        transfer.save(update_fields=["status", "reason"])
    if first:
        _tell(
            transfer, "waits", "USDC has arrived and waits", f"Nothing was added to your cash yet. {reason}"
        )
    return False


def _tell(transfer: ChainTransfer, what: str, title: str, text: str) -> None:
    notice_send(
        transfer.user,
        kind="payment",
        key=f"usdc:{transfer.pk}.{transfer.turn}:{what}",
        title=title,
        text=text,
        url=reverse("portfolios:usdc"),
    )


def _told(amount: Decimal) -> str:
    text = f"{amount:,.6f}".rstrip("0").rstrip(".")
    return f"{text} USDC"
