"""Statistics against values worked out by hand."""

import math

import numpy as np
import pytest

from indices.core import metrics

LEVELS = np.array([100.0, 110.0, 99.0, 148.5, 74.25])


def test_hand_values() -> None:
    assert metrics.total_return(LEVELS) == pytest.approx(-0.2575, abs=1e-15)
    assert metrics.drawdowns(LEVELS) == pytest.approx([0, 0, -0.1, 0, -0.5], abs=1e-15)
    assert metrics.max_drawdown(LEVELS) == pytest.approx(-0.5, abs=1e-15)
    # Returns 10 %, -10 %, 50 %, -50 %: mean 0, sum of squares 0.52.
    assert metrics.volatility(LEVELS) == pytest.approx(math.sqrt(0.52 / 3 * 365), abs=1e-12)
    assert metrics.sharpe(LEVELS) == pytest.approx(0.0, abs=1e-12)
    assert metrics.sharpe(np.array([100.0, 110.0, 132.0])) == pytest.approx(
        0.15 / math.sqrt(0.005) * math.sqrt(365), rel=1e-12
    )


def test_nothing_is_annualised_under_a_year() -> None:
    assert metrics.cagr(np.array([100.0, 121.0]), 364) is None
    assert metrics.cagr(np.array([100.0, 121.0]), 365) == pytest.approx(0.21, abs=1e-15)
    assert metrics.cagr(np.array([100.0, 121.0]), 730) == pytest.approx(0.1, abs=1e-12)


def test_turnover_is_one_way_and_leaves_out_the_first_purchase() -> None:
    summary = metrics.summary(
        LEVELS, days=730, turnover=np.array([1.0, 0.4, 0.2]), costs=np.array([0.1, 0.1])
    )
    assert summary["turnover_per_year"] == pytest.approx(0.15, abs=1e-15)
    assert summary["cost_total"] == pytest.approx(0.19, abs=1e-15)
    assert summary["rebalances"] == 3


def test_a_flat_or_tiny_series_has_no_ratio() -> None:
    assert metrics.sharpe(np.array([5.0, 5.0, 5.0])) is None
    assert metrics.volatility(np.array([5.0, 6.0])) is None
    dead = metrics.summary(np.array([10.0, 5.0, 0.0, 0.0]), days=3, turnover=np.array([]), costs=np.array([]))
    assert dead["total_return"] == -1.0
    assert dead["volatility_daily"] == pytest.approx(math.sqrt(0.125))
    assert [dead[key] for key in ("volatility", "sharpe", "sortino", "cagr", "calmar")] == [None] * 5
