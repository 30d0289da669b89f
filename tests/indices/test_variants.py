"""Variants of a level: each against a plain loop or by hand."""

from datetime import timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indices.core.backtest import Backtest, backtest
from indices.core.events import Delisting, Event, Halt, Redenomination
from indices.core.rulebook import Rulebook
from indices.core.variants import (
    VariantError,
    held_weights,
    net_of_fee,
    price_level,
    total_return,
    variants,
)
from signals.core.panel import Panel
from tests.indices.markets import market, panel_of

NAN = float("nan")


def rules(**clauses: object) -> Rulebook:
    plain = {
        "slug": "plain",
        "family": "market_cap",
        "selection": {"count": 5, "buffer": 0},
        "weighting": {"max_weight": 1.0},
        "calendar": {"frequency": "weekly", "lag_days": 1},
        "costs": {"fee_bps": 50, "half_spread_bps": 10, "impact": 0.1},
    }
    return Rulebook.from_dict({**plain, **clauses})


def run(panel: Panel, book: Rulebook) -> Backtest:
    return backtest(panel, book, start="2020-01-05", end="2020-05-31")


@settings(max_examples=20)
@given(seed=st.integers(0, 1000), gaps=st.sampled_from([0.0, 0.05]))
def test_the_price_level_is_the_walk_without_costs(seed: int, gaps: float) -> None:
    panel = market(seed=seed, gaps=gaps)
    paid, free = rules(), rules(costs={"fee_bps": 0})
    result = run(panel, paid)
    gross = variants(result, panel)["price"]
    assert gross.to_numpy() == pytest.approx(run(panel, free).level.to_numpy(), rel=1e-12)
    assert gross.iloc[0] == pytest.approx(1000)
    assert (result.level < gross).all()


def test_the_level_itself_is_net_of_cost_and_the_others_begin_with_it() -> None:
    panel = market(seed=3)
    result = run(panel, rules(fees={"management_bps": 95}))
    found = variants(result, panel, staking={"asset-001": 0.05})
    assert list(found.columns) == ["price", "net_of_cost", "total_return", "net_of_fee"]
    assert found["net_of_cost"].tolist() == result.level.tolist()
    assert found.iloc[0].tolist() == [1000.0, *[result.level.iloc[0]] * 3]
    assert (found["net_of_fee"].iloc[1:] < result.level.iloc[1:]).all()
    without = variants(result, panel, management_bps=0)
    assert without["net_of_fee"].tolist() == result.level.tolist()
    assert without["total_return"].tolist() == result.level.tolist()


def test_a_fee_is_taken_every_calendar_day_also_over_a_gap() -> None:
    days = pd.DatetimeIndex(["2021-01-01", "2021-01-02", "2021-01-05"])
    found = net_of_fee(pd.Series([1000.0, 1000.0, 2000.0], index=days), 365)
    # A ten-thousandth a day: after one day, and after four.
    assert found.tolist() == pytest.approx([1000, 999.9, 2000 * 0.9999**4], rel=1e-14)


def test_a_year_of_fee_is_a_year_of_fee() -> None:
    level = pd.Series(100.0, index=pd.date_range("2021-01-01", periods=366))
    assert net_of_fee(level, 95).iloc[-1] == pytest.approx(100 * (1 - 0.0095 / 365) ** 365, rel=1e-13)


def test_the_yield_is_earned_on_what_is_held_and_put_back() -> None:
    days = pd.DatetimeIndex(["2021-01-01", "2021-01-02", "2021-01-04"])
    level = pd.Series([1000.0, 1100.0, 1100.0], index=days)
    held = pd.DataFrame({"a": [0.5, 0.25, 0.0], "b": [0.5, 0.75, 1.0]}, index=days)
    found = total_return(level, held, {"a": 0.365, "unheld": 9.0})
    first = 1 + 0.5 * 0.001
    assert found.tolist() == pytest.approx(
        [1000, 1100 * first, 1100 * first * (1 + 0.25 * 0.001 * 2)], rel=1e-15
    )
    # As a frame: b's yield begins on the second day and is earned from the third on.
    later = pd.DataFrame({"b": [0.73]}, index=days[1:2])
    dated = total_return(level, held, later)
    assert dated.tolist() == pytest.approx([1000, 1100, 1100 * (1 + 0.75 * 0.002 * 2)], rel=1e-15)


@settings(max_examples=10)
@given(seed=st.integers(0, 1000))
def test_all_staked_at_one_rate_is_the_level_at_that_rate(seed: int) -> None:
    panel = market(seed=seed, lives=False)
    result = run(panel, rules())
    found = variants(result, panel, staking=dict.fromkeys(panel.assets, 0.04))["total_return"]
    elapsed = np.arange(len(result.level))
    assert found.to_numpy() == pytest.approx(result.level.to_numpy() * (1 + 0.04 / 365) ** elapsed, rel=1e-11)


@settings(max_examples=15)
@given(seed=st.integers(0, 1000), gaps=st.sampled_from([0.0, 0.05]))
def test_the_held_weights_carry_the_level_from_day_to_day(seed: int, gaps: float) -> None:
    panel = market(seed=seed, gaps=gaps)
    result = run(panel, rules(costs={"fee_bps": 0}))
    held = held_weights(panel, result.rebalances, result.rulebook, dates=pd.DatetimeIndex(result.level.index))
    assert held.sum(axis=1).to_numpy() == pytest.approx(np.ones(len(held)))
    close = panel.frame("close")[held.columns].ffill()
    dead = panel.frame("close")[held.columns].isna().rolling(8).sum() >= 8
    moves = (close / close.shift()).where(~dead, 0.0).loc[held.index].fillna(0.0)
    carried = (held.shift() * moves).sum(axis=1)[1:]
    died = (dead.loc[held.index] & (held.shift() > 0)).any(axis=1)[1:]
    step = (result.level / result.level.shift())[1:]
    assert step[~died].to_numpy() == pytest.approx(carried[~died].to_numpy(), rel=1e-9)
    bought = result.weights.reindex(columns=held.columns)
    assert held.loc[bought.index].to_numpy() == pytest.approx(bought.to_numpy(), abs=1e-12)


def test_events_are_in_the_held_weights() -> None:
    panel = panel_of({"a": [10.0, 10, 0.02, 7, 7], "b": [10.0] * 5})
    events: list[Event] = [
        Redenomination("a", panel.dates[2].date(), 1000),
        Halt("b", panel.dates[2].date(), panel.dates[3].date()),
        Delisting("a", panel.dates[3].date(), -0.5),
    ]
    book = rules(
        weighting={"scheme": "equal", "max_weight": 1}, calendar={"frequency": "monthly", "lag_days": 0}
    )
    result = backtest(panel, book, start="2021-01-01", end="2021-01-05", events=events)
    found = variants(result, panel, events=events, staking={"a": 0.365})
    dates = pd.DatetimeIndex(result.level.index)
    held = held_weights(panel, result.rebalances, book, dates=dates, events=events)
    assert held["a"].tolist() == pytest.approx([0.5, 0.5, 2 / 3, 0.5, 0.5])
    assert result.level.tolist() == pytest.approx(np.array([1, 1, 1.5, 1, 1]) * result.level.iloc[0])
    earned = np.cumprod([1, 1.0005, 1.0005, 1 + 0.001 * 2 / 3, 1.0005])
    assert (found["total_return"] / result.level).tolist() == pytest.approx(earned.tolist(), rel=1e-14)


def test_before_the_first_purchase_nothing_is_held_and_nothing_earned() -> None:
    panel = panel_of({"a": [NAN, NAN, 5.0, 10.0]})
    book = rules(calendar={"frequency": "daily", "lag_days": 0}, costs={"fee_bps": 0})
    result = backtest(panel, book, start="2021-01-01", end="2021-01-04")
    found = variants(result, panel, staking={"a": 0.365})
    assert found["total_return"].tolist() == pytest.approx([1000, 1000, 1000, 2000 * 1.001])
    none = backtest(panel, rules(universe={"exclude": ["a"]}), start="2021-01-01", end="2021-01-04")
    assert variants(none, panel).to_numpy().tolist() == [[1000.0] * 4] * 4


def test_what_makes_no_sense_is_refused() -> None:
    days = pd.date_range("2021-01-01", periods=2)
    level = pd.Series([1000.0, 0.0], index=days)
    with pytest.raises(VariantError, match="costs: took the whole index on 2021-01-02"):
        price_level(level, pd.Series([1.0], index=days[1:]))
    with pytest.raises(VariantError, match=r"management_bps: must be in \[0, 3650000\), got -1"):
        net_of_fee(level, -1)
    held = pd.DataFrame({"a": [1.0, 1.0]}, index=days)
    with pytest.raises(VariantError, match="staking: the yield of a must be a fraction above -1, got -1"):
        total_return(level, held, {"a": -1.0})
    with pytest.raises(VariantError, match="staking: the yield of a must be a fraction above -1, got inf"):
        total_return(level, held, pd.DataFrame({"a": [float("inf")]}, index=days[:1]))
    with pytest.raises(VariantError, match="held: must have the days of level"):
        total_return(level, held.set_axis(days + timedelta(days=1)), {})
