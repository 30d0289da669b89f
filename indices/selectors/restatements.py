"""Levels as they were known at a moment, and the restatements that changed those of an index."""

from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import Count, Max, Min

from indices.models import Index, IndexLevel, LevelRevision
from indices.selectors.indices import resolved
from signals import selectors as signal_selectors


@dataclass(frozen=True)
class Restated:
    """A notice that changed levels of one index: how many, from when to when, published at `applied_at`."""

    restatement_id: int
    token: str
    day: date
    applied_at: datetime
    count: int
    first: date
    last: date


def levels_known(
    index: Index | str, *, known_at: datetime, start: date | None = None, end: date | None = None
) -> list[tuple[date, float]]:
    """(day, level) in [start, end] as published at the moment `known_at` (wall clock), oldest first.

    A day whose level was first published later than that is there too: when it was is not kept.
    """
    found = resolved(index)
    levels = dict(IndexLevel.objects.filter(index=found).values_list("date", "level"))
    # The first revision that ended after the moment was in force at it; later ones must not replace it.
    replaced = LevelRevision.objects.filter(index=found, known_until__gt=known_at).order_by("-known_until")
    levels.update(replaced.values_list("date", "level"))
    return [
        (day, levels[day])
        for day in sorted(levels)
        if (start is None or day >= start) and (end is None or day <= end)
    ]


def restated(index: Index | str, *, limit: int = 20) -> list[Restated]:
    """The newest restatements that changed published levels of an index."""
    rows = (
        LevelRevision.objects.filter(index=resolved(index))
        .values("restatement_id", "known_until")
        .annotate(count=Count("pk"), first=Min("date"), last=Max("date"))
        .order_by("-known_until")[:limit]
    )
    spans = {row["restatement_id"]: row for row in rows}
    notices = {notice.id: notice for notice in signal_selectors.notices(ids=spans, limit=limit)}
    return [
        Restated(
            restatement_id=key,
            token=notices[key].name,
            day=notices[key].day,
            applied_at=notices[key].applied_at,
            count=row["count"],
            first=row["first"],
            last=row["last"],
        )
        for key, row in spans.items()
        if key in notices
    ]
