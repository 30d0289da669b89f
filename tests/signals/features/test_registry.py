"""The catalogue: what is declared, by what name, and what is refused."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pandas as pd
import pytest

from signals.core.features import (
    CATEGORIES,
    INPUTS,
    Feature,
    UnknownFeature,
    catalogue,
    compute,
    compute_last,
    names,
)
from signals.core.features.block import Block
from signals.core.features.registry import declare
from signals.core.observations import METRICS
from signals.core.panel import Array, Panel
from tests.signals.features.market_of_ten import market


def test_candles_allow_141_features_in_seven_categories() -> None:
    candles = [feature for feature in catalogue() if not feature.needs]
    assert Counter(feature.category for feature in candles) == {
        "momentum": 29,
        "trend": 40,
        "volatility": 23,
        "liquidity": 15,
        "valuation": 9,
        "market": 20,
        "seasonality": 5,
    }
    assert len(set(names())) == 141
    assert sum(feature.shared for feature in candles) == 11
    assert [feature.name for feature in candles] == names()


def test_observations_allow_23_more() -> None:
    more = [feature for feature in catalogue() if feature.needs]
    assert Counter(feature.category for feature in more) == {"network": 16, "derivatives": 4, "sentiment": 3}
    assert [feature.name for feature in more if feature.shared] == ["fear_greed"]
    assert all(set(feature.needs) <= set(METRICS) for feature in more)


@pytest.mark.parametrize("declared", catalogue(), ids=lambda feature: feature.name)
def test_every_feature_says_what_it_is(declared: Feature) -> None:
    assert declared.category in CATEGORIES
    assert declared.inputs
    assert set(declared.inputs) <= set(INPUTS)
    for text in (declared.formula, declared.source, declared.unit):
        assert text
        assert "{" not in text
    assert declared.window >= 1


def test_the_formula_of_a_family_names_its_own_days() -> None:
    ret = {feature.name: feature for feature in catalogue()}["ret_28d"]
    assert (ret.formula, ret.source) == ("c / c[−28] − 1.", "Liu, Tsyvinski & Wu (2022).")
    assert (ret.window, ret.inputs, ret.unit, ret.shared) == (29, ("close",), "fraction", False)


def test_a_name_that_is_none_is_refused() -> None:
    with pytest.raises(UnknownFeature, match="names: no such feature: ret_2d"):
        compute(market(days=5), ["ret_1d", "ret_2d"])


def test_a_declaration_without_source_or_with_a_name_taken_is_refused() -> None:
    def without(_: Block) -> Array:
        """A formula."""
        raise AssertionError

    def twice(_: Block) -> Array:
        """A formula. Source: here."""
        raise AssertionError

    with pytest.raises(ValueError, match="needs a docstring"):
        declare("trend", "nothing_1", inputs="close", window=1, unit="x")(without)
    with pytest.raises(ValueError, match="ret_1d"):
        declare("trend", "ret_1d", inputs="close", window=1, unit="x")(twice)


def test_only_the_features_asked_for_come_and_in_that_order() -> None:
    panel = market(days=40)
    found = compute(panel, ["vol_30d", "ret_1d", "vol_30d"])
    assert list(found) == ["vol_30d", "ret_1d"]
    frame = found["ret_1d"]
    assert frame.index.equals(panel.dates)
    assert list(frame.columns) == panel.assets
    pd.testing.assert_frame_equal(frame, compute(panel)["ret_1d"])
    assert list(compute_last(panel, ["vol_30d", "ret_1d"]).columns) == ["vol_30d", "ret_1d"]


def test_a_day_left_out_of_the_panel_is_a_day_without_data() -> None:
    whole = market(days=60, gaps=0.0)
    kept = [row for row in range(60) if row != 50]
    holes: dict[str, Any] = {}
    for name in ("open", "high", "low", "close", "volume", "market_cap"):
        holes[name] = whole.frame(name).iloc[kept]
    left_out = compute(Panel.from_frames(categories=whole.categories, **holes))
    filled: dict[str, Any] = {name: frame.reindex(whole.dates) for name, frame in holes.items()}
    empty = compute(Panel.from_frames(categories=whole.categories, **filled))
    for name in names():
        np.testing.assert_array_equal(left_out[name], empty[name].iloc[kept])
    assert np.isnan(left_out["ret_1d"].to_numpy()[50, 0])
    assert compute_last(market(days=1), ["log_price"]).shape == (10, 1)


def test_a_panel_without_dates_gives_empty_frames_and_no_last_day() -> None:
    panel = market(days=5).as_of("2000-01-01")
    assert {frame.shape for frame in compute(panel).values()} == {(0, 10)}
    with pytest.raises(ValueError, match="panel: has no dates"):
        compute_last(panel)


def test_a_panel_without_bitcoin_lacks_what_needs_it_and_no_more() -> None:
    panel = market(days=400, gaps=0.0)
    others = compute(panel.select([asset for asset in panel.assets if asset != "bitcoin"]))
    lacking = {name for name in names() if others[name].isna().all(axis=None)}
    assert {"beta_btc_90", "resid_mom_28", "resid_mom_91", "btc_dominance_chg_30", "ssr"} <= lacking
    assert others["beta_mkt_90"]["ada"].notna().any()
