"""What an archive holds beside its candles: tiny files with every oddity, and the real ones where there are some."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from django.core.management import call_command

from signals import selectors, services
from signals.core.features import catalogue, compute_last
from signals.core.observations import aligned
from signals.models import LoadRun, Observation
from signals.providers import archive, archive_observations
from signals.providers.base import ProviderError

DAYS = pd.date_range("2022-01-01", periods=14)
DESCRIBED = (
    "asset_id,symbol,name,sector_upstream,categories,is_stablecoin,is_wrapped_or_staked,usd_pegged_measured\n"
    "bitcoin,BTC,Bitcoin,,,False,False,False\n"
    "wrapped-coin,BTC,Wrapped Coin,,,False,True,False\n"
    "impostor,BTC,Impostor,,,False,False,False\n"
    "large,TWO,Large,,,False,False,False\n"
    "small,TWO,Small,,,False,False,False\n"
)
CLOSES = {"bitcoin": (100.0, 1e9), "wrapped-coin": (100.5, 1e6), "impostor": (3.0, 1e5), "large": (2.0, 1e8)}


class Flat:
    name = "flat"

    def score(self, text: str) -> float:
        return 0.5


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    lines = [
        (asset, "X", day, close * (1 + 0.01 * number), 10.0, cap, 0)
        for asset, (close, cap) in CLOSES.items()
        for number, day in enumerate(DAYS)
    ]
    # Of two tokens with one ticker the larger counts, as long as it is far larger.
    lines += [("small", "X", day, 5.0, 1.0, 1e6 if number < 7 else 9e7, 0) for number, day in enumerate(DAYS)]
    table = pd.DataFrame(
        lines, columns=["asset_id", "symbol", "date", "close", "volume_usd", "market_cap_usd", "suspect"]
    )
    table[["open", "high", "low"]] = np.nan
    table["asset_id"] = table["asset_id"].astype("category")
    table.to_parquet(tmp_path / "daily.parquet")
    (tmp_path / "assets.csv").write_text(DESCRIBED)
    before = [pd.Timestamp("2021-12-31"), *DAYS]
    price = [99.0, *(100.0 * (1 + 0.01 * number) for number in range(14))]
    onchain = pd.DataFrame({"date": before, "asset": "btc", "PriceUSD": np.array(price, dtype=np.float32)})
    onchain["AdrActCnt"] = np.arange(15.0, dtype="float32")
    onchain["CapMrktCurUSD"], onchain["CapMVRVCur"] = np.float32(200.0), np.float32(2.0)
    onchain["FeeTotUSD"] = np.float32(-1.0)
    onchain["FlowInExUSD"] = np.float32(5.0)
    nobody = onchain.assign(asset="nobody")
    pd.concat([onchain, nobody, onchain.iloc[[4]]]).to_parquet(tmp_path / "onchain.parquet")
    perpetuals = [
        (DAYS[number], symbol, metric, value)
        for number in (2, 9)
        for symbol, metric, value in (
            ("BTC", "funding_rate_8h_daily_mean", -0.1),
            ("BTC", "open_interest_close_usd", 7.0),
            ("TWO", "open_interest_close_usd", 8.0),
            ("XYZ", "open_interest_close_usd", 9.0),
            ("BTC", "liquidations", 1.0),
        )
    ]
    pd.DataFrame(perpetuals, columns=["date", "symbol", "metric", "value"]).to_parquet(
        tmp_path / "derivatives.parquet"
    )
    pd.DataFrame({"date": DAYS[:3], "value": np.array([10, 20, 30], dtype=np.int16)}).to_parquet(
        tmp_path / "fear_greed.parquet"
    )
    news = pd.DataFrame(
        {"ts": [DAYS[1] + pd.Timedelta(hours=5)] * 2, "text": ["Bitcoin is up", "bitcoin is  UP!"]}
    )
    news.assign(title=pd.Series([None, "Again"], dtype=object)).to_parquet(tmp_path / "news.parquet")
    return tmp_path


def _read(folder: Path) -> archive_observations.Beside:
    return archive_observations.read(folder, archive.read(folder), scorer=Flat())


def _panel(folder: Path) -> Any:
    return services.archive_panel(folder, observations=True).observed


def test_each_number_is_given_to_whose_it_is(tiny: Path) -> None:
    beside = _read(tiny)
    onchain, perpetuals, sentiment = (each.rows for each in beside.readings)
    assert set(onchain["asset"]) == {"bitcoin"}
    assert (
        onchain["AdrActCnt"].tolist() == np.arange(1.0, 15.0).tolist()
    )  # not the day before the candles begin
    assert set(onchain["CapRealUSD"]) == {100.0}  # by definition: cap / ratio
    assert not [name for name in onchain if str(name).startswith("Flow")]
    assert (onchain["known_at"] - onchain["day"]).unique().tolist() == [pd.Timedelta(days=2)]
    held = perpetuals.set_index(["asset", "day"])["open_interest"]
    assert held.to_dict() == {("bitcoin", DAYS[2]): 7.0, ("bitcoin", DAYS[9]): 7.0, ("large", DAYS[2]): 8.0}
    assert set(perpetuals["funding_rate"].dropna()) == {-0.1}
    market = sentiment[sentiment["asset"].isna()].set_index("day")
    assert market["fear_greed"].tolist() == [10.0, 20.0, 30.0]
    assert market["market_news_count"].dropna().to_dict() == {DAYS[1]: 1.0}
    own = sentiment[sentiment["asset"].notna()]
    assert own[["asset", "day", "news_count", "news_sent"]].to_numpy().tolist() == [
        ["bitcoin", DAYS[1], 1.0, 0.5]
    ]
    assert beside.refused == {"onchain_unmatched": 15, "derivatives_unmatched": 3}
    assert beside.cleared == {"onchain_impossible": 14}


def test_an_archive_without_any_or_some_of_the_files_is_one_too(tiny: Path) -> None:
    for name in ("derivatives", "news"):
        (tiny / f"{name}.parquet").unlink()
    assert set(_panel(tiny)) == {"AdrActCnt", "CapMVRVCur", "CapRealUSD", "fear_greed"}
    table = pd.read_parquet(tiny / "onchain.parquet")
    table.drop(columns="PriceUSD").to_parquet(tiny / "onchain.parquet")
    assert _read(tiny).refused == {"onchain_unmatched": 31}
    for name in ("onchain", "fear_greed"):
        (tiny / f"{name}.parquet").unlink()
    assert not _panel(tiny)
    (tiny / "news.parquet").write_bytes(b"not parquet")
    with pytest.raises(ProviderError, match=r"news\.parquet cannot be read"):
        _read(tiny)
    pd.DataFrame({"ts": DAYS}).to_parquet(tiny / "news.parquet")
    with pytest.raises(ProviderError, match="lacks the columns text"):
        _read(tiny)


@pytest.mark.django_db
def test_the_store_and_the_straight_path_hold_the_same(
    tiny: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("market_load", source="archive", path=tiny)
    said = capsys.readouterr().out
    assert "21 observations read, 21 new or changed" in said
    run = LoadRun.objects.get(source=services.OBSERVATIONS)
    assert (run.refused, run.cleared, run.finished_at is not None) == (
        {"onchain_unmatched": 15, "derivatives_unmatched": 3}, {"onchain_impossible": 14}, True,
    )  # fmt: skip
    straight = _panel(tiny)
    stored = selectors.panel(as_of=DAYS[-1].date(), observed=True).observed
    assert set(stored) == set(straight)
    for name, each in straight.items():
        assert each.columns == stored[name].columns
        np.testing.assert_array_equal(each.values, stored[name].values)
    count = Observation.objects.count()
    call_command("market_load", source="archive", path=tiny)
    assert "21 observations read, 0 new or changed" in capsys.readouterr().out
    assert Observation.objects.count() == count == 21


def test_the_real_archive_gives_what_is_known_of_it(archive_path: Path) -> None:
    delivery = archive.read(archive_path)
    beside = archive_observations.read(archive_path, delivery)
    if {each.family for each in beside.readings} != {"onchain", "derivatives", "sentiment"}:
        pytest.skip(f"{archive_path} does not hold all four files beside the candles")
    rows = {each.family: each.rows for each in beside.readings}
    mood = rows["sentiment"].set_index("day")["fear_greed"].dropna()
    assert mood.loc["2018-02-01"] == 30
    assert rows["onchain"]["asset"].nunique() > 80
    assert not set(rows["onchain"]["asset"]) & {"binance-peg-dogecoin", "wrapped-avax"}
    funding = rows["derivatives"].dropna(subset="funding_rate")
    assert set(funding["asset"]) == {"bitcoin"}
    assert set(rows["derivatives"]["asset"]) >= {"ethereum", "solana", "ripple", "the-graph", "optimism"}
    days = pd.date_range("2020-01-05", "2021-06-27")
    slugs = sorted(set(rows["onchain"]["asset"]))
    found = aligned(pd.DatetimeIndex(days.to_numpy().astype("datetime64[s]")), slugs, beside.readings)
    count = found["AdrActCnt"].values
    assert np.median((~np.isnan(count)).sum(axis=1)) > 60
    bitcoin = rows["onchain"].set_index(["asset", "day"]).loc["bitcoin"]["AdrActCnt"]
    place = (found["AdrActCnt"].columns or ()).index("bitcoin")
    assert count[10, place] == bitcoin.loc[days[9]]


def test_the_last_day_of_the_tiny_archive_has_what_it_should(tiny: Path) -> None:
    panel = services.archive_panel(tiny, observations=True)
    names = [feature.name for feature in catalogue() if feature.needs]
    last = compute_last(panel, names)
    assert last.loc["bitcoin", "log_active_addr"] == pytest.approx(np.log(13.0))
    assert last.loc["bitcoin", "mvrv"] == 2.0
    assert last.loc["impostor"].isna().all()
    assert last["fear_greed"].isna().all()  # published for the first three days only
