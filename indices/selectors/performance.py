"""How an index has done, from its stored levels."""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from indices.core import metrics
from indices.models import Index, IndexLevel
from indices.selectors.indices import resolved

_SPANS = {"change_1d": 1, "change_7d": 7, "change_30d": 30, "change_1y": 365}


@dataclass(frozen=True)
class Performance:
    """Changes are fractions up to the level of `as_of`, None where the index is younger than the span.

    `change_since_base` counts from the level the index set out with, so it has the cost of the first purchase in it.
    Nothing is annualised.
    """

    as_of: date
    level: float
    first_date: date
    change_1d: float | None
    change_7d: float | None
    change_30d: float | None
    change_1y: float | None
    change_since_base: float
    max_drawdown: float


def levels(
    index: Index | str, *, start: date | None = None, end: date | None = None
) -> list[tuple[date, float]]:
    """(day, level at its close) in [start, end], oldest first; a bound left out is open."""
    stored = IndexLevel.objects.filter(index=resolved(index)).order_by("date")
    if start is not None:
        stored = stored.filter(date__gte=start)
    if end is not None:
        stored = stored.filter(date__lte=end)
    return list(stored.values_list("date", "level"))


def performance(index: Index | str, *, as_of: date) -> Performance | None:
    """The performance up to the last level at or before `as_of`; None where there is none yet."""
    found = resolved(index)
    series = levels(found, end=as_of)
    if not series:
        return None
    by_day = dict(series)
    last, level = series[-1]
    spans = {}
    for name, days in _SPANS.items():
        before = by_day.get(last - timedelta(days=days))
        spans[name] = None if before is None else level / before - 1.0
    return Performance(
        as_of=last,
        level=level,
        first_date=series[0][0],
        change_since_base=level / _base_level(found) - 1.0,
        max_drawdown=metrics.max_drawdown(np.array([value for _, value in series])),
        **spans,
    )


def _base_level(index: Index) -> float:
    first = index.versions.order_by("version").values_list("body", flat=True).first()
    return float(first["base"]["level"]) if first is not None else 1000.0
