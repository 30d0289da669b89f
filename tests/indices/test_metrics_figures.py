"""Every figure of a level series: by hand, and against empyrical, scipy and pandas on random series."""

from __future__ import annotations

import math
from datetime import date, timedelta

import empyrical
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from indices.core import metrics
from indices.core.formulas import FORMULAS
from indices.core.metrics import periods, relative, tails


def days(count: int, first: date = date(2020, 1, 1)) -> list[date]:
    return [first + timedelta(days=number) for number in range(count)]


def walk(count: int, seed: int, size: float = 0.04) -> np.ndarray:
    random = np.random.default_rng(seed)
    return 1000.0 * np.cumprod(
        np.concatenate(([1.0], 1 + np.clip(random.normal(0.001, size, count), -0.5, 1)))
    )


SEEDS = st.integers(0, 2**32 - 1)


@settings(max_examples=60, deadline=None)
@given(st.integers(400, 900), SEEDS)
def test_growth_and_risk_agree_with_empyrical(count: int, seed: int) -> None:
    levels = walk(count, seed)
    found = metrics.growth_figures(levels, days(count + 1))
    returns = metrics.daily_returns(levels)
    oracle = {
        "total_return": empyrical.cum_returns_final(returns),
        "cagr": empyrical.cagr(returns, annualization=365),
        "volatility": empyrical.annual_volatility(returns, annualization=365),
        "downside_volatility": empyrical.downside_risk(returns, annualization=365),
        "sharpe": empyrical.sharpe_ratio(returns, annualization=365),
        "sortino": empyrical.sortino_ratio(returns, annualization=365),
        "calmar": empyrical.calmar_ratio(returns, annualization=365),
        "max_drawdown": empyrical.max_drawdown(returns),
        "var_95": empyrical.value_at_risk(returns, 0.05),
        "var_99": empyrical.value_at_risk(returns, 0.01),
        "cvar_95": empyrical.conditional_value_at_risk(returns, 0.05),
        "cvar_99": empyrical.conditional_value_at_risk(returns, 0.01),
        "skewness": stats.skew(returns),
        "excess_kurtosis": stats.kurtosis(returns),
        "best_day": returns.max(),
        "worst_day": returns.min(),
    }
    for key, expected in oracle.items():
        assert found[key].value == pytest.approx(expected, rel=1e-9, abs=1e-12), key
        assert found[key].reason == ""


@settings(max_examples=60, deadline=None)
@given(st.integers(400, 900), SEEDS)
def test_figures_against_a_reference_agree_with_empyrical_and_numpy(count: int, seed: int) -> None:
    levels, other = walk(count, seed), walk(count, seed ^ 1)
    found = metrics.relative_figures(levels, other, days(count + 1))
    mine, theirs = metrics.daily_returns(levels), metrics.daily_returns(other)
    assert found["beta"].value == pytest.approx(empyrical.beta(mine, theirs), rel=1e-9, abs=1e-12)
    assert found["correlation"].value == pytest.approx(stats.pearsonr(mine, theirs).statistic, abs=1e-12)
    ratio = empyrical.excess_sharpe(mine, theirs) * math.sqrt(365)
    assert found["information_ratio"].value == pytest.approx(ratio, rel=1e-9, abs=1e-12)
    tracked = np.std(mine - theirs, ddof=1) * math.sqrt(365)
    assert found["tracking_error"].value == pytest.approx(tracked, rel=1e-12)
    assert found["active_return"].value == pytest.approx(
        levels[-1] / levels[0] - other[-1] / other[0], abs=1e-12
    )

    # Months from pandas: last level of each whole month, the first one from the eve of its first day.
    table = pd.DataFrame({"mine": levels, "theirs": other}, index=pd.DatetimeIndex(days(count + 1)))
    ends = table.resample("ME").last()
    moves = ends.pct_change().iloc[1:]
    last = pd.Timestamp(days(count + 1)[-1])
    whole = moves[moves.index <= last]
    for key, chosen in (
        ("up_capture", whole[whole["theirs"] > 0]),
        ("down_capture", whole[whole["theirs"] < 0]),
    ):
        growth = (1 + chosen).prod() ** (1 / len(chosen)) - 1
        assert found[key].value == pytest.approx(growth["mine"] / growth["theirs"], rel=1e-8), key


def test_nothing_is_stated_per_year_under_a_year() -> None:
    annual = {"cagr", "volatility", "downside_volatility", "sharpe", "sortino", "calmar"}
    levels = walk(364, 5)
    short = metrics.growth_figures(levels, days(365))
    assert {key for key, figure in short.items() if figure.value is None} == annual
    assert {short[key].reason for key in annual} == {
        "364 days of history; nothing is stated per year under 365"
    }
    against = metrics.relative_figures(levels, walk(364, 6), days(365))
    assert {key for key, figure in against.items() if figure.value is None} == {
        "tracking_error",
        "information_ratio",
        "up_capture",
        "down_capture",
    }
    whole = metrics.growth_figures(walk(365, 5), days(366))
    assert all(figure.value is not None for figure in whole.values())


def test_tiny_and_flat_series_say_why() -> None:
    two = metrics.growth_figures(np.array([1.0, 1.1]), days(2))
    assert two["total_return"].value == pytest.approx(0.1)
    assert two["var_95"].reason == "1 daily return; 100 are needed"
    assert two["worst_month"].reason == "no whole calendar month yet"
    flat = metrics.growth_figures(np.full(400, 7.0), days(400))
    assert flat["sharpe"].reason == "the level never moved"
    assert flat["sortino"].reason == "nothing was lost on any day"
    assert flat["calmar"].reason == "the level never fell"
    assert (flat["volatility"].value, flat["max_drawdown"].value, flat["longest_under_water"].value) == (
        0,
        0,
        0,
    )
    same = metrics.relative_figures(np.full(400, 7.0), np.full(400, 7.0), days(400))
    assert same["information_ratio"].reason == "the two never differ"
    assert same["up_capture"].reason == "the reference never rose in a month"
    assert same["beta"].reason == "one of the two never moved"


def test_every_figure_has_its_formula() -> None:
    levels = walk(400, 1)
    shown = {
        **metrics.growth_figures(levels, days(401)),
        **metrics.relative_figures(levels, walk(400, 2), days(401)),
    }
    described = [
        key for key, formula in FORMULAS.items() if formula.section in ("performance", "risk", "relative")
    ]
    assert sorted(shown) == sorted(described)
    assert all(formula.words and formula.symbols and formula.source for formula in FORMULAS.values())


def test_falls_by_hand() -> None:
    levels = np.array([100.0, 90, 95, 100, 120, 60, 90, 119, 121, 110])
    found = metrics.falls(levels, days(10))
    first = date(2020, 1, 1)
    assert [(fall.depth, fall.days) for fall in found] == [
        (pytest.approx(-0.5), 4),
        (pytest.approx(-0.1), 3),
        (pytest.approx(110 / 121 - 1), 1),
    ]
    assert (found[0].peak, found[0].trough, found[0].recovery) == (
        first + timedelta(days=4),
        first + timedelta(days=5),
        first + timedelta(days=8),
    )
    assert (found[1].peak, found[1].recovery) == (first, first + timedelta(days=3))
    assert found[2].recovery is None
    assert metrics.longest_under_water(levels, days(10)) == 4
    assert metrics.falls(np.array([1.0, 2.0]), days(2)) == []


@settings(max_examples=80, deadline=None)
@given(st.integers(2, 200), SEEDS)
def test_falls_hold_every_day_below_a_peak(count: int, seed: int) -> None:
    levels, dates = walk(count, seed), days(count + 1)
    found = metrics.falls(levels, dates)
    assert min((fall.depth for fall in found), default=0.0) == pytest.approx(
        metrics.max_drawdown(levels), abs=0
    )
    under = {day for day, depth in zip(dates, metrics.drawdowns(levels), strict=True) if depth < 0}
    covered = {
        day
        for fall in found
        for day in dates
        if fall.peak < day and (not fall.recovery or day < fall.recovery)
    }
    assert covered == under


def test_months_and_years_by_hand() -> None:
    dates = days(92, date(2020, 11, 15))
    levels = np.arange(100.0, 192.0)
    found = metrics.months(levels, dates)
    assert [(period.year, period.month, period.is_whole) for period in found] == [
        (2020, 11, False),
        (2020, 12, True),
        (2021, 1, True),
        (2021, 2, False),
    ]
    assert [period.value for period in found] == pytest.approx(
        [115 / 100 - 1, 146 / 115 - 1, 177 / 146 - 1, 191 / 177 - 1]
    )
    by_year = metrics.years(levels, dates)
    assert [(period.year, period.is_whole) for period in by_year] == [(2020, False), (2021, False)]
    product = math.prod(1 + period.value for period in found)
    assert product == pytest.approx(levels[-1] / levels[0])
    whole = periods.months(
        np.array([1.0, 1.0, 2.0]), [date(2021, 1, 31), date(2021, 2, 1), date(2021, 2, 28)]
    )
    assert [period.is_whole for period in whole] == [True]


@pytest.mark.parametrize("window", metrics.WINDOWS)
def test_rolling_windows_agree_with_pandas(window: int) -> None:
    levels = walk(500, 3)
    found = metrics.rolling(levels, window)
    assert found is not None
    assert found.is_annualised is (window == 365)
    series = pd.Series(levels)
    returns = series.pct_change()
    scale = math.sqrt(365) if window == 365 else 1.0
    deviation = returns.rolling(window).std().dropna()
    mean = returns.rolling(window).mean().dropna()
    assert found.total_return == pytest.approx(series.pct_change(window).dropna().to_numpy())
    assert found.volatility == pytest.approx(deviation.to_numpy() * scale, rel=1e-9)
    assert found.sharpe == pytest.approx((mean / deviation).to_numpy() * scale, rel=1e-8, abs=1e-10)
    deepest = series.rolling(window + 1).apply(lambda part: (part / part.cummax() - 1).min()).dropna()
    assert found.drawdown == pytest.approx(deepest.to_numpy())
    assert metrics.rolling(levels[:window], window) is None


def test_holdings_by_hand() -> None:
    mine, theirs = {"a": 0.5, "b": 0.5}, {"b": 0.25, "c": 0.75}
    assert metrics.active_share(mine, theirs) == pytest.approx(0.75)
    assert metrics.active_share(mine, mine) == 0
    assert metrics.active_share({"a": 1.0}, {"c": 1.0}) == 1
    assert metrics.effective_names(mine) == pytest.approx(2)
    assert metrics.effective_names({"a": 0.8, "b": 0.2}) == pytest.approx(1 / 0.68)
    assert metrics.top_share({str(number): 0.05 for number in range(20)}) == pytest.approx(0.5)
    assert metrics.turnover_per_year([0.4, 0.2], 730) == pytest.approx(0.3)
    assert metrics.turnover_per_year([0.4, 0.2], 364) is None


def test_shortfall_and_capture_by_hand() -> None:
    returns = np.arange(-50, 50) / 1000
    assert tails.expected_shortfall(returns, 0.95) == pytest.approx(
        np.mean([-0.05, -0.049, -0.048, -0.047, -0.046])
    )
    assert tails.expected_shortfall(returns, 0.99) == -0.05
    assert relative.capture(np.array([0.1, -0.3]), np.array([0.2, -0.1]), up=True) == pytest.approx(0.5)
    assert relative.capture(np.array([0.1, -0.3]), np.array([0.2, -0.1]), up=False) == pytest.approx(3.0)
    assert relative.capture(np.array([0.1]), np.array([0.2]), up=False) is None
