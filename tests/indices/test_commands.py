"""The commands: what they print and how they fail."""

import json
from datetime import date
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from indices import services
from indices.models import IndexLevel
from signals.core.clock import end_of_day
from tests.indices.test_history import BODY, LAST, MIDDLE, PANEL, index_of
from tests.markets import market_store, panel_make


def said(*arguments: str) -> str:
    out = StringIO()
    call_command(*arguments, stdout=out, stderr=StringIO())
    return out.getvalue()


@pytest.fixture
def rulebook_file(tmp_path: Path) -> Path:
    file = tmp_path / "small.yaml"
    file.write_text(json.dumps(BODY))
    return file


def test_backtest_prints_levels_weights_turnover_costs_and_metrics(db: None, rulebook_file: Path) -> None:
    market_store(PANEL)
    document = json.loads(
        said(
            "backtest",
            "--rulebook",
            str(rulebook_file),
            "--start",
            "2020-02-01",
            "--end",
            "2020-04-30",
            "--format",
            "json",
        )
    )
    assert set(document) == {"rulebook", "digest", "level", "weights", "turnover", "costs", "metrics"}
    assert next(iter(document["level"])) == "2020-02-01"
    assert list(document["level"])[-1] == "2020-04-30"
    assert document["level"]["2020-02-01"] == pytest.approx(998.0)
    assert list(document["weights"]) == list(document["turnover"]) == list(document["costs"])
    assert all(
        sum(weights.values()) == pytest.approx(1.0, abs=1e-15) for weights in document["weights"].values()
    )
    assert document["metrics"]["cagr"] is None
    text = said("backtest", "--rulebook", str(rulebook_file), "--start", "2020-02-01")
    assert text.splitlines()[0] == f"Small Five, 2020-02-01 to {LAST}"


def test_a_stored_index_is_backtested_by_its_slug(db: None) -> None:
    market_store(PANEL)
    index = index_of(BODY)
    services.index_backfill(index, through=LAST)
    document = json.loads(said("backtest", "small-5", "--format", "json"))
    assert document["level"] == {
        str(day): level for day, level in IndexLevel.objects.filter(index=index).values_list("date", "level")
    }


def test_another_loaded_market_answers_for_days_that_the_active_one_lacks(
    db: None, rulebook_file: Path
) -> None:
    arguments = ["backtest", "--rulebook", str(rulebook_file), "--start", "2020-02-01", "--end", "2020-04-30"]
    arguments += ["--format", "json"]
    market_store(PANEL)
    alone = said(*arguments)
    later = panel_make({f"invented-{n}": [100.0 + n] * 60 for n in range(6)}, first_day=date(2022, 1, 1))
    market_store(later, source="simulated")
    out, err = StringIO(), StringIO()
    call_command(*arguments, stdout=out, stderr=err)
    assert out.getvalue() == alone
    assert "The simulated market is active" in err.getvalue()
    assert "this is the archived market" in err.getvalue()
    assert said(*arguments, "--market", "archive") == alone
    within = ["backtest", "--rulebook", str(rulebook_file), "--start", "2022-02-10", "--format", "json"]
    assert "invented-5" in said(*within)
    for choice, message in (
        ("simulated", "start: there is no market data"),
        ("live", "no live market is loaded"),
    ):
        with pytest.raises(CommandError, match=message) as refused:
            said(*arguments, "--market", choice)
        assert refused.value.returncode == 2


def test_the_archived_market_is_asked_no_further_than_its_clock(db: None, rulebook_file: Path) -> None:
    market_store(PANEL, clock_at=end_of_day(date(2020, 3, 1)))
    market_store(panel_make({"invented": [1.0] * 60}, first_day=date(2022, 1, 1)), source="simulated")
    out, err = StringIO(), StringIO()
    arguments = ["backtest", "--rulebook", str(rulebook_file), "--start", "2020-02-01", "--format", "json"]
    call_command(*arguments, stdout=out, stderr=err)
    assert list(json.loads(out.getvalue())["level"])[-1] == "2020-03-01"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["top-10", "--market", "archive", "--archive", "/nowhere"],
            "market: give either --market or --archive",
        ),
        (
            ["nothing"],
            "slug: there is no published rulebook 'nothing'; published are ai-defi, ai-global",
        ),
        ([], "slug: give either the slug of an index or --rulebook FILE.yaml"),
        (["top-10", "--start", "2020-13-01"], "start: must be a day such as 2018-01-01, got '2020-13-01'"),
        (["top-10", "--start", "2030-01-01"], "start: the market is known through"),
        (["top-10", "--archive", "/nowhere/at/all"], "/nowhere/at/all holds no daily.parquet"),
        (["--rulebook", "/nowhere.yaml"], "[Errno 2] No such file or directory: '/nowhere.yaml'"),
    ],
)
def test_an_error_is_one_line_and_exit_code_2(db: None, arguments: list[str], message: str) -> None:
    market_store(PANEL)
    with pytest.raises(CommandError) as refused:
        said("backtest", *arguments)
    assert str(refused.value).startswith(message)
    assert "\n" not in str(refused.value)
    assert refused.value.returncode == 2


def test_without_a_market_the_message_says_what_to_load(db: None) -> None:
    with pytest.raises(CommandError, match="No market is active") as refused:
        said("backtest", "top-10")
    assert refused.value.returncode == 2


def test_verify_says_that_all_is_well_or_fails_with_1(db: None) -> None:
    market_store(PANEL, clock_at=end_of_day(MIDDLE))
    index = index_of(BODY)
    services.index_backfill(index, through=MIDDLE)
    assert (
        said("index_verify", "small-5")
        == "small-5: 13 decisions and 83 levels recomputed, 26 receipts checked, no difference\n"
    )
    IndexLevel.objects.filter(index=index, date=date(2020, 2, 2)).update(level=1.0)
    with pytest.raises(CommandError, match="small-5: 1 differences") as failed:
        said("index_verify", "small-5")
    assert failed.value.returncode == 1
    with pytest.raises(CommandError, match="no index 'none'") as unknown:
        said("index_verify", "none")
    assert unknown.value.returncode == 2


def test_backfill_stores_the_published_indices_and_then_nothing(db: None) -> None:
    market_store(PANEL, clock_at=end_of_day(MIDDLE))
    first = said("index_backfill")
    assert first.splitlines()[0].startswith("global-100: ")
    assert IndexLevel.objects.exists()
    assert said("index_backfill", "top-10") == f"top-10: 0 decisions, 0 levels, through {MIDDLE}\n"
