"""Is what the model reads today like what it was trained on?"""

from dataclasses import replace

import numpy as np
import pytest

from signals.core.grading import usable
from signals.core.grading.state import drifted
from signals.core.model import psi, train, training_dates
from signals.core.model.drift import reference, standardised
from signals.core.model.samples import sample
from tests.signals.model.markets import NAMES, SMALL, market


@pytest.fixture(scope="module")
def panel():
    return market(days=700, tokens=60)


@pytest.fixture(scope="module")
def model(panel):
    return train(panel, replace(SMALL, kind="ridge"), through=panel.dates[-90].date())


@pytest.fixture(scope="module")
def today(panel):
    return sample(panel, panel.dates[[-5]], names=NAMES)


def test_the_training_itself_has_not_drifted(panel):
    taken = sample(panel, training_dates(panel)[-52:], names=NAMES)
    np.testing.assert_allclose(psi(reference(taken), taken), 0.0, atol=1e-6)


def test_values_are_measured_from_the_median_in_interquartile_ranges(today):
    found = standardised(today)
    low, middle, high = np.percentile(today.raw.astype(np.float64), [25, 50, 75], axis=0)
    np.testing.assert_allclose(found, (today.raw - middle) / (high - low), rtol=1e-9)


def test_the_index_is_the_textbook_one_less_chance(panel, today):
    told = reference(sample(panel, training_dates(panel)[-52:], names=NAMES))
    found = psi(told, today)
    values = standardised(today)[:, 0]
    counts = np.histogram(values, bins=np.concatenate([[-np.inf], told.edges[0], [np.inf]]))[0]
    share = np.maximum(counts / len(values), 1e-4)
    textbook = ((share - told.shares[0]) * np.log(share / told.shares[0])).sum()
    assert found[0] == pytest.approx(max(textbook - 9 / len(values), 0.0), abs=1e-6)


def test_a_day_must_be_further_off_than_any_day_of_the_training_was(panel):
    taken = sample(panel, training_dates(panel)[-52:], names=NAMES)
    told = reference(taken)
    days = [psi(told, taken.at(taken.dates[[at]])) for at in range(52)]
    np.testing.assert_allclose(told.usual, np.max(days, axis=0), atol=1e-7)
    np.testing.assert_array_equal(told.limits, np.maximum(told.usual, 0.25))


def test_an_ordinary_day_is_usable(model, today):
    assert usable(today, model) is None


def test_another_unit_for_all_tokens_changes_nothing(model, today):
    assert usable(replace(today, raw=today.raw * 1000), model) is None


def test_a_feed_that_breaks_for_half_of_the_tokens_is_noticed(model, today):
    raw = today.raw.copy()
    raw[::2] *= 1000
    reason = usable(replace(today, raw=raw), model)
    assert reason is not None
    assert "spread differently" in reason


def test_missing_values_beyond_a_tenth_are_noticed(model, today):
    raw = today.raw.copy()
    raw[:, 0] = np.nan  # one of eight
    assert drifted(replace(today, raw=raw), model)[1].tolist() == [1.0] + [0.0] * 7
    assert usable(replace(today, raw=raw), model) == (
        "12% of the data points are missing that training had, the limit is 10%"
    )


def test_too_few_tokens_are_not_graded(model, today):
    few = replace(today, row=today.row[:9], column=today.column[:9], raw=today.raw[:9], ranks=today.ranks[:9])
    assert usable(few, model) == "only 9 tokens can be graded, at least 10 are needed"
    none = replace(
        today, row=today.row[:0], column=today.column[:0], raw=today.raw[:0], ranks=today.ranks[:0]
    )
    assert usable(none, model) == "only 0 tokens can be graded, at least 10 are needed"
