"""What is known of each token, what is known of all, and how much of it is new."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from signals.core.features import UnknownFeature, catalogue, compute_last
from signals.core.features.coverage import coverage, effective_rank, least_coverage, least_coverage_of
from signals.core.universe import UniverseRules
from tests.signals.features.market_of_ten import market

NAN = float("nan")


def _vector() -> pd.DataFrame:
    rows = {
        "bitcoin": {"ret_1d": 0.1, "vol_30d": 0.5, "log_mcap": 20.0, "mkt_vol_30": 0.4},
        "young": {"ret_1d": 0.1, "vol_30d": NAN, "log_mcap": 10.0, "mkt_vol_30": 0.4},
        "gone": {"ret_1d": NAN, "vol_30d": NAN, "log_mcap": NAN, "mkt_vol_30": 0.4},
    }
    return pd.DataFrame.from_dict(rows, orient="index")


def test_only_a_tokens_own_known_features_count() -> None:
    assert coverage(_vector()).to_dict() == {"bitcoin": 3, "young": 2, "gone": 0}


def test_the_public_number_is_the_least_of_the_universe() -> None:
    assert least_coverage(_vector(), ["bitcoin"]) == 3
    assert least_coverage(_vector(), ["bitcoin", "young"]) == 2
    assert least_coverage(_vector(), ["bitcoin", "young", "gone"]) == 0
    assert least_coverage(_vector(), []) == 0


def test_what_is_not_there_is_an_error() -> None:
    with pytest.raises(UnknownFeature, match="no_such"):
        coverage(_vector().rename(columns={"ret_1d": "no_such"}))
    with pytest.raises(KeyError):
        least_coverage(_vector(), ["nobody"])


def test_the_number_of_a_panel_is_that_of_the_tokens_graded_on_its_last_day() -> None:
    panel = market(gaps=0.0, days=900)
    counts = coverage(compute_last(panel))
    graded = ["bitcoin", "ethereum", "ada", "dot", "uni", "aave", "young"]
    assert least_coverage_of(panel, UniverseRules(min_volume=1.0)) == counts[graded].min() == counts["young"]
    old = UniverseRules(min_volume=1.0, min_age_days=400)
    assert least_coverage_of(panel, old) == counts[graded[:-1]].min() > counts["young"]
    assert least_coverage_of(panel, UniverseRules(min_volume=1e15)) == 0
    own = sum(not feature.shared and not feature.needs for feature in catalogue())
    assert counts["bitcoin"] <= own


def test_copies_and_constants_add_nothing_to_the_effective_rank() -> None:
    random = np.random.default_rng(1)
    base = np.linalg.qr(random.normal(size=(200, 4)))[0]
    base -= base.mean(axis=0)
    base = np.linalg.qr(base)[0]
    base -= base.mean(axis=0)
    assert effective_rank(base) == 4
    assert effective_rank(np.c_[base, base * 7 + 3]) == 4
    assert effective_rank(np.c_[base, np.full(200, 2.5), np.full(200, NAN)]) == 4
    assert effective_rank(base[:, :1]) == 1
    assert effective_rank(np.full((5, 3), 1.0)) == 0


def test_the_effective_rank_is_where_the_share_is_reached() -> None:
    # Four features, three of them one: the components hold 3/4 and 1/4 of the variance.
    one, other = np.array([1.0, -1.0, 1.0, -1.0]), np.array([1.0, 1.0, -1.0, -1.0])
    values = np.c_[one, 2 * one, 5 - one, other]
    assert effective_rank(values, 0.75) == 1
    assert effective_rank(values, 0.76) == 2
    assert effective_rank(values, 1.0) == 2
    with pytest.raises(ValueError, match="share"):
        effective_rank(values, 0.0)


def test_missing_values_count_as_the_mean() -> None:
    values = np.array([[1.0, 1.0], [-1.0, -1.0], [NAN, 0.0]])
    assert effective_rank(values) == 1
