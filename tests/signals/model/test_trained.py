"""A trained model is its text: the same model, the same bytes; other bytes, no model."""

import json

import numpy as np
import pytest

from signals.core.model import Model, ModelError, sample, train
from tests.signals.model.markets import NAMES, SMALL, market


@pytest.fixture(scope="module")
def panel():
    return market(days=700)


@pytest.fixture(scope="module")
def model(panel):
    return train(panel, SMALL, through=panel.dates[-30].date())


@pytest.fixture(scope="module")
def recent(panel):
    return sample(panel, panel.dates[[-20, -10]], names=NAMES)


def test_the_text_comes_back_as_the_same_model(model, recent):
    again = Model.from_text(model.to_text())
    assert again.to_text() == model.to_text()
    assert again.sha256 == model.sha256
    assert again.spec == model.spec
    assert again.scores(recent).tobytes() == model.scores(recent).tobytes()
    assert again.calibration == model.calibration
    assert again.evidence == model.evidence


def test_the_first_line_says_the_hash_of_the_rest(model):
    first, _, body = model.to_text().partition("\n")
    assert first == f"bellwether-model-1 {model.sha256}"
    assert json.loads(body)["trained_through"] == model.trained_through.isoformat()
    assert model.to_text().endswith("}\n")


def test_a_text_with_one_digit_changed_is_refused(model):
    text = model.to_text()
    at = text.index('"weights":[') + len('"weights":[') + 4
    digit = "1" if text[at] != "1" else "2"
    with pytest.raises(ModelError, match="was changed"):
        Model.from_text(text[:at] + digit + text[at + 1 :])


def test_a_text_that_is_no_model_is_refused():
    with pytest.raises(ModelError, match="begins with"):
        Model.from_text("tree\nversion=v4\n")


def test_scores_stand_where_tokens_are_graded(model, recent):
    scores = model.scores(recent)
    np.testing.assert_array_equal(np.isnan(scores), ~recent.universe)


def test_the_score_is_the_mean_of_its_scaled_parts(model, recent):
    parts = model.parts(recent)
    assert sorted(parts) == ["linear", "trees"]
    expected = (parts["linear"] + parts["trees"]) / 2
    np.testing.assert_array_equal(model.scores(recent)[recent.universe], expected)


def test_contributions_sum_to_the_score_but_for_a_constant(model, recent):
    rest = model.scores(recent)[recent.universe] - model.contributions(recent).sum(axis=1)
    np.testing.assert_allclose(rest, rest[0], atol=1e-9)


def test_one_day_is_scored_as_it_is_among_others(model, panel, recent):
    one = sample(panel, panel.dates[[-10]], names=NAMES)
    np.testing.assert_allclose(model.scores(one)[0], model.scores(recent)[1], atol=1e-12)
