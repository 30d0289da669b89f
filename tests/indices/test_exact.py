"""Floats become Decimals once, and come back bit by bit."""

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indices.core.exact import ExactError, on_grid, price_exact, weight_float, weights_exact

raw_weights = st.lists(st.floats(1e-9, 1e9), min_size=1, max_size=150)


@given(raw=raw_weights)
def test_weights_sum_to_exactly_one_and_survive_the_way_through_decimals(raw: list[float]) -> None:
    weights = np.array(raw) / np.sum(raw)
    gridded = on_grid(weights)
    assert (gridded * 2.0**52).astype(np.int64).sum() == 2**52
    assert gridded == pytest.approx(weights, abs=1e-14)
    named = {f"asset-{number}": float(weight) for number, weight in enumerate(gridded) if weight > 0}
    exact = weights_exact(named)
    assert sum(exact.values()) == Decimal(1)
    assert all(weight.as_tuple().exponent == -18 for weight in exact.values())
    assert {asset: weight_float(weight) for asset, weight in exact.items()} == named


def test_capped_pairs_stay_at_the_cap() -> None:
    tail = np.full(90, 0.5 / 90)
    gridded = on_grid(np.concatenate([[0.25, 0.25], tail / tail.sum() * 0.5]))
    assert gridded[:2].tolist() == [0.25, 0.25]


def test_weights_that_are_no_weights_are_refused() -> None:
    with pytest.raises(ExactError, match="sum to 1"):
        weights_exact({"a": 0.5, "b": 0.4})
    with pytest.raises(ExactError, match="negative"):
        weights_exact({"a": 1.5, "b": -0.5})
    with pytest.raises(ExactError, match="empty"):
        weights_exact({})
    with pytest.raises(ExactError, match="b vanishes"):
        weights_exact({"a": 1.0, "b": 1e-25})


@pytest.mark.parametrize(
    ("price", "exact"),
    [
        (0.1, "0.1"),
        (65061.3, "65061.3"),
        (1e-7, "0.0000001"),
        (1.23456789012345678e-8, "1.2345678901E-8"),
        (3.0, "3.0"),
    ],
)
def test_a_price_is_its_shortest_decimal(price: float, exact: str) -> None:
    assert price_exact(price) == Decimal(exact)


@pytest.mark.parametrize("price", [0.0, -1.0, float("nan"), float("inf"), 1e-30])
def test_what_is_no_price_is_refused(price: float) -> None:
    with pytest.raises(ExactError, match="price"):
        price_exact(price)
