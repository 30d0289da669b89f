"""A market archive: a tiny one written here, with every oddity, and the real one where there is one."""

from datetime import date

import numpy as np
import pandas as pd
import pytest
from django.core.management import CommandError, call_command

from signals import selectors, services
from signals.models import Asset, Candle, LoadRun, Market
from signals.providers import archive
from signals.providers.base import ProviderError

DESCRIBED = (
    "asset_id,symbol,name,sector_upstream,categories,is_stablecoin,is_wrapped_or_staked,usd_pegged_measured\n"
    "alpha-[old],ALP,Alpha,,Layer 1 (L1);Meme,False,False,False\n"
    "dollar,USDX,Dollar X,,,False,False,True\n"
    "walpha,WALP,Something,,,False,True,False\n"
    "unseen,UNS,Unseen,,,False,False,False\n"
)


@pytest.fixture
def tiny(tmp_path):
    days = pd.date_range("2022-01-01", periods=4)
    lines = [("alpha-[old]", "ALP", day, 1.0 + number, 100.0, 1000.0, 0) for number, day in enumerate(days)]
    lines += [("dollar", "USDX", day, 1.0, 100.0, 5000.0, 0) for day in days]
    lines += [
        ("walpha", "WALP", day, 2.0, 100.0, 50.0, flag) for day, flag in zip(days, (0, 1, 2, 3), strict=True)
    ]
    table = pd.DataFrame(
        lines, columns=["asset_id", "symbol", "date", "close", "volume_usd", "market_cap_usd", "suspect"]
    )
    table[["open", "high", "low"]] = np.nan
    table.loc[0, ["open", "high", "low"]] = [1.0, 1.5, 0.5]
    table.loc[1, "close"] = np.nan
    table.loc[2, "volume_usd"] = -1.0
    numbers = ["open", "high", "low", "close", "volume_usd", "market_cap_usd"]
    table[numbers] = table[numbers].astype("float32")
    table["asset_id"] = table["asset_id"].astype("category")
    table.to_parquet(tmp_path / "daily.parquet")
    (tmp_path / "assets.csv").write_text(DESCRIBED)
    return tmp_path


@pytest.mark.django_db
def test_a_tiny_archive_loads_with_every_refusal_counted(tiny):
    run = services.market_load_archive(tiny)
    assert (run.rows_read, run.rows_written) == (12, 8)
    assert run.refused == {"close_missing": 1, "volume_negative": 1, "suspect_spike": 2}
    stored = LoadRun.objects.get()
    assert (stored.source, stored.refused, stored.rows_written) == ("archive", run.refused, 8)
    assert stored.finished_at is not None
    assert sorted(Asset.objects.values_list("slug", flat=True)) == ["alpha-old", "dollar", "walpha"]
    assert Asset.objects.get(slug="alpha-old").categories == ["layer-1", "layer-1-l1", "meme"]
    assert Asset.objects.get(slug="dollar").categories == ["stablecoin"]
    assert Asset.objects.get(slug="walpha").categories == ["wrapped"]
    caps = (
        Candle.objects.filter(asset__slug="walpha").order_by("opened_at").values_list("market_cap", flat=True)
    )
    assert list(caps) == [50.0, None]  # the supply jump of the third day
    assert selectors.last_closed_day() == date(2022, 1, 4)
    assert selectors.market_active().settings["archive_sha256"] == archive.fingerprint(tiny)


@pytest.mark.django_db
def test_loading_twice_makes_no_duplicate(tiny):
    services.market_load_archive(tiny, replay_from=date(2022, 1, 2))
    before = list(Candle.objects.order_by("pk").values_list())
    again = services.market_load_archive(tiny)
    assert again.rows_written == 0
    assert list(Candle.objects.order_by("pk").values_list()) == before
    assert selectors.last_closed_day() == date(2022, 1, 2)
    assert Market.objects.count() == 1


@pytest.mark.django_db
def test_the_panel_of_the_store_is_the_panel_of_the_archive(tiny):
    services.market_load_archive(tiny)
    stored, direct = selectors.panel(as_of=date(2022, 1, 4)), services.archive_panel(tiny)
    assert stored.assets == direct.assets
    assert stored.dates.equals(direct.dates)
    assert stored.categories == direct.categories
    np.testing.assert_array_equal(stored.first_days, direct.first_days)
    for name in ("close", "market_cap", "volume", "open", "high", "low"):
        assert getattr(stored, name).tobytes() == getattr(direct, name).tobytes()


def test_a_part_of_an_archive_keeps_the_true_listing_days(tiny):
    panel = services.archive_panel(tiny, start=date(2022, 1, 3), end=date(2022, 1, 3))
    assert [moment.date() for moment in panel.dates] == [date(2022, 1, 3)]
    assert panel.first_days.tolist() == [date(2022, 1, 1)] * len(panel.assets)


@pytest.mark.django_db
def test_the_command_reports_counts_and_refusals(tiny, capsys):
    call_command("market_load", source="archive", path=tiny, replay_from=date(2022, 1, 3))
    printed = capsys.readouterr().out
    assert "12 rows read, 8 new or changed" in printed
    assert "refused suspect_spike: 2" in printed
    assert "active: archived market, 2022-01-01 to 2022-01-04, clock at 2022-01-04 00:00 UTC" in printed


@pytest.mark.django_db
def test_what_is_not_an_archive_is_refused_in_one_sentence(tiny, tmp_path):
    with pytest.raises(CommandError, match="--path"):
        call_command("market_load", source="archive")
    with pytest.raises(CommandError, match=r"holds no daily\.parquet"):
        call_command("market_load", source="archive", path=tmp_path / "nowhere")
    (tiny / "assets.csv").write_text(DESCRIBED.replace("walpha", "someone"))
    with pytest.raises(ProviderError, match="does not describe walpha"):
        archive.read(tiny)
    (tiny / "daily.parquet").write_bytes(b"not parquet")
    with pytest.raises(ProviderError, match="cannot be read"):
        archive.read(tiny)
    assert not Candle.objects.exists()


FACTS = [
    ("bitcoin", "2017-12-16", 19_497),
    ("bitcoin", "2020-03-12", 5_143),
    ("bitcoin", "2021-11-10", 65_061),
    ("bitcoin", "2022-11-21", 15_814),
    ("ethereum", "2021-11-08", 4_815),
    ("terra-luna", "2022-05-07", 68.6),
    ("terra-luna", "2022-05-12", 0.0012),
    ("terra-luna", "2022-05-13", 0.00012),
    ("ftx-token", "2022-11-07", 22.1),
    ("ftx-token", "2022-11-08", 5.50),
    ("ftx-token", "2022-11-09", 2.27),
]


@pytest.mark.django_db
def test_the_real_archive_loads_and_its_known_closes_are_there(archive_path):
    run = services.market_load_archive(archive_path, replay_from=date(2022, 12, 31))
    assert run.rows_read == run.rows_written + sum(run.refused.values())
    assert set(run.refused) == {"suspect_spike"}
    panel = selectors.panel(as_of=date(2022, 12, 31))
    assert panel.shape[1] == Asset.objects.count()
    assert int((~np.isnan(panel.close)).sum()) == run.rows_written
    for slug, day, close in FACTS:
        # The facts are written with three or more digits.
        assert panel.close[panel.row(day), panel.assets.index(slug)] == pytest.approx(
            close, rel=0.05 if close < 0.01 else 0.005
        )
    largest = selectors.asset_list(as_of=date(2022, 11, 9), limit=1)
    assert largest[0].slug == "bitcoin"
    excluded = {"stablecoin", "wrapped", "staked"}
    for slug in (
        "tether",
        "usd-coin",
        "terrausd",
        "wrapped-bitcoin",
        "staked-ether",
        "huobi-btc",
        "renbtc",
        "cdai",
    ):
        assert panel.categories[slug] & excluded, slug
    for slug in ("bitcoin", "ethereum", "ripple", "dogecoin", "terra-luna", "lido-dao", "maker", "litecoin"):
        assert not panel.categories[slug] & excluded, slug
