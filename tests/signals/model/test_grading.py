"""Grades: literal hit rates that nothing after their date can change."""

from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest

from signals.core.grading import COLUMNS, grades, walk_forward
from signals.core.model import sample, train, training_dates, training_day
from signals.core.model.calibration import Calibration
from signals.core.model.trained import Evidence
from tests.signals.model.markets import LONG, NAMES, SMALL, changed_after, market

SPECS = (SMALL, LONG)


@pytest.fixture(scope="module")
def panel():
    return market(days=800, reward=0.01)


@pytest.fixture(scope="module")
def dates(panel):
    return training_dates(panel)[-26::4]


@pytest.fixture(scope="module")
def graded(panel, dates):
    return walk_forward(panel, dates, specs=SPECS)


@pytest.fixture(scope="module")
def models(panel):
    through = training_day(panel.dates[-1].date())
    return tuple(train(panel, spec, through=through) for spec in SPECS)


def test_there_is_one_row_per_graded_token(panel, dates, graded):
    assert tuple(graded.columns) == COLUMNS
    assert len(graded) == 24 * len(dates)
    assert not graded.duplicated(["date", "asset"]).any()
    assert graded.date.is_monotonic_increasing


def test_figures_lie_where_they_must(graded):
    for name in ("trader_grade", "investor_grade"):
        assert graded[name].between(0.01, 99.99).all()
    assert graded.confidence.between(0, 1).all()
    assert graded.coverage.between(0, 1).all()
    assert set(graded.signal) <= {-1, 0, 1}
    assert (graded.sentences.map(len) == 2).all()
    assert (graded.contributions.map(len) == 8).all()


@pytest.mark.parametrize("seed", [1, 2])
def test_what_comes_after_a_date_changes_no_grade(panel, dates, graded, seed):
    day = dates[3]
    noisy = changed_after(panel, str(day.date()), seed=seed)
    now = walk_forward(noisy, dates[: 3 + 1], specs=SPECS)
    pd.testing.assert_frame_equal(now, graded[graded.date <= day], check_exact=True)


def test_a_cut_panel_gives_the_same_grades(panel, dates, graded):
    cut = walk_forward(panel.as_of(dates[2]), dates[[2]], specs=SPECS)
    expected = graded[graded.date == dates[2]].reset_index(drop=True)
    pd.testing.assert_frame_equal(cut, expected, rtol=1e-12)


def test_a_day_graded_by_itself_equals_the_walk_forward(panel, graded, dates, models):
    day = dates[[-1]]
    alone = grades(sample(panel, day, names=NAMES), *models)
    expected = graded[graded.date == day[0]].reset_index(drop=True)
    pd.testing.assert_frame_equal(alone, expected, rtol=1e-12)


def test_without_explaining_the_figures_are_the_same(panel, dates, graded):
    plain = walk_forward(panel, dates, specs=SPECS, explain=False)
    pd.testing.assert_frame_equal(plain.iloc[:, :7], graded.iloc[:, :7], check_exact=True)
    assert not plain.sentences.map(len).any()
    assert not plain.contributions.map(len).any()


def test_a_grade_is_the_hit_rate_of_the_rank_of_the_score(panel, models):
    day = sample(panel, panel.dates[[-1]], names=NAMES)
    table = grades(day, *models)
    scores = models[0].scores(day)[0]
    rank = pd.Series(scores).rank().to_numpy() - 1
    expected = 100 * models[0].calibration.hit_rate(rank / 23 - 0.5)
    np.testing.assert_allclose(table.trader_grade, expected[day.column], rtol=1e-6)


def test_the_order_of_grades_is_the_order_of_scores(panel, models):
    day = sample(panel, panel.dates[[-1]], names=NAMES)
    table = grades(day, *models)
    scores = models[1].scores(day)[0, day.column]
    assert np.argsort(scores).tolist() == np.argsort(table.investor_grade.to_numpy()).tolist()


def test_the_signal_needs_both_grades_on_one_side(panel, models):
    day = sample(panel, panel.dates[[-1]], names=NAMES)
    steep = [replace(model, calibration=Calibration(0.0, 2.0)) for model in models]
    table = grades(day, *steep)
    mean = (table.trader_grade + table.investor_grade) / 2
    both = table[["trader_grade", "investor_grade"]]
    buy = (mean >= 55) & (both.min(axis=1) > 50)
    sell = (mean <= 45) & (both.max(axis=1) < 50)
    assert table.signal.tolist() == (buy.astype(int) - sell.astype(int)).tolist()
    assert {-1, 0, 1} == set(table.signal)


@pytest.mark.parametrize(("level", "side"), [(-0.1, 1), (0.1, -1)])
def test_two_grades_that_disagree_give_no_signal(panel, models, level, side):
    day = sample(panel, panel.dates[[-1]], names=NAMES)
    certain = replace(models[0], calibration=Calibration(0.0, 6.0))
    doubting = replace(models[1], calibration=Calibration(level, 0.01))
    table = grades(day, certain, doubting)
    mean = (table.trader_grade + table.investor_grade) / 2
    assert ((mean - 50) * side >= 5).any()
    assert not (table.signal == side).any()


def test_grades_without_evidence_give_no_signal_and_little_confidence(panel, models):
    day = sample(panel, panel.dates[[-1]], names=NAMES)
    nothing = [
        replace(model, calibration=Calibration(0.0, 0.01), evidence=Evidence(0.0, -2.0, 50))
        for model in models
    ]
    table = grades(day, *nothing)
    assert (table.signal == 0).all()
    assert table.trader_grade.between(49.8, 50.2).all()
    assert table.confidence.max() <= 0.1


def test_missing_features_lower_the_confidence(panel, models):
    day = sample(panel, panel.dates[[-1]], names=NAMES)
    full = grades(day, *models)
    raw = day.raw.copy()
    raw[0, :4] = np.nan
    half = grades(replace(day, raw=raw), *models)
    assert half.coverage[0] == 0.5
    assert half.confidence[0] == pytest.approx(full.confidence[0] / 2)


def test_progress_is_told_by_quarters(panel, dates):
    told = []
    walk_forward(panel, dates, lambda *what: told.append(what), specs=SPECS, explain=False)
    through = sorted({training_day(day.date()) for day in dates})
    assert told == [
        (number, len(through), f"grades by the models through {day}") for number, day in enumerate(through, 1)
    ]


def test_no_dates_give_an_empty_table(panel):
    assert walk_forward(panel, panel.dates[:0]).columns.tolist() == list(COLUMNS)


def test_a_day_before_anyone_is_old_enough_gives_no_rows(panel):
    assert len(walk_forward(panel, panel.dates[[5]], specs=SPECS)) == 0


def test_the_published_models_grade_a_young_market():
    young = market(days=70, tokens=12)
    table = walk_forward(young, young.dates[[-1]])
    assert len(table) == 12
    assert table.confidence.max() <= 0.1
    assert training_day(young.dates[-1].date()) == date(2017, 12, 31)
