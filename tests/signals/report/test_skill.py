"""Skill that was planted is found, noise is not, and volatility in disguise leaves no residual."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from signals.core.features import compute
from signals.core.labels import LAG
from signals.core.panel import Panel
from signals.core.report.calibrating import calibration, reliability
from signals.core.report.gates import Section, Table
from signals.core.report.holdings import AI, BTC, CALM, EQUAL, TWIN, books, comparison, quantiles
from signals.core.report.luck import (
    best_token,
    best_weeks,
    configurations,
    overfitting,
    paths,
    random_portfolios,
    trials_counted,
)
from signals.core.report.material import Material, ReportError, Scores
from signals.core.report.origins import origins
from signals.core.report.skill import information, shuffled, steadiness, timing
from tests.signals.report.panels import market, planted, scored


@pytest.fixture(scope="module")
def skilled() -> Material:
    panel, quality = planted(strength=0.25)
    return scored(panel, quality)


@pytest.fixture(scope="module")
def useless() -> Material:
    panel, _ = planted(strength=0.0)
    return scored(panel, np.random.default_rng(9).normal(size=panel.shape))


def gates_of(*sections: Section) -> dict[str, Any]:
    return {gate.key: gate for section in sections for gate in section.gates}


def rows_of(table: Table) -> list[Any]:
    return list(table.rows)


def test_planted_skill_passes(skilled):
    gates = gates_of(
        information(skilled), shuffled(skilled, trials=50, seed=1), timing(skilled), quantiles(skilled)
    )
    for key in ("ic", "residual_ic", "placebo", "delay", "cost_break_even"):
        assert gates[key].passed, gates[key].line()
    assert gates["ic"].figure > 5
    assert gates["residual_ic"].figure > 5


def test_noise_passes_nothing_that_matters(useless):
    gates = gates_of(
        information(useless), shuffled(useless, trials=50, seed=1), timing(useless), quantiles(useless)
    )
    for key in ("ic", "ic_investor", "residual_ic", "placebo", "cost_break_even"):
        assert gates[key].passed is False, gates[key].line()


def test_a_score_that_is_only_volatility_has_an_ic_but_no_residual():
    generator = np.random.default_rng(4)
    days, tokens = 700, 40
    size = np.linspace(0.01, 0.08, tokens)
    # Wild tokens fall: volatility alone tells next week.
    daily = generator.normal(0.0, 1.0, (days, tokens)) * size - 1.5 * size**2
    panel = market(daily=daily)
    material = scored(panel, np.broadcast_to(-size, panel.shape).copy())
    own = Material(
        panel, replace(material.scores, trader=_by_volatility(material), investor=_by_volatility(material))
    )
    gates = gates_of(information(own))
    assert gates["ic"].figure > 3
    assert not gates["residual_ic"].passed


def _by_volatility(material: Material) -> np.ndarray:
    values = compute(material.panel, ["idio_vol_90"])["idio_vol_90"]
    return -values.loc[material.scores.dates].to_numpy()


def test_the_money_gates_on_planted_skill(skilled):
    runs, near = books(skilled), configurations(skilled)
    gates = gates_of(comparison(skilled, runs), overfitting(runs, near, draws=200, seed=1))
    assert gates["top_quintile"].passed
    assert gates["superior_ability"].passed
    assert best_weeks(runs).passed
    assert best_token(skilled, runs).passed
    assert paths(runs).passed
    assert random_portfolios(skilled, runs, count=30, seed=1).passed
    assert trials_counted(runs, near, trials=40).passed


def test_the_money_gates_on_noise(useless):
    runs, near = books(useless), configurations(useless)
    gates = gates_of(overfitting(runs, near, draws=200, seed=1))
    assert not gates["superior_ability"].passed
    assert not trials_counted(runs, near, trials=40).passed
    assert not random_portfolios(useless, runs, count=60, seed=1).passed


def test_more_trials_deflate_more(skilled):
    runs, near = books(skilled), configurations(skilled)
    few, many = (trials_counted(runs, near, trials=trials) for trials in (0, 10_000))
    assert (few.figure or 0.0) > (many.figure or 0.0)
    assert "(10000 registered" in many.text


def test_weights_of_every_book_are_whole_or_partly_cash(skilled):
    for name, found in books(skilled).items():
        total = found.weights.sum(axis=1)
        assert (found.weights >= 0).all(), name
        assert (total <= 1 + 1e-9).all(), name
    runs = books(skilled)
    for name in (AI, CALM, TWIN, EQUAL, BTC):
        assert runs[name].weights.sum(axis=1) == pytest.approx(np.ones(len(skilled.weekly))), name


def test_equal_weight_is_the_mean_of_the_graded_by_hand(skilled):
    at = skilled.weekly
    rows = skilled.rows[at] + LAG
    close = skilled.panel.close
    assert books(skilled)[EQUAL].gross == pytest.approx((close[rows + 7] / close[rows] - 1).mean(axis=1))


def test_the_delay_sweep_sees_an_edge_that_lives_one_day():
    panel, _ = planted(strength=0.0)
    values = np.full(panel.shape, np.nan)
    values[:-1] = panel.close[1:] / panel.close[:-1] - 1.0
    rows = rows_of(timing(scored(panel, values)).tables["delay"])
    assert rows[0][1] > 0.2
    assert abs(rows[1][1]) < 0.1
    assert abs(rows[2][1]) < 0.1


def test_the_week_start_gate_is_not_run_on_sundays_alone():
    panel, quality = planted(strength=0.2, days=400)
    sundays = np.flatnonzero(panel.dates.day_of_week == 6)[15:]
    material = Material(panel, Scores(panel.dates[sundays], quality[sundays], quality[sundays]))
    gate = gates_of(timing(material))["week_start"]
    assert (gate.passed, gate.text) == (None, "scores exist for 1 of 7 weekdays")


def test_origins_split_the_excess_by_who_gave_it():
    panel, quality = planted(strength=0.25)
    kinds = {f"token-{number:02}": ["exchange"] for number in range(1, 6)}
    labelled = market(daily=np.diff(np.log(panel.close), axis=0, prepend=0.0), categories=kinds)
    material = scored(labelled, quality)
    tables = origins(material).tables
    rows = {row[0]: row for row in rows_of(tables["origins"])}
    assert rows["exchange tokens only"][1] == 5.0
    assert rows["without exchange tokens"][1] == 35.0
    assert rows["all graded"][1] == 40.0
    shares = {row[0]: row for row in rows_of(tables["origin_shares"])}
    # Five of forty alike: an eighth of the weight, and about as much of the excess.
    assert shares["exchange tokens"][2] == pytest.approx(0.125)
    assert 0.0 < shares["exchange tokens"][4] < 0.4


def test_dead_coins_count_as_losses_where_they_died():
    panel, quality = planted(strength=0.25)
    close = panel.frame("close").copy()
    close.iloc[400:, 5] = np.nan
    cap = close * 1e7
    ending = Panel.from_frames(close=close, market_cap=cap, volume=cap * 0.1)
    values = np.where(np.isnan(ending.close), np.nan, quality)
    material = scored(ending, values)
    ended, died = material.endings
    assert (ended.sum(), died.sum()) == (1, 1)
    assert died[5]
    buried = material.buried(died)
    assert buried[399, 5] == material.standing[399, 5] > 0
    assert buried[400, 5] == 0.0
    rows = {row[0]: row for row in rows_of(origins(material).tables["survivorship"])}
    assert rows["died: −100 %"][1] < rows["held at the last price"][1]


def test_many_series_that_end_together_are_a_source_that_ended():
    panel, quality = planted(strength=0.25)
    close = panel.frame("close").copy()
    close.iloc[400:, 5:17] = np.nan
    cap = close * 1e7
    ended, died = scored(Panel.from_frames(close=close, market_cap=cap, volume=cap), quality).endings
    assert (ended.sum(), died.sum()) == (12, 0)


def test_grades_that_keep_their_word_and_grades_that_boast():
    panel, quality = planted(strength=0.0, tokens=80)
    half = np.full(panel.shape, 50.0) + np.random.default_rng(1).normal(0, 0.5, panel.shape)
    for shift, passed in ((0.0, True), (20.0, False)):
        scores = scored(panel, half + shift).scores
        material = Material(panel, replace(scores, are_grades=True))
        gate = calibration(material).gates[0]
        assert gate.passed is passed, gate.line()
    assert calibration(scored(panel, quality)).gates[0].passed is None


def test_reliability_by_hand():
    scores = np.array([[10.0, 20.0, 80.0, 90.0], [90.0, 20.0, 10.0, 80.0]])
    labels = np.array([[0.1, 0.2, 0.3, 0.4], [0.1, 0.2, 0.3, 0.4]])
    # Median 0.25: hits are the two last of each row; scores under 50 hit once of four, above three times.
    assert reliability(scores, labels, buckets=2) == [(15.0, 25.0, 4), (85.0, 75.0, 4)]


def test_a_ranking_that_stands_still_has_correlation_one():
    panel = market(days=300)
    table = steadiness(scored(panel, np.broadcast_to(np.arange(40.0), panel.shape).copy()))
    assert [row[1:] for row in table.rows] == [[pytest.approx(1.0)] * 2] * 2


def test_scores_of_another_shape_are_refused():
    panel = market(days=50)
    with pytest.raises(ReportError, match=r"scores.investor is \(49, 40\)"):
        Material(panel, Scores(panel.dates, np.zeros(panel.shape), np.zeros((49, 40))))
