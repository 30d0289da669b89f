"""Live observations on recorded replies: Coin Metrics, alternative.me, perpetuals through ccxt; and what is stored."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlparse

import numpy as np
import pytest
import requests
import responses

from signals import selectors, services
from signals.core.onchain import NEEDED
from signals.models import Market, Observation
from signals.providers.base import AssetRecord, Listed, ProviderError
from signals.providers.coinmetrics import CoinMetrics
from signals.providers.fear_greed import FearGreed
from signals.providers.perpetuals import Perpetuals
from tests.markets import market_store, panel_make

COIN = "https://community-api.coinmetrics.io/v4/timeseries/asset-metrics"
MOOD = "https://api.alternative.me/fng/"
PERPETUAL = "https://fapi.binance.com"
FIRST, LAST = date(2022, 1, 4), date(2022, 1, 10)


@pytest.fixture
def web() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


def row(asset: str, day: date, **metrics: str | None) -> dict[str, Any]:
    return {"asset": asset, "time": f"{day}T00:00:00.000000000Z", **metrics}


def mood(*days: date, value: str = "42") -> dict[str, Any]:
    stamps = [int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) for day in days]
    rows = [{"value": value, "value_classification": "Fear", "timestamp": str(stamp)} for stamp in stamps]
    return {"name": "Fear and Greed Index", "data": rows, "metadata": {"error": None}}


def test_coin_metrics_is_asked_for_what_is_needed_and_page_by_page(web: responses.RequestsMock) -> None:
    following = f"{COIN}?next_page_token=abc"
    web.get(
        re.compile(re.escape(COIN) + r"\?assets="),
        json={
            "data": [row("btc", FIRST, AdrActCnt="951234", PriceUSD="46000.5")],
            "next_page_url": following,
        },
    )
    web.get(following, json={"data": [row("btc", LAST, AdrActCnt=None, HashRate="1.7e8")]})
    table: Any = CoinMetrics(pause=0).daily({"btc", "xyz"}, first=FIRST, through=LAST)
    asked = parse_qs(urlparse(web.calls[0].request.url or "").query)
    assert asked["assets"] == ["btc,xyz"]
    assert asked["metrics"] == [",".join(NEEDED)]
    assert (asked["start_time"], asked["end_time"]) == (["2022-01-04"], ["2022-01-10"])
    assert (asked["ignore_unsupported_errors"], asked["ignore_forbidden_errors"]) == (["true"], ["true"])
    assert table["ticker"].tolist() == ["btc", "btc"]
    assert table["day"].tolist() == [np.datetime64(FIRST), np.datetime64(LAST)]
    assert table.loc[0, ["AdrActCnt", "PriceUSD"]].tolist() == [951234.0, 46000.5]
    assert np.isnan(table.loc[1, "AdrActCnt"])
    assert table.loc[1, "HashRate"] == 1.7e8


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"error": {"type": "bad_parameter"}}, "no list of rows"),
        ({"data": [{"asset": "btc"}]}, "no asset or time"),
        ({"data": [row("btc", FIRST, AdrActCnt="many")]}, "AdrActCnt is 'many', not a number"),
        ({"data": [{"asset": "btc", "time": "soon"}]}, "'soon' is no time"),
        ({"data": [], "next_page_url": "https://elsewhere.example/"}, "lies elsewhere"),
    ],
)
def test_a_reply_of_coin_metrics_that_is_not_one_is_refused(
    web: responses.RequestsMock, body: dict[str, Any], said: str
) -> None:
    web.get(COIN, json=body)
    with pytest.raises(ProviderError, match=said):
        CoinMetrics(pause=0).daily({"btc"}, first=FIRST, through=LAST)


def test_the_mood_is_of_the_day_that_its_moment_names(web: responses.RequestsMock) -> None:
    web.get(MOOD, json=mood(date(2022, 1, 11), LAST, FIRST, date(2022, 1, 3)))
    readings = FearGreed().daily(first=FIRST, through=LAST)
    assert parse_qs(urlparse(web.calls[0].request.url or "").query)["limit"] == ["8"]
    assert readings.rows["day"].tolist() == [np.datetime64(FIRST), np.datetime64(LAST)]
    assert readings.rows["fear_greed"].tolist() == [42.0, 42.0]
    assert readings.rows["known_at"].tolist() == [np.datetime64("2022-01-05"), np.datetime64("2022-01-11")]


@pytest.mark.parametrize("value", ["calm", "101", "-1"])
def test_a_mood_that_cannot_be_is_refused(web: responses.RequestsMock, value: str) -> None:
    web.get(MOOD, json=mood(LAST, value=value))
    with pytest.raises(ProviderError, match=r"alternative\.me"):
        FearGreed().daily(first=FIRST, through=LAST)


def test_a_source_that_is_away_is_named(web: responses.RequestsMock) -> None:
    web.get(MOOD, body=requests.ConnectionError("no route"))
    with pytest.raises(ProviderError, match=r"alternative\.me could not be read"):
        FearGreed(backoff=0).daily(first=FIRST, through=LAST)


def contract(symbol: str, base: str) -> dict[str, Any]:
    return {
        "symbol": symbol, "pair": symbol, "contractType": "PERPETUAL", "deliveryDate": 4133404800000,
        "onboardDate": 1569398400000, "status": "TRADING", "baseAsset": base, "quoteAsset": "USDT",
        "marginAsset": "USDT", "pricePrecision": 2, "quantityPrecision": 3, "baseAssetPrecision": 8,
        "quotePrecision": 8, "underlyingType": "COIN", "orderTypes": ["LIMIT", "MARKET"],
        "filters": [
            {"filterType": "PRICE_FILTER", "minPrice": "0.01", "maxPrice": "1000000", "tickSize": "0.01"},
            {"filterType": "LOT_SIZE", "minQty": "0.001", "maxQty": "9000", "stepSize": "0.001"},
        ],
    }  # fmt: skip


def stamp(day: date, hour: int) -> int:
    return int(datetime(day.year, day.month, day.day, hour, tzinfo=UTC).timestamp() * 1000)


def binance(web: responses.RequestsMock, *, interest: int = 200) -> None:
    contracts = [contract("BTCUSDT", "BTC"), contract("1000PEPEUSDT", "PEPE"), contract("TWOUSDT", "TWO")]
    web.get(f"{PERPETUAL}/fapi/v1/exchangeInfo", json={"symbols": contracts, "rateLimits": [], "assets": []})
    last = {"BTCUSDT": "100.0", "1000PEPEUSDT": "9000", "TWOUSDT": "2.0"}
    tickers = [{"symbol": symbol, "lastPrice": price, "closeTime": 1} for symbol, price in last.items()]
    web.get(f"{PERPETUAL}/fapi/v1/ticker/24hr", json=tickers)

    def funding(request: Any) -> tuple[int, dict[str, str], str]:
        query = {name: values[0] for name, values in parse_qs(urlparse(request.url).query).items()}
        rows = [
            {"symbol": query["symbol"], "fundingTime": stamp(day, hour), "fundingRate": rate}
            for day, hour, rate in (
                (LAST - timedelta(days=1), 0, "0.0001"),
                (LAST - timedelta(days=1), 8, "0.0002"),
                (LAST - timedelta(days=1), 16, "0.0006"),
                (LAST, 0, "0.0001"),
                (LAST, 16, "0.0001"),
            )
            if stamp(day, hour) >= int(query["startTime"])
        ]
        return 200, {}, json.dumps(rows)

    web.add_callback(responses.GET, re.compile(f"{PERPETUAL}/fapi/v1/fundingRate"), callback=funding)
    held = {"openInterest": "12.5", "symbol": "BTCUSDT", "time": stamp(LAST, 23)}
    web.get(re.compile(f"{PERPETUAL}/fapi/v1/openInterest"), json=held, status=interest)


def listed(*tokens: tuple[str, str, float]) -> list[Listed]:
    moment = datetime(2022, 1, 11, tzinfo=UTC)
    return [Listed(AssetRecord(slug, symbol, slug), price, None, moment) for slug, symbol, price in tokens]


TOKENS = listed(("bitcoin", "BTC", 99.0), ("pepe", "PEPE", 9.0), ("one", "TWO", 2.0), ("other", "TWO", 2.0))


def test_a_perpetual_is_a_tokens_where_symbol_and_price_say_so(web: responses.RequestsMock) -> None:
    binance(web)
    with Perpetuals("binanceusdm") as venue:
        assert venue.match(TOKENS) == {"bitcoin": "BTC/USDT:USDT"}
        readings, failed = venue.daily(first=FIRST, through=LAST)
    assert failed == 0
    rows: Any = readings.rows.set_index("day")
    assert (readings.family, readings.source, set(rows["asset"])) == (
        "derivatives",
        "binanceusdm",
        {"bitcoin"},
    )
    before, last = np.datetime64(LAST - timedelta(days=1)), np.datetime64(LAST)
    assert rows.loc[before, "funding_rate"] == pytest.approx(0.0003)
    assert np.isnan(rows.loc[last, "funding_rate"])  # one settlement of the day is missing
    assert np.isnan(rows.loc[before, "open_interest"])
    assert rows.loc[last, "open_interest"] == pytest.approx(1250.0)


def test_a_venue_that_answers_for_none_and_one_that_is_none(web: responses.RequestsMock) -> None:
    binance(web, interest=400)
    with Perpetuals("binanceusdm") as venue:
        venue.match(TOKENS)
        with pytest.raises(ProviderError, match="answered for none of 1"):
            venue.daily(first=FIRST, through=LAST)
    with pytest.raises(ProviderError, match="ccxt knows no 'nowhere'"):
        Perpetuals("nowhere")


@pytest.fixture
def live(settings: Any) -> Market:
    settings.FEAR_GREED, settings.COINMETRICS, settings.DERIVATIVES_EXCHANGE = True, True, "binanceusdm"
    close = {"btc": [100.0] * 10, "eth": [7.0] * 10}
    market_store(panel_make(close, first_day=date(2022, 1, 1)), source="coingecko")
    market = Market.objects.get()
    market.source, market.time = Market.Source.LIVE, None
    market.save()
    return market


def onchain(
    web: responses.RequestsMock, count: str = "10", *, days: tuple[date, ...] = (FIRST, LAST)
) -> None:
    web.upsert(
        responses.GET,
        COIN,
        json={
            "data": [
                *(row("btc", day, AdrActCnt=count, PriceUSD="101") for day in days),
                row("eth", LAST, AdrActCnt="5", PriceUSD="900"),
            ]
        },
    )


AT = datetime(2022, 1, 11, 0, 20, tzinfo=UTC)


@pytest.mark.django_db
def test_a_day_is_fetched_once_and_a_failing_source_is_asked_again(
    live: Market, web: responses.RequestsMock, time_machine: Any
) -> None:
    time_machine.move_to(AT)
    onchain(web, days=(FIRST,))
    binance(web)
    web.get(MOOD, status=404)
    first = services.observations_fetch(at=AT)
    stored = Observation.objects.values_list("source", "asset__slug", "day", "known_at")
    assert set(stored) == {
        ("coinmetrics", "btc", FIRST, AT),
        ("binanceusdm", "btc", LAST - timedelta(days=1), AT),
        ("binanceusdm", "btc", LAST, AT),
    }
    assert first == 3
    web.upsert(responses.GET, MOOD, json=mood(LAST))
    later = AT + timedelta(hours=5)
    onchain(web)
    asked = len(web.calls)
    assert (
        services.observations_fetch(at=later) == 2
    )  # the mood, and the day that Coin Metrics had not told yet
    assert len(web.calls) == asked + 2
    assert services.observations_fetch(at=later) == 0
    assert len(web.calls) == asked + 2


@pytest.mark.django_db
def test_what_was_fetched_in_time_stands_in_its_row(
    live: Market, web: responses.RequestsMock, time_machine: Any
) -> None:
    time_machine.move_to(AT)
    onchain(web, days=(date(2022, 1, 9),))
    binance(web)
    web.get(MOOD, json=mood(LAST, date(2022, 1, 9)))
    services.observations_fetch(at=AT)
    panel = selectors.panel(as_of=LAST, observed=True)
    seen = {name: each.values[:, 0].tolist() for name, each in panel.observed.items()}
    nothing = [np.nan] * 9
    np.testing.assert_equal(
        seen,
        {"AdrActCnt": [*nothing, 10.0], "open_interest": [*nothing, 1250.0], "fear_greed": [*nothing, 42.0]},
    )  # of the ninth, only the count of blocks had until then


@pytest.mark.django_db
def test_a_history_counts_as_fetched_when_it_was_published(
    live: Market, web: responses.RequestsMock, time_machine: Any
) -> None:
    time_machine.move_to(AT)
    onchain(web)
    binance(web)
    web.get(MOOD, json=mood(FIRST, LAST))
    noted = services.observations_history(market=live, days=7, at=AT)
    assert noted.read == 6
    assert noted.refused == {"in_future": 1}  # the blocks of the last day are counted in the day after
    known = dict(Observation.objects.filter(source="coinmetrics").values_list("day", "known_at"))
    assert known == {FIRST: datetime(2022, 1, 6, tzinfo=UTC)}
    assert services.observations_fetch(at=AT) == 1


@pytest.mark.django_db
def test_only_the_live_market_and_only_what_is_turned_on(
    live: Market, web: responses.RequestsMock, settings: Any, time_machine: Any
) -> None:
    time_machine.move_to(AT)
    settings.FEAR_GREED, settings.COINMETRICS, settings.DERIVATIVES_EXCHANGE = False, False, ""
    assert services.observations_fetch(at=AT) == 0
    settings.FEAR_GREED = True
    Market.objects.update(source=Market.Source.ARCHIVE, time=AT)
    assert services.observations_fetch(at=AT) == 0
    assert len(web.calls) == 0
