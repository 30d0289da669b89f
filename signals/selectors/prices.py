"""What an asset is worth at a moment, and what it was worth on the days before."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection

from signals.core import clock
from signals.models import GuardRecord
from signals.selectors.candles import candle_history
from signals.selectors.guarding import CONSENSUS, is_guarded
from signals.selectors.market import NotYetKnown, candle_sources, market_active, market_time

QUOTE_LIFE = timedelta(days=1)
"""A minute quote older than this is no mark any more."""
CLOSE_LIFE = timedelta(days=7)
"""A daily close older than this is no mark any more: the asset has no price."""

# One index probe per asset and kind on the unique key (asset, interval, opened_at, source). A close that ended later
# than the last quote, as after a leap of the replay clock, is the fresher one.
_MARKS = """
SELECT asset.slug, bar.close
FROM signals_asset asset
CROSS JOIN LATERAL (
    (SELECT close, opened_at + interval '1 minute' AS ended FROM signals_candle
     WHERE asset_id = asset.id AND interval = '1m' AND opened_at <= %(quote_to)s AND opened_at >= %(quote_from)s
       AND source = ANY(%(sources)s)
     ORDER BY opened_at DESC, array_position(%(sources)s::varchar[], source) LIMIT 1)
    UNION ALL
    (SELECT close, opened_at + interval '1 day' FROM signals_candle
     WHERE asset_id = asset.id AND interval = '1d' AND opened_at <= %(close_to)s AND opened_at >= %(close_from)s
       AND source = ANY(%(sources)s)
     ORDER BY opened_at DESC, array_position(%(sources)s::varchar[], source) LIMIT 1)
    ORDER BY ended DESC LIMIT 1
) bar
WHERE asset.slug = ANY(%(slugs)s)
"""


def prices(slugs: Iterable[str], *, at: datetime) -> dict[str, float]:
    """USD mark of each asset at the moment `at`: its last minute quote or daily close, whichever ended later.

    A quote counts from the end of its minute for one day, a close from the end of its day for seven days. An asset
    without either is absent. In a live market the mark is the one that the guard accepted last, for seven days; only
    an asset that never had one shows what its source says, and `halts` keeps it from being traded. Raises NotYetKnown
    where `at` is ahead of the market clock.
    """
    market = market_active()
    if at > market_time(market):
        raise NotYetKnown(
            f"at: {at.isoformat()} lies ahead of the market clock ({market_time(market).isoformat()})."
        )
    wanted = list(slugs)
    if not is_guarded(market):
        return _marks(wanted, candle_sources(market), at, quote_life=QUOTE_LIFE)
    accepted = _marks(wanted, (CONSENSUS,), at, quote_life=CLOSE_LIFE)
    once = GuardRecord.objects.filter(asset__slug__in=wanted, marked_at__lte=at)
    for slug, mark, marked_at in once.values_list("asset__slug", "mark", "marked_at"):
        # Minute quotes are dropped after two days: then the guard's own memory is what is left of the last mark.
        if mark is None or marked_at is None or slug in accepted:
            continue
        if at - marked_at <= CLOSE_LIFE:
            accepted[slug] = mark
    never = set(wanted) - accepted.keys() - set(once.values_list("asset__slug", flat=True))
    return {**_marks(sorted(never), candle_sources(market), at, quote_life=QUOTE_LIFE), **accepted}


def _marks(
    slugs: Sequence[str], sources: Sequence[str], at: datetime, *, quote_life: timedelta
) -> dict[str, float]:
    known = clock.start_of_day(clock.last_closed_day(at))
    parameters: dict[str, Any] = {
        "slugs": list(slugs),
        "sources": list(sources),
        "quote_to": at - timedelta(minutes=1),
        "quote_from": at - quote_life,
        "close_to": known,
        "close_from": known - CLOSE_LIFE + timedelta(days=1),
    }
    with connection.cursor() as cursor:
        cursor.execute(_MARKS, parameters)
        return dict(cursor.fetchall())


def price_history(
    slug: str, *, as_of: date, days: int, known_at: datetime | None = None
) -> list[tuple[date, float]]:
    """(day, close in USD) of one asset over the calendar days (as_of - days, as_of], oldest first, gaps left out.

    `known_at` (wall clock) asks for the closes as our store held them at that moment. Raises NotYetKnown and
    Asset.DoesNotExist.
    """
    return [(bar.day, bar.close) for bar in candle_history(slug, as_of=as_of, days=days, known_at=known_at)]
