"""Reading transfers off the chain, and noticing that what was read is no longer part of it."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction

from portfolios.chain.node import Block, Node, NodeFailed, TransferLog
from portfolios.core.money import USDC_SCALE, from_base
from portfolios.models import ChainCheckpoint, ChainTransfer, DepositAddress
from portfolios.services.faultpoints import fault_point
from portfolios.services.usdc.crediting import transfer_gone

log = logging.getLogger(__name__)

RANGE = 2_000
"""Blocks asked for at a time; providers refuse more than a few thousand."""
RANGES = 10
"""Ranges read by one tick: what is left is the next one's."""
WATCHED = 256
"""Blocks below the head whose transfers are still looked at: no reorganisation of the chain goes deeper."""


@dataclass(frozen=True)
class Scan:
    """What one look at the chain found. `behind` is how many old blocks are still to be read."""

    head: int
    found: int
    gone: int
    behind: int


def transfers_scan(nodes: Sequence[Node], *, now: datetime) -> Scan:
    """Every transfer to one of our addresses stored, up to the head; those whose block is gone are orphaned or taken
    back.

    Blocks that are not old enough to be final are read again by every scan, so a node that had not seen a log yet is
    asked again. Raises NodeFailed where a node fails, contradicts itself or the others, or is behind: then nothing that
    was not committed by an earlier range has moved, and the next scan begins at the same block.
    """
    node = nodes[0]
    head = node.head()
    first = _first(node, head)
    gone = _gone(nodes, min(first, head.number - WATCHED), now=now)
    ChainCheckpoint.objects.filter(**_chain(), number__gte=first).delete()
    found, final = 0, head.number - settings.USDC_CONFIRMATIONS
    for _ in range(RANGES):
        if first > head.number:
            break
        # What is final is read in ranges of its own, since only they are never read again.
        last = min(first + RANGE - 1, final if first <= final else head.number)
        found += _range_read(nodes, first, last, final=last <= final, now=now)
        fault_point("usdc range read")
        first = last + 1
    _checkpoints_prune(head)
    return Scan(head.number, found, gone, max(0, head.number + 1 - first))


def _chain() -> dict[str, Any]:
    return {"chain_id": settings.USDC_CHAIN_ID, "contract": settings.USDC_CONTRACT}


def _first(node: Node, head: Block) -> int:
    """The first block to read: the one after the newest checkpoint that is still part of the chain."""
    checkpoints = list(ChainCheckpoint.objects.filter(**_chain()).order_by("-number"))
    for checkpoint in checkpoints:
        block = node.block(checkpoint.number)
        if block is None or head.number < checkpoint.number:
            raise NodeFailed(
                f"the node is behind: it does not know block {checkpoint.number} that was read before"
            )
        if block.hash == checkpoint.hash:
            return checkpoint.number + 1
        log.warning("usdc: block %s is no longer part of the chain", checkpoint.number)
    if not checkpoints:
        return settings.USDC_START_BLOCK or max(0, head.number - settings.USDC_CONFIRMATIONS)
    oldest = checkpoints[-1].number
    if oldest < head.number - WATCHED:
        raise NodeFailed(
            f"the chain has changed below block {oldest}: this is another chain, or a broken node"
        )
    return max(0, oldest - WATCHED)


def _gone(nodes: Sequence[Node], lowest: int, *, now: datetime) -> int:
    """Transfers in force whose height has another block now, undone; how many."""
    held = ChainTransfer.objects.filter(
        **_chain(), status__in=ChainTransfer.IN_FORCE, block_number__gte=lowest
    ).order_by("pk")
    heights: dict[int, set[str]] = {}
    count = 0
    for transfer in held:
        if transfer.block_number not in heights:
            heights[transfer.block_number] = _hashes(nodes, transfer.block_number)
        if transfer.block_hash not in heights[transfer.block_number]:
            count += transfer_gone(transfer.pk, now=now)
            fault_point("usdc transfer gone")
    return count


def _hashes(nodes: Sequence[Node], number: int) -> set[str]:
    """What the nodes have at a height. Nothing is taken back on the word of one of two."""
    blocks = [node.block(number) for node in nodes]
    if None in blocks:
        raise NodeFailed(f"a node is behind: it does not know block {number}")
    return {block.hash for block in blocks if block is not None}


def _range_read(nodes: Sequence[Node], first: int, last: int, *, final: bool, now: datetime) -> int:
    addresses = {
        row.address: row
        for row in DepositAddress.objects.filter(
            chain_id=settings.USDC_CHAIN_ID, user__isnull=False
        ).select_related("user")
    }
    node, others = nodes[0], nodes[1:]
    logs = node.transfers(first, last, sorted(addresses)) if addresses else []
    blocks = {entry.block.number: entry.block for entry in logs}
    end = node.block(last)
    for number, block in blocks.items():
        if node.block(number) != block:
            raise NodeFailed(f"the logs of block {number} are of another block than the node has there")
    if end is None:
        raise NodeFailed(f"the node does not know block {last} any more")
    if final:
        for other in others:
            if addresses and other.transfers(first, last, sorted(addresses)) != logs:
                raise NodeFailed(f"the nodes do not agree on the transfers of blocks {first} to {last}")
            if other.block(last) != end:
                raise NodeFailed(f"the nodes do not agree on block {last}")
    return _range_store(logs, addresses, end if final else None, now=now)


@transaction.atomic
def _range_store(
    logs: Sequence[TransferLog], addresses: Mapping[str, DepositAddress], end: Block | None, *, now: datetime
) -> int:
    found = 0
    seen: dict[tuple[str, str], int] = {}
    for entry in logs:
        if entry.amount == 0:  # anybody may "send" nothing in anybody's name
            continue
        place = entry.tx_hash, entry.receiver
        ordinal = seen[place] = seen.get(place, -1) + 1
        found += _transfer_store(entry, addresses[entry.receiver], ordinal, now=now)
    if end is not None:
        ChainCheckpoint.objects.update_or_create(
            **_chain(), number=end.number, defaults={"hash": end.hash, "scanned_at": now}
        )
    return found


def _transfer_store(entry: TransferLog, address: DepositAddress, ordinal: int, *, now: datetime) -> bool:
    """The transfer in force; whether it was not before. One that had gone and is back begins again."""
    if address.user is None:
        raise NodeFailed(f"{entry.receiver} is nobody's, and no transfers to it were asked for")
    stored, is_new = ChainTransfer.objects.select_for_update().get_or_create(
        **_chain(),
        tx_hash=entry.tx_hash,
        log_index=entry.log_index,
        block_hash=entry.block.hash,
        defaults={
            "ordinal": ordinal,
            "block_number": entry.block.number,
            "sender": entry.sender,
            "address": address,
            "user": address.user,
            "amount": from_base(entry.amount, USDC_SCALE),
            "seen_at": now,
        },
    )
    if is_new:
        return True
    if (stored.address_id, stored.amount) != (address.pk, from_base(entry.amount, USDC_SCALE)):
        raise NodeFailed(f"the node tells transfer {stored.pk} otherwise than it was told before")
    if stored.status in ChainTransfer.IN_FORCE:
        return False
    stored.status, stored.reason, stored.turn = ChainTransfer.Status.SEEN, "", stored.turn + 1
    stored.payment, stored.mark, stored.credited_at, stored.released_by = None, None, None, None
    stored.save()
    return True


def _checkpoints_prune(head: Block) -> None:
    """Of those too old for any reorganisation only the newest is kept."""
    old = ChainCheckpoint.objects.filter(**_chain(), number__lt=head.number - WATCHED)
    newest = old.order_by("-number").first()
    if newest is not None:
        old.exclude(pk=newest.pk).delete()
