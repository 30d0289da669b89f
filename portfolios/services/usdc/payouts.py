"""USDC on its way out. A signed transaction is stored before it is sent, so whoever dies in between sends the same one
again; all transactions of a payout have the same nonce, so the chain takes at most one of them."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Max, Sum

from portfolios.chain.node import Mined, Node, NodeFailed
from portfolios.chain.signing import GAS, HotWallet, Signed, fees_for, transfer_sign
from portfolios.core.money import USDC_SCALE, from_base, to_base
from portfolios.errors import InvalidTransfer
from portfolios.models import ChainTransaction, UsdcPayout, User
from portfolios.selectors.pauses import pauses
from portfolios.services.faultpoints import fault_point

log = logging.getLogger(__name__)
Status = UsdcPayout.Status

STUCK_AFTER = timedelta(minutes=10)
"""Signed for so long and not mined: it is offered again for a higher fee."""


@dataclass(frozen=True)
class Progress:
    """What one drive did: payouts newly signed, confirmed, failed for certain, and still open."""

    signed: int
    paid: int
    failed: int
    open: int


def payouts_drive(nodes: Sequence[Node], wallet: HotWallet, *, now: datetime) -> Progress:
    """Every open payout brought as far as it goes now. One process at a time may call this.

    What is signed is followed first: found in the chain and confirmed by every node, offered again, or replaced at a
    higher fee under the same nonce. Then what is queued is signed, in the order in which it was asked for, as long as
    caps, the wallet and the fees of the network allow; what waits says why. Raises NodeFailed.
    """
    head = min(node.head().number for node in nodes)
    ends = {Status.PAID: 0, Status.FAILED: 0}
    signed = UsdcPayout.objects.filter(**_chain(), status__in=[Status.SIGNED, Status.SENT])
    for payout in signed.order_by("nonce"):
        end = _follow(payout, nodes, wallet, head, now=now)
        if end is not None:
            ends[end] += 1
    started = 0
    for payout in UsdcPayout.objects.filter(**_chain(), status=Status.QUEUED).order_by("pk"):
        reason = pauses().withdrawals or _obstacle(payout, nodes[0], wallet, now=now)
        if reason:
            _wait(payout, reason)
            break  # the order of asking is the order of paying
        started += _start(payout, nodes, wallet, now=now)
    left = UsdcPayout.objects.filter(**_chain(), status__in=UsdcPayout.OPEN).count()
    return Progress(started, ends[Status.PAID], ends[Status.FAILED], left)


@transaction.atomic
def payout_refuse(key: int, *, by: User, reason: str) -> UsdcPayout:
    """An operator gives a payout up that was never signed; its dollars are free again with the next tick. Raises
    InvalidTransfer where it is signed: what is signed may be mined at any time."""
    payout = UsdcPayout.objects.select_for_update().filter(pk=key).first()
    if payout is None or payout.status != Status.QUEUED:
        raise InvalidTransfer(
            "Nothing was changed: this payout is signed or finished, and can only be followed."
        )
    payout.status, payout.reason = Status.FAILED, (reason.strip() or "It was refused by an operator.")[:240]
    payout.save(update_fields=["status", "reason"])
    log.warning("usdc: payout %s refused by user %s", payout.reference, by.pk)
    return payout


def _chain() -> dict[str, Any]:
    return {"chain_id": settings.USDC_CHAIN_ID, "contract": settings.USDC_CONTRACT}


def _follow(
    payout: UsdcPayout, nodes: Sequence[Node], wallet: HotWallet, head: int, *, now: datetime
) -> Status | None:
    node = nodes[0]
    mined = _mined(payout, node)
    if mined is None and payout.nonce is not None and node.nonce(payout.sender) > payout.nonce:
        mined = _mined(payout, node)  # it may have been mined between the two questions
        if mined is None:
            log.critical("usdc: nonce %s of payout %s was used by a stranger", payout.nonce, payout.reference)
            _wait(payout, "Another transaction has used its number; an operator looks at it.")
            return None
    if mined is not None:
        if head - mined.block.number + 1 < settings.USDC_CONFIRMATIONS:
            return None
        if any(other.mined(mined.tx_hash) != mined for other in nodes):
            return None
        if any(other.block(mined.block.number) != mined.block for other in nodes):
            return None
        return _finish(payout, mined, now=now)
    last = payout.transactions.order_by("-pk").first()
    if last is None:
        raise RuntimeError(f"payout {payout.reference} is {payout.status} without a transaction")
    if now - last.signed_at >= STUCK_AFTER and wallet.address == payout.sender:
        last = _replace(payout, last, node, wallet, now=now)
    _send(payout, last, nodes, now=now)
    return None


def _mined(payout: UsdcPayout, node: Node) -> Mined | None:
    for hashed in payout.transactions.order_by("pk").values_list("hash", flat=True):
        mined = node.mined(hashed)
        if mined is not None:
            return mined
    return None


@transaction.atomic
def _finish(payout: UsdcPayout, mined: Mined, *, now: datetime) -> Status:
    locked = UsdcPayout.objects.select_for_update().get(pk=payout.pk)
    if locked.status not in (Status.SIGNED, Status.SENT):
        return Status(locked.status)
    locked.status = Status.PAID if mined.succeeded else Status.FAILED
    locked.reason = "" if mined.succeeded else "The token's contract refused the transfer."
    locked.tx_hash, locked.block_hash = mined.tx_hash, mined.block.hash
    locked.block_number, locked.finished_at = mined.block.number, now
    locked.save()
    return locked.status


def _obstacle(payout: UsdcPayout, node: Node, wallet: HotWallet, *, now: datetime) -> str:
    """Why the payout cannot be signed now, or empty."""
    cap, daily = Decimal(settings.USDC_PAYOUT_CAP), Decimal(settings.USDC_DAILY_CAP)
    if payout.amount > cap:
        return f"More than {cap:,} USDC at once is looked at by an operator first."
    today = UsdcPayout.objects.filter(
        **_chain(), transactions__signed_at__gte=now.replace(hour=0, minute=0, second=0, microsecond=0)
    )
    spent = UsdcPayout.objects.filter(pk__in=today.values("pk")).aggregate(total=Sum("amount"))["total"] or 0
    if spent + payout.amount > daily:
        return f"At most {daily:,} USDC leave the wallet in a day; the rest goes tomorrow."
    under_way = UsdcPayout.objects.filter(**_chain(), status__in=[Status.SIGNED, Status.SENT])
    spoken_for = under_way.aggregate(total=Sum("amount"))["total"] or Decimal(0)
    if from_base(node.balance(wallet.address), USDC_SCALE) < spoken_for + payout.amount:
        log.critical("usdc: the hot wallet %s cannot pay %s USDC; fill it", wallet.address, payout.amount)
        return "The wallet is being refilled."
    most, _ = fees_for(node.fees())
    if most > settings.USDC_MAX_FEE_GWEI * 10**9:
        return "The network asks for too high a fee now."
    if node.gas_balance(wallet.address) < GAS * most * (under_way.count() + 1):
        log.critical("usdc: the hot wallet %s has too little for fees; fill it", wallet.address)
        return "The wallet is being refilled."
    return ""


def _start(payout: UsdcPayout, nodes: Sequence[Node], wallet: HotWallet, *, now: datetime) -> bool:
    nonce = _nonce(nodes[0], wallet)
    if nonce is None:
        _wait(payout, "An operator looks at the wallet first.")
        return False
    most, priority = fees_for(nodes[0].fees())
    signed = _signed(payout, wallet, nonce, most, priority)
    with transaction.atomic():
        locked = UsdcPayout.objects.select_for_update().get(pk=payout.pk)
        if locked.status != Status.QUEUED:
            return False
        locked.status, locked.reason = Status.SIGNED, ""
        locked.sender, locked.nonce = wallet.address, nonce
        locked.save(update_fields=["status", "reason", "sender", "nonce"])
        stored = _store(locked, signed, nonce, now=now)
    fault_point("usdc payout signed")
    _send(locked, stored, nodes, now=now)
    fault_point("usdc payout sent")
    return True


def _nonce(node: Node, wallet: HotWallet) -> int | None:
    """The number of the next transaction. None where the chain knows transactions of the wallet that we do not: then
    the books were restored from a copy, or somebody else has the key."""
    used = node.nonce(wallet.address)
    last = UsdcPayout.objects.filter(**_chain(), sender=wallet.address).aggregate(last=Max("nonce"))["last"]
    if last is None:
        return used
    if used > last + 1:
        log.critical(
            "usdc: the wallet %s has sent %s transactions and ours end at %s", wallet.address, used, last
        )
        return None
    return int(last) + 1


def _replace(
    payout: UsdcPayout, last: ChainTransaction, node: Node, wallet: HotWallet, *, now: datetime
) -> ChainTransaction:
    """The same payment under the same nonce for a higher fee, stored; the last one again where that is too dear."""
    most, priority = fees_for(node.fees(), replaced=(int(last.max_fee), int(last.priority_fee)))
    if most > settings.USDC_MAX_FEE_GWEI * 10**9:
        return last
    signed = _signed(payout, wallet, last.nonce, most, priority)
    with transaction.atomic():
        UsdcPayout.objects.select_for_update().get(pk=payout.pk)
        stored = _store(payout, signed, last.nonce, now=now)
    log.warning("usdc: payout %s is stuck and offered again at %s wei per gas", payout.reference, most)
    fault_point("usdc payout replaced")
    return stored


def _signed(payout: UsdcPayout, wallet: HotWallet, nonce: int, most: int, priority: int) -> Signed:
    return transfer_sign(
        wallet,
        chain_id=payout.chain_id,
        contract=payout.contract,
        receiver=payout.destination,
        amount=to_base(payout.amount, USDC_SCALE),
        nonce=nonce,
        max_fee=most,
        priority_fee=priority,
    )


def _store(payout: UsdcPayout, signed: Signed, nonce: int, *, now: datetime) -> ChainTransaction:
    return ChainTransaction.objects.create(
        payout=payout,
        hash=signed.hash,
        raw=signed.raw,
        nonce=nonce,
        max_fee=signed.max_fee,
        priority_fee=signed.priority_fee,
        signed_at=now,
    )


def _send(payout: UsdcPayout, signed: ChainTransaction, nodes: Sequence[Node], *, now: datetime) -> None:
    """Give it to every node that takes it. None taking it is no answer: the next drive finds it or sends it again."""
    taken = False
    for node in nodes:
        try:
            node.send(bytes(signed.raw))
            taken = True
        except NodeFailed as error:
            log.warning("usdc: payout %s was not taken: %s", payout.reference, error)
    if taken:
        ChainTransaction.objects.filter(pk=signed.pk, sent_at__isnull=True).update(sent_at=now)
        UsdcPayout.objects.filter(pk=payout.pk, status=Status.SIGNED).update(status=Status.SENT)


def _wait(payout: UsdcPayout, reason: str) -> None:
    UsdcPayout.objects.filter(pk=payout.pk, status__in=UsdcPayout.OPEN).update(reason=reason[:240])
