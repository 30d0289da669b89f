"""The published Global 100 on the real archive: identity, truncation, and what must not be in it."""

from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from indices.core.backtest import Backtest, backtest
from indices.core.rulebook import Holding, Rulebook, decide, lookback_days
from indices.services import published_rulebook
from signals.core.panel import Panel
from signals.services import archive_panel
from tests.indices.test_deciding import drifted

START, END = date(2021, 6, 1), date(2022, 12, 31)


@pytest.fixture(scope="module")
def panel(archive_path: Path) -> Panel:
    return archive_panel(archive_path, start=date(2021, 3, 1), end=END)


@pytest.fixture(scope="module")
def rulebook() -> Rulebook:
    return published_rulebook("global-100")


@pytest.fixture(scope="module")
def whole(panel: Panel, rulebook: Rulebook) -> Backtest:
    return backtest(panel, rulebook, start=START, end=END, record=True)


def test_it_holds_a_hundred_and_no_stablecoin_or_wrapped_token(panel: Panel, whole: Backtest) -> None:
    kinds = {kind for step in whole.decisions for slug in step.weights for kind in panel.categories[slug]}
    assert not kinds & {"stablecoin", "wrapped", "staked", "bridged"}
    ever = {slug for step in whole.decisions for slug in step.weights}
    assert not ever & {
        "tether",
        "usd-coin",
        "dai",
        "terrausd",
        "wrapped-bitcoin",
        "staked-ether",
        "huobi-btc",
    }
    assert {"bitcoin", "ethereum", "terra-luna", "ftx-token"} <= ever
    for step in whole.decisions:
        assert len(step.weights) == 100
        assert max(step.weights.values()) <= 0.25 + 1e-12


def test_the_live_decision_is_the_backtests_decision(
    panel: Panel, rulebook: Rulebook, whole: Backtest
) -> None:
    for place in (10, 25, 49, 75):
        before, made = whole.decisions[place - 1], whole.decisions[place]
        weights = drifted(
            panel, rulebook, before.weights, panel.row(before.effective_on), panel.row(made.as_of)
        )
        short = panel.as_of(made.as_of).last(lookback_days(rulebook))
        live = decide(as_of=made.as_of, panel=short, rulebook=rulebook, previous=Holding(weights))
        assert live == made


@pytest.mark.parametrize("cut", [date(2021, 12, 30), date(2022, 5, 12), date(2022, 11, 8)])
def test_removing_later_data_changes_nothing(
    panel: Panel, rulebook: Rulebook, whole: Backtest, cut: date
) -> None:
    truncated = backtest(panel.as_of(cut), rulebook, start=START, end=cut, record=True)
    assert truncated.decisions == tuple(step for step in whole.decisions if step.as_of <= cut)
    assert truncated.level.tolist() == whole.level[: pd.Timestamp(cut)].tolist()


def test_luna_is_carried_through_its_death(whole: Backtest) -> None:
    held = {step.as_of: step.weights.get("terra-luna", 0.0) for step in whole.decisions}
    assert held[date(2022, 5, 1)] > 0.01
    assert held[date(2022, 5, 15)] < 0.003
    assert held[date(2022, 6, 19)] == 0.0
