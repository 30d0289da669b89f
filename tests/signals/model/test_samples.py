"""The features of some dates as the model reads them."""

import numpy as np
import pandas as pd
import pytest

from signals.core.features import compute, ranked
from signals.core.model import per_token, sample
from signals.core.model.samples import ranks_by_date
from signals.core.universe import UniverseRules, gradable
from tests.signals.model.markets import NAMES, market

YOUNG = UniverseRules(min_age_days=30)


@pytest.fixture(scope="module")
def panel():
    return market(days=260)


@pytest.fixture(scope="module")
def taken(panel):
    return sample(panel, panel.dates[[30, 40, 250]], names=NAMES, rules=YOUNG)


def test_the_universe_is_who_is_gradable(panel, taken):
    np.testing.assert_array_equal(taken.universe, gradable(panel, YOUNG)[[30, 40, 250]])
    assert taken.universe.sum() == len(taken.row) == 72


def test_without_rules_the_published_ones_decide(panel):
    first = UniverseRules().min_age_days
    days = panel.dates[[first - 1, first]]
    assert sample(panel, days, names=NAMES).universe.sum(axis=1).tolist() == [0, 24]


def test_ranks_are_those_of_the_features_among_the_graded(panel, taken):
    features = compute(panel, NAMES)
    mask = gradable(panel, YOUNG)
    for place, day in enumerate((30, 40, 250)):
        for at, name in enumerate(NAMES):
            graded = features[name].iloc[[day]].where(mask[[day]]).astype(np.float32)
            expected = np.nan_to_num(ranked(graded).to_numpy()[0])
            np.testing.assert_allclose(taken.values[place, :, at], expected, atol=1e-6)


def test_missing_ranks_are_zero_and_known_shares_are_told(taken):
    at = NAMES.index("idio_vol_90")
    assert np.isnan(taken.raw[taken.row == 0, at]).all()
    assert (taken.ranks[taken.row == 0, at] == 0).all()
    assert taken.known[0].max() < 1.0
    assert (taken.known[2] == 1.0).all()


def test_an_infinite_value_ranks_as_the_largest():
    raw = np.array([[1.0], [np.inf], [-3.0], [np.nan]], dtype=np.float32)
    assert ranks_by_date(raw, np.zeros(4, dtype=np.int64), 1)[:, 0].tolist() == [0.0, 0.5, -0.5, 0.0]


def test_rows_come_by_date_and_then_by_slug(panel):
    shuffled = panel.select(reversed(panel.assets))
    taken = sample(shuffled, panel.dates[[100, 200]], names=NAMES)
    slugs = np.array(taken.assets)[taken.column]
    assert slugs[taken.row == 0].tolist() == sorted(panel.assets)
    again = sample(panel, panel.dates[[100, 200]], names=NAMES)
    np.testing.assert_array_equal(taken.ranks, again.ranks)


def test_parts_of_a_sample_are_the_sample_of_parts(panel, taken):
    one = sample(panel, panel.dates[[250]], names=NAMES)
    cut = taken.between(panel.dates[40], panel.dates[255])
    np.testing.assert_array_equal(cut.ranks, one.ranks)
    np.testing.assert_array_equal(cut.row, one.row)
    np.testing.assert_array_equal(taken.at(panel.dates[[250]]).raw, one.raw)
    two = taken.features(("log_mcap", "vol_30d"))
    np.testing.assert_array_equal(two.ranks[:, 1], taken.ranks[:, NAMES.index("vol_30d")])


def test_what_a_sample_does_not_have_is_named(panel, taken):
    with pytest.raises(KeyError, match="kurt_60"):
        taken.features(("kurt_60",))
    with pytest.raises(KeyError, match="2018-02-01"):
        taken.at(pd.DatetimeIndex(["2018-02-01"]))
    with pytest.raises(ValueError, match="rise"):
        sample(panel, panel.dates[[40, 30]], names=NAMES)


def test_no_dates_make_an_empty_sample(panel):
    empty = sample(panel, panel.dates[:0])
    assert empty.shape == (0, 24)
    assert empty.names == per_token()
    assert len(empty.row) == 0


def test_one_day_equals_the_same_day_of_a_long_sample(panel):
    long = sample(panel, panel.dates[100:260:5], names=per_token())
    day = long.dates[-1]
    one = sample(panel, pd.DatetimeIndex([day]))
    np.testing.assert_allclose(one.raw, long.at(pd.DatetimeIndex([day])).raw, rtol=1e-6)
