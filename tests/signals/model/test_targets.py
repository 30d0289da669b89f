"""What a model is fitted to, on dates small enough to count by hand."""

import numpy as np
import pandas as pd
import pytest

from signals.core.model import sample
from signals.core.model.targets import beats_median, outcomes, targets
from signals.core.panel import Panel
from tests.signals.model.markets import NAMES, market

RETURNS = np.array([-0.5, -0.2, -0.1, 0.0, 0.0, 0.1, 0.2, 0.4, 9.0, np.nan, 0.3])
ROW = np.zeros(11, dtype=np.int64)


def test_ranks_are_spread_evenly_and_equals_share():
    found = targets(RETURNS, ROW, 1, kind="rank")
    expected = np.array([0, 1, 2, 3.5, 3.5, 5, 6, 8, 9, np.nan, 7]) / 9 - 0.5
    np.testing.assert_allclose(found, expected)


def test_the_clipped_target_keeps_order_and_bounds_the_tail():
    found = targets(RETURNS, ROW, 1, kind="clipped")
    known = ~np.isnan(RETURNS)
    centred = RETURNS[known] - RETURNS[known].mean()
    scale = 1.4826 * np.median(np.abs(centred - np.median(centred)))
    cut = np.clip(centred / scale, -3.0, 5.0) / np.sqrt(12.0) / 1.3
    np.testing.assert_allclose(found[known], cut - cut.mean())
    assert np.isnan(found[9])
    assert found[known].sum() == pytest.approx(0.0, abs=1e-12)


def test_the_blend_is_the_mean_of_both():
    both = [targets(RETURNS, ROW, 1, kind=kind) for kind in ("rank", "clipped")]
    np.testing.assert_allclose(targets(RETURNS, ROW, 1, kind="blend"), np.mean(both, axis=0))


def test_a_date_with_nine_known_returns_has_no_target():
    few = RETURNS.copy()
    few[0] = np.nan
    assert np.isnan(targets(few, ROW, 1, kind="rank")).all()
    assert np.isnan(beats_median(few, ROW, 1)).all()


def test_equal_returns_are_no_different_from_each_other():
    np.testing.assert_array_equal(targets(np.full(11, 0.1), ROW, 1, kind="clipped"), np.zeros(11))


def test_half_beat_the_median_and_the_median_itself_counts_half():
    odd = np.arange(11.0)
    assert beats_median(odd, ROW, 1).tolist() == [0, 0, 0, 0, 0, 0.5, 1, 1, 1, 1, 1]


def test_an_outcome_is_the_return_from_the_next_close_on():
    panel = market(days=200)
    day = pd.DatetimeIndex([panel.dates[150]])
    taken = sample(panel, day, names=NAMES)
    expected = panel.close[158, taken.column] / panel.close[151, taken.column] - 1.0
    np.testing.assert_array_equal(outcomes(panel, taken, horizon=7), expected)


def test_outcomes_count_days_where_the_panel_leaves_some_out():
    panel = market(days=200)
    thinned = np.delete(np.arange(200), [155, 160])
    frames = {name: panel.frame(name).iloc[thinned] for name in ("close", "market_cap", "volume")}
    day = pd.DatetimeIndex([panel.dates[150]])
    gappy = Panel.from_frames(close=frames["close"], market_cap=frames["market_cap"], volume=frames["volume"])
    taken = sample(gappy, day, names=NAMES)
    expected = panel.close[158, taken.column] / panel.close[151, taken.column] - 1.0
    np.testing.assert_array_equal(outcomes(gappy, taken, horizon=7), expected)
