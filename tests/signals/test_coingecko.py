from datetime import UTC, date, datetime
from urllib.parse import parse_qs, urlparse

import numpy as np
import pandas as pd
import pytest
import responses
import time_machine

from signals import selectors, services
from signals.models import Candle, LoadRun, Market
from signals.providers.base import ProviderError
from signals.providers.coingecko import ROOT, CoinGecko

MIDNIGHT = {day: int(datetime(2026, 5, day, tzinfo=UTC).timestamp() * 1000) for day in range(1, 6)}
NOW = datetime(2026, 5, 4, 9, 30, tzinfo=UTC)


def entry(slug, symbol, name, price, cap=1e9):
    return {
        "id": slug,
        "symbol": symbol,
        "name": name,
        "current_price": price,
        "market_cap": cap,
        "total_volume": 1e7,
        "last_updated": "2026-05-04T09:29:41.120Z",
    }


LISTED = [
    entry("bitcoin", "btc", "Bitcoin", 60000, 1.2e12),
    entry("dollar", "usdx", "Dollar X", 1.0),
    entry("lost", "lst", "Lost", None),
    entry("wrapped-bitcoin", "wbtc", "Wrapped Bitcoin", 60010.5, 0),
]


def chart(closes):
    points = [[MIDNIGHT[day] + 800, close] for day, close in closes.items()]
    later = [[int(NOW.timestamp() * 1000), 777.0]]
    return {
        "prices": points + later,
        "market_caps": [[stamp, close * 10] for stamp, close in points] + later,
        "total_volumes": [[stamp, close * 2] for stamp, close in points] + later,
    }


@pytest.fixture
def web():
    with (
        responses.RequestsMock(assert_all_requests_are_fired=False) as mock,
        time_machine.travel(NOW, tick=False),
    ):
        yield mock


def client(**more):
    return CoinGecko(pause=0, backoff=0, **more)


def answer_markets(web):
    def markets(request):
        query = parse_qs(urlparse(request.url).query)
        category = query.get("category", [""])[0]
        chosen = {"": LISTED, "stablecoins": [LISTED[1]], "layer-1": [LISTED[0]]}.get(category, [])
        import json

        return 200, {}, json.dumps(chosen)

    web.add_callback(responses.GET, f"{ROOT}/coins/markets", callback=markets)


def test_the_list_has_ids_categories_and_prices(web):
    answer_markets(web)
    bitcoin, dollar, wrapped = client().markets(count=10)
    assert (bitcoin.asset.slug, bitcoin.asset.symbol, bitcoin.asset.categories) == (
        "bitcoin",
        "BTC",
        ("layer-1",),
    )
    assert (bitcoin.price, bitcoin.market_cap) == (60000.0, 1.2e12)
    assert dollar.asset.categories == ("stablecoin",)
    assert wrapped.asset.categories == ("wrapped",)  # by its name
    assert wrapped.market_cap is None  # nought means unknown
    assert bitcoin.quoted_at == datetime(2026, 5, 4, 9, 29, 41, 120000, tzinfo=UTC)


def test_the_point_at_midnight_is_the_close_of_the_day_before(web):
    web.get(f"{ROOT}/coins/bitcoin/market_chart", json=chart({2: 10.0, 3: 11.0, 4: 12.0}))
    rows = client().history("bitcoin", first=date(2026, 5, 2), through=date(2026, 5, 3))
    assert rows["opened_at"].tolist() == [pd.Timestamp("2026-05-02"), pd.Timestamp("2026-05-03")]
    assert rows["close"].tolist() == [11.0, 12.0]
    assert rows["market_cap"].tolist() == [110.0, 120.0]
    assert rows["volume"].tolist() == [22.0, 24.0]
    assert rows["open"].isna().all()


def test_an_unknown_cap_stays_unknown(web):
    reply = chart({4: 12.0})
    reply["market_caps"] = [[MIDNIGHT[4], 0.0]]
    web.get(f"{ROOT}/coins/bitcoin/market_chart", json=reply)
    rows = client().history("bitcoin", first=date(2026, 5, 3), through=date(2026, 5, 3))
    assert np.isnan(rows["market_cap"].iloc[0])


def test_it_tries_again_when_told_to_slow_down(web):
    first = web.get(f"{ROOT}/coins/bitcoin/market_chart", status=429)
    second = web.get(f"{ROOT}/coins/bitcoin/market_chart", status=503)
    web.get(f"{ROOT}/coins/bitcoin/market_chart", json=chart({4: 12.0}))
    rows = client().history("bitcoin", first=date(2026, 5, 3), through=date(2026, 5, 3))
    assert rows["close"].tolist() == [12.0]
    assert (first.call_count, second.call_count) == (1, 1)


def test_it_gives_up_in_the_end_and_says_where(web):
    web.get(f"{ROOT}/coins/bitcoin/market_chart", status=500)
    with pytest.raises(ProviderError, match="/coins/bitcoin/market_chart"):
        client().history("bitcoin", first=date(2026, 5, 3), through=date(2026, 5, 3))
    assert len(web.calls) == 5


def test_requests_keep_their_distance(web):
    web.get(f"{ROOT}/coins/bitcoin/market_chart", json=chart({4: 12.0}))
    waits: list[float] = []
    slow = CoinGecko(pause=2.2, backoff=0, sleep=waits.append)
    for _ in range(3):
        slow.history("bitcoin", first=date(2026, 5, 3), through=date(2026, 5, 3))
    assert len(waits) == 2
    assert all(0 < wait <= 2.2 for wait in waits)


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        ({}, "prices is missing"),
        ([], "prices is missing"),
        ({"prices": [[1, 2, 3]]}, "not \\[milliseconds, number\\]"),
        ({"prices": [["yesterday", 2]]}, "not \\[milliseconds, number\\]"),
        ({"prices": []}, "market_caps is missing"),
    ],
)
def test_a_reply_of_another_shape_is_refused(web, reply, reason):
    web.get(f"{ROOT}/coins/bitcoin/market_chart", json=reply)
    with pytest.raises(ProviderError, match=reason):
        client().history("bitcoin", first=date(2026, 5, 3), through=date(2026, 5, 3))


@pytest.mark.parametrize(
    "reply",
    [
        {"error": "no"},
        ["bitcoin"],
        [{"id": "bitcoin", "symbol": "btc"}],
        [{"id": "", "symbol": "a", "name": "b"}],
    ],
)
def test_a_list_of_another_shape_is_refused(web, reply):
    web.get(f"{ROOT}/coins/markets", json=reply)
    with pytest.raises(ProviderError, match="coins/markets"):
        client().markets(count=5, with_categories=False)


def test_a_reply_that_is_not_json_is_refused(web):
    web.get(f"{ROOT}/coins/markets", body="<html>busy</html>")
    with pytest.raises(ProviderError, match="could not be read"):
        client().markets(count=5, with_categories=False)


def test_the_key_travels_in_its_header(web):
    answer_markets(web)
    client(key="secret").markets(count=1, with_categories=False)
    assert web.calls[0].request.headers["x-cg-demo-api-key"] == "secret"
    assert "secret" not in web.calls[0].request.url


@pytest.fixture
def live(web, monkeypatch):
    """A live market of two tokens; the exchange is away."""

    class Away:
        def __init__(self, name):
            self.source = name

        def __enter__(self):
            return self

        def __exit__(self, *details):
            return None

        def match(self, listed):
            raise ProviderError("away")

        def history(self, slug, *, first, through):
            raise ProviderError("away")

    monkeypatch.setattr("signals.providers.exchange.Exchange", Away)
    monkeypatch.setattr("signals.services.loading.live_source", client)
    monkeypatch.setattr("signals.services.days.live_source", client)
    answer_markets(web)
    web.get(f"{ROOT}/coins/bitcoin/market_chart", json=chart({2: 10.0, 3: 11.0, 4: 12.0, 5: 13.0}))
    web.get(f"{ROOT}/coins/dollar/market_chart", json=chart({3: 1.0, 4: 1.0, 5: 1.0}))
    web.get(f"{ROOT}/coins/wrapped-bitcoin/market_chart", status=404)
    return web


@pytest.mark.django_db
def test_a_live_market_loads_what_it_can_and_counts_the_rest(live):
    run = services.market_load_live(assets=3, days=2)
    assert LoadRun.objects.get(source="live").refused == run.refused
    # The exchange failed to match three tokens, then for each of them; CoinGecko failed for one.
    assert run.refused == {"source_failed_kraken": 6, "source_failed_coingecko": 1}
    assert run.rows_written == 4
    market = selectors.market_active()
    assert (market.source, market.time, market.last_day) == ("live", None, date(2026, 5, 3))
    panel = selectors.panel(as_of=date(2026, 5, 3))
    assert panel.assets == ["bitcoin", "dollar"]
    assert panel.close.tolist() == [[11.0, 1.0], [12.0, 1.0]]


@pytest.mark.django_db
def test_the_next_live_day_and_quotes_come_by_tick(live):
    from signals.tasks import candles_tick, quotes_tick

    services.market_load_live(assets=3, days=2)
    assert candles_tick() == 0
    with time_machine.travel(datetime(2026, 5, 5, 0, 20, tzinfo=UTC), tick=False):
        assert candles_tick() == 1
        assert selectors.panel(as_of=date(2026, 5, 4), days=1).close.tolist() == [[13.0, 1.0]]
        assert Market.objects.get().last_day == date(2026, 5, 4)
    assert quotes_tick() == 3  # the third has no history, but it is listed and quoted
    assert quotes_tick() == 0
    assert selectors.prices(["bitcoin"], at=NOW) == {"bitcoin": 60000.0}
    assert Candle.objects.filter(interval="1m").count() == 3


@pytest.mark.django_db
def test_one_silent_token_does_not_hold_up_the_day_but_many_do(live):
    from signals.tasks import candles_tick

    services.market_load_live(assets=3, days=2)
    live.replace(responses.GET, f"{ROOT}/coins/dollar/market_chart", status=404)
    with time_machine.travel(datetime(2026, 5, 5, 0, 20, tzinfo=UTC), tick=False):
        assert candles_tick() == 0  # half of two
        assert Market.objects.get().last_day == selectors.last_complete_day() == date(2026, 5, 3)
        assert selectors.last_closed_day() == date(2026, 5, 4)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("signals.services.days.LIVE_SHARE", 0.5)
            assert candles_tick() == 1
        assert selectors.last_complete_day() == date(2026, 5, 4)
