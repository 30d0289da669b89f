"""Published proofs of reserves, and one person's own part of the last one."""

import hashlib
import hmac
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from portfolios.core import merkle
from portfolios.core.money import from_base, to_base
from portfolios.core.valuation import fraction
from portfolios.errors import NoProof
from portfolios.models import ReserveBlock, ReserveLeaf, ReserveLine, ReserveSnapshot, User

BLOCK = 1024
"""Leaves under one stored node. A power of two, so that it is a node of the whole tree."""
HISTORY = 30


@dataclass(frozen=True)
class ReserveRow:
    """One asset. `ratio` is held / owed, None where nothing is owed; `simulated` is the part of `held` for which the
    ledger is the only witness, `usdc` the part of dollars that is USDC."""

    code: str
    name: str
    owed: Decimal
    held: Decimal
    simulated: Decimal
    usdc: Decimal
    ratio: Decimal | None
    short: bool


@dataclass(frozen=True)
class Reserves:
    """One snapshot as it is published."""

    day: date
    as_of: datetime
    market_time: datetime
    verdict: str
    reason: str
    people: int
    root: str
    commitment: str
    rows: list[ReserveRow]

    @property
    def simulated(self) -> bool:
        """Whether the ledger is the only witness of anything held."""
        return any(row.simulated for row in self.rows)


@dataclass(frozen=True)
class ReservePast:
    """A line of the history."""

    day: date
    verdict: str
    people: int
    commitment: str


def reserves() -> Reserves | None:
    """The newest snapshot, or None before the first."""
    snapshot = ReserveSnapshot.objects.order_by("-day").first()
    if snapshot is None:
        return None
    lines = ReserveLine.objects.filter(snapshot=snapshot).select_related("asset__token").order_by("place")
    return Reserves(
        day=snapshot.day,
        as_of=snapshot.taken_at,
        market_time=snapshot.market_time,
        verdict=snapshot.verdict,
        reason=snapshot.reason,
        people=snapshot.people,
        root=snapshot.root,
        commitment=snapshot.commitment,
        rows=[_row(line) for line in lines],
    )


def reserves_history() -> list[ReservePast]:
    """The newest thirty, newest first."""
    rows = ReserveSnapshot.objects.order_by("-day").values_list("day", "verdict", "people", "commitment")
    return [ReservePast(*row) for row in rows[:HISTORY]]


def reserve_proof(user: User) -> dict[str, Any]:
    """The person's own proof of the newest snapshot, as `portfolios.core.merkle` verifies it. It rebuilds one block of
    leaves. Raises NoProof where there is none."""
    leaf = (
        ReserveLeaf.objects.filter(user=user, snapshot__in=ReserveSnapshot.objects.order_by("-day")[:1])
        .select_related("snapshot")
        .first()
    )
    if leaf is None:
        raise NoProof(
            "There is nothing to prove yet: no snapshot has been taken while you had money here. One is taken each day."
        )
    snapshot, block = leaf.snapshot, leaf.place // BLOCK
    secret = bytes(snapshot.secret)
    neighbours = [
        merkle.leaf(label, salt_of(secret, person), zlib.decompress(sums))
        for person, label, sums in ReserveLeaf.objects.filter(
            snapshot=snapshot, place__gte=block * BLOCK, place__lt=(block + 1) * BLOCK
        )
        .order_by("place")
        .values_list("user_id", "label", "sums")
    ]
    tops = [
        merkle.Node(bytes(digest), bytes(sums))
        for digest, sums in ReserveBlock.objects.filter(snapshot=snapshot)
        .order_by("number")
        .values_list("digest", "sums")
    ]
    lower = merkle.path(merkle.levels(neighbours), leaf.place % BLOCK)
    upper = merkle.path(merkle.levels(tops), block)
    assets = ReserveLine.objects.filter(snapshot=snapshot).order_by("place")
    return merkle.document(
        day=snapshot.day.isoformat(),
        assets=[(code, scale) for code, scale in assets.values_list("asset__code", "asset__scale")],
        count=snapshot.people,
        place=leaf.place,
        label=leaf.label,
        salt=salt_of(secret, user.pk),
        amounts=neighbours[leaf.place % BLOCK].sums,
        steps=[*lower, *upper],
    )


def salt_of(secret: bytes, person: int) -> bytes:
    """The salt of a person's leaf: nobody can tell it without the snapshot's secret, and it is nobody else's."""
    return hmac.new(secret, f"leaf:{person}".encode(), hashlib.sha256).digest()


def _row(line: ReserveLine) -> ReserveRow:
    asset = line.asset
    owed = to_base(line.owed, asset.scale)
    return ReserveRow(
        code=asset.code,
        name=asset.token.name if asset.token is not None else "US dollar",
        owed=line.owed,
        held=line.held,
        simulated=line.simulated,
        usdc=line.stood_in,
        ratio=fraction(to_base(line.held, asset.scale), owed) if owed else None,
        short=line.short,
    )


def reserve_amounts(proof: Mapping[str, Any]) -> list[tuple[str, Decimal]]:
    """(ledger code, amount) of everything that a proof says is owed to its person."""
    return [
        (str(asset["code"]), from_base(int(amount), int(asset["decimals"])))
        for asset, amount in zip(proof["assets"], proof["leaf"]["amounts"], strict=True)
        if int(amount)
    ]
