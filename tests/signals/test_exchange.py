"""ccxt against a small server on this machine that answers as Binance does, from recorded replies."""

import json
import threading
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_UP, getcontext
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlparse

import pandas as pd
import pytest

from signals.providers.base import AssetRecord, Listed, ProviderError
from signals.providers.exchange import Exchange, quoted

DAY = 86_400_000
START = int(datetime(2022, 1, 1, tzinfo=UTC).timestamp() * 1000)
BARS = 620  # more than one page


def market(base, quote="USDT"):
    return {
        "symbol": base + quote,
        "status": "TRADING",
        "baseAsset": base,
        "quoteAsset": quote,
        "baseAssetPrecision": 8,
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "baseCommissionPrecision": 8,
        "quoteCommissionPrecision": 8,
        "orderTypes": ["LIMIT", "MARKET"],
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "permissions": [],
        "permissionSets": [["SPOT"]],
        "filters": [
            {"filterType": "PRICE_FILTER", "minPrice": "0.01", "maxPrice": "1000000", "tickSize": "0.01"},
            {"filterType": "LOT_SIZE", "minQty": "0.00001", "maxQty": "9000", "stepSize": "0.00001"},
        ],
    }


def ticker(symbol, last):
    fields = (
        "priceChange",
        "priceChangePercent",
        "weightedAvgPrice",
        "prevClosePrice",
        "bidPrice",
        "askPrice",
        "openPrice",
    )
    numbers = dict.fromkeys((*fields, "highPrice", "lowPrice", "lastPrice"), last)
    return {
        "symbol": symbol,
        **numbers,
        "volume": "1",
        "quoteVolume": "1",
        "openTime": START,
        "closeTime": START + DAY,
    }


class Binance(BaseHTTPRequestHandler):
    failures = 0
    asked: list[str] = []

    def do_GET(self):
        url = urlparse(self.path)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        type(self).asked.append(url.path)
        if type(self).failures > 0:
            type(self).failures -= 1
            self.answer({"code": -1000, "msg": "busy"}, status=503)
        elif url.path.endswith("/exchangeInfo"):
            self.answer(
                {
                    "timezone": "UTC",
                    "symbols": [market("BTC"), market("TWIN"), market("FAR"), market("BTC", "EUR")],
                }
            )
        elif url.path.endswith("/ticker/24hr"):
            self.answer([ticker("BTCUSDT", "60100.0"), ticker("TWINUSDT", "5.0"), ticker("FARUSDT", "9.0")])
        elif url.path.endswith("/klines"):
            self.answer(self.klines(int(query["startTime"]), int(query["limit"])))
        else:
            self.answer({"code": -1, "msg": "unknown"}, status=404)

    def klines(self, since, limit):
        first = -(-(since - START) // DAY)
        bars = []
        for number in range(max(first, 0), min(first + limit, BARS)):
            stamp, price = START + number * DAY, 100 + number
            bars.append(
                [
                    stamp,
                    str(price),
                    str(price + 2),
                    str(price - 1),
                    str(price + 1),
                    "3.5",
                    stamp + DAY - 1,
                    "0",
                    1,
                    "0",
                    "0",
                    "0",
                ]
            )
        return bars

    def answer(self, reply, status=200):
        body = json.dumps(reply).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *details):
        """Quiet."""


@pytest.fixture
def root():
    Binance.failures, Binance.asked = 0, []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Binance)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def venue(root):
    with Exchange("binance", quote="USDT", root=root, backoff=0) as exchange:
        yield exchange


def listed(slug, symbol, price):
    return Listed(AssetRecord(slug, symbol, slug.title()), price, None, datetime(2022, 1, 1, tzinfo=UTC))


BITCOIN = listed("bitcoin", "BTC", 60_000.0)


def test_a_market_is_matched_by_symbol_and_price_and_never_by_symbol_alone(venue):
    tokens = [
        BITCOIN,
        listed("far-coin", "FAR", 4.0),  # the venue's FAR costs 9
        listed("twin-one", "TWIN", 5.0),
        listed("twin-two", "TWIN", 5.0),
        listed("elsewhere", "ELS", 1.0),
    ]
    assert venue.match(tokens) == {"bitcoin": "BTC/USDT"}


def test_history_comes_over_several_pages_without_a_gap(venue):
    venue.match([BITCOIN])
    rows = venue.history(
        "bitcoin", first=date(2022, 1, 1), through=date(2022, 1, 1) + timedelta(days=BARS - 1)
    )
    assert len(rows) == BARS
    assert (rows["opened_at"].diff().dropna() == timedelta(days=1)).all()
    first = rows.iloc[0]
    assert (first["open"], first["high"], first["low"], first["close"]) == (100, 102, 99, 101)
    assert first["volume"] == 3.5 * 101
    assert rows["market_cap"].isna().all()


def test_history_stops_at_the_day_asked_for(venue):
    venue.match([BITCOIN])
    rows = venue.history("bitcoin", first=date(2022, 1, 3), through=date(2022, 1, 5))
    assert [moment.day for moment in rows["opened_at"]] == [3, 4, 5]


def test_a_token_that_is_not_listed_has_no_history(venue):
    venue.match([BITCOIN])
    assert venue.history("elsewhere", first=date(2022, 1, 1), through=date(2022, 1, 5)).empty


def test_it_tries_again_after_a_refusal(venue):
    Binance.failures = 2
    assert venue.match([BITCOIN]) == {"bitcoin": "BTC/USDT"}
    assert sum(path.endswith("/exchangeInfo") for path in Binance.asked) == 3


def test_it_gives_up_in_the_end_and_says_where(venue):
    Binance.failures = 100
    with pytest.raises(ProviderError, match="binance could not be read"):
        venue.match([BITCOIN])


def test_what_the_library_does_to_decimals_stays_inside(venue, monkeypatch):
    before = getcontext().rounding

    def careless():
        getcontext().rounding = ROUND_UP
        return {}

    monkeypatch.setattr(venue._client, "load_markets", careless)
    assert venue.match([listed("bitcoin", "BTC", 100.0)]) == {}
    assert getcontext().rounding == before


def test_an_unknown_exchange_is_named():
    with pytest.raises(ProviderError, match="kraken or coinbase"):
        Exchange("nowhere")


def test_quotes_are_the_middle_of_the_book_of_this_minute(venue):
    moment = datetime(2022, 1, 3, 12, 0, 42, tzinfo=UTC)
    delivery = venue.quotes(moment, {"bitcoin": "BTC/USDT", "twin-one": "TWIN/USDT", "elsewhere": "ELS/USDT"})
    rows = delivery.rows.set_index("asset")
    assert delivery.source == "binance"
    assert rows["close"].to_dict() == {"bitcoin": 60_100.0, "twin-one": 5.0}
    assert set(rows["opened_at"]) == {pd.Timestamp(2022, 1, 3, 11, 59)}
    assert venue.quotes(moment, {}).rows.empty


@pytest.mark.parametrize(
    ("ticker", "told"),
    [
        ({"bid": 99.0, "ask": 101.0, "last": 70.0}, (100.0, 0)),
        ({"bid": 80.0, "ask": 120.0, "last": 70.0, "timestamp": 120_000}, (70.0, 180)),
        ({"bid": 101.0, "ask": 99.0, "last": 70.0, "timestamp": 300_000}, (70.0, 0)),
        ({"bid": None, "ask": None, "last": 70.0, "timestamp": 900_000}, (70.0, 0)),
        ({"bid": 80.0, "ask": 120.0, "last": 70.0, "timestamp": None}, None),
        ({"bid": 0.0, "ask": 0.0, "last": 0.0, "timestamp": 300_000}, None),
        ({}, None),
    ],
)
def test_a_wide_book_says_nothing_and_a_trade_has_its_own_time(ticker, told):
    moment = datetime(1970, 1, 1, 0, 5, tzinfo=UTC)
    answer = quoted(ticker, moment)
    if told is None:
        assert answer is None
    else:
        price, age = told
        assert answer == (price, moment - timedelta(seconds=age))
