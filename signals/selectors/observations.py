"""Observations out of the store: what was known when."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
from django.db import connection
from django.db.models import Q

from signals.core import clock
from signals.core.observations import GRACE, LAG_DAYS, METRICS, Observations, Readings, aligned
from signals.core.panel import Panel
from signals.models import Asset, Market, Observation
from signals.selectors.market import NotYetKnown, market_active, market_time, require_known

REPLAYED = (Market.Source.ARCHIVE, Market.Source.SIMULATED)
"""Markets whose observations all come from one source, which has their name."""
# Of each day the last version that was known when the row closed in which it stands.
_KNOWN_THEN = """
SELECT DISTINCT ON (source, asset_id, day) source, asset_id, day - DATE '1970-01-01',
       extract(epoch FROM known_at)::float8, values::text
FROM signals_observation
WHERE family = %(family)s AND day BETWEEN %(first)s AND %(last)s
  AND CASE WHEN %(one)s THEN source = %(source)s ELSE source != ALL(%(others)s) END
  AND known_at <= (day + %(rows)s)::timestamp AT TIME ZONE 'UTC' + %(grace)s
ORDER BY source, asset_id, day, known_at DESC
"""


@dataclass(frozen=True)
class ObservationRow:
    """What one source said of one asset (None: of the whole market) on one day, as known from `known_at` on."""

    asset: str | None
    family: str
    day: date
    source: str
    known_at: datetime
    values: dict[str, float]


def observations(
    *,
    as_of: date,
    known_at: datetime | None = None,
    family: str | None = None,
    days: int | None = None,
    assets: Iterable[str] | None = None,
    market: Market | None = None,
) -> list[ObservationRow]:
    """The observations of days (as_of − days, as_of] of the active market as they were known at `known_at`.

    Of several versions the last one known then. `known_at` is the close of `as_of` by default; a later moment shows
    what was revised since, as far as the market clock has come. `assets` limits it to these slugs, without the whole
    market's. Ordered by family, day, asset. Raises NotYetKnown where `as_of` or `known_at` is ahead of the clock.
    """
    market = market or market_active()
    require_known(market, as_of)
    now = market_time(market)
    if known_at is not None and known_at > now:
        raise NotYetKnown(
            f"known_at: {known_at.isoformat()} is ahead of the {market}, whose clock stands at {now.isoformat()}."
        )
    if days is not None and days < 1:
        raise ValueError(f"days: must be at least 1, got {days}.")
    moment = known_at if known_at is not None else min(clock.end_of_day(as_of) + GRACE, now)
    rows = Observation.objects.filter(_sources(market), day__lte=as_of, known_at__lte=moment)
    if family is not None:
        rows = rows.filter(family=family)
    if days is not None:
        rows = rows.filter(day__gt=as_of - timedelta(days=days))
    if assets is not None:
        rows = rows.filter(asset__slug__in=list(assets))
    latest = rows.order_by("family", "day", "asset_id", "source", "-known_at").distinct(
        "family", "day", "asset_id", "source"
    )
    return [
        ObservationRow(
            asset=row.asset.slug if row.asset is not None else None,
            family=row.family,
            day=row.day,
            source=row.source,
            known_at=row.known_at,
            values=row.values,
        )
        for row in latest.select_related("asset")
    ]


def observing(panel: Panel, *, market: Market) -> Panel:
    """`panel` with the observations of `market`, each as it was known when its row closed."""
    return panel.observing(panel_observations(panel, market=market))


def panel_observations(panel: Panel, *, market: Market) -> Observations:
    """The stored observations of the panel's days and assets, by the rule of signals.core.observations."""
    if not len(panel.dates):
        return Observations()
    slugs = dict(Asset.objects.filter(slug__in=panel.assets).values_list("id", "slug"))
    first, last = panel.dates[0].date(), panel.dates[-1].date()
    found = [
        readings
        for family, lag in LAG_DAYS.items()
        for readings in _readings(
            family, market, slugs, first - timedelta(days=lag), last - timedelta(days=lag)
        )
    ]
    return aligned(panel.dates, panel.assets, found)


def _readings(family: str, market: Market, slugs: dict[int, str], first: date, last: date) -> list[Readings]:
    one = market.source in REPLAYED
    parameters: dict[str, Any] = {
        "family": family,
        "first": first,
        "last": last,
        "one": one,
        "source": market.source,
        "others": [str(source) for source in REPLAYED],
        "rows": LAG_DAYS[family] + 1,
        "grace": GRACE,
    }
    with connection.cursor() as cursor:
        cursor.execute(_KNOWN_THEN, parameters)
        rows = cursor.fetchall()
    if not rows:
        return []
    sources, assets, days, known, texts = zip(*rows, strict=True)
    values = json.loads(f"[{','.join(texts)}]")  # one text is read ten times as fast as a hundred thousand
    frame = pd.DataFrame({"asset": [slugs.get(asset, "") if asset else None for asset in assets]})
    frame["day"] = np.array(days, dtype="datetime64[D]").astype("datetime64[s]")
    frame["known_at"] = (np.array(known) * 1e6).round().astype("datetime64[us]")
    for name in (metric.name for metric in METRICS.values() if metric.family == family):
        frame[name] = [row.get(name, np.nan) for row in values]
    by_source = np.array(sources)
    return [
        Readings(family, source, frame[by_source == source].reset_index(drop=True))
        for source in sorted(set(sources))
    ]


def _sources(market: Market) -> Q:
    if market.source in REPLAYED:
        return Q(source=market.source)
    return ~Q(source__in=REPLAYED)
