"""Assets by slug, and the list of them with what the market says at a day."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db import connection

from signals.core import clock
from signals.core.categories import shown
from signals.models import Asset
from signals.selectors.grades import grades_in_force
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
        "trader_grade",
        "investor_grade",
        "signal",
    )
    for name in (column, f"-{column}")
}


@dataclass(frozen=True)
class AssetRow:
    """One line of the asset list. USD; changes are fractions (0.05 = 5 % up); None = unknown; `day` dates the price.

    Grades (0 to 100) and the signal (1, 0, -1) are those of the newest day that was graded, `graded_on`, in the week up
    to the day asked for; None for a token that is not graded.
    """

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
    trader_grade: float | None = None
    investor_grade: float | None = None
    signal: int | None = None
    confidence: float | None = None
    graded_on: date | None = None


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
      AND (%(slug)s = '' OR asset_id = (SELECT id FROM signals_asset WHERE slug = %(slug)s))
    ORDER BY asset_id, opened_at DESC, array_position(%(sources)s::varchar[], source)
), graded AS (
    SELECT DISTINCT ON (grade.asset_id) grade.asset_id, grade.as_of, trader_grade, investor_grade, signal, confidence
    FROM signals_grade grade JOIN signals_modelrun model ON model.id = grade.model_id AND model.market = %(market)s
    WHERE grade.as_of = %(graded_on)s
    ORDER BY grade.asset_id, grade.model_id DESC
), listed AS (
    SELECT asset.id, asset.slug, asset.symbol, asset.name, asset.categories,
        (latest.opened_at AT TIME ZONE 'UTC')::date AS day, latest.close AS price, latest.market_cap, latest.volume,
        latest.close / {_EARLIER.format(days=1)} - 1 AS change_1d,
        latest.close / {_EARLIER.format(days=7)} - 1 AS change_7d,
        latest.close / {_EARLIER.format(days=30)} - 1 AS change_30d,
        graded.trader_grade, graded.investor_grade, graded.signal, graded.confidence, graded.as_of AS graded_on
    FROM latest JOIN signals_asset asset ON asset.id = latest.asset_id
        LEFT JOIN graded ON graded.asset_id = latest.asset_id
    WHERE (%(search)s = '' OR strpos(lower(asset.name), %(search)s) > 0 OR strpos(lower(asset.symbol), %(search)s) > 0
           OR strpos(asset.slug, %(search)s) > 0)
      AND (%(category)s = '' OR asset.categories ? %(category)s)
      AND (%(signal)s::int IS NULL OR graded.signal = %(signal)s)
      AND (%(min_volume)s::float8 IS NULL OR latest.volume >= %(min_volume)s)
)
SELECT id, slug, symbol, name, categories, day, price, market_cap, volume, change_1d, change_7d, change_30d,
    trader_grade, investor_grade, signal, confidence, graded_on
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
    slug: str = "",
    signal: int | None = None,
    min_volume: float | None = None,
    order: str = "-market_cap",
    limit: int = 100,
    offset: int = 0,
) -> list[AssetRow]:
    """Assets with a close in the week up to `as_of`, in `order` (a column of AssetRow, `-` for descending).

    `search` matches name, symbol and slug; `category` is a category slug; `slug` is one token; `min_volume` is in
    USD, of the last day. Unknown values come last in every order. Raises NotYetKnown and ValueError.
    """
    if order not in ORDERS:
        raise ValueError(f"order: {order!r} is unknown; use one of {', '.join(ORDERS)}.")
    market = market_active()
    require_known(market, as_of)
    statement = _LIST.replace("{order}", _ordering(order))
    parameters: dict[str, Any] = {
        "sources": list(candle_sources(market)),
        "to": clock.start_of_day(as_of),
        "from": clock.start_of_day(clock.days_before(as_of, _STALE.days)),
        "market": market.source,
        "graded_on": grades_in_force(as_of=as_of, market=market),
        "search": search.strip().lower(),
        "category": category,
        "slug": slug,
        "signal": signal,
        "min_volume": min_volume,
        "limit": limit,
        "offset": offset,
    }
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        names = [column.name for column in cursor.description]
        rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    # A raw cursor hands JSON over as text.
    return [AssetRow(**{**row, "categories": shown(json.loads(row["categories"]))}) for row in rows]


def asset_row(slug: str, *, as_of: date) -> AssetRow | None:
    """The line of one asset, None without a close in the week up to `as_of`. Raises NotYetKnown."""
    return next(iter(asset_list(as_of=as_of, slug=slug, limit=1)), None)


def category_counts(*, as_of: date, limit: int = 40) -> list[tuple[str, int]]:
    """(category, number of assets) of the `limit` most common categories of assets listed by `as_of`, by name."""
    statement = """
        SELECT kind, count(*) FROM signals_asset, jsonb_array_elements_text(categories) AS kind
        WHERE first_day <= %s AND kind NOT LIKE 'measured-%%' GROUP BY kind ORDER BY count(*) DESC, kind LIMIT %s
    """
    with connection.cursor() as cursor:
        cursor.execute(statement, [as_of, limit])
        return sorted(cursor.fetchall())


def _ordering(order: str) -> str:
    """The SQL of an order. Many tokens share a signal: of those the one with the better grade comes first."""
    way = " DESC" if order.startswith("-") else " ASC"
    column = ORDERS[order]
    return f"{column}{way}" + (f" NULLS LAST, trader_grade{way}" if column == "signal" else "")
