"""A live market for tests: quotes of several sources, minute by minute."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd

from signals import selectors, services
from signals.core.candles import COLUMNS
from signals.models import Asset, Market
from signals.services.ingest import candles_ingest

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
FEEDS = ("coingecko", "kraken", "coinbase", "bitstamp")
MINUTE = timedelta(minutes=1)


def live_market(at=NOON, **settings):
    return Market.objects.create(
        source="live", is_active=True, time=at, settings={"exchange": "kraken", **settings}
    )


def tokens(*slugs, categories=()):
    return [
        Asset.objects.create(
            slug=slug, symbol=slug[:8].upper(), name=slug.title(), categories=list(categories)
        )
        for slug in slugs
    ]


def quote(source, prices, at):
    """The minute of `source` that ended at `at`: slug -> USD."""
    return candles_ingest(quote_rows(prices, at), source=source, interval="1m", known_at=at)


def quote_rows(prices, at):
    """Candles of the minute that ended at `at`: slug -> USD."""
    rows = pd.DataFrame(
        {
            "asset": list(prices),
            "opened_at": pd.Timestamp(at - MINUTE).tz_convert(None),
            "close": list(prices.values()),
            **dict.fromkeys(("open", "high", "low", "volume", "market_cap"), np.nan),
        }
    )
    return rows[list(COLUMNS)]


class Tape:
    """Rounds of a live market, two minutes apart unless told; prices by source, or one price of all."""

    def __init__(self, market, slug="alpha"):
        self.market, self.slug, self.at = market, slug, market.time

    def __call__(self, *prices, after=timedelta(minutes=2)):
        self.at += after
        for source, price in zip(FEEDS, prices, strict=False):
            if price is not None:
                quote(source, {self.slug: price}, self.at)
        Market.objects.filter(pk=self.market.pk).update(time=self.at)
        return services.marks_judge(at=self.at + timedelta(seconds=20))

    def mark(self):
        return selectors.prices([self.slug], at=self.at).get(self.slug)

    def halt(self):
        return selectors.halts([self.slug], at=self.at).get(self.slug)
