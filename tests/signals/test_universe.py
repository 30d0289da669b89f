"""Who is graded on a day: rules one by one, and never by what came later."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signals.core.panel import Panel
from signals.core.universe import UniverseRules, gradable

DAYS = 120
RULES = UniverseRules(count=3, min_volume=1e5, volume_days=10, min_age_days=30)


def market(
    assets: int = 5, *, seed: int = 1, categories: dict[str, set[str]] | None = None, **changed
) -> Panel:
    """Tokens t0, t1 ...: t0 the largest; every one old, liquid and moving, unless a frame says otherwise."""
    rng = np.random.default_rng(seed)
    dates = pd.date_range("2022-01-01", periods=DAYS, freq="D")
    names = [f"t{number}" for number in range(assets)]
    close = pd.DataFrame(
        np.exp(rng.normal(0, 0.05, (DAYS, assets)).cumsum(axis=0)), index=dates, columns=names
    )
    frames = {
        "close": close,
        "market_cap": pd.DataFrame(1e9 / (1 + np.arange(assets)), index=names, columns=dates[:1]).T.reindex(
            dates, method="ffill"
        ),
        "volume": pd.DataFrame(1e6, index=dates, columns=names),
    }
    return Panel.from_frames(**(frames | changed), categories=categories or {})


def graded(panel: Panel, rules: UniverseRules = RULES) -> list[str]:
    """The names graded on the last date."""
    return [asset for asset, yes in zip(panel.assets, gradable(panel, rules)[-1], strict=True) if yes]


def test_the_largest_are_graded() -> None:
    assert graded(market()) == ["t0", "t1", "t2"]
    assert graded(market(), UniverseRules(count=2)) == ["t0", "t1"]


@pytest.mark.parametrize("kind", ["stablecoin", "wrapped", "staked", "bridged"])
def test_what_stands_for_something_else_is_not_graded(kind: str) -> None:
    assert graded(market(categories={"t1": {kind}})) == ["t0", "t2", "t3"]


def test_a_kind_measured_over_the_whole_path_would_look_ahead() -> None:
    assert graded(market(categories={"t1": {"wrapped", "measured-wrapped"}})) == ["t0", "t1", "t2"]


def test_a_token_waits_until_it_is_thirty_days_old() -> None:
    panel = market()
    close = panel.frame("close").copy()
    close.iloc[:60, 0] = np.nan
    young = market(close=close)
    mask = gradable(young, RULES)[:, 0]
    assert not mask[:90].any()
    assert mask[90:].all()


def test_a_token_needs_a_price_and_a_cap_of_the_day() -> None:
    close, cap = market().frame("close").copy(), market().frame("market_cap").copy()
    close.iloc[-1, 0] = np.nan
    cap.iloc[-1, 1] = np.nan
    assert graded(market(close=close, market_cap=cap)) == ["t2", "t3", "t4"]
    cap.iloc[-1, 2] = 0.0
    assert graded(market(close=close, market_cap=cap)) == ["t3", "t4"]


def test_median_volume_decides_not_one_loud_day() -> None:
    volume = market().frame("volume").copy()
    volume["t0"] = 9.9e4
    volume.iloc[-3:, 0] = 1e12
    assert graded(market(volume=volume)) == ["t1", "t2", "t3"]
    volume["t0"] = 1e5
    assert graded(market(volume=volume)) == ["t0", "t1", "t2"]


def test_what_hardly_moves_is_pegged_whatever_it_is_called() -> None:
    close = market().frame("close").copy()
    close["t0"] = 1.0 + 0.001 * (np.arange(DAYS) % 2)
    assert graded(market(close=close)) == ["t1", "t2", "t3"]


def test_a_calm_token_that_goes_somewhere_is_no_peg() -> None:
    close = market().frame("close").copy()
    close["t0"] = 1.002 ** np.arange(
        DAYS
    )  # 0.2 % a day is under the limit of a move, 12 % in sixty days is not
    assert graded(market(close=close)) == ["t0", "t1", "t2"]


@settings(max_examples=25, deadline=None)
@given(day=st.integers(0, DAYS - 1), seed=st.integers(0, 10_000))
def test_nothing_after_a_day_changes_who_is_graded_on_it(day: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    panel = market(seed=seed)
    close, volume = panel.frame("close").copy(), panel.frame("volume").copy()
    close[rng.random(close.shape) < 0.1] = np.nan
    volume *= np.exp(rng.normal(-2, 2, volume.shape))
    whole = market(close=close, volume=volume)
    expected = gradable(whole, RULES)[: day + 1]
    assert (gradable(whole.as_of(whole.dates[day]), RULES) == expected).all()
    close.iloc[day + 1 :] = rng.random(close.iloc[day + 1 :].shape) + 0.5
    later = market(close=close, volume=volume)
    # A first price that only the noise gave is no listing day of the past.
    assert (gradable(later, RULES)[: day + 1] == expected).all()
