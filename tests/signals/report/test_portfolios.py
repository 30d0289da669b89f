"""Weights into money, by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signals.core.report.portfolios import (
    daily_value,
    excess,
    performance,
    run,
    shared,
    tilted,
    top,
)

NAN = np.nan


def test_two_weeks_by_hand():
    weights = np.array([[0.5, 0.5], [1.0, 0.0]])
    returns = np.array([[0.2, 0.0], [0.1, -0.5]])
    found = run(weights, returns, cost=0.01)
    assert found.gross == pytest.approx([0.1, 0.1])
    # Held after week one: 0.6 / 1.1 and 0.5 / 1.1; to get to (1, 0) the difference is 0.5 / 1.1 on either side.
    assert found.traded == pytest.approx([1.0, 1.0 / 1.1])
    assert found.net == pytest.approx([1.1 * 0.99 - 1.0, 1.1 * (1 - 0.01 / 1.1) - 1.0])


def test_cash_earns_nothing_and_costs_nothing():
    found = run(np.array([[0.0, 0.0], [0.4, 0.0]]), np.array([[9.0, 9.0], [0.5, 9.0]]), cost=0.1)
    assert found.net == pytest.approx([0.0, 1.2 * 0.96 - 1.0])


def test_holding_without_change_trades_nothing():
    found = run(np.array([[1.0, 0.0]] * 3), np.array([[0.5, 0.0], [-0.3, 0.2], [0.1, 0.0]]))
    assert found.traded == pytest.approx([1.0, 0.0, 0.0])


@given(st.integers(0, 10_000))
@settings(max_examples=30, deadline=None)
def test_daily_values_end_each_week_where_the_weekly_ones_do(seed):
    generator = np.random.default_rng(seed)
    prices = np.exp(np.cumsum(generator.normal(0, 0.05, (30, 4)), axis=0))
    starts = np.array([1, 8, 15])
    weights = shared(generator.random((3, 4)))
    returns = prices[starts + 7] / prices[starts] - 1.0
    found = run(weights, returns)
    daily = daily_value(found, prices, starts)
    assert daily[6::7] == pytest.approx(np.cumprod(1.0 + found.net))


def test_a_new_unit_of_account_moves_no_daily_value():
    prices = np.ones((9, 2))
    prices[5:, 0] = 1000.0
    found = run(np.array([[0.5, 0.5]]), np.zeros((1, 2)), cost=0.0)
    assert daily_value(found, prices, np.array([1]), cost=0.0) == pytest.approx(np.ones(7))


def test_performance_by_hand():
    found = run(np.ones((4, 1)), np.array([[0.1], [-0.5], [0.2], [0.1]]), cost=0.0)
    figures = performance(found)
    assert figures.fall == pytest.approx(-0.5)
    assert figures.growth == pytest.approx((1.1 * 0.5 * 1.2 * 1.1) ** (365.25 / 28) - 1.0)
    net = np.array([0.1, -0.5, 0.2, 0.1])
    assert figures.sharpe == pytest.approx(net.mean() / net.std(ddof=1) * np.sqrt(365.25 / 7))
    assert figures.turnover == 0.0


def test_the_top_quantile_is_the_one_that_the_report_means():
    scores = np.array([[5.0, 4.0, 3.0, 2.0, 1.0, NAN, 0.0, -1.0, -2.0, -3.0, -4.0]])
    assert top(scores).tolist() == [[0.5, 0.5, *[0.0] * 9]]
    assert top(scores, sizes=np.array([[3.0, 1.0, *[7.0] * 9]]))[0, :2].tolist() == [0.75, 0.25]
    among = np.array([[False, *[True] * 10]])
    assert top(scores, quantiles=3, among=among)[0, :4] == pytest.approx([0.0, 1 / 3, 1 / 3, 1 / 3])
    assert top(np.full((1, 3), NAN)).tolist() == [[0.0, 0.0, 0.0]]


def test_a_tilt_doubles_the_best_and_drops_nobody_unscored():
    weights = np.array([[0.25, 0.25, 0.25, 0.25]])
    made = tilted(weights, np.array([[1.0, 2.0, NAN, NAN]]), limit=1.0)
    # Rank shares 0.25 and 0.75 of two: factors 0.5 and 1.5; the unscored keep 1.
    assert made == pytest.approx(np.array([[0.125, 0.375, 0.25, 0.25]]))


def test_excess_is_the_mean_difference():
    mine = run(np.ones((3, 1)), np.array([[0.1], [0.2], [0.3]]), cost=0.0)
    other = run(np.ones((3, 1)), np.array([[0.0], [0.2], [0.1]]), cost=0.0)
    assert excess(mine, other)[0] == pytest.approx(0.1)
