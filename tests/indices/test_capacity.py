"""Capacity: the closed form against the cost function that the engine charges."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq

from indices.core.capacity import HOUSE_IMPACT, CostCurve, cost_curve
from indices.core.costs import trade_cost
from indices.core.rulebook.clauses import Costs

FREE = Costs(fee_bps=0, impact=0.1)


def test_one_trade_by_hand() -> None:
    """Buying 4 % against a volume of 1e6: 0.1 x 0.04 x sqrt(0.04 x A / 1e6) = 10 bp at A = 1.5625e6."""
    curve = cost_curve(np.array([0.04]), np.array([1e6]), FREE)
    assert curve.fixed == 0
    assert curve.capacity(0.001) == pytest.approx((0.001 / (0.1 * 0.04 * math.sqrt(0.04 / 1e6))) ** 2)
    assert curve.capacity(0.001) == pytest.approx(1_562_500)
    assert curve.at(1_562_500) == pytest.approx(0.001)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(st.floats(1e-4, 0.2), st.floats(1e4, 1e10)), min_size=1, max_size=20),
    st.floats(0, 30),
    st.floats(0.01, 1.0),
    st.floats(1e-4, 0.02),
)
def test_at_the_capacity_the_engine_charges_the_limit(
    trades: list[tuple[float, float]], fee: float, impact: float, limit: float
) -> None:
    sizes, volume = (np.array(column) for column in zip(*trades, strict=True))
    costs = Costs(fee_bps=fee, impact=impact)
    found = cost_curve(sizes, volume, costs).capacity(limit)

    def charged(capital: float) -> float:
        return trade_cost(sizes, math.fsum(sizes), replace(costs, capital_usd=capital), volume)

    if found == 0:
        assert charged(1e-9) >= limit * (1 - 1e-9)
    else:
        assert charged(found) == pytest.approx(min(limit, 1.0), rel=1e-9)
        root = brentq(lambda log: charged(math.exp(log)) - limit, math.log(found) - 5, math.log(found) + 5)
        assert math.exp(root) == pytest.approx(found, rel=1e-6)


def test_the_edges() -> None:
    assert CostCurve(0.0, 0.0).capacity(0.01) == math.inf
    assert CostCurve(0.02, 1.0).capacity(0.01) == 0.0
    plain = cost_curve(np.array([0.5]), np.array([1e6]), Costs(fee_bps=10))
    assert plain.fixed == pytest.approx(0.0005)
    assert plain.slope == pytest.approx(HOUSE_IMPACT * 0.5**1.5 / 1e3)
    thin = cost_curve(np.array([0.5, 0.1]), np.array([np.nan, 0.0]), FREE)
    assert (thin.fixed, thin.slope) == (pytest.approx(0.06), 0.0)
    assert thin.at(1e12) == pytest.approx(
        trade_cost(np.array([0.5, 0.1]), 0.6, FREE, np.array([np.nan, 0.0]))
    )
