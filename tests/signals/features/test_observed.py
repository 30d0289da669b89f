"""Features of observations: equal to a slow reference, blind to the future, absent without their data."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
import pytest

from signals.core.features import Feature, catalogue, compute, compute_last, names, sampled
from signals.core.observations import METRICS, Observations, Observed
from signals.core.panel import Panel
from tests.signals.features.market_of_ten import market
from tests.signals.features.slow_observed import reference

DAYS = 900
ROWS = (0, 3, 29, 41, 96, 130, 372, 400, 520, 640, 770, 899)
OBSERVED = [feature for feature in catalogue() if feature.needs]
OF = {
    "onchain": ("bitcoin", "ethereum", "tether", "dot", "young", "dead"),
    "derivatives": ("bitcoin", "uni"),
    "sentiment": ("bitcoin", "ethereum", "ada"),
}


def observations(seed: int = 3, days: int = DAYS) -> Observations:
    """Levels that wander, with gaps, zeros where a count may be none, and news on some days only."""
    random = np.random.default_rng(seed)
    found = {}
    for number, (name, metric) in enumerate(METRICS.items()):
        columns = None if metric.shared else OF[metric.family]
        shape = (days, 1 if columns is None else len(columns))
        values = np.exp(8 + number / 4 + np.cumsum(random.normal(0, 0.05, shape), axis=0))
        if metric.negative:
            values = random.normal(0, 0.3, shape)
        if name in ("NVTAdj", "CapMVRVCur"):
            values = np.exp(random.normal(1, 0.5, shape))
        if name.endswith("news_count"):
            values = random.poisson(0.6 if columns else 5, shape).astype(np.float64)
            values[values == 0] = np.nan
        elif name in ("TxCnt", "IssTotUSD", "FeeTotUSD", "AdrActCnt", "open_interest"):
            values[random.random(shape) < 0.02] = 0.0
        values[random.random(shape) < 0.03] = np.nan
        found[name] = Observed(columns, values)
    feed = found["market_news_count"].values.copy()
    feed[500:520] = np.nan
    found["market_news_count"] = Observed(None, feed)
    quiet = found["news_count"].values.copy()
    quiet[:450, 2] = np.nan
    quiet[460:, 2] = np.nan
    found["news_count"] = Observed(OF["sentiment"], quiet)
    return Observations(found)


@cache
def _panel() -> Panel:
    return market(11, days=DAYS).observing(observations())


@cache
def _features() -> dict[str, pd.DataFrame]:
    return compute(_panel(), [feature.name for feature in OBSERVED])


@cache
def _reference() -> dict[str, pd.DataFrame]:
    return reference(_panel(), ROWS)


def _same(ours: object, theirs: object) -> None:
    np.testing.assert_allclose(np.asarray(ours), np.asarray(theirs), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", [feature.name for feature in OBSERVED])
def test_a_feature_equals_its_slow_reference(name: str) -> None:
    theirs = _reference()[name]
    _same(_features()[name].iloc[list(ROWS)], theirs)
    assert theirs.notna().sum().sum() >= 5, "nothing was compared"


def test_the_reference_knows_no_other_features() -> None:
    assert set(_reference()) == {feature.name for feature in OBSERVED}


@pytest.mark.parametrize("row", [0, 33, 399, 650])
def test_no_feature_reads_a_later_row(row: int) -> None:
    panel = _panel()
    cut = compute(panel.as_of(panel.dates[row]), list(_features()))
    for name, frame in _features().items():
        _same(cut[name], frame.iloc[: row + 1])


@pytest.mark.parametrize("feature", OBSERVED, ids=lambda feature: feature.name)
def test_no_feature_reads_rows_before_its_window(feature: Feature) -> None:
    short = compute(_panel().last(feature.window), [feature.name])[feature.name]
    _same(short.iloc[-1], _features()[feature.name].iloc[-1])


def test_the_last_day_and_a_sample_equal_the_whole_computation() -> None:
    panel = _panel()
    asked = list(_features())
    last = compute_last(panel, asked)
    some = sampled(panel, panel.dates[[400, 899]], assets=["dot", "bitcoin"], names=asked)
    for number, (name, frame) in enumerate(_features().items()):
        _same(last[name], frame.iloc[-1])
        np.testing.assert_array_equal(
            some[:, :, number], frame.iloc[[400, 899]][["dot", "bitcoin"]].astype(np.float32)
        )


@pytest.mark.parametrize("token", ["young", "dead", "ethereum"])
def test_a_token_alone_has_what_it_has_among_others(token: str) -> None:
    alone = compute(_panel().select([token]), list(_features()))
    for name, frame in _features().items():
        _same(alone[name][token], frame[token])


def test_a_panel_has_the_features_that_its_data_allow() -> None:
    bare = market(11, days=60)
    assert list(compute(bare)) == names()
    some = Observations({name: observations(days=60)[name] for name in ("AdrActCnt", "fear_greed")})
    more = bare.observing(some)
    extra = ["log_active_addr", "addr_growth_30", "addr_growth_90", "addr_per_mcap", "fear_greed"]
    assert list(compute(more)) == names() + extra
    assert list(compute_last(more).columns) == names() + extra
    assert sampled(more, more.dates[-1:]).shape == (1, 10, 146)
    assert compute(bare, ["mvrv", "fear_greed"])["mvrv"].isna().all(axis=None)
    assert compute_last(bare, ["fear_greed"]).isna().all(axis=None)


def test_only_observed_tokens_have_a_value_and_all_share_the_mood() -> None:
    features = _features()
    assert set(features["mvrv"].columns[features["mvrv"].notna().any()]) == set(OF["onchain"])
    assert set(features["funding_7"].columns[features["funding_7"].notna().any()]) == set(OF["derivatives"])
    mood = _panel().observed["fear_greed"].values
    np.testing.assert_array_equal(features["fear_greed"], np.broadcast_to(mood, (DAYS, 10)))


def test_a_token_that_the_news_name_has_zeros_until_a_year_has_passed() -> None:
    count = _features()["news_count_7"]["ada"].to_numpy()
    close = ~np.isnan(_panel().close[:, 4])
    assert np.isnan(count[:450]).all()
    assert np.nanmax(count[450:470]) > 0
    silent = count[530:800]
    assert (silent[close[530:800] & ~np.isnan(silent)] == 0).all()
    assert (~np.isnan(silent)).sum() > 150
    told = np.flatnonzero(_panel().observed["news_count"].values[:, 2] > 0)
    assert count[told[-1] + 363] == 0.0
    assert np.isnan(count[told[-1] + 364 :]).all()
    assert np.isnan(_features()["news_count_7"].to_numpy()[506:520]).all()  # the feed was silent


def test_days_that_a_panel_leaves_out_count_as_days_without_data() -> None:
    kept = np.flatnonzero(np.random.default_rng(1).random(DAYS) > 0.05)
    panel = _panel()
    fields = ("close", "open", "high", "low", "volume", "market_cap")
    frames = {name: panel.frame(name).iloc[kept] for name in fields}
    left_out = Panel.from_frames(
        close=frames["close"],
        market_cap=frames["market_cap"],
        categories=panel.categories,
        observed=panel.observed.over(kept),
    )
    blank = {name: Observed(each.columns, each.values.copy()) for name, each in panel.observed.items()}
    gone = np.setdiff1d(np.arange(DAYS), kept)
    for each in blank.values():
        each.values[gone] = np.nan
    filled = {name: frame.reindex(panel.dates[kept[0] : kept[-1] + 1]) for name, frame in frames.items()}
    span = slice(kept[0], kept[-1] + 1)
    whole = Panel.from_frames(
        close=filled["close"],
        market_cap=filled["market_cap"],
        categories=panel.categories,
        observed=Observations(blank).over(span),
    )
    ours, theirs = compute(left_out, list(_features())), compute(whole, list(_features()))
    for name in _features():
        _same(ours[name], theirs[name].iloc[kept - kept[0]])
