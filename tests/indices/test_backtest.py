"""Levels against a textbook loop written here in plain Python, at any cost, with listings, deaths and gaps."""

import math
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indices.core.backtest import BacktestError, backtest
from indices.core.rulebook import DecisionError, Rulebook
from signals.core.panel import Panel
from tests.indices.markets import market, panel_of


def rules(**clauses: object) -> Rulebook:
    plain = {
        "slug": "plain",
        "family": "market_cap",
        "selection": {"count": 5, "buffer": 0},
        "weighting": {"max_weight": 1.0},
        "calendar": {"lag_days": 0},
        "costs": {"fee_bps": 0},
    }
    return Rulebook.from_dict({**plain, **clauses})


def capped(weights: dict[str, float], cap: float) -> dict[str, float]:
    if len(weights) * cap <= 1:
        return {asset: 1 / len(weights) for asset in weights}
    result = dict(weights)
    while max(result.values()) > cap + 1e-15:
        excess = sum(weight - cap for weight in result.values() if weight > cap)
        result = {asset: min(weight, cap) for asset, weight in result.items()}
        free = sum(weight for weight in result.values() if weight < cap)
        result = {
            asset: weight + (excess * weight / free if weight < cap else 0.0)
            for asset, weight in result.items()
        }
    return result


def textbook(
    panel: Panel,
    *,
    count: int,
    cap: float,
    bps: float,
    start: date,
    end: date,
    missing_days: int = 7,
    lag: int = 0,
) -> dict[date, float]:
    """Weekly top `count` by cap with a weight cap, first purchase at `start`, decided on Sundays, held in units."""
    days = [stamp.date() for stamp in panel.dates]
    closes = dict(zip(days, panel.close.tolist(), strict=True))
    caps = dict(zip(days, panel.market_cap.tolist(), strict=True))

    def chosen(day: date) -> dict[str, float]:
        rows = zip(panel.assets, closes[day], caps[day], strict=True)
        known = {asset: cap for asset, close, cap in rows if not math.isnan(close) and not math.isnan(cap)}
        top = dict(sorted(known.items(), key=lambda line: -line[1])[:count])
        return capped({asset: value / sum(top.values()) for asset, value in top.items()}, cap)

    targets: dict[date, dict[str, float]] = {start: chosen(start - timedelta(days=lag))}
    day = start - timedelta(days=lag)
    while (day := day + timedelta(days=1)) <= end:
        if day.weekday() == 6 and (found := chosen(day)):
            targets[day + timedelta(days=lag)] = found
    units: dict[str, float] = {}
    last: dict[str, float] = {}
    silent: dict[str, int] = {}
    value, levels = 1000.0, {}
    for today, prices in closes.items():
        for asset, price in zip(panel.assets, prices, strict=True):
            if not math.isnan(price):
                last[asset], silent[asset] = price, 0
                continue
            silent[asset] = silent.get(asset, 0) + 1
            if silent[asset] == missing_days + 1:
                units.pop(asset, None)
        if today < start or today > end:
            continue
        if units:
            value = sum(amount * last[asset] for asset, amount in units.items())
        if today in targets:
            now = {asset: amount * last[asset] / value for asset, amount in units.items()}
            target = targets[today]
            traded = sum(abs(target.get(asset, 0.0) - now.get(asset, 0.0)) for asset in {*target, *now})
            value *= 1 - bps / 10_000 * traded
            units = {asset: weight * value / last[asset] for asset, weight in target.items()}
        levels[today] = value
    return levels


@settings(max_examples=30)
@given(
    seed=st.integers(0, 10_000),
    count=st.integers(1, 12),
    cap=st.sampled_from([1.0, 0.4, 0.25]),
    bps=st.sampled_from([0.0, 10.0, 150.0]),
    gaps=st.sampled_from([0.0, 0.05]),
    lag=st.sampled_from([0, 1]),
)
def test_the_level_equals_the_textbook_loop(
    seed: int, count: int, cap: float, bps: float, gaps: float, lag: int
) -> None:
    panel = market(seed=seed, gaps=gaps)
    rulebook = rules(
        selection={"count": count, "buffer": 0},
        weighting={"max_weight": cap},
        costs={"fee_bps": bps},
        calendar={"lag_days": lag},
    )
    start, end = date(2020, 1, 8), date(2020, 7, 18)
    expected = textbook(panel, count=count, cap=cap, bps=bps, start=start, end=end, lag=lag)
    level = backtest(panel, rulebook, start=start, end=end).level
    assert level.to_numpy() == pytest.approx(list(expected.values()), rel=1e-9)


def test_fixed_values_by_hand() -> None:
    # 2021-01-01 is a Friday. Bought at 60:40; on Sunday the values are 120:60 and traded back to the caps, 2:1.
    panel = panel_of({"a": [6, 9, 12, 12, 6], "b": [4, 5, 6, 12, 12]})
    result = backtest(panel, rules(costs={"fee_bps": 100}), start="2021-01-01", end="2021-01-05")
    first = 1000 * (1 - 0.01)
    assert result.level.tolist() == pytest.approx(
        [first, first * 1.4, first * 1.8, first * 1.8 * (2 / 3 + 2 / 3), first * 1.8 * (1 / 3 + 2 / 3)],
        rel=1e-12,
    )
    assert result.turnover.tolist() == pytest.approx([1.0, 0.0], abs=1e-12)
    assert result.weights.loc["2021-01-01"].to_dict() == pytest.approx({"a": 0.6, "b": 0.4})


def test_a_decision_is_traded_a_day_after_it_is_made() -> None:
    # Decided on Sunday the 3rd (a leads), traded on Monday the 4th, when b has doubled already.
    panel = panel_of({"a": [10, 10, 30, 30, 30], "b": [10, 10, 10, 20, 40]})
    rulebook = rules(calendar={"lag_days": 1}, selection={"count": 1, "buffer": 0})
    result = backtest(panel, rulebook, start="2021-01-02", end="2021-01-05")
    assert [str(day)[:10] for day in result.turnover.index] == ["2021-01-02", "2021-01-04"]
    assert result.level.tolist() == pytest.approx([1000, 3000, 3000, 3000])
    assert result.level.index[0] == pd.Timestamp("2021-01-02")


def test_before_anything_passes_the_level_stands_at_base() -> None:
    nan = float("nan")
    panel = panel_of({"a": [nan, nan, 5, 10, 20]})
    result = backtest(panel, rules(base={"level": 50}), start="2021-01-01", end="2021-01-05")
    assert result.level.tolist() == pytest.approx([50, 50, 50, 100, 200])
    nothing = backtest(panel, rules(universe={"exclude": ["a"]}), start="2021-01-01", end="2021-01-05")
    assert nothing.level.tolist() == [1000.0] * 5
    assert nothing.weights.shape == (0, 0)
    assert nothing.metrics["total_return"] == 0.0


def test_a_dead_asset_is_held_at_its_last_price_and_then_returns_what_the_rulebook_says() -> None:
    nan = float("nan")
    panel = panel_of({"a": [10.0] * 12, "b": [10, 20, *[nan] * 10]})
    monthly = {"frequency": "monthly", "lag_days": 0}
    lost = rules(calendar=monthly, delisting={"after_missing_days": 7, "return": -1.0})
    level = backtest(panel, lost, start="2021-01-01", end="2021-01-12").level
    # Silent from the 3rd to the 9th is seven days; on the eighth, the 10th, it is gone.
    assert level.tolist() == pytest.approx([1000, *[1500] * 8, *[500] * 3])
    half = rules(calendar=monthly, delisting={"after_missing_days": 2, "return": -0.5})
    level = backtest(panel, half, start="2021-01-01", end="2021-01-12").level
    assert level.tolist() == pytest.approx([1000, *[1500] * 3, *[1000] * 8])


def test_a_written_off_position_does_not_rise_again() -> None:
    nan = float("nan")
    panel = panel_of({"a": [10.0] * 8, "b": [10, 10, nan, nan, nan, 10, 10, 10]})
    gone = rules(
        calendar={"frequency": "monthly", "lag_days": 0}, delisting={"after_missing_days": 1, "return": -1.0}
    )
    assert backtest(panel, gone, start="2021-01-01", end="2021-01-08").level.tolist() == pytest.approx(
        [1000] * 3 + [500] * 5
    )


def test_when_everything_dies_the_level_is_zero_and_stays_there() -> None:
    nan = float("nan")
    panel = panel_of({"a": [10, 10, nan, nan, nan, 10, 10, 10]})
    gone = rules(
        calendar={"frequency": "daily", "lag_days": 0}, delisting={"after_missing_days": 1, "return": -1.0}
    )
    level = backtest(panel, gone, start="2021-01-01", end="2021-01-08").level
    assert level.tolist() == pytest.approx([1000, 1000, 1000, 0, 0, 0, 0, 0])


def test_where_nothing_passes_later_the_last_weights_stay() -> None:
    panel = market(days=60, lives=False)
    shrunk = panel.frame("market_cap").copy()
    shrunk.iloc[20:] = np.nan
    blind = Panel.from_frames(close=panel.frame("close"), market_cap=shrunk, volume=panel.frame("volume"))
    result = backtest(blind, rules(), start="2020-01-05", end="2020-02-28", record=True)
    assert [step.held for step in result.decisions[3:]] == ["no asset passes the screens"] * 5
    assert len(result.turnover) == 3
    held = panel.frame("close")[list(result.weights.columns)]
    last = np.dot(result.weights.iloc[-1], held.loc["2020-02-28"] / held.loc["2020-01-19"])
    assert result.level.iloc[-1] == pytest.approx(result.level["2020-01-19"] * last, rel=1e-12)


def test_impact_grows_with_the_square_root_of_the_trade() -> None:
    panel = panel_of({"a": [10.0] * 40}, supply=1e6)
    for capital, expected in ((1e6, 0.1), (4e6, 0.2)):
        rulebook = rules(costs={"fee_bps": 0, "impact": 0.1, "capital_usd": capital})
        # The volume is 1e6 a day, known on all of the 30 days before.
        result = backtest(panel, rulebook, start="2021-02-05", end="2021-02-06")
        assert result.costs.tolist() == pytest.approx([expected])


def test_grades_and_regime_are_read_at_or_before_the_determination() -> None:
    panel = panel_of({"a": [10.0] * 10, "b": [10.0] * 10, "usd-coin": [1.0] * 10})
    dates = panel.dates
    grades = pd.DataFrame({"a": [90.0, 10.0], "b": [50.0, 60.0]}, index=dates[[0, 4]])
    regime = pd.Series([1.0, 0.25], index=dates[[0, 4]])
    rulebook = rules(
        selection={"rank_by": "grade", "count": 1, "buffer": 0},
        overlay={"regime": True, "risk_off": "usd-coin"},
        universe={"exclude": ["usd-coin"]},
    )
    result = backtest(panel, rulebook, start="2021-01-03", end="2021-01-10", grades=grades, regime=regime)
    assert result.weights.loc["2021-01-03"].to_dict() == {"a": 1.0, "b": 0.0, "usd-coin": 0.0}
    assert result.weights.loc["2021-01-10"].to_dict() == {"a": 0.0, "b": 0.25, "usd-coin": 0.75}
    with pytest.raises(DecisionError, match=r"^selection.rank_by: grade needs grades"):
        backtest(panel, rulebook, start="2021-01-03", end="2021-01-10", regime=regime)
    with pytest.raises(DecisionError, match=r"^overlay.regime: needs the market regime"):
        backtest(panel, rulebook, start="2021-01-03", end="2021-01-10", grades=grades)


def test_arguments_that_make_no_sense_are_refused() -> None:
    panel = market(days=30)
    with pytest.raises(BacktestError, match="start: must not be after end"):
        backtest(panel, rules(), start="2020-02-01", end="2020-01-01")
    with pytest.raises(BacktestError, match="start: the panel has no day between"):
        backtest(panel, rules(), start="2022-01-01", end="2022-02-01")
