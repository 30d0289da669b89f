"""A close of the archive that is plainly wrong, corrected: bitcoin on 2018-02-21, which other sources put higher."""

from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from indices import services
from indices.models import Index, IndexLevel
from indices.services.restatement import restatement_apply, restatement_decide, restatement_preview
from signals import selectors as signal_selectors
from signals import services as signal_services
from signals.core.clock import end_of_day
from signals.services import archive_panel
from tests.indices.test_history import index_of
from tests.markets import market_store

DAY = date(2018, 2, 21)
LAST = date(2018, 3, 10)
BODY: dict[str, object] = {
    "slug": "ten-of-2018",
    "name": "Ten of 2018",
    "family": "market_cap",
    "base": {"level": 1000, "date": "2018-01-01"},
    "universe": {"exclude_categories": ["stablecoin", "wrapped", "staked"]},
    "selection": {"count": 10, "buffer": 2},
    "costs": {"fee_bps": 10},
}


@pytest.fixture
def other_source(archive_path: Path) -> Any:
    file = archive_path / "cmc_ohlcv_2013_2020.parquet"
    if not file.is_file():
        pytest.skip("the archive has no second source of closes (cmc_ohlcv_2013_2020.parquet)")
    rows = pd.read_parquet(file, columns=["date", "asset_id", "close", "market_cap_usd"])
    rows = rows[rows["asset_id"] == "bitcoin"]
    return rows.set_index("date").loc[pd.Timestamp(DAY)]


@pytest.fixture
def index(db: None, archive_path: Path) -> Index:
    panel = archive_panel(archive_path, start=date(2017, 11, 1), end=LAST)
    largest = np.argsort(-np.nan_to_num(panel.market_cap).max(axis=0))[:40]
    market_store(panel.select([panel.assets[at] for at in sorted(largest)]), clock_at=end_of_day(LAST))
    made = index_of(BODY)
    services.index_backfill(made, through=LAST)
    return made


def test_the_close_of_2018_02_21(index: Index, other_source: pd.Series) -> None:
    bar = signal_selectors.candle_known("bitcoin", day=DAY)
    assert bar is not None
    close, cap = float(other_source["close"]), float(other_source["market_cap_usd"])
    assert 0.06 < close / bar.close - 1 < 0.08
    before = dict(IndexLevel.objects.filter(index=index).values_list("date", "level"))
    new = {"close": close, "market_cap": cap}
    if bar.high is not None and close > bar.high:
        new["high"] = close
    row = signal_services.restatement_propose(
        "bitcoin",
        day=DAY,
        new=new,
        reason="The aggregator's close and an exchange's agree; the archive's is far under both.",
        evidence_url="https://coinmarketcap.com/currencies/bitcoin/historical-data/",
        by="ann@example.org",
    )
    effects = restatement_preview(row.pk)
    (entry,) = effects["indices"]
    assert entry["levels"]["largest_on"] == DAY.isoformat()
    assert effects["largest"] > 0.015
    assert effects["policy"]["treatment"] == "restate"
    restatement_decide(row.pk, by="bob@example.org")
    moment = restatement_apply(row.pk, by="bob@example.org")
    assert moment["indices"][0]["levels"] == pytest.approx(entry["levels"])
    after = dict(IndexLevel.objects.filter(index=index).values_list("date", "level"))
    assert {day for day in before if before[day] != after[day]} == {DAY}
    assert after[DAY] / before[DAY] - 1 == pytest.approx(effects["largest"], rel=1e-9)
    assert services.index_verify(index) == []
