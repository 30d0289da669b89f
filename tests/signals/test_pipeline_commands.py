"""manage.py grades and signals_train: from the store and from an archive folder, and how they fail."""

from __future__ import annotations

import json
from datetime import date
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from django.core.management import CommandError, call_command

from signals import services
from signals.core.grading import walk_forward
from signals.core.model import INVESTOR, TRADER, Model, train
from signals.models import Experiment, ModelRun
from tests.signals.pipeline import LAST, TOKENS, market_make, market_panel

SUNDAY = date(2022, 7, 3)


def said(command: str, *arguments: str) -> str:
    out = StringIO()
    call_command(command, *arguments, stdout=out, stderr=StringIO())
    return out.getvalue()


def rows_of(*arguments: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(said("grades", *arguments, "--format", "json"))
    return found


def expected(first: str, last: str, step: int = 7) -> list[dict[str, Any]]:
    days = pd.date_range(first, last, freq=f"{step}D").as_unit("s")
    frame = walk_forward(market_panel(), days, explain=False)
    return [
        {
            "date": f"{line.date:%Y-%m-%d}",
            "asset": line.asset,
            "trader_grade": line.trader_grade,
            "investor_grade": line.investor_grade,
            "signal": line.signal,
        }
        for line in frame.itertuples(index=False)
    ]


def write_archive(folder: Path, *, through: date = LAST, after: float = 1.0) -> Path:
    """The market of these tests as an archive; closes after `through` are `after` times what they were."""
    panel = market_panel()
    row, column = np.nonzero(~np.isnan(panel.close))
    assets = np.array(panel.assets, dtype=object)[column]
    later = panel.dates.to_numpy()[row] > np.datetime64(through)
    scale = np.where(later, after, 1.0)
    folder.mkdir(exist_ok=True)
    pd.DataFrame(
        {
            "asset_id": assets,
            "date": panel.dates.to_numpy()[row],
            "symbol": assets,
            **dict.fromkeys(("open", "high", "low"), np.nan),
            "close": panel.close[row, column] * scale,
            "volume_usd": panel.volume[row, column],
            "market_cap_usd": panel.market_cap[row, column] * scale,
            "source": "test",
            "mcap_method": "reported",
            "suspect": 0,
        }
    ).to_parquet(folder / "daily.parquet")
    pd.DataFrame(
        {
            "asset_id": panel.assets,
            "symbol": panel.assets,
            "name": panel.assets,
            "categories": "",
            "is_stablecoin": [asset == "steady-coin" for asset in panel.assets],
            "is_wrapped_or_staked": False,
            "usd_pegged_measured": False,
        }
    ).to_csv(folder / "assets.csv", index=False)
    return folder


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_archive(tmp_path_factory.mktemp("archive"))


@pytest.mark.django_db
def test_grades_of_the_store_are_those_of_the_walk_forward_with_or_without_stored_models() -> None:
    market_make()
    wanted = expected("2022-06-26", "2022-07-10")
    assert len(wanted) == 3 * (TOKENS - 1)
    assert rows_of("--start", "2022-06-26") == wanted
    services.training.models_train(through=[date(2022, 3, 31), date(2022, 6, 30)])
    assert rows_of("--start", "2022-06-26", "--end", "2022-07-10") == wanted
    assert rows_of("--start", "2022-06-26", "--end", "2022-07-10", "--every", "14") == [
        row for row in wanted if row["date"] != "2022-07-03"
    ]
    assert rows_of("--as-of", "2022-07-03") == [row for row in wanted if row["date"] == "2022-07-03"]
    assert rows_of() == [row for row in wanted if row["date"] == "2022-07-10"]
    text = said("grades", "--as-of", "2022-07-03")
    assert text.startswith(f"2022-07-03, {TOKENS - 1} tokens\n")
    assert len(text.splitlines()) == TOKENS + 1
    assert ModelRun.objects.count() == 4


def test_grades_of_an_archive_need_no_database(archive: Path) -> None:
    assert rows_of("--archive", str(archive), "--as-of", "2022-07-03") == expected("2022-07-03", "2022-07-03")


def test_what_comes_after_a_day_changes_neither_its_grades_nor_its_model(
    archive: Path, tmp_path: Path
) -> None:
    other = write_archive(tmp_path / "other", through=date(2022, 7, 3), after=1000.0)
    day = ("--as-of", "2022-07-03")
    assert rows_of("--archive", str(other), *day) == rows_of("--archive", str(archive), *day)
    through = ("--through", "2022-07-03", "--format", "json")
    one = said("signals_train", "--archive", str(archive), *through)
    assert one == said("signals_train", "--archive", str(other), *through)
    assert one != said(
        "signals_train", "--archive", str(archive), "--through", "2022-04-03", "--format", "json"
    )


@pytest.mark.django_db
def test_trained_models_are_stored_registered_and_written(tmp_path: Path) -> None:
    market_make()
    rows = json.loads(
        said("signals_train", "--through", "2022-06-15", "--out", str(tmp_path / "m.txt"), "--format", "json")
    )
    assert [row["name"] for row in rows] == ["trader", "investor"]
    for row, spec in zip(rows, (TRADER, INVESTOR), strict=True):
        alone = train(market_panel(), spec, through=date(2022, 6, 15))
        assert row["sha256"] == alone.sha256
        text = Path(row["file"]).read_text()
        assert Path(row["file"]).name == f"m-{spec.name}.txt"
        assert Model.from_text(text).to_text() == alone.to_text()
    assert ModelRun.objects.count() == Experiment.objects.count() == 2
    shown = said("signals_train", "--through", "2022-06-15", "--out", str(tmp_path))
    assert rows[0]["sha256"] in shown
    assert (tmp_path / "trader.txt").is_file()
    assert ModelRun.objects.count() == 2


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--as-of", "soon"], "as-of: must be a day"),
        (["--as-of", "2022-07-03", "--start", "2022-07-03"], "as-of: give either"),
        (["--end", "2022-07-03"], "start: is needed with --end"),
        (["--start", "2022-07-03", "--end", "2022-07-02"], "end: 2022-07-02 lies before the start"),
        (["--every", "0"], "every: must be at least 1"),
        (["--as-of", "2022-07-11"], "stands at the close of 2022-07-10; 2022-07-11 lies after it"),
        (["--as-of", "2020-07-11"], "there is no market data at or before 2020-07-11"),
        (["--archive", "/no/such/folder"], "no daily.parquet"),
    ],
)
def test_wrong_arguments_are_one_line_and_exit_code_two(arguments: list[str], reason: str) -> None:
    market_make()
    with pytest.raises(CommandError, match=reason) as caught:
        said("grades", *arguments, "--format", "json")
    assert caught.value.returncode == 2
    assert "\n" not in str(caught.value)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--through", "soon"], "through: must be a day"),
        (["--through", "2022-07-11"], "2022-07-11 has not closed"),
        (["--through", "2022-07-11", "--archive", "/no/such/folder"], "no daily.parquet"),
    ],
)
def test_training_says_what_is_wrong(arguments: list[str], reason: str) -> None:
    market_make()
    with pytest.raises(CommandError, match=reason) as caught:
        said("signals_train", *arguments)
    assert caught.value.returncode == 2


@pytest.mark.django_db
def test_without_a_market_both_say_so() -> None:
    for command in (["grades"], ["signals_train", "--through", "2022-07-11"]):
        with pytest.raises(CommandError, match="market_load"):
            said(*command)


def test_an_archive_that_ends_early_or_has_gaps_is_graded_as_far_as_it_goes(archive: Path) -> None:
    rows = rows_of("--archive", str(archive), "--start", "2022-07-03", "--end", "2022-12-31")
    assert sorted({row["date"] for row in rows}) == ["2022-07-03", "2022-07-10"]
    with pytest.raises(CommandError, match="the market data ends on 2022-07-10; 2022-12-31 lies after it"):
        rows_of("--archive", str(archive), "--as-of", "2022-12-31")
    young = rows_of("--archive", str(archive), "--as-of", "2021-03-14")
    assert len(young) == TOKENS - 1, "graded by what is believed before any data"
    assert rows_of("--archive", str(archive), "--as-of", "2021-01-05") == []
