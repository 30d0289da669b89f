"""Every feed of the live market is asked each minute; those that answer are the guard's sources."""

from datetime import date, timedelta

import pytest

from signals import selectors, services
from signals.models import Candle, Market
from signals.providers.base import AssetRecord, Delivery, Listed, ProviderError
from signals.tasks import quotes_tick
from tests.quotes import MINUTE, NOON, live_market, quote_rows, tokens

pytestmark = pytest.mark.django_db


class Feeds:
    """The world outside: what each feed says of alpha, and who does not answer."""

    def __init__(self):
        self.prices = {"coingecko": 100.0, "kraken": 100.5, "coinbase": 99.5, "bitstamp": 100.0}
        self.silent, self.matched = set(), []

    def quotes(self, feed, at):
        if feed in self.silent:
            raise ProviderError(f"{feed} is down")
        return Delivery(feed, [], quote_rows({"alpha": self.prices[feed]}, at))


@pytest.fixture
def feeds(monkeypatch):
    outside = Feeds()

    class CoinGecko:
        source = "coingecko"

        def quotes(self, at):
            return outside.quotes("coingecko", at)

        def markets(self, *, count, with_categories):
            if "coingecko" in outside.silent:
                raise ProviderError("coingecko is down")
            return [Listed(AssetRecord("alpha", "ALP", "Alpha"), 100.0, None, NOON)]

    class Exchange:
        def __init__(self, name):
            self.source = name

        def __enter__(self):
            return self

        def __exit__(self, *failure):
            pass

        def match(self, listed):
            if self.source in outside.silent:
                raise ProviderError(f"{self.source} is down")
            outside.matched.append(self.source)
            return {entry.asset.slug: "ALP/USD" for entry in listed}

        def quotes(self, at, pairs):
            assert pairs == {"alpha": "ALP/USD"}
            return outside.quotes(self.source, at)

    monkeypatch.setattr("signals.services.quotes.live_source", CoinGecko)
    monkeypatch.setattr("signals.providers.exchange.Exchange", Exchange)
    return outside


@pytest.fixture
def market():
    tokens("alpha")
    return live_market()


def at(moment):
    Market.objects.update(time=moment)
    return moment


def test_every_feed_is_stored_and_the_mark_is_their_median(feeds, market):
    assert quotes_tick() == 4
    assert set(Candle.objects.values_list("source", flat=True)) == {*feeds.prices, "consensus"}
    assert selectors.prices(["alpha"], at=NOON) == {"alpha": 100.0}
    assert selectors.halts(["alpha"], at=NOON) == {}
    at(NOON + timedelta(seconds=15))
    assert quotes_tick() == 0
    at(NOON + MINUTE)
    assert quotes_tick() == 4


def test_venues_are_matched_once_a_day_and_never_unmatched_by_price(feeds, market):
    services.quotes_ingest(at=NOON)
    assert feeds.matched == ["kraken", "coinbase", "bitstamp"]
    services.quotes_ingest(at=at(NOON + MINUTE))
    assert len(feeds.matched) == 3
    services.quotes_ingest(at=at(NOON + timedelta(days=1)))
    assert len(feeds.matched) == 6
    assert Market.objects.get().settings["pairs"]["coinbase"] == {"alpha": "ALP/USD"}


@pytest.mark.parametrize("silent", ["coingecko", "kraken"])
def test_a_feed_that_is_silent_is_one_voice_less(feeds, market, silent):
    services.quotes_ingest(at=NOON)
    feeds.silent = {silent}
    assert services.quotes_ingest(at=at(NOON + MINUTE)) == 3
    assert services.marks_judge(at=NOON + MINUTE).accepted == 1


def test_a_venue_that_could_not_be_matched_is_asked_again(feeds, market):
    feeds.silent = {"kraken"}
    assert services.quotes_ingest(at=NOON) == 3
    feeds.silent = set()
    assert services.quotes_ingest(at=at(NOON + MINUTE)) == 4


def test_when_nobody_answers_the_marks_are_judged_all_the_same(feeds, market):
    quotes_tick()
    feeds.silent = set(feeds.prices)
    later = at(NOON + timedelta(minutes=5))
    with pytest.raises(ProviderError, match="No feed of the live market answers"):
        quotes_tick()
    assert selectors.halts(["alpha"], at=later)["alpha"].status == "withheld"
    assert selectors.prices(["alpha"], at=later) == {"alpha": 100.0}


def test_the_daily_close_does_not_pass_for_a_quote(feeds, market):
    assert market.last_day is None
    assert services.quotes_ingest(at=NOON) == 4
    assert not Candle.objects.filter(interval="1d", opened_at__date=date(2026, 6, 1)).exists()
