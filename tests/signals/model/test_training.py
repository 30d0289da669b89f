"""Training through a day reads nothing after it, and finds what is there to be found."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signals.core.labels import forward_return
from signals.core.model import Spec, sample, scores_walk_forward, train, trainer, training_dates, training_day
from signals.core.panel import Panel
from signals.core.universe import UniverseRules
from signals.core.validation import rank_ic
from tests.signals.model.markets import LONG, NAMES, SMALL, changed_after, market

DAY = date(2019, 12, 31)
AGE = UniverseRules().min_age_days


@pytest.fixture(scope="module")
def panel():
    return market(days=800)


@pytest.fixture(scope="module")
def text(panel):
    return train(panel, SMALL, through=DAY).to_text()


def test_two_trainings_give_the_same_bytes(panel, text):
    assert train(panel, SMALL, through=DAY).to_text() == text


def test_another_seed_gives_other_trees(panel):
    sundays = sample(panel, training_dates(panel), names=NAMES)
    one, two = (trainer(panel, replace(SMALL, seed=seed), taken=sundays).fit(DAY) for seed in (0, 1))
    assert one.trees != two.trees
    np.testing.assert_array_equal(one.weights, two.weights)


@given(seed=st.integers(0, 10_000))
@settings(max_examples=4, deadline=None)
def test_prices_after_the_day_change_no_byte(panel, text, seed):
    assert train(changed_after(panel, "2019-12-31", seed=seed), SMALL, through=DAY).to_text() == text


def test_the_last_sunday_is_read(panel, text):
    assert train(changed_after(panel, "2019-12-28", seed=1), SMALL, through=DAY).to_text() != text


def test_tokens_that_list_later_change_no_byte(text):
    wider = market(days=800, late=3)
    assert train(wider, SMALL, through=DAY).to_text() == text


@pytest.mark.parametrize("spec", [SMALL, LONG])
def test_the_last_row_ends_a_label_and_an_embargo_before_the_day(panel, spec):
    model = train(panel, spec, through=DAY)
    last = DAY - timedelta(days=1 + spec.horizon + 7)
    sundays = [
        day for day in training_dates(panel) if (day - panel.dates[0]).days >= AGE and day.date() <= last
    ]
    assert model.weeks == len(sundays)
    assert model.rows == 24 * len(sundays)


def test_labels_of_the_purged_rows_change_no_weight(panel):
    taken = sample(panel, training_dates(panel), names=NAMES)
    work = trainer(panel, SMALL, taken=taken)
    other = trainer(panel, SMALL, taken=taken)
    purged = pd.Timestamp(DAY) - pd.Timedelta(days=SMALL.gap)
    later = np.asarray(taken.dates > purged)[taken.row]
    other._target = np.where(later, -other._target, other._target)
    assert other.fit(DAY).trees == work.fit(DAY).trees
    np.testing.assert_array_equal(other.fit(DAY).weights, work.fit(DAY).weights)


def test_one_sample_for_many_days_gives_the_bytes_of_single_trainings(panel, text):
    assert trainer(panel, SMALL).model(DAY).to_text() == text


def test_little_history_grades_by_the_prior(panel):
    model = train(panel, SMALL, through=date(2018, 9, 30))
    assert model.form == "prior"
    assert model.trees is None
    assert 0 < model.weeks < 52
    assert model.weights is not None
    assert dict(zip(NAMES, np.sign(model.weights), strict=True)) == {
        "vol_30d": -1,
        "idio_vol_90": -1,
        "ret_14d": 0,
        "ret_28d": 0,
        "turnover_30": -1,
        "log_mcap": 1,
        "issuance_30": -1,
        "max5_avg_30d": -1,
    }


@pytest.mark.parametrize("days", [1, 20, AGE + 8])
def test_a_panel_that_has_just_begun_gives_the_prior_and_the_belief(days):
    young = market(days=days)
    model = train(young, SMALL, through=young.dates[-1].date())
    assert (model.form, model.weeks, model.evidence.dates) == ("prior", 0, 0)
    assert model.calibration.slope == pytest.approx(0.4)


def test_the_prior_is_judged_by_the_first_weeks_there_are():
    young = market(days=AGE + 30)
    through = young.dates[-1].date()
    model = train(young, SMALL, through=through)
    old_enough = [day for day in training_dates(young) if (day - young.dates[0]).days >= AGE]
    labelled = [day for day in old_enough if day.date() <= through - timedelta(days=8)]
    assert (model.form, model.evidence.dates) == ("prior", len(labelled))
    assert model.weeks == len([day for day in labelled if day.date() <= through - timedelta(days=SMALL.gap)])
    assert 0 < model.weeks < len(labelled) < 8
    assert model.evidence.t == 0.0


def test_two_tokens_are_too_few_to_learn_from():
    few = market(days=600, tokens=2)
    model = train(few, SMALL, through=few.dates[-1].date())
    assert (model.form, model.weeks) == ("prior", 0)
    assert np.isfinite(model.scores(sample(few, few.dates[[-1]], names=NAMES))).sum() == 2


def test_a_day_before_the_panel_begins_gives_the_prior(panel):
    assert train(panel, SMALL, through=date(2017, 6, 30)).form == "prior"


def test_a_reward_against_the_prior_is_learned():
    paid = market(days=1300, reward=0.04, seed=4)
    dates = training_dates(paid)[130:180]
    scores = scores_walk_forward(paid, dates, SMALL)
    labels = forward_return(paid.close, horizon=7)[[paid.row(day) for day in dates]]
    assert np.nanmean(rank_ic(scores, labels)) > 0.15
    model = train(paid, SMALL, through=date(2021, 3, 31))
    assert model.evidence.t > 2
    assert model.calibration.slope > 0.5


def test_noise_gives_grades_near_fifty_and_no_evidence():
    quiet = market(days=1300, tokens=40, seed=2)
    even = Panel.from_frames(
        close=_unpredictable(quiet), market_cap=quiet.frame("market_cap"), volume=quiet.frame("volume")
    )
    model = train(even, SMALL, through=date(2021, 3, 31))
    assert abs(model.evidence.t) < 3
    assert model.calibration.slope < 0.4


def _unpredictable(panel: Panel) -> pd.DataFrame:
    """Closes whose moves are alike for all tokens and days, so that no feature knows anything."""
    moves = np.random.default_rng(9).normal(0.0, 0.04, panel.shape)
    return pd.DataFrame(np.exp(np.cumsum(moves, axis=0)), index=panel.dates, columns=panel.assets)


@pytest.mark.parametrize("kind", ["prior", "ridge", "trees", "ensemble"])
def test_every_kind_has_the_parts_it_says(panel, kind):
    model = train(panel, replace(SMALL, kind=kind), through=DAY)
    parts = {"prior": "linear", "ridge": "linear", "trees": "trees", "ensemble": "linear trees"}[kind]
    assert sorted(model.parts(sample(panel, panel.dates[[-1]], names=NAMES))) == parts.split()


def test_walk_forward_scores_are_those_of_the_quarters_models(panel):
    dates = training_dates(panel)[-30::5]
    scores = scores_walk_forward(panel, dates, SMALL)
    for place, day in enumerate(dates):
        model = train(panel, SMALL, through=training_day(day.date()))
        alone = model.scores(sample(panel, pd.DatetimeIndex([day]), names=NAMES))[0]
        np.testing.assert_allclose(scores[place], alone, atol=1e-12)


def test_the_spec_says_how_long_the_purge_is():
    assert Spec(name="x", kind="ridge", horizon=28).gap == 36
