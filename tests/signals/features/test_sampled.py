"""Samples for training: the cells of the whole computation, and no others."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
import pytest

from signals.core.features import UnknownFeature, compute, names, sampled
from signals.core.panel import Panel, PanelError
from tests.signals.features.market_of_ten import market

ROWS = (0, 40, 372, 860, 1385, 1499)


@cache
def _panel() -> Panel:
    return market(days=1500)


def _expected(panel: Panel, rows: tuple[int, ...], assets: list[str], wanted: list[str]) -> object:
    whole = compute(panel, wanted)
    cells = [whole[name].iloc[list(rows)][assets].to_numpy() for name in wanted]
    return np.stack(cells, axis=2).astype(np.float32)


def _same(ours: object, theirs: object) -> None:
    np.testing.assert_allclose(np.asarray(ours), np.asarray(theirs), rtol=1e-6, atol=1e-7)


def test_a_sample_equals_the_whole_computation_on_its_cells() -> None:
    panel = _panel()
    sample = sampled(panel, panel.dates[list(ROWS)])
    assert sample.dtype == np.float32
    assert sample.shape == (len(ROWS), len(panel.assets), len(names()))
    _same(sample, _expected(panel, ROWS, panel.assets, names()))
    assert np.isfinite(sample).mean() > 0.5, "hardly anything was compared"


def test_the_order_of_dates_assets_and_features_is_that_asked_for() -> None:
    panel, assets = _panel(), ["uni", "bitcoin", "dead", "uni"]
    wanted, rows = ["mkt_vol_30", "vol_30d", "ret_7d", "mcap_rank"], (860, 40, 860)
    sample = sampled(panel, panel.dates[list(rows)], assets=assets, names=wanted)
    _same(sample, _expected(panel, rows, assets, wanted))
    np.testing.assert_array_equal(sample[:, 0], sample[:, 3])
    np.testing.assert_array_equal(sample[0], sample[2])


@pytest.mark.parametrize("row", [1, 731, 1203])
def test_a_sample_reads_nothing_after_its_dates(row: int) -> None:
    panel = _panel()
    dates = panel.dates[[row // 2, row]]
    _same(sampled(panel.as_of(dates[-1]), dates), sampled(panel, dates))


def test_a_sample_of_a_late_day_does_not_need_the_early_ones() -> None:
    panel = market(days=1700)
    short = panel.last(1461)
    _same(sampled(short, short.dates[-1:]), sampled(panel, panel.dates[-1:]))


def test_days_that_the_panel_leaves_out_are_days_without_data() -> None:
    panel = _panel()
    kept = np.delete(np.arange(300), [50, 51, 120])
    frames = {name: panel.frame(name).iloc[kept] for name in ("close", "volume", "market_cap")}
    patchy = Panel.from_frames(**frames)  # type: ignore[arg-type]
    rows = (49, 50, 200, len(kept) - 1)
    wanted = ["ret_1d", "vol_30d", "amihud_30"]
    sample = sampled(patchy, patchy.dates[list(rows)], names=wanted)
    _same(sample, _expected(patchy, rows, patchy.assets, wanted))
    assert np.isnan(sample[1, :, 0]).all(), "the day before was left out"


def test_nothing_asked_for_is_an_empty_sample() -> None:
    panel = _panel()
    assert sampled(panel, panel.dates[:0]).shape == (0, len(panel.assets), len(names()))
    assert sampled(panel, panel.dates[:3], assets=[]).shape == (3, 0, len(names()))
    assert sampled(panel, panel.dates[:3], names=[]).shape == (3, len(panel.assets), 0)


def test_what_is_not_there_is_named() -> None:
    panel = _panel()
    with pytest.raises(PanelError, match="assets: not in the panel: nobody"):
        sampled(panel, panel.dates[:1], assets=["bitcoin", "nobody"])
    with pytest.raises(PanelError, match="2035-01-01 is not in the panel"):
        sampled(panel, pd.DatetimeIndex(["2035-01-01"]))
    with pytest.raises(UnknownFeature, match="no_such"):
        sampled(panel, panel.dates[:1], names=["no_such"])
