"""What happened to tokens besides their prices: redenominations, airdrops, halts, delistings."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import Q

from signals.models import AssetEvent


@dataclass(frozen=True)
class AssetHappening:
    """One event. `terms` are the numbers of its kind; `into` is the slug of what was handed out."""

    id: int
    kind: str
    slug: str
    day: date
    until: date | None
    into: str | None
    terms: dict[str, Any]
    source_url: str
    note: str
    known_from: datetime
    withdrawn_at: datetime | None


def asset_events(
    *, as_of: date | None = None, known_at: datetime | None = None, slugs: Iterable[str] | None = None
) -> list[AssetHappening]:
    """The events of days up to `as_of` (default: all), in order of day and token, of all tokens or of these.

    `known_at` (wall clock) asks for those that had been entered and not yet withdrawn at that moment; default: now.
    """
    rows = AssetEvent.objects.select_related("asset", "into")
    if as_of is not None:
        rows = rows.filter(day__lte=as_of)
    if known_at is None:
        rows = rows.filter(withdrawn_at__isnull=True)
    else:
        standing = Q(withdrawn_at__isnull=True) | Q(withdrawn_at__gt=known_at)
        rows = rows.filter(standing, known_from__lte=known_at)
    if slugs is not None:
        rows = rows.filter(asset__slug__in=list(slugs))
    return [
        AssetHappening(
            id=row.pk,
            kind=row.kind,
            slug=row.asset.slug,
            day=row.day,
            until=row.until,
            into=row.into.slug if row.into is not None else None,
            terms=row.terms,
            source_url=row.source_url,
            note=row.note,
            known_from=row.known_from,
            withdrawn_at=row.withdrawn_at,
        )
        for row in rows.order_by("day", "asset__slug", "pk")
    ]
