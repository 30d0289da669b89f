"""Many indices side by side in three queries: the figures of the lists, and the last year's levels for sparklines."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

from django.db import connection

from indices.models import Index, IndexLevel, RulebookVersion
from indices.selectors.performance import Performance

# The same arithmetic as `performance`, where the levels lie: last / before - 1, and the lowest of level / highest so
# far - 1.
_FIGURES = """
WITH history AS (
    SELECT index_id, date, level,
           level / max(level) OVER (PARTITION BY index_id ORDER BY date) - 1 AS fallen
    FROM indices_indexlevel WHERE index_id = ANY(%(ids)s) AND date <= %(day)s
), extent AS (
    SELECT index_id, min(date) AS first, max(date) AS last, min(fallen) AS worst FROM history GROUP BY index_id
)
SELECT extent.index_id, extent.first, extent.last, extent.worst, now.level, d1.level, d7.level, d30.level, d365.level
FROM extent
JOIN history now ON now.index_id = extent.index_id AND now.date = extent.last
LEFT JOIN history d1 ON d1.index_id = extent.index_id AND d1.date = extent.last - 1
LEFT JOIN history d7 ON d7.index_id = extent.index_id AND d7.date = extent.last - 7
LEFT JOIN history d30 ON d30.index_id = extent.index_id AND d30.date = extent.last - 30
LEFT JOIN history d365 ON d365.index_id = extent.index_id AND d365.date = extent.last - 365
"""


def performances(indices: Iterable[Index], *, as_of: date) -> dict[int, Performance]:
    """Index id -> what `performance` says of it at `as_of`; an index without a level is absent."""
    ids = [index.pk for index in indices]
    if not ids:
        return {}
    bases = _base_levels(ids)
    with connection.cursor() as cursor:
        cursor.execute(_FIGURES, {"ids": ids, "day": as_of})
        rows = cursor.fetchall()
    return {
        pk: Performance(
            as_of=last,
            level=level,
            first_date=first,
            change_1d=_change(level, d1),
            change_7d=_change(level, d7),
            change_30d=_change(level, d30),
            change_1y=_change(level, d365),
            change_since_base=level / bases[pk] - 1.0,
            max_drawdown=worst,
        )
        for pk, first, last, worst, level, d1, d7, d30, d365 in rows
    }


def recent_levels(indices: Iterable[Index], *, as_of: date, days: int) -> dict[int, list[float]]:
    """Index id -> its levels over the last `days` days to `as_of`, oldest first; an index without any is absent."""
    found: dict[int, list[float]] = {}
    stored = IndexLevel.objects.filter(
        index__in=[index.pk for index in indices], date__gt=as_of - timedelta(days=days), date__lte=as_of
    )
    for pk, level in stored.order_by("index_id", "date").values_list("index_id", "level"):
        found.setdefault(pk, []).append(level)
    return found


def _change(level: float, before: float | None) -> float | None:
    return None if before is None else level / before - 1.0


def _base_levels(ids: list[int]) -> dict[int, float]:
    versions = RulebookVersion.objects.filter(index_id__in=ids).order_by("index_id", "version")
    first = versions.distinct("index_id").values_list("index_id", "body__base__level")
    return dict.fromkeys(ids, 1000.0) | {pk: float(level) for pk, level in first if level is not None}
