"""Features: equal to a slow reference, blind to the future, the same from a short history."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest

from signals.core.features import Feature, catalogue, compute, compute_last, names, rows_needed
from signals.core.panel import Panel
from tests.signals.features.market_of_ten import DAYS, FIELDS, market
from tests.signals.features.reference import reference

CANDLES = [feature for feature in catalogue() if not feature.needs]
ROWS = (3, 40, 95, 130, 200, 372, 560, 640, 860, 1100, 1385, 1462, 1640, 1690, 1699)


@cache
def _panel() -> Panel:
    return market()


@cache
def _features() -> dict[str, pd.DataFrame]:
    return compute(_panel())


@cache
def _reference() -> dict[str, pd.DataFrame]:
    return reference(_panel(), ROWS)


def _same(ours: object, theirs: object) -> None:
    np.testing.assert_allclose(np.asarray(ours), np.asarray(theirs), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", names())
def test_a_feature_equals_its_slow_reference(name: str) -> None:
    theirs = _reference()[name]
    _same(_features()[name].iloc[list(ROWS)], theirs)
    assert theirs.iloc[-1].notna().sum() >= 1, "nothing was compared"


def test_the_reference_knows_no_other_features() -> None:
    assert set(_reference()) == set(names())


@pytest.mark.parametrize("row", [0, 1, 33, 399, 731, 1203, 1500])
def test_no_feature_reads_a_later_row(row: int) -> None:
    panel = _panel()
    cut = compute(panel.as_of(panel.dates[row]))
    for name, frame in _features().items():
        _same(cut[name], frame.iloc[: row + 1])


@pytest.mark.parametrize("row", [0, 29, 365, 800, DAYS - 1])
def test_the_last_day_alone_equals_the_whole_computation(row: int) -> None:
    panel = _panel()
    last = compute_last(panel.as_of(panel.dates[row]))
    assert list(last.columns) == names()
    assert list(last.index) == panel.assets
    for name, frame in _features().items():
        if name == "mkt_drawdown":  # a level that is added up from the first row on
            _same(last[name], frame.iloc[row])
        else:
            np.testing.assert_array_equal(last[name], frame.iloc[row], err_msg=name)


@pytest.mark.parametrize("feature", CANDLES, ids=lambda feature: feature.name)
def test_no_feature_reads_rows_before_its_window(feature: Feature) -> None:
    name, window = feature.name, feature.window
    panel = _panel()
    short = compute(panel.last(window), [name])[name]
    assert len(short) == window
    _same(short.iloc[-1], _features()[name].iloc[-1])


def test_the_rows_needed_are_those_of_the_longest_window() -> None:
    assert rows_needed() == 1461
    assert rows_needed(["ret_1d", "vol_30d"]) == 31


def test_only_price_levels_change_when_all_prices_are_a_thousand_times_larger() -> None:
    small, large = market(3, days=500), market(3, days=500, price_scale=1000.0)
    ours, theirs = compute(small), compute(large)
    changed = {
        name
        for name in names()
        if not np.allclose(ours[name], theirs[name], rtol=1e-8, atol=1e-8, equal_nan=True)
    }
    assert changed == {"log_price", "maxdprc_7"}


@pytest.mark.parametrize("field", ["open", "high", "low", "volume", "market_cap"])
def test_a_feature_reads_only_its_declared_inputs(field: str) -> None:
    panel = market(5, days=420)
    inputs = {"market_cap": "cap"}.get(field, field)
    frames: dict[str, Any] = {name: panel.frame(name) for name in FIELDS}
    bare = Panel.from_frames(categories=panel.categories, **(frames | {field: frames[field] * np.nan}))
    ours, theirs = compute(panel), compute(bare)
    for feature in CANDLES:
        if inputs in feature.inputs:
            assert theirs[feature.name].isna().all(axis=None), feature.name
        else:
            _same(ours[feature.name], theirs[feature.name])
