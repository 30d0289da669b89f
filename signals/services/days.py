"""One market day, or the prices of this minute, into the store."""

import logging
import time
from datetime import date, datetime, timedelta

from django.db import transaction
from django.db.models import Max

from signals.core import clock
from signals.models import Asset, Candle, Market
from signals.providers.base import Delivery, ProviderError
from signals.providers.simulated import SimulatedProvider
from signals.selectors import candle_sources, last_closed_day, market_active, market_time
from signals.selectors.guarding import quote_feeds
from signals.services.ingest import Ingested, assets_upsert, candles_ingest, quotes_drop
from signals.services.loading import SIMULATED_SEED, facts, live_source
from signals.services.markets import clock_set
from signals.services.quotes import live_quotes

log = logging.getLogger(__name__)

QUOTE_DAYS = timedelta(days=2)
"""How long minute quotes are kept, in market time: a mark needs one day, a look back the other."""
LIVE_QUOTE_PAUSE = timedelta(seconds=55)
LIVE_SHARE = 0.9
"""A live day is complete when this share of the assets seen in the week before has its candle."""
LIVE_DAY_BUDGET = 240.0
"""Seconds that one call may spend on a live day; the next tick goes on where it stopped."""


def days_ingest() -> int:
    """Every closed day after the last complete one is in the store; returns how many became complete.

    A live day that could not be fetched in whole stays incomplete: the next call goes on with it.
    """
    market = market_active()
    done = 0
    closed = last_closed_day(market)
    for day in clock.days_after(market.last_day or closed - clock.ONE_DAY, through=closed):
        if not day_ingest(day):
            break
        done += 1
    return done


@transaction.atomic
def day_close(day: date) -> None:
    """The replay clock stands at the end of `day` and every candle of it is in the store, both at one moment.

    Other processes deal all the time: one that saw the new day before its closes would trade at yesterday's.
    Raises ClockError for a day that has passed and for a live market.
    """
    clock_set(clock.end_of_day(day))
    days_ingest()


def day_ingest(day: date) -> bool:
    """The daily candles of `day` are in the store; False where the archive has ended or a live source has gaps yet.

    Idempotent. Raises ValueError where `day` has not closed at market time.
    """
    market = market_active()
    if day > last_closed_day(market):
        raise ValueError(
            f"day: {day} has not closed; the market clock stands at {market_time(market).isoformat()}."
        )
    if market.last_day is not None and day <= market.last_day:
        return True
    if market.source == Market.Source.ARCHIVE:
        return False
    complete = (
        _simulated_day(market, day) if market.source == Market.Source.SIMULATED else _live_day(market, day)
    )
    if complete:
        Market.objects.filter(pk=market.pk).exclude(last_day__gte=day).update(last_day=day)
    return complete


def quotes_ingest(*, at: datetime) -> int:
    """The price of this minute is stored for every asset quoted now, and quotes over QUOTE_DAYS old are gone.

    Nothing happens for an archive, which has no minutes. A live market asks every feed. Returns the number of quotes
    written. Raises ProviderError where no feed answers.
    """
    market = market_active()
    if market.source == Market.Source.ARCHIVE:
        return 0
    if market.source == Market.Source.SIMULATED:
        deliveries = [_simulated(market).quotes(at)]
    else:
        newest = Candle.objects.filter(
            interval=Candle.Interval.MINUTE, source__in=quote_feeds(market)
        ).aggregate(at=Max("opened_at"))["at"]
        if newest is not None and at - newest < LIVE_QUOTE_PAUSE + timedelta(minutes=1):
            return 0
        deliveries = live_quotes(market, at=at)
    written = sum(
        _store(delivery, interval=Candle.Interval.MINUTE, known_at=at).written for delivery in deliveries
    )
    quotes_drop(before=at - QUOTE_DAYS)
    return written


def _simulated_day(market: Market, day: date) -> bool:
    delivery = _simulated(market).day(day)
    assets_upsert(facts(delivery.assets, simulated=True))
    _store(delivery, interval=Candle.Interval.DAY, known_at=clock.end_of_day(day))
    return True


def _live_day(market: Market, day: date) -> bool:
    source = candle_sources(market)[0]
    stored = Candle.objects.filter(
        interval=Candle.Interval.DAY, source=source, opened_at=clock.start_of_day(day)
    )
    # Who had a candle in the week before is expected to have one now; whoever fell silent is not waited for.
    week = Candle.objects.filter(
        interval=Candle.Interval.DAY,
        source=source,
        opened_at__gte=clock.start_of_day(day - timedelta(days=7)),
        opened_at__lt=clock.start_of_day(day),
    )
    missing = Asset.objects.filter(pk__in=week.values("asset")).exclude(pk__in=stored.values("asset"))
    client, started = live_source(), time.monotonic()
    for slug in missing.order_by("slug").values_list("slug", flat=True):
        if time.monotonic() - started > LIVE_DAY_BUDGET:
            return False
        try:
            rows = client.history(slug, first=day, through=day)
        except ProviderError as error:
            log.warning("no candle of %s for %s: %s", slug, day, error)
            continue
        candles_ingest(rows, source=source, interval=Candle.Interval.DAY, known_at=clock.end_of_day(day))
    expected = week.values("asset").distinct().count()
    return stored.count() >= max(1, LIVE_SHARE * expected)


def _store(delivery: Delivery, *, interval: str, known_at: datetime) -> Ingested:
    return candles_ingest(delivery.rows, source=delivery.source, interval=interval, known_at=known_at)


def _simulated(market: Market) -> SimulatedProvider:
    return SimulatedProvider(int(market.settings.get("seed", SIMULATED_SEED)))
