"""Daily candles of one asset, as they are known now or as they were known at a moment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import Max, Q, QuerySet

from signals.core import clock
from signals.models import Asset, AssetEvent, Candle, CandleRevision, Market
from signals.selectors.market import candle_sources, market_active, require_known

_FIELDS = ("open", "high", "low", "close", "volume", "market_cap")


@dataclass(frozen=True)
class Bar:
    """One daily candle, USD; None is unknown. `known_from` is set where it is not what was first stored."""

    day: date
    source: str
    open: float | None
    high: float | None
    low: float | None
    close: float
    volume: float | None
    market_cap: float | None
    known_from: datetime | None


def candle_history(
    slug: str, *, as_of: date, days: int, known_at: datetime | None = None, market: Market | None = None
) -> list[Bar]:
    """The daily candles of one asset over the calendar days (as_of - days, as_of], oldest first, gaps left out.

    Of several sources the most trusted one that has the day. `known_at` (wall clock) asks for them as our store held
    them at that moment; default: as they are now. Raises NotYetKnown and Asset.DoesNotExist.
    """
    market = market or market_active()
    require_known(market, as_of)
    sources = candle_sources(market)
    asked = Q(
        asset=Asset.objects.get(slug=slug),
        interval=Candle.Interval.DAY,
        source__in=sources,
        opened_at__gt=clock.start_of_day(clock.days_before(as_of, days)),
        opened_at__lte=clock.start_of_day(as_of),
    )
    rows = _rows(Candle.objects.filter(asked), known_at)
    if known_at is not None:
        rows += _rows(CandleRevision.objects.filter(asked, known_until__gt=known_at), known_at)
    best: dict[date, Bar] = {}
    for row in rows:
        bar = Bar(day=row.pop("opened_at").date(), **row)
        known = best.get(bar.day)
        if known is None or sources.index(bar.source) < sources.index(known.source):
            best[bar.day] = bar
    return [best[day] for day in sorted(best)]


def candle_known(slug: str, *, day: date, source: str = "", known_at: datetime | None = None) -> Bar | None:
    """The daily candle of one asset on one day, of `source` or of the most trusted one that has it; None without.

    Raises NotYetKnown and Asset.DoesNotExist.
    """
    found = candle_history(slug, as_of=day, days=1, known_at=known_at)
    if not source or (found and found[0].source == source):
        return found[0] if found else None
    bars = Candle.objects.filter(
        asset__slug=slug, interval=Candle.Interval.DAY, source=source, opened_at=clock.start_of_day(day)
    )
    rows = _rows(bars, known_at)
    return Bar(day=rows[0].pop("opened_at").date(), **rows[0]) if rows else None


def revision_stamp() -> int:
    """A number that grows with every change of a daily candle: what was kept under an older one is to be read anew."""
    newest: int | None = CandleRevision.objects.aggregate(newest=Max("pk"))["newest"]
    return newest or 0


def revision_moments(
    *, after: datetime, first: date, last: date, market: Market | None = None
) -> list[datetime]:
    """When since `after` something changed that is known of the days [first, last], oldest first: corrections of daily
    candles of the market, candles that came too late, and events of tokens that were entered or withdrawn."""
    market = market or market_active()
    asked = Q(
        interval=Candle.Interval.DAY,
        source__in=candle_sources(market),
        opened_at__gte=clock.start_of_day(first),
        opened_at__lte=clock.start_of_day(last),
    )
    happened = AssetEvent.objects.filter(day__lte=last)
    found = (
        CandleRevision.objects.filter(asked, known_until__gt=after).values_list("known_until", flat=True),
        Candle.objects.filter(asked, known_from__gt=after).values_list("known_from", flat=True),
        happened.filter(known_from__gt=after).values_list("known_from", flat=True),
        happened.filter(withdrawn_at__gt=after).values_list("withdrawn_at", flat=True),
    )
    return sorted({moment for moments in found for moment in moments.distinct() if moment is not None})


def _rows(
    stored: QuerySet[Candle] | QuerySet[CandleRevision], known_at: datetime | None
) -> list[dict[str, Any]]:
    if known_at is not None:
        stored = stored.filter(Q(known_from__isnull=True) | Q(known_from__lte=known_at))
    return list(stored.values("opened_at", "source", "known_from", *_FIELDS))
