"""What was published and signed: the receipts of an index, the keys that signed them, and what is sealed yet."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.db.models import Q, QuerySet

from indices.models import Index, Receipt, SigningKey, WeightCommitment
from indices.selectors.indices import IndexNotFound, index, resolved
from signals import selectors as signal_selectors


@dataclass(frozen=True)
class ReceiptRow:
    """One receipt. `text` is what was signed, to the byte; `document` the same, read. `other` is the number of
    the receipt that settles a decision, or of the one that a settlement settles; None where there is none."""

    sequence: int
    kind: str
    as_of: date
    effective_on: date
    published_at: datetime
    digest: str
    previous: str
    key_id: str
    public_key: str
    signature: str
    text: str = field(repr=False)
    document: dict[str, Any] = field(repr=False)
    other: int | None = None

    @property
    def is_sealed(self) -> bool:
        """Whether the receipt keeps its weights back."""
        return "commitment" in self.document


@dataclass(frozen=True)
class ReceiptLine:
    """What a receipt says of one asset, whoever shows it. Weights and trades are fractions as text."""

    asset: str
    name: str
    symbol: str
    told: dict[str, Any]


@dataclass(frozen=True)
class KeyRow:
    """A public key that has signed receipts, hexadecimal; the newest is in force."""

    key_id: str
    public_key: str
    first_used_at: datetime
    is_current: bool


@dataclass(frozen=True)
class ReceiptMark:
    """Where the receipt of a decision is found: its number in the chain of its index, and its digest.

    `is_public` says whether it has a page; the receipts of an investor's own index have none.
    """

    index_slug: str
    sequence: int
    digest: str
    is_public: bool


def index_open(slug: str) -> Index:
    """The index `slug` if the public may see it: published, or the twin of one that is. Raises IndexNotFound."""
    found = index(slug)
    seen = found.twin_of if found.kind == Index.Kind.TWIN and found.twin_of is not None else found
    if not seen.is_published or seen.kind != Index.Kind.HOUSE:
        raise IndexNotFound(f"index: there is no index {slug!r}; see the list at /indices/.")
    return found


def receipt_list(
    index_or_slug: Index | str, *, as_of: date, limit: int = 50, before: int | None = None
) -> list[ReceiptRow]:
    """Receipts of what happened by the close of `as_of`, the newest first; `before` is a number to go on from."""
    rows = _known(resolved(index_or_slug), as_of)
    if before is not None:
        rows = rows.filter(sequence__lt=before)
    return [_row(row) for row in rows[:limit]]


def receipt(index_or_slug: Index | str, sequence: int, *, as_of: date) -> ReceiptRow | None:
    """The receipt of that number, None where nothing that happened by the close of `as_of` has it."""
    row = _known(resolved(index_or_slug), as_of).filter(sequence=sequence).first()
    if row is None:
        return None
    pair = Receipt.objects.filter(decision_id=row.decision_id).exclude(pk=row.pk)
    return _row(row, pair.values_list("sequence", flat=True).first())


def receipt_lines(document: dict[str, Any]) -> list[ReceiptLine]:
    """The lines of a document, or of what it opens, with names: what entered or left first, then the largest."""
    told = document.get("assets") or []
    known = signal_selectors.assets_by_slug([line["asset"] for line in told])
    lines = []
    for line in told:
        asset = known.get(line["asset"])
        name, symbol = (asset.name, asset.symbol) if asset is not None else (line["asset"], "")
        lines.append(ReceiptLine(line["asset"], name, symbol, line))
    return sorted(lines, key=_place)


def _place(line: ReceiptLine) -> tuple[bool, float, float, str]:
    told = line.told
    moved = str(told.get("reason", "")).startswith(("entered", "left"))
    return not moved, -float(told["weight_after"]), -abs(float(told["trade"])), line.asset


def receipt_marks(decision_ids: Iterable[int]) -> dict[int, ReceiptMark]:
    """Decision id -> its receipt, for those that have one."""
    rows = Receipt.objects.filter(decision_id__in=list(decision_ids), kind=Receipt.Kind.DECISION)
    found = rows.values_list("decision_id", "index__slug", "sequence", "digest", "index__kind")
    return {
        key: ReceiptMark(slug, sequence, digest, kind != Index.Kind.CUSTOM)
        for key, slug, sequence, digest, kind in found
    }


def sealed_decisions(decision_ids: Iterable[int]) -> set[int]:
    """Those of these decisions whose weights are committed to and not opened yet: no public page may show them."""
    rows = WeightCommitment.objects.filter(decision_id__in=list(decision_ids))
    rows = rows.exclude(decision__receipts__kind=Receipt.Kind.SETTLEMENT)
    return set(rows.values_list("decision_id", flat=True))


def signing_keys() -> list[KeyRow]:
    """Every public key that ever signed a receipt, the one in force first."""
    newest = Receipt.objects.order_by("-pk").values_list("key_id", flat=True).first()
    return [
        KeyRow(row.key_id, row.public_key, row.first_used_at, row.pk == newest)
        for row in sorted(SigningKey.objects.all(), key=lambda row: (row.pk != newest, -row.pk))
    ]


def _known(found: Index, as_of: date) -> QuerySet[Receipt]:
    happened = Q(kind=Receipt.Kind.DECISION, decision__as_of__lte=as_of) | Q(
        kind=Receipt.Kind.SETTLEMENT, decision__effective_on__lte=as_of
    )
    rows = Receipt.objects.filter(happened, index=found)
    return rows.select_related("decision", "key").order_by("-sequence")


def _row(row: Receipt, other: int | None = None) -> ReceiptRow:
    return ReceiptRow(
        sequence=row.sequence,
        kind=row.kind,
        as_of=row.decision.as_of,
        effective_on=row.decision.effective_on,
        published_at=row.published_at,
        digest=row.digest,
        previous=row.previous_digest,
        key_id=row.key.key_id,
        public_key=row.key.public_key,
        signature=row.signature,
        text=row.body,
        document=json.loads(row.body),
        other=other,
    )
