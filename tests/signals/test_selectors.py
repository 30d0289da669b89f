from datetime import UTC, date, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from signals import selectors
from signals.models import Asset, Market
from signals.services import candles_ingest
from tests.markets import day_rows, market_store, panel_make

pytestmark = pytest.mark.django_db
NAN = float("nan")
DAY_3 = date(2022, 1, 3)


@pytest.fixture
def stored():
    panel = panel_make(
        {"beta": [10, 11, 12, 13], "alpha": [NAN, 1, 2, 4], "gone": [5, 6, NAN, NAN]},
        categories={"alpha": ["defi"], "gone": ["defi", "meme"]},
    )
    market_store(panel)
    return panel


def test_without_a_market_the_message_says_what_to_do():
    with pytest.raises(selectors.MarketNotLoaded, match="market_load"):
        selectors.market_active()
    assert selectors.market_active_or_none() is None


def test_the_panel_is_what_was_stored(stored):
    panel = selectors.panel(as_of=date(2022, 1, 4))
    assert panel.assets == ["alpha", "beta", "gone"]
    expected = stored.select(panel.assets)
    assert panel.dates.equals(expected.dates)
    for name in ("close", "market_cap", "volume", "open", "high", "low"):
        np.testing.assert_array_equal(getattr(panel, name), getattr(expected, name))
    assert panel.categories == expected.categories
    assert panel.first_days.tolist() == [date(2022, 1, 2), date(2022, 1, 1), date(2022, 1, 1)]


def test_a_window_keeps_the_true_listing_days_and_drops_the_silent(stored):
    panel = selectors.panel(as_of=date(2022, 1, 4), days=2)
    assert [moment.day for moment in panel.dates] == [3, 4]
    assert panel.assets == ["alpha", "beta"]
    assert panel.first_days.tolist() == [date(2022, 1, 2), date(2022, 1, 1)]


def test_a_panel_of_some_assets(stored):
    panel = selectors.panel(as_of=DAY_3, assets=["gone", "beta", "nobody"])
    assert panel.assets == ["beta", "gone"]
    np.testing.assert_array_equal(panel.close, [[10, 5], [11, 6], [12, NAN]])


def test_no_read_sees_past_the_clock(stored):
    Market.objects.update(time=datetime(2022, 1, 3, tzinfo=UTC))
    assert selectors.last_closed_day() == date(2022, 1, 2)
    with pytest.raises(selectors.NotYetKnown, match="2022-01-02"):
        selectors.panel(as_of=DAY_3)
    with pytest.raises(selectors.NotYetKnown):
        selectors.asset_list(as_of=DAY_3)
    with pytest.raises(selectors.NotYetKnown):
        selectors.price_history("beta", as_of=DAY_3, days=2)
    with pytest.raises(selectors.NotYetKnown):
        selectors.prices(["beta"], at=datetime(2022, 1, 3, 0, 0, 1, tzinfo=UTC))
    panel = selectors.panel(as_of=date(2022, 1, 2))
    assert panel.first_days.tolist() == [date(2022, 1, 2), date(2022, 1, 1), date(2022, 1, 1)]
    assert panel.shape == (2, 3)


def test_a_stored_panel_cut_equals_the_full_panel_cut(stored):
    cut = selectors.panel(as_of=date(2022, 1, 4)).as_of("2022-01-02")
    read = selectors.panel(as_of=date(2022, 1, 2))
    assert read.close.tobytes() == cut.close.tobytes()
    np.testing.assert_array_equal(read.first_days, cut.first_days)


def test_the_market_says_what_it_is(stored):
    assert selectors.market_label() == "archived market"
    assert selectors.market_time() == datetime(2022, 1, 5, tzinfo=UTC)


def quote(slug, moment, price):
    rows = day_rows(slug, date(2022, 1, 1), [price]).assign(opened_at=pd.Timestamp(moment).tz_localize(None))
    candles_ingest(rows, source="archive", interval="1m", known_at=moment + timedelta(minutes=1))


def test_a_close_counts_from_the_end_of_its_day_for_a_week(stored):
    Market.objects.update(time=datetime(2022, 3, 1, tzinfo=UTC))
    moment = datetime(2022, 1, 4, 23, 59, tzinfo=UTC)
    assert selectors.prices(["alpha", "beta", "gone", "nobody"], at=moment) == {
        "alpha": 2,
        "beta": 12,
        "gone": 6,
    }
    assert selectors.prices(["alpha", "beta"], at=moment + timedelta(minutes=1)) == {"alpha": 4, "beta": 13}
    assert selectors.prices(["gone"], at=datetime(2022, 1, 9, 12, tzinfo=UTC)) == {"gone": 6}
    assert selectors.prices(["gone"], at=datetime(2022, 1, 10, 0, 0, tzinfo=UTC)) == {}
    assert selectors.prices([], at=moment) == {}


def test_a_quote_counts_from_the_end_of_its_minute_for_a_day(stored):
    Market.objects.update(time=datetime(2022, 3, 1, tzinfo=UTC))
    quote("beta", datetime(2022, 1, 5, 9, 30, tzinfo=UTC), 13.5)
    quote("beta", datetime(2022, 1, 5, 9, 31, tzinfo=UTC), 13.7)
    at = datetime(2022, 1, 5, 9, 31, 30, tzinfo=UTC)
    assert selectors.prices(["beta", "alpha"], at=at) == {"beta": 13.5, "alpha": 4}
    assert selectors.prices(["beta"], at=at + timedelta(seconds=30)) == {"beta": 13.7}
    assert selectors.prices(["beta"], at=at + timedelta(hours=23)) == {"beta": 13.7}
    assert selectors.prices(["beta"], at=at + timedelta(hours=25)) == {"beta": 13}


def test_a_close_later_than_the_last_quote_is_the_mark(stored):
    Market.objects.update(time=datetime(2022, 3, 1, tzinfo=UTC))
    quote("beta", datetime(2022, 1, 4, 12, 0, tzinfo=UTC), 99.0)
    assert selectors.prices(["beta"], at=datetime(2022, 1, 4, 13, tzinfo=UTC)) == {"beta": 99.0}
    assert selectors.prices(["beta"], at=datetime(2022, 1, 5, tzinfo=UTC)) == {"beta": 13}


def test_price_history_is_in_order_and_ends_at_as_of(stored):
    assert selectors.price_history("alpha", as_of=DAY_3, days=30) == [(date(2022, 1, 2), 1.0), (DAY_3, 2.0)]
    assert selectors.price_history("beta", as_of=DAY_3, days=1) == [(DAY_3, 12.0)]
    with pytest.raises(Asset.DoesNotExist):
        selectors.price_history("nobody", as_of=DAY_3, days=1)


def test_the_asset_list_has_prices_and_changes(stored):
    alpha, beta, gone = sorted(selectors.asset_list(as_of=date(2022, 1, 4)), key=lambda row: row.slug)
    assert (alpha.price, alpha.change_1d, alpha.change_7d) == (4, 1.0, None)
    assert beta.change_1d == pytest.approx(13 / 12 - 1, abs=1e-15)
    assert (beta.market_cap, beta.volume) == (13e6, 13e5)
    assert (gone.day, gone.price) == (date(2022, 1, 2), 6)
    assert gone.change_1d == pytest.approx(0.2)
    assert alpha.categories == ["defi"]


def test_the_asset_list_is_ordered_searched_and_paged(stored):
    def slugs(**more):
        return [row.slug for row in selectors.asset_list(as_of=date(2022, 1, 4), **more)]

    assert slugs() == ["beta", "gone", "alpha"]
    assert slugs(order="price") == ["alpha", "gone", "beta"]
    assert slugs(order="-change_1d") == ["alpha", "gone", "beta"]
    assert slugs(limit=1, offset=1) == ["gone"]
    assert slugs(search="ALP") == ["alpha"]
    assert slugs(search="100%") == []
    assert slugs(category="defi") == ["gone", "alpha"]
    assert slugs(category="meme", search="a") == []
    with pytest.raises(ValueError, match="order"):
        slugs(order="price; DROP TABLE")


def test_the_live_market_fills_gaps_from_the_exchange():
    market_store(panel_make({"beta": [10, 11]}))
    Market.objects.update(is_active=False)
    Market.objects.create(
        source="live", is_active=True, time=datetime(2022, 1, 4, tzinfo=UTC), settings={"exchange": "kraken"}
    )
    now = datetime(2022, 1, 4, tzinfo=UTC)
    candles_ingest(
        day_rows("beta", date(2022, 1, 1), [20, 21], market_cap=7.0),
        source="coingecko",
        interval="1d",
        known_at=now,
    )
    candles_ingest(
        day_rows("beta", date(2022, 1, 2), [30, 31], open=30.0, high=40.0, low=29.0, market_cap=9.0),
        source="kraken",
        interval="1d",
        known_at=now,
    )
    panel = selectors.panel(as_of=DAY_3)
    assert panel.close[:, 0].tolist() == [20, 21, 31]
    assert panel.market_cap[:, 0].tolist() == [7, 7, 9]
    np.testing.assert_array_equal(panel.open[:, 0], [NAN, 30, 30])
    assert selectors.price_history("beta", as_of=DAY_3, days=3)[1] == (date(2022, 1, 2), 21.0)
    assert selectors.prices(["beta"], at=datetime(2022, 1, 3, tzinfo=UTC)) == {"beta": 21}


def test_as_many_queries_for_many_assets_as_for_one(stored, django_assert_num_queries):
    with django_assert_num_queries(2):  # market and assets; the COPY goes past Django's count
        selectors.panel(as_of=DAY_3)
    with django_assert_num_queries(2):
        selectors.prices(["alpha", "beta", "gone"], at=datetime(2022, 1, 4, tzinfo=UTC))
    with django_assert_num_queries(3):  # market, the day of the grades in force, the list
        selectors.asset_list(as_of=DAY_3)
