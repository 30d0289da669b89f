"""One proof of reserves a day: the tree of what is owed, what is held against it, and what follows from a gap."""

import logging
import secrets
import zlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from django.db import connection, transaction

from indices import selectors as index_selectors
from portfolios.chain.node import NodeFailed
from portfolios.chain.registry import usdc_nodes
from portfolios.core import merkle
from portfolios.core.money import USDC_SCALE, from_base, to_base
from portfolios.core.reserves import is_short
from portfolios.models import LedgerAsset, ReserveBlock, ReserveLeaf, ReserveLine, ReserveSnapshot, User
from portfolios.payments.usdc_mark import WARN_BELOW, usdc_mark
from portfolios.selectors.operations import dealing_at_rest
from portfolios.selectors.reserves import BLOCK, salt_of
from portfolios.services.pauses import pause_start
from portfolios.services.reserves.custody import Held, held, wallets_report
from portfolios.services.reserves.liabilities import Liabilities, liabilities
from signals import selectors as signal_selectors

log = logging.getLogger(__name__)

KEPT = 7
"""Snapshots whose leaves are kept; roots and sums are kept for good."""
OVERDUE = timedelta(hours=36)
_LOCK = 53
_NOBODY = b"\x00" * 32


def reserves_prove(*, now: datetime) -> ReserveSnapshot | None:
    """Today's snapshot, after the wallets were looked at. A node that does not answer leaves their last report
    standing, which counts until it is too old."""
    made = ReserveSnapshot.objects.filter(day=now.date()).first()
    if made is not None:
        return made
    nodes = usdc_nodes()
    if nodes:
        try:
            wallets_report(nodes, now=now)
        except NodeFailed as error:
            log.warning("reserves: the wallets were not looked at: %s", error)
    taken = snapshot_take(now=now)
    last = ReserveSnapshot.objects.order_by("-day").first()
    if taken is None and last is not None and now - last.taken_at > OVERDUE:
        log.critical("reserves: no proof since %s, because something is dealt all the time", last.taken_at)
    return taken


def snapshot_take(*, now: datetime) -> ReserveSnapshot | None:
    """The snapshot of today's UTC day, made at the first call. None while a dealing is under way: then what is owed is
    between two hands, and the next call finds it in one.

    A gap that is_short calls a break pauses everything, in the same transaction.
    """
    made = ReserveSnapshot.objects.filter(day=now.date()).first()
    if made is not None:
        return made
    outermost = not connection.in_atomic_block
    with transaction.atomic():
        with connection.cursor() as cursor:
            if outermost:  # all of it is read as of one moment
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            cursor.execute("SELECT pg_try_advisory_xact_lock(%s, 0)", [_LOCK])
            if not cursor.fetchone()[0] or not dealing_at_rest():
                return None
        made = ReserveSnapshot.objects.filter(day=now.date()).first()
        return made if made is not None else _take(now)


def _take(now: datetime) -> ReserveSnapshot:
    claims, there = liabilities(), held(now=now)
    secret = secrets.token_bytes(32)
    snapshot = ReserveSnapshot(day=now.date(), taken_at=now, market_time=signal_selectors.market_time())
    snapshot.secret, snapshot.people = secret, len(claims.people)
    snapshot.verdict, snapshot.sums, snapshot.root, snapshot.commitment = "unknown", b"", "", ""
    snapshot.save()
    root = _tree_store(snapshot, claims)
    named = [(asset.code, asset.scale) for asset in claims.assets]
    snapshot.root, snapshot.sums = root.digest.hex(), root.lanes
    snapshot.commitment = merkle.commitment(root, named, len(claims.people))
    lines = _lines(snapshot, claims.assets, root.sums, there)
    ReserveLine.objects.bulk_create(lines)
    short = [line.asset.code for line in lines if line.short]
    snapshot.verdict, snapshot.reason = _verdict(short, there)
    snapshot.save()
    if snapshot.verdict != ReserveSnapshot.Verdict.COVERED:
        log.critical("reserves: %s", snapshot.reason)
    if short:
        pause_start("all", reason="The proof of reserves does not add up. Nothing is traded until it does.")
    _leaves_prune()
    return snapshot


def nobody(assets: int) -> merkle.Node:
    """The one leaf of a tree in which nothing is owed to anybody."""
    return merkle.leaf("nobody", _NOBODY, merkle.lanes([0] * assets))


def _tree_store(snapshot: ReserveSnapshot, claims: Liabilities) -> merkle.Node:
    """The root, with leaves and blocks stored. Leaves stand in the order of their salts, so that neighbours are
    strangers and nobody can tell from their place who they are."""
    secret = bytes(snapshot.secret)
    ordered = sorted((salt_of(secret, person), person) for person in claims.people)
    if not ordered:
        return nobody(len(claims.assets))
    labels = dict(User.objects.filter(pk__in=claims.people).values_list("pk", "email"))
    amounts = claims.amounts(person for _, person in ordered)
    blocks = []
    with (
        connection.cursor() as cursor,
        cursor.copy(
            "COPY portfolios_reserveleaf (snapshot_id, place, user_id, label, sums) FROM STDIN"
        ) as copy,
    ):
        for start in range(0, len(ordered), BLOCK):
            leaves = []
            for place, (salt, person) in enumerate(ordered[start : start + BLOCK], start=start):
                lanes = merkle.lanes(next(amounts))
                leaves.append(merkle.leaf(labels[person], salt, lanes))
                copy.write_row((snapshot.pk, place, person, labels[person], zlib.compress(lanes, 1)))
            blocks.append(merkle.levels(leaves)[-1][0])
    ReserveBlock.objects.bulk_create(
        [
            ReserveBlock(snapshot=snapshot, number=number, digest=node.digest, sums=node.lanes)
            for number, node in enumerate(blocks)
        ],
        batch_size=500,
    )
    return merkle.levels(blocks)[-1][0]


def _lines(
    snapshot: ReserveSnapshot, assets: Sequence[LedgerAsset], owed: Sequence[int], there: Held
) -> list[ReserveLine]:
    slugs = {asset.token.slug for asset in assets if asset.token is not None}
    marks = index_selectors.mark_prices(sorted(slugs), at=snapshot.market_time) if slugs else {}
    lines = []
    for place, (asset, claim) in enumerate(zip(assets, owed, strict=True)):
        stands_in = _dollars_of_usdc(there.of("USDC")) if asset.code == "USD" else 0
        units = there.of(asset.code) + stands_in
        mark = Decimal(1) if asset.token is None else marks.get(asset.token.slug)
        simulated = there.simulated.get(asset.code, 0)
        if stands_in and asset.code == "USD":
            simulated += _dollars_of_usdc(there.simulated.get("USDC", 0))
        lines.append(
            ReserveLine(
                snapshot=snapshot,
                place=place,
                asset=asset,
                owed=from_base(claim, asset.scale),
                held=from_base(units, asset.scale),
                simulated=from_base(simulated, asset.scale),
                stood_in=from_base(stands_in, asset.scale),
                mark=mark,
                short=is_short(claim, units, asset.scale, mark),
            )
        )
    return lines


def _dollars_of_usdc(units: int) -> int:
    """Micro-dollars that USDC cover: at par while the peg holds (0.995 and more), at its mark below, nothing without
    one."""
    if units <= 0:
        return min(units, 0)
    mark = usdc_mark()
    if mark.value is None:
        return 0
    counted = Decimal(1) if mark.value >= WARN_BELOW and not mark.warned else min(mark.value, Decimal(1))
    return units * to_base(counted, USDC_SCALE) // 10**USDC_SCALE


def _verdict(short: Sequence[str], there: Held) -> tuple[str, str]:
    if short:
        return ReserveSnapshot.Verdict.SHORT, f"Less is held than owed of: {', '.join(short)}."[:240]
    if there.silent:
        names = ", ".join(there.silent)
        return ReserveSnapshot.Verdict.UNKNOWN, f"No answer for too long from: {names}."[:240]
    return ReserveSnapshot.Verdict.COVERED, ""


def _leaves_prune() -> None:
    keep = ReserveSnapshot.objects.order_by("-day").values_list("pk", flat=True)[:KEPT]
    ReserveLeaf.objects.exclude(snapshot__in=list(keep)).delete()
    ReserveBlock.objects.exclude(snapshot__in=list(keep)).delete()
