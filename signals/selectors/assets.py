"""Assets by slug, and the list of them with what the market says at a day."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db import connection

from signals.core import clock
from signals.models import Asset
from signals.selectors.market import candle_sources, market_active, require_known

ORDERS = {
    name: column
    for column in (
        "market_cap",
        "volume",
        "price",
        "change_1d",
        "change_7d",
        "change_30d",
        "name",
        "symbol",
        "slug",
    )
    for name in (column, f"-{column}")
}


@dataclass(frozen=True)
class AssetRow:
    """One line of the asset list. USD; changes are fractions (0.05 = 5 % up); None = unknown; `day` dates the price."""

    id: int
    slug: str
    symbol: str
    name: str
    categories: list[str]
    day: date
    price: float
    market_cap: float | None
    volume: float | None
    change_1d: float | None
    change_7d: float | None
    change_30d: float | None


_EARLIER = """
    (SELECT close FROM signals_candle WHERE asset_id = latest.asset_id AND interval = '1d'
     AND opened_at = latest.opened_at - interval '{days} days' AND source = ANY(%(sources)s)
     ORDER BY array_position(%(sources)s::varchar[], source) LIMIT 1)
"""
_LIST = f"""
WITH latest AS (
    SELECT DISTINCT ON (asset_id) asset_id, opened_at, close, market_cap, volume
    FROM signals_candle
    WHERE interval = '1d' AND source = ANY(%(sources)s) AND opened_at <= %(to)s AND opened_at >= %(from)s
    ORDER BY asset_id, opened_at DESC, array_position(%(sources)s::varchar[], source)
), listed AS (
    SELECT asset.id, asset.slug, asset.symbol, asset.name, asset.categories,
        (latest.opened_at AT TIME ZONE 'UTC')::date AS day, latest.close AS price, latest.market_cap, latest.volume,
        latest.close / {_EARLIER.format(days=1)} - 1 AS change_1d,
        latest.close / {_EARLIER.format(days=7)} - 1 AS change_7d,
        latest.close / {_EARLIER.format(days=30)} - 1 AS change_30d
    FROM latest JOIN signals_asset asset ON asset.id = latest.asset_id
    WHERE (%(search)s = '' OR strpos(lower(asset.name), %(search)s) > 0 OR strpos(lower(asset.symbol), %(search)s) > 0
           OR strpos(asset.slug, %(search)s) > 0)
      AND (%(category)s = '' OR asset.categories ? %(category)s)
)
SELECT id, slug, symbol, name, categories, day, price, market_cap, volume, change_1d, change_7d, change_30d
FROM listed ORDER BY {{order}} NULLS LAST, slug LIMIT %(limit)s OFFSET %(offset)s
"""  # noqa: S608 - insertions are constants; the order is looked up in ORDERS

_STALE = timedelta(days=7)


def asset(slug: str) -> Asset:
    """The asset with this slug. Raises Asset.DoesNotExist."""
    return Asset.objects.get(slug=slug)


def asset_ids() -> dict[str, int]:
    """Slug -> primary key of every asset."""
    return dict(Asset.objects.values_list("slug", "id"))


def assets_by_slug(slugs: Iterable[str] | None = None) -> dict[str, Asset]:
    """Slug -> asset, of these slugs (those that exist) or of all."""
    found = Asset.objects.all() if slugs is None else Asset.objects.filter(slug__in=list(slugs))
    return {item.slug: item for item in found}


def asset_list(
    *,
    as_of: date,
    search: str = "",
    category: str = "",
    order: str = "-market_cap",
    limit: int = 100,
    offset: int = 0,
) -> list[AssetRow]:
    """Assets with a close in the week up to `as_of`, in `order` (a column of AssetRow, `-` for descending).

    `search` matches name, symbol and slug; `category` is a category slug. Raises NotYetKnown and ValueError.
    """
    if order not in ORDERS:
        raise ValueError(f"order: {order!r} is unknown; use one of {', '.join(ORDERS)}.")
    market = market_active()
    require_known(market, as_of)
    statement = _LIST.replace("{order}", ORDERS[order] + (" DESC" if order.startswith("-") else " ASC"))
    parameters: dict[str, Any] = {
        "sources": list(candle_sources(market)),
        "to": clock.start_of_day(as_of),
        "from": clock.start_of_day(clock.days_before(as_of, _STALE.days)),
        "search": search.strip().lower(),
        "category": category,
        "limit": limit,
        "offset": offset,
    }
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        names = [column.name for column in cursor.description]
        rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    # A raw cursor hands JSON over as text.
    return [AssetRow(**{**row, "categories": json.loads(row["categories"])}) for row in rows]
