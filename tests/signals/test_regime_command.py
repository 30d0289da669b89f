"""manage.py regime: from the store and from an archive, and how it fails."""

import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from signals.core.regime import regime
from tests.markets import market_store
from tests.signals.test_regime import market

PANEL = market(460)


def said(*arguments: str) -> str:
    out = StringIO()
    call_command("regime", *arguments, stdout=out, stderr=StringIO())
    return out.getvalue()


@pytest.fixture
def stored(db: None) -> None:
    market_store(PANEL)


@pytest.mark.usefixtures("stored")
def test_json_is_one_row_a_day_and_the_start_changes_nothing() -> None:
    rows = json.loads(said("--start", "2022-12-01", "--end", "2023-01-31", "--format", "json"))
    assert [rows[0]["date"], rows[-1]["date"], len(rows)] == ["2022-12-01", "2023-01-31", 62]
    share = regime(PANEL).risk_share
    assert [row["risk_share"] for row in rows] == share["2022-12-01":"2023-01-31"].tolist()
    assert all(set(row) == {"date", "risk_share"} for row in rows)
    assert json.loads(said("--format", "json")) == [
        {"date": day.isoformat(), "risk_share": value}
        for day, value in zip(PANEL.dates.date, share, strict=True)
    ]


@pytest.mark.usefixtures("stored")
def test_text_tells_the_last_day_its_readings_and_the_ledger() -> None:
    text = said("--end", "2022-12-31")
    assert text.startswith("2022-12-31  risk share ")
    for word in (
        "trend_200",
        "breadth",
        "volatility",
        "correlation",
        "stablecoin_flow",
        "upside_missed",
        "switches",
    ):
        assert word in text


@pytest.mark.usefixtures("stored")
def test_the_report_has_the_twin_the_neighbours_and_the_bootstrap() -> None:
    text = said("--report")
    for word in (
        "twin x SMA100",
        "all windows +20%",
        "within the goals: ",
        "block bootstrap",
        "exposure worst days",
    ):
        assert word in text
    document = json.loads(said("--report", "--format", "json"))
    assert set(document) == {"rows", "periods", "neighbours", "passing", "bootstrap", "tails"}


@pytest.mark.usefixtures("stored")
@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--start", "soon"], "start: must be a day"),
        (["--start", "2030-01-01"], "start: there is no market data from 2030-01-01 on"),
        (["--start", "2022-05-02", "--end", "2022-05-01"], "end: 2022-05-01 lies before the start"),
        (["--archive", "/no/such/folder"], "no daily.parquet"),
        (["--report", "--start", "2023-03-01"], "under a year"),
    ],
)
def test_errors_are_one_line_with_exit_code_two(arguments: list[str], reason: str) -> None:
    with pytest.raises(CommandError, match=reason) as caught:
        said(*arguments)
    assert caught.value.returncode == 2
    assert "\n" not in str(caught.value)


def test_an_empty_store_is_told_so(db: None) -> None:
    with pytest.raises(CommandError, match="market"):
        said()


def test_on_the_archive_the_crash_of_2022_is_met_in_cash(archive_path: Path) -> None:
    rows = json.loads(
        said(
            "--archive", str(archive_path), "--start", "2022-06-01", "--end", "2022-06-30", "--format", "json"
        )
    )
    assert len(rows) == 30
    assert {row["risk_share"] for row in rows} <= {0.0, 0.25, 0.5, 0.75, 1.0}
    assert max(row["risk_share"] for row in rows) <= 0.25
