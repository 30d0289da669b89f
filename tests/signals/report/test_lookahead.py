"""Leaks that were planted are found; honest features and grades pass."""

import numpy as np
import pandas as pd
import pytest

from signals.core.features import compute
from signals.core.panel import Panel
from signals.core.report.lookahead import (
    all_features,
    canary_gate,
    cells_of,
    compared,
    differing,
    features_gate,
    grades_gates,
    known_by,
    noisy_after,
    plausible_gate,
    tomorrow,
)
from signals.core.report.material import Material, Scores
from tests.signals.report.panels import market, scored

NAMES = ["ret_7d", "vol_30d", "log_mcap", "mcap_rank", "beta_mkt_90"]


@pytest.fixture(scope="module")
def panel() -> Panel:
    return market(tokens=15, days=260)


def honest(panel: Panel, dates: pd.DatetimeIndex) -> Scores:
    values = -compute(panel, ["vol_30d"])["vol_30d"].loc[dates].to_numpy()
    return Scores(dates, values, values)


def leaking(panel: Panel, dates: pd.DatetimeIndex) -> Scores:
    """Scores scaled by the spread of the whole history: a scaler fitted on everything."""
    values = compute(panel, ["vol_30d"])["vol_30d"].loc[dates].to_numpy() / np.nanstd(panel.close)
    return Scores(dates, values, values)


def test_honest_features_pass(panel):
    gate = features_gate(panel, panel.dates[[150, 200]], NAMES, seed=1)
    assert (gate.passed, gate.figure) == (True, 0.0)


def test_cells_are_the_same_for_the_same_seed_and_have_a_price(panel):
    first, second = (cells_of(panel, panel.dates[[10, 20]], tokens=5, seed=3) for _ in range(2))
    assert all((a == b).all() for a, b in zip(first, second, strict=True))
    assert first[0].tolist() == [10] * 5 + [20] * 5


def test_a_feature_that_reads_tomorrow_differs_in_every_cell(panel):
    rows, columns = cells_of(panel, panel.dates[[100, 150]], tokens=10, seed=1)
    assets = np.arange(len(panel.assets))
    count, largest = differing(
        panel,
        rows,
        columns,
        whole=tomorrow,
        last=lambda cut: tomorrow(cut, np.full(len(assets), len(cut.dates) - 1), assets),
    )
    assert count == 20
    assert largest == pytest.approx([np.inf])


def test_a_feature_scaled_by_all_of_history_differs(panel):
    def scaled(given: Panel, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        return all_features(given, rows, columns, names=["ret_7d"]) / given.close.std()

    rows, columns = cells_of(panel, panel.dates[[100]], tokens=10, seed=1)
    assets = np.arange(len(panel.assets))
    count, _ = differing(
        panel,
        rows,
        columns,
        whole=scaled,
        last=lambda cut: scaled(cut, np.full(len(assets), len(cut.dates) - 1), assets),
    )
    assert count == 10


def test_the_canary_is_caught(panel):
    values = np.random.default_rng(1).normal(size=panel.shape)
    gate = canary_gate(panel, panel.dates[[100, 150]], scored(panel, values), seed=1)
    assert gate.passed
    assert gate.figure == 1.0


def test_a_score_that_is_too_good_is_told():
    assert plausible_gate(0.29).passed
    assert not plausible_gate(0.31).passed


def test_a_kind_measured_over_the_whole_path_is_not_known_on_the_day():
    panel = market(tokens=12, days=120, categories={"token-03": ["wrapped", "measured-wrapped", "defi"]})
    cut = known_by(panel, panel.dates[100])
    assert cut.categories["token-03"] == frozenset({"defi"})
    assert len(cut.dates) == 101

    def by_kind(given: Panel, dates: pd.DatetimeIndex) -> Scores:
        kinds = np.array(["wrapped" in given.categories[asset] for asset in given.assets], dtype=float)
        values = np.broadcast_to(kinds, (len(dates), len(kinds))).copy()
        return Scores(dates, values, values)

    dates = panel.dates[90:]
    gates = grades_gates(Material(panel, by_kind(panel, dates)), by_kind, panel.dates[[100]], seed=1)
    assert gates[0].passed is False


def test_noise_changes_everything_after_and_nothing_before(panel):
    noisy = noisy_after(panel, panel.dates[100], seed=1)
    assert (noisy.close[:101] == panel.close[:101]).all()
    assert not (noisy.close[101:] == panel.close[101:]).any()
    assert np.isnan(noisy.close[101:]).mean() == pytest.approx(1 / 3, abs=0.05)


def test_two_rows_of_scores_are_compared_cell_by_cell():
    first = np.array([1.0, np.nan, 3.0, np.nan])
    assert compared(first, np.array([1.0, np.nan, 3.0 + 1e-12, np.nan])) == 0
    assert compared(first, np.array([1.1, 2.0, np.nan, np.nan])) == 3


@pytest.mark.parametrize(("grader", "passed"), [(honest, True), (leaking, False)])
def test_a_grader_that_reads_the_future_fails_both_gates(panel, grader, passed):
    dates = panel.dates[100:]
    material = Material(panel, grader(panel, dates))
    gates = grades_gates(material, grader, panel.dates[[150, 200]], seed=2)
    assert [gate.key for gate in gates] == ["truncation_grades", "future_noise"]
    assert [gate.passed for gate in gates] == [passed, passed]
