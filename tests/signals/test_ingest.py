from datetime import UTC, date, datetime

import numpy as np
import pandas as pd
import pytest

from signals.models import Asset, Candle
from signals.services import assets_upsert, candles_ingest
from signals.services.ingest import AssetConflict, AssetFacts
from tests.markets import day_rows

pytestmark = pytest.mark.django_db
NOW = datetime(2022, 2, 1, tzinfo=UTC)


@pytest.fixture(autouse=True)
def two_assets():
    assets_upsert([AssetFacts("alpha", "ALP", "Alpha", ("defi", "ai")), AssetFacts("beta", "BET", "Beta")])


def store(rows, source="archive", **more):
    return candles_ingest(rows, source=source, interval="1d", known_at=NOW, **more)


def test_numbers_come_back_to_the_last_bit():
    numbers = {"open": 0.1, "high": 1 / 3, "low": 1e-18, "volume": 123456789.123456789, "market_cap": 2.0**80}
    store(day_rows("alpha", date(2022, 1, 5), [0.2]).assign(**numbers))
    candle = Candle.objects.get()
    assert (candle.asset.slug, candle.interval, candle.source) == ("alpha", "1d", "archive")
    assert candle.opened_at == datetime(2022, 1, 5, tzinfo=UTC)
    assert candle.close == 0.2
    assert {name: getattr(candle, name) for name in numbers} == numbers


def test_unknown_is_null_and_not_nan():
    store(day_rows("alpha", date(2022, 1, 5), [2.0]))
    candle = Candle.objects.get()
    assert (candle.open, candle.high, candle.low, candle.volume, candle.market_cap) == (None,) * 5


def test_twice_makes_no_duplicate_and_the_newest_values_win():
    rows = pd.concat(
        [day_rows("alpha", date(2022, 1, 1), [1, 2, 3]), day_rows("beta", date(2022, 1, 1), [4, 5])]
    )
    assert store(rows).written == 5
    again = store(rows)
    assert (again.read, again.written) == (5, 0)
    changed = store(day_rows("alpha", date(2022, 1, 2), [2.5]))
    assert changed.written == 1
    closes = Candle.objects.filter(asset__slug="alpha").order_by("opened_at").values_list("close", flat=True)
    assert list(closes) == [1, 2.5, 3]
    assert Candle.objects.count() == 5


def test_sources_keep_apart():
    store(day_rows("alpha", date(2022, 1, 1), [1]))
    store(day_rows("alpha", date(2022, 1, 1), [2]), source="kraken")
    assert sorted(Candle.objects.values_list("source", "close")) == [("archive", 1.0), ("kraken", 2.0)]


def test_refusals_are_counted_and_strangers_named_by_their_own_reason():
    rows = pd.concat(
        [
            day_rows("alpha", date(2022, 1, 1), [1.0, np.nan, 0.0, -1.0]),
            day_rows("alpha", date(2022, 1, 1), [7.0]),
            day_rows("alpha", date(2022, 2, 1), [1.0]),
            day_rows("nobody", date(2022, 1, 1), [1.0, 1.0]),
        ],
        ignore_index=True,
    )
    outcome = store(rows)
    assert (outcome.read, outcome.written) == (8, 1)
    assert outcome.refused == {
        "close_missing": 1,
        "close_not_positive": 2,
        "duplicate": 1,
        "in_future": 1,
        "asset_unknown": 2,
    }


def test_an_asset_knows_its_first_and_last_day():
    store(day_rows("alpha", date(2022, 1, 5), [1, 2, 3]))
    store(day_rows("alpha", date(2022, 1, 2), [1]))
    alpha = Asset.objects.get(slug="alpha")
    assert (alpha.first_day, alpha.last_day) == (date(2022, 1, 2), date(2022, 1, 7))
    assert Asset.objects.get(slug="beta").first_day is None


def test_minutes_do_not_move_the_listing_day():
    rows = day_rows("alpha", date(2022, 1, 5), [1.5])
    candles_ingest(rows, source="simulated", interval="1m", known_at=datetime(2022, 1, 5, 0, 1, tzinfo=UTC))
    assert Candle.objects.get().interval == "1m"
    assert Asset.objects.get(slug="alpha").first_day is None


def test_batches_join_up(monkeypatch):
    monkeypatch.setattr("signals.services.ingest.BATCH_ROWS", 3)
    said = []
    rows = day_rows("alpha", date(2022, 1, 1), list(range(1, 9)))
    outcome = store(rows, progress=lambda step, done, total: said.append((done, total)))
    assert outcome.written == 8
    assert said == [(3, 8), (6, 8), (8, 8)]


def test_an_asset_is_renamed_in_place_and_never_twice():
    ids = assets_upsert([AssetFacts("alpha", "NEW", "New name", ("rwa",))])
    alpha = Asset.objects.get(slug="alpha")
    assert (alpha.pk, alpha.symbol, alpha.name, alpha.categories) == (
        ids["alpha"],
        "NEW",
        "New name",
        ["rwa"],
    )
    assert Asset.objects.count() == 2


def test_an_invented_asset_never_takes_the_place_of_a_real_one():
    with pytest.raises(AssetConflict, match="alpha"):
        assets_upsert([AssetFacts("alpha", "SIM", "Simulated", is_simulated=True)])
    assert Asset.objects.get(slug="alpha").symbol == "ALP"
