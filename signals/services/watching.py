"""Observations of the live market: fetched day by day from the sources that the operator has turned on."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta

import numpy as np
import pandas as pd
from django.conf import settings

from signals.core import clock
from signals.core.categories import BRIDGED, STAKED, TRACKING, WRAPPED
from signals.core.observations import Readings
from signals.core.onchain import onchain_readings, owners
from signals.models import Asset, Market, Observation
from signals.providers.base import AssetRecord, Listed, ProviderError
from signals.providers.coinmetrics import CoinMetrics
from signals.providers.fear_greed import FearGreed
from signals.selectors import last_complete_day, market_active, panel
from signals.services.observations import Noted, observations_ingest
from signals.services.progress import Progress, silent

log = logging.getLogger(__name__)

LOOK_BACK = 7
"""Days asked for at every fetch: what a source has changed of them becomes a further version."""
COMPLETE = 0.9
"""A source has told a day when it did so for this share of the tokens that it told of in the day before."""

Fetch = Callable[[Market, date, date], Readings]


def observations_fetch(*, at: datetime) -> int:
    """What the live sources say of the last closed day is stored, known from `at` on; returns how many rows are new.

    A source that has told the day already is not asked again; one that fails is left for the next call. Nothing
    happens for an archived or simulated market.
    """
    market = market_active()
    through = last_complete_day(market)
    if market.source != Market.Source.LIVE or through is None:
        return 0
    first = through - timedelta(days=LOOK_BACK - 1)
    written = 0
    for source, fetch in _sources():
        if not _told(source, through):
            written += _fetched(source, fetch, market, first, through, at=at, as_fetched=True).written
    return written


def observations_history(*, market: Market, days: int, at: datetime, progress: Progress = silent) -> Noted:
    """The last `days` days of the live sources are stored, each as if it had been fetched when it was published.

    What a source has revised since cannot be told from what it said at the time: docs/data.md says so.
    """
    through = last_complete_day(market)
    total = Noted()
    if market.source != Market.Source.LIVE or through is None:
        return total
    sources = list(_sources())
    for number, (source, fetch) in enumerate(sources, start=1):
        first = through - timedelta(days=days - 1)
        part = _fetched(source, fetch, market, first, through, at=at, as_fetched=False)
        total.add(part)
        progress("fetching observations", number, len(sources))
    return total


def _fetched(
    source: str, fetch: Fetch, market: Market, first: date, through: date, *, at: datetime, as_fetched: bool
) -> Noted:
    try:
        readings = fetch(market, first, through)
    except ProviderError as error:
        log.warning("no observations from %s for %s: %s", source, through, error)
        return Noted(refused={f"source_failed_{source}": 1})
    return observations_ingest([readings], at=at, as_fetched=as_fetched)


def _sources() -> Iterator[tuple[str, Fetch]]:
    """The sources that are turned on, by name."""
    if settings.FEAR_GREED:
        yield FearGreed.source, _fear_greed
    if settings.COINMETRICS:
        yield CoinMetrics.source, _coinmetrics
    if settings.DERIVATIVES_EXCHANGE:
        yield settings.DERIVATIVES_EXCHANGE, _perpetuals


def _told(source: str, day: date) -> bool:
    stored = Observation.objects.filter(source=source)
    now = stored.filter(day=day).values("asset").distinct().count()
    before = stored.filter(day=day - clock.ONE_DAY).values("asset").distinct().count()
    return now > 0 and now >= COMPLETE * before


def _fear_greed(market: Market, first: date, through: date) -> Readings:
    return FearGreed().daily(first=first, through=through)


def _coinmetrics(market: Market, first: date, through: date) -> Readings:
    whole = panel(as_of=through, days=(through - first).days + 1, market=market)
    ticker_of = dict(Asset.objects.filter(slug__in=whole.assets).values_list("slug", "symbol"))
    tickers = {ticker.lower() for ticker in ticker_of.values()}
    table = CoinMetrics().daily(tickers, first=first, through=through)
    row, column = np.nonzero(~np.isnan(whole.close))
    assets = np.array(whole.assets, dtype=object)[column]
    closes = pd.DataFrame(
        {
            "asset": assets,
            "ticker": [ticker_of[slug].lower() for slug in assets],
            "day": whole.dates.to_numpy()[row].astype("datetime64[s]"),
            "close": whole.close[row, column],
        }
    )
    stands_for = {WRAPPED, STAKED, BRIDGED, TRACKING}
    pegged = [slug for slug in whole.assets if whole.categories[slug] & stands_for]
    of = owners(table, closes, pegged=pegged, least_days=1)
    return onchain_readings(table, of, source=CoinMetrics.source)


def _perpetuals(market: Market, first: date, through: date) -> Readings:
    from signals.providers.perpetuals import Perpetuals

    whole = panel(as_of=through, days=1, market=market)
    facts = {asset.slug: asset for asset in Asset.objects.filter(slug__in=whole.assets)}
    moment = clock.end_of_day(through)
    listed = [
        Listed(AssetRecord(slug, facts[slug].symbol, facts[slug].name), float(price), None, moment)
        for slug, price in zip(whole.assets, whole.close[-1], strict=True)
        if not np.isnan(price)
    ]
    with Perpetuals(settings.DERIVATIVES_EXCHANGE) as venue:
        venue.match(listed)
        readings, failed = venue.daily(first=first, through=through)
    if failed:
        log.warning("%s answered for all but %d contracts", settings.DERIVATIVES_EXCHANGE, failed)
    return readings
