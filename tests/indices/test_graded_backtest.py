"""manage.py backtest for rules that use grades and the regime: both made from the panel, walk-forward."""

from __future__ import annotations

import json
from datetime import date
from io import StringIO
from pathlib import Path

import pandas as pd
import pytest
import yaml
from django.core.management import call_command

from indices import services
from indices.core.backtest import backtest
from indices.core.rulebook import Rulebook
from signals.core.grading import walk_forward
from signals.core.regime import regime
from tests.indices.test_twins import BODY
from tests.signals.pipeline import market_make, market_panel

START, END = date(2022, 6, 19), date(2022, 7, 6)
SUNDAYS = pd.DatetimeIndex(["2022-06-18", "2022-06-19", "2022-06-26", "2022-07-03"])
"""The day before the start, a Saturday, and the days of determination after it."""


def test_grades_and_the_regime_come_from_the_panel_alone(db: None, tmp_path: Path) -> None:
    market_make()
    file = tmp_path / "clever.yaml"
    file.write_text(yaml.safe_dump(BODY))
    out, told = StringIO(), StringIO()
    arguments = ["--rulebook", str(file), "--start", str(START), "--end", str(END), "--format", "json"]
    call_command("backtest", *arguments, stdout=out, stderr=told)
    document = json.loads(out.getvalue())

    panel, rulebook = market_panel().as_of(END), Rulebook.from_dict(BODY)
    graded = walk_forward(panel, SUNDAYS, explain=False)
    grades = graded.pivot(index="date", columns="asset", values="trader_grade")
    expected = backtest(panel, rulebook, start=START, end=END, grades=grades, regime=regime(panel).risk_share)
    assert list(document["level"].values()) == pytest.approx(expected.level.tolist(), abs=1e-9)
    assert list(document["weights"]) == ["2022-06-19", "2022-06-20", "2022-06-27", "2022-07-04"]
    for day, weights in document["weights"].items():
        line = expected.weights.loc[day]
        assert weights == pytest.approx(line[line > 0].to_dict(), abs=1e-12)
    assert "grades by the models through 2022-03-31" in told.getvalue()


def test_nothing_is_made_for_rules_that_ask_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("signals.services.grades_made", None)
    monkeypatch.setattr("signals.core.regime.regime", None)
    plain = Rulebook.from_dict({"slug": "plain", "family": "market_cap"})
    assert services.outlook_of_panel(market_panel(), plain, start=START, end=END) == (None, None)


def test_a_later_end_changes_nothing_of_what_came_before() -> None:
    rulebook = Rulebook.from_dict(BODY)
    earlier = date(2022, 6, 28)
    seen = [
        services.outlook_of_panel(market_panel().as_of(end), rulebook, start=START, end=end)
        for end in (earlier, END)
    ]
    (short, share), (long, shares) = seen
    assert short is not None
    assert long is not None
    assert share is not None
    assert shares is not None
    assert list(short.index) == list(SUNDAYS[:3])
    pd.testing.assert_frame_equal(long.loc[short.index, short.columns], short, check_exact=True)
    pd.testing.assert_series_equal(shares.loc[share.index], share, check_exact=True, check_freq=False)
