"""manage.py signals_validate: lines, files, the register, and errors in one line."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from django.core.management import CommandError, call_command

from signals import selectors
from signals.core.panel import Panel
from signals.core.report import grading
from signals.core.report.building import SEED, graded_days, panel_hash
from signals.core.report.material import Scores
from signals.management.commands import signals_validate
from signals.models import Experiment
from tests.signals.report.panels import market, planted

KEYS = {"key", "name", "measures", "figure", "shown", "limit", "passed", "verdict", "text"}


@pytest.fixture(scope="module")
def planted_market() -> tuple[Panel, np.ndarray]:
    return planted(strength=0.25, days=620)


@pytest.fixture
def small(monkeypatch, planted_market):
    panel, quality = planted_market

    def grader(given: Panel, dates: pd.DatetimeIndex) -> Scores:
        rows = panel.dates.get_indexer(dates)
        return Scores(dates, quality[rows], quality[rows])

    monkeypatch.setattr(signals_validate, "published", grader)
    monkeypatch.setattr(signals_validate.services, "archive_panel", lambda path, end, observations: panel)
    return panel


def called(*arguments: Any) -> str:
    out = StringIO()
    call_command("signals_validate", *arguments, stdout=out, stderr=StringIO())
    return out.getvalue()


@pytest.mark.django_db
def test_the_report_is_said_written_and_registered(small, tmp_path):
    said = called(
        "--archive", tmp_path, "--start", "2020-06-01", "--quick", "--out", tmp_path / "out",
        "--experiments", tmp_path / "none.jsonl",
    )  # fmt: skip
    document = json.loads((tmp_path / "out" / "validation.json").read_text())
    html = (tmp_path / "out" / "validation.html").read_text()
    verdicts = {gate["key"]: gate["passed"] for gate in document["gates"]}
    for key in ("truncation_features", "truncation_grades", "future_noise", "canary", "ic", "residual_ic"):
        assert verdicts[key] is True, key
    assert verdicts["drawdown"] is None
    assert document["evidence"] == "E0"
    assert all(set(gate) == KEYS for gate in document["gates"])
    lines = said.splitlines()
    assert [line for line in lines if line.startswith(("PASS", "FAIL", "NOT RUN"))] == lines[: len(verdicts)]
    assert f"{document['summary']['passed']} passed" in said
    assert html.count('id="gate-') == len(verdicts)
    row = Experiment.objects.get()
    assert (row.kind, row.data_hash, row.spec["seed"]) == ("validation", panel_hash(small), SEED)
    latest: Any = selectors.validation_latest()
    assert latest["gates"] == document["gates"]
    assert document["made"]["trials registered"] == "0 in the public list, 0 in the store"
    assert document["span"][0] == "2020-06-07"


@pytest.mark.django_db
def test_markdown_and_no_register(small, tmp_path):
    called(
        "--archive", tmp_path, "--start", "2020-06-01", "--quick", "--no-register", "--out", tmp_path,
        "--format", "markdown",
    )  # fmt: skip
    assert not Experiment.objects.exists()
    assert [path.name for path in tmp_path.glob("validation.*")] == ["validation.md"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--start", "yesterday"), "start: must be a day such as 2018-01-01, got 'yesterday'"),
        (("--start", "2021-08-01"), "weeks to judge: give 52"),
    ],
)
@pytest.mark.django_db
def test_errors_are_one_line(small, tmp_path, arguments, said):
    with pytest.raises(CommandError, match=said) as caught:
        called("--archive", tmp_path, *arguments)
    assert caught.value.returncode == 2
    assert "\n" not in str(caught.value)


@pytest.mark.django_db
def test_tampered_trials_are_refused(small, tmp_path):
    (tmp_path / "list.jsonl").write_text('{"number": 1}\n')
    with pytest.raises(CommandError, match="trial 1"):
        called("--archive", tmp_path, "--experiments", tmp_path / "list.jsonl")


def test_every_sunday_and_every_second_week_is_graded():
    days = pd.date_range("2022-01-01", "2022-01-31")
    chosen = graded_days(days)
    assert set(days[days.day_of_week == 6]) <= set(chosen)
    counts = pd.Series(1, index=chosen).groupby(chosen.day_of_week).sum()
    assert counts[6] == 5
    assert set(counts[counts.index != 6]) <= {2, 3}
    longer = graded_days(pd.date_range("2021-01-01", "2022-12-31"))
    assert chosen.equals(longer[(longer >= days[0]) & (longer <= days[-1])])


def test_published_scores_are_the_grades_in_their_places(monkeypatch):
    panel = market(tokens=3, days=10)
    dates = panel.dates[[4, 6]]
    frame = pd.DataFrame(
        {
            "date": [dates[0], dates[1], dates[1]],
            "asset": ["token-02", "bitcoin", "token-01"],
            "trader_grade": [51.0, 52.0, 53.0],
            "investor_grade": [41.0, 42.0, 43.0],
        }
    )
    monkeypatch.setattr(grading, "walk_forward", lambda given, asked, explain: frame)
    found = grading.published(panel, dates)
    nan = np.nan
    assert found.are_grades
    assert np.array_equal(found.trader, [[nan, nan, 51.0], [52.0, 53.0, nan]], equal_nan=True)
    assert np.array_equal(found.investor, [[nan, nan, 41.0], [42.0, 43.0, nan]], equal_nan=True)


def test_the_hash_of_a_panel_changes_with_one_price():
    panel = market(tokens=3, days=10)
    other = market(tokens=3, days=10, seed=2)
    assert panel_hash(panel) == panel_hash(market(tokens=3, days=10))
    assert panel_hash(panel) != panel_hash(other)


def archive() -> Path | None:
    import os

    here = Path(__file__).resolve().parents[3]
    folder = Path(os.environ.get("MARKET_ARCHIVE", here.parent / "shared" / "data"))
    return folder if (folder / "daily.parquet").is_file() else None


@pytest.mark.proof
@pytest.mark.skipif(archive() is None, reason="no market archive: set MARKET_ARCHIVE to its folder")
@pytest.mark.django_db
def test_the_archive_is_validated_quickly(tmp_path):
    said = called("--archive", archive(), "--quick", "--out", tmp_path)
    document = json.loads((tmp_path / "validation.json").read_text())
    verdicts = {gate["key"]: gate["passed"] for gate in document["gates"]}
    for key in ("truncation_features", "truncation_grades", "future_noise", "canary", "placebo"):
        assert verdicts[key] is True, said
    market_factor = document["tables"]["r1"]["rows"][0]
    assert market_factor[1] == pytest.approx(0.0133, abs=0.002)
    assert market_factor[2] == pytest.approx(0.1123, abs=0.01)
