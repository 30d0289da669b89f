"""Corrections of prints: one for those who decide about it, and the public notices of those that were applied."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from signals.models import Restatement


@dataclass(frozen=True)
class Correction:
    """A restatement in full, for operators. Values are field -> USD; people are named as they sign in."""

    id: int
    slug: str
    name: str
    day: date
    source: str
    old: dict[str, float | None]
    new: dict[str, float]
    reason: str
    evidence_url: str
    status: str
    treatment: str
    treatment_reason: str
    proposed_by: str
    proposed_at: datetime
    approved_by: str
    approved_at: datetime | None
    applied_by: str
    applied_at: datetime | None
    closed_by: str
    closed_at: datetime | None
    closed_why: str
    effects: dict[str, Any]
    previewed_at: datetime | None


@dataclass(frozen=True)
class Notice:
    """An applied restatement as everybody may read it: who did it is not told, what it did is.

    `effects` are those that the indices reported when it was applied; `is_restated` says whether anything was changed.
    """

    id: int
    slug: str
    name: str
    day: date
    source: str
    old: dict[str, float | None]
    new: dict[str, float]
    reason: str
    evidence_url: str
    is_restated: bool
    treatment_reason: str
    proposed_at: datetime
    applied_at: datetime
    effects: dict[str, Any]


def restatement(restatement_id: int) -> Correction | None:
    """One restatement of any state, None where there is none."""
    found = Restatement.objects.select_related("asset").filter(pk=restatement_id).first()
    return correction(found) if found is not None else None


def correction(row: Restatement) -> Correction:
    """The row in full."""
    taken = {
        name: getattr(row, name)
        for name in Correction.__dataclass_fields__
        if name not in ("id", "slug", "name")
    }
    return Correction(id=row.pk, slug=row.asset.slug, name=row.asset.name, **taken)


def notices(
    *, limit: int = 50, offset: int = 0, slug: str = "", ids: Iterable[int] | None = None
) -> list[Notice]:
    """The newest `limit` applied restatements after `offset` of them, of all tokens or of one, or of these ids."""
    rows = Restatement.objects.filter(status=Restatement.Status.APPLIED).select_related("asset")
    if slug:
        rows = rows.filter(asset__slug=slug)
    if ids is not None:
        rows = rows.filter(pk__in=list(ids))
    return [_notice(row) for row in rows.order_by("-applied_at", "-pk")[offset : offset + limit]]


def _notice(row: Restatement) -> Notice:
    if row.applied_at is None:  # the database's check refuses such a row
        raise ValueError(f"applied_at: restatement {row.pk} is applied without a moment.")
    return Notice(
        id=row.pk,
        slug=row.asset.slug,
        name=row.asset.name,
        day=row.day,
        source=row.source,
        old=row.old,
        new=row.new,
        reason=row.reason,
        evidence_url=row.evidence_url,
        is_restated=row.treatment == Restatement.Treatment.RESTATE,
        treatment_reason=row.treatment_reason,
        proposed_at=row.proposed_at,
        applied_at=row.applied_at,
        effects=row.effects,
    )
