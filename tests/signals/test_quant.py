"""The quant figures: equal to public packages, exact by hand, and silent with a reason where they would mislead."""

from __future__ import annotations

import empyrical
import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from signals.core.quant import Figure, figure_list, relation, scenarios
from signals.core.quant import statistics as stat
from signals.core.quant.figures import LEAST_RETURNS

YEAR = 365
returns_of_a_year = arrays.arrays(np.float64, st.integers(60, 400), elements=st.floats(-0.5, 1.0, width=32))


@pytest.fixture
def returns() -> np.ndarray:
    generator = np.random.default_rng(20221113)
    return np.clip(generator.standard_t(4, size=YEAR) * 0.03 + 0.001, -0.6, 1.5)


def test_every_statistic_is_that_of_empyrical_or_scipy(returns: np.ndarray) -> None:
    for own, want in (
        (stat.volatility(returns), empyrical.annual_volatility(returns, annualization=YEAR)),
        (stat.sharpe(returns), empyrical.sharpe_ratio(returns, annualization=YEAR)),
        (stat.sortino(returns), empyrical.sortino_ratio(returns, annualization=YEAR)),
        (stat.max_drawdown(returns), empyrical.max_drawdown(returns)),
        (stat.calmar(returns), empyrical.calmar_ratio(returns, annualization=YEAR)),
        (stat.growth(returns), empyrical.cum_returns_final(returns)),
        (stat.yearly_growth(returns), empyrical.annual_return(returns, annualization=YEAR)),
        (stat.value_at_risk(returns), empyrical.value_at_risk(returns, cutoff=0.05)),
        (stat.expected_shortfall(returns), empyrical.conditional_value_at_risk(returns, cutoff=0.05)),
        (stat.tail_ratio(returns), empyrical.tail_ratio(returns)),
        (stat.skew(returns), scipy.stats.skew(returns)),
        (stat.kurtosis(returns), scipy.stats.kurtosis(returns)),
    ):
        assert own == pytest.approx(want, rel=1e-12)


def test_beta_and_correlation_are_those_of_empyrical_and_scipy(returns: np.ndarray) -> None:
    other = 0.5 * returns + np.random.default_rng(7).normal(size=YEAR) * 0.02
    found = relation(returns, other, name="bitcoin")
    assert found.correlation == pytest.approx(scipy.stats.pearsonr(returns, other).statistic, rel=1e-12)
    assert found.beta == pytest.approx(empyrical.beta(returns, other), rel=1e-9)
    assert (found.name, found.days, found.reason) == ("bitcoin", YEAR, "")


def test_a_relation_uses_common_days_only_and_needs_sixty() -> None:
    own = np.linspace(-0.1, 0.1, 90)
    holed = np.where(np.arange(90) < 30, np.nan, own)
    assert relation(own, holed, name="x").days == 60
    assert relation(own, holed, name="x").beta == pytest.approx(1.0)
    short = relation(own, np.where(np.arange(90) < 31, np.nan, own), name="x")
    assert (short.correlation, short.beta) == (None, None)
    assert short.reason == "Needs 60 common days; there are 59."
    assert relation(own, np.zeros(90), name="x").reason == "One of the two did not move."
    with pytest.raises(ValueError, match="align them"):
        relation(own, own[1:], name="x")


def by_name(figures: list[Figure]) -> dict[str, Figure]:
    return {figure.name: figure for figure in figures}


def test_returns_over_months_are_between_two_closes() -> None:
    close = np.full(366, 100.0)
    close[-1], close[-31], close[-92], close[-183], close[0] = 120.0, 100.0, 150.0, 60.0, 240.0
    found = by_name(figure_list(close))
    assert [found[f"return_{key}"].value for key in ("1m", "3m", "6m", "12m")] == pytest.approx(
        [0.2, -0.2, 1.0, -0.5]
    )
    assert found["return_all"].value == pytest.approx(-0.5)
    assert found["cagr"].value == pytest.approx(-0.5)  # one year exactly
    assert found["max_drawdown"].value == pytest.approx(60 / 240 - 1)


def test_under_a_year_nothing_is_made_yearly_and_the_reason_is_given() -> None:
    close: np.ndarray = 100 * 1.01 ** np.arange(365) * np.where(np.arange(365) % 2, 1.01, 1.0)
    found = by_name(figure_list(close))
    for name in ("volatility", "sharpe", "sortino", "calmar"):
        assert found[name].value is None
        assert found[name].reason == "Needs a year of closes; 365 are known. Less would be extrapolated."
    assert found["cagr"].reason == "Needs a year of closes; they span 364 days."
    assert found["return_12m"].reason == "There is no close 365 days earlier."
    # What speaks of a day needs no year.
    assert found["var_95"].value is not None
    assert found["var_95"].days == 364
    whole = by_name(figure_list(np.append(close, close[-1] * 1.01)))
    assert whole["sharpe"].value is not None
    assert whole["sharpe"].days == YEAR


def test_few_days_and_many_gaps_have_no_distribution() -> None:
    close = 100 + np.arange(60.0)
    assert by_name(figure_list(close))["skew"].reason == f"Needs {LEAST_RETURNS} daily returns; 59 are known."
    gaps = 100 + np.arange(400.0)
    gaps[100:140] = np.nan
    found = by_name(figure_list(gaps))
    assert found["volatility"].reason == "Only 324 of the last 365 days have a return."
    assert found["return_12m"].value == pytest.approx(gaps[-1] / gaps[-366] - 1)


def test_what_cannot_be_divided_says_why() -> None:
    still = by_name(figure_list(np.full(400, 5.0)))
    assert still["volatility"].value == 0.0
    assert (still["sharpe"].value, still["sharpe"].reason) == (None, "Every day returned the same.")
    assert still["skew"].reason == still["kurtosis"].reason == "Every day returned the same."
    assert still["calmar"].reason == "It never fell."
    assert still["profit_factor"].reason == "No day lost."
    with pytest.raises(ValueError, match="last day has none"):
        figure_list(np.array([1.0, np.nan]))
    lone = by_name(figure_list(np.array([np.nan, 2.0])))
    assert lone["return_all"].reason == "Only one close is known."


def test_every_figure_has_a_formula_and_either_a_value_or_a_reason() -> None:
    for length in (1, 30, 90, 366, 1000):
        close = 100 * np.exp(np.cumsum(np.random.default_rng(length).normal(size=length) * 0.04))
        figures = figure_list(close)
        assert len({figure.name for figure in figures}) == len(figures) == 20
        for figure in figures:
            assert len(figure.formula) > 20
            assert (figure.value is None) == bool(figure.reason)


@given(returns_of_a_year)
def test_tails_and_falls_keep_their_order(values: np.ndarray) -> None:
    assert stat.expected_shortfall(values) <= stat.value_at_risk(values) + 1e-12
    assert -1.0 <= stat.max_drawdown(values) <= 0.0
    assert stat.max_drawdown(values) <= min(0.0, float(values.min())) + 1e-12
    peaked = stat.kurtosis(values)
    assert peaked is None or peaked >= -2.0 - 1e-9


@given(returns_of_a_year, st.floats(0.1, 10.0))
def test_ratios_do_not_depend_on_the_unit_of_the_price(values: np.ndarray, scale: float) -> None:
    close = 100 * np.cumprod(1 + values)
    own, scaled = by_name(figure_list(close)), by_name(figure_list(close * scale))
    for name, figure in own.items():
        if figure.value is not None and scaled[name].value is not None:
            assert scaled[name].value == pytest.approx(figure.value, rel=1e-6, abs=1e-6)


def test_a_scenario_is_the_price_times_the_market_times_the_share() -> None:
    rows = scenarios(price=10.0, market_cap=2e9, total_cap=1e11, low=4e10, high=3e11)
    assert [row.title for row in rows] == [
        "A quarter of today",
        "Low of the last year",
        "Half of today",
        "As today",
        "Twice today",
        "High of the last year",
        "Four times today",
    ]
    assert rows[1].prices == pytest.approx((2.0, 4.0, 8.0))
    assert rows[1].change == pytest.approx(-0.6)
    assert rows[3].prices == pytest.approx((5.0, 10.0, 20.0))
    assert rows[5].prices == pytest.approx((15.0, 30.0, 60.0))
    assert scenarios(price=10.0, market_cap=None, total_cap=1e11) == []
    assert scenarios(price=10.0, market_cap=2e9, total_cap=None) == []
