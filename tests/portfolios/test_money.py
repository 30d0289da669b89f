"""Amounts, parts, and prices as whole numbers."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portfolios.core.allocation import split, split_with_minimum
from portfolios.core.fees import PPB, cost_estimate, fee_on, half_spread, slippage
from portfolios.core.money import (
    amount_parse,
    cents_down,
    from_base,
    price_base,
    quantity_worth,
    to_base,
    token_scale,
    value_of,
)
from portfolios.core.postings import changes, unbalanced

units = st.integers(min_value=0, max_value=10**30)


@given(st.integers(min_value=-(10**37), max_value=10**37), st.integers(min_value=0, max_value=18))
def test_base_units_come_back(amount: int, scale: int) -> None:
    assert to_base(from_base(amount, scale), scale) == amount


@pytest.mark.parametrize("value", ["0.0000001", "NaN", "Infinity"])
def test_to_base_refuses_what_is_not_whole(value: str) -> None:
    with pytest.raises(ValueError, match="amount"):
        to_base(Decimal(value), 6)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("100", "100.00"),
        ("0.01", "0.01"),
        (" 50.5 ", "50.50"),
        ("100.000", "100.00"),
        ("007", "7.00"),
        (".5", "0.50"),
    ],
)
def test_amounts_people_type(text: str, expected: str) -> None:
    assert str(amount_parse(text)) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0",
        "0.00",
        "-1",
        "+1",
        "1e3",
        "1,000",
        "1 000",
        "0.001",
        "NaN",
        "inf",
        "1.2.3",
        ".",
        "\u0661",
        "1000000000000",
        "$5",
    ],
)
def test_amounts_that_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="amount"):
        amount_parse(text)


@given(st.decimals(allow_nan=True, allow_infinity=True))
def test_a_parsed_amount_is_whole_cents(value: Decimal) -> None:
    try:
        amount = amount_parse(value)
    except ValueError:
        return
    assert amount == value
    assert amount.as_tuple().exponent == -2
    assert amount > 0


@given(units, st.lists(units, min_size=1, max_size=30).filter(any))
def test_a_split_is_exact_and_fair(total: int, weights: list[int]) -> None:
    parts = split(total, weights)
    whole = sum(weights)
    assert sum(parts) == total
    for part, weight in zip(parts, weights, strict=True):
        assert total * weight // whole <= part <= -(-total * weight // whole)
        if total <= whole:
            assert part <= weight


@given(units, st.lists(units, min_size=1, max_size=30), units)
def test_a_split_with_a_minimum_makes_no_small_parts(total: int, weights: list[int], minimum: int) -> None:
    parts = split_with_minimum(total, weights, minimum)
    assert sum(parts) in (0, total)
    assert all(part == 0 or part >= minimum for part in parts)


def test_a_split_of_something_over_nothing_is_refused() -> None:
    assert split(0, [0, 0]) == [0, 0]
    with pytest.raises(ValueError, match="all zero"):
        split(1, [0, 0])
    with pytest.raises(ValueError, match="zero or more"):
        split(1, [-1, 2])
    assert split(10, [1, 1, 1]) == [4, 3, 3]


@given(st.decimals(min_value="1e-12", max_value="1e7", places=18).filter(lambda price: price > 0))
def test_a_base_unit_is_worth_almost_nothing(price: Decimal) -> None:
    scale = token_scale(price)
    assert 6 <= scale <= 18
    assert price.scaleb(-scale) < Decimal("1e-9")


@given(st.integers(min_value=1, max_value=10**15), st.decimals(min_value="1e-9", max_value="1e6", places=12))
def test_buying_and_valuing_round_down(micro: int, price: Decimal) -> None:
    scale, whole = token_scale(price), price_base(price)
    quantity = quantity_worth(micro, scale, whole)
    assert micro - 1 <= value_of(quantity, scale, whole) <= micro


@pytest.mark.parametrize("price", ["0", "-1", "NaN", "1e-30"])
def test_prices_that_are_refused(price: str) -> None:
    with pytest.raises(ValueError, match="price"):
        price_base(Decimal(price))


def test_cents_are_rounded_down() -> None:
    assert (cents_down(19_999), cents_down(20_000), cents_down(-1)) == (10_000, 20_000, -10_000)


@given(st.integers(min_value=1, max_value=10**15), st.none() | st.integers(min_value=0, max_value=10**12))
def test_costs_grow_with_size_and_thinness(size: int, volume: int | None) -> None:
    assert half_spread(volume) <= slippage(size, volume) <= PPB // 5
    assert slippage(size, volume) <= slippage(2 * size, volume)
    assert slippage(size, (volume or 0) + 10**9) <= slippage(size, volume)
    assert 0 < fee_on(size) <= size
    assert cost_estimate(size, volume) >= fee_on(size) - 1


def test_the_size_impact_is_the_square_root_law() -> None:
    # 1 % of a day's volume of 10 M USD moves the price by 0.1 x sqrt(0.01) = 1 %, besides 5 bps of half spread.
    assert slippage(100_000 * 10**6, 10_000_000) == 10_500_000


@given(st.lists(st.tuples(st.integers(1, 4), st.integers(1, 3), st.integers(-5, 5)), max_size=6))
def test_the_law_of_the_ledger(legs: list[tuple[int, int, int]]) -> None:
    sums = {asset: sum(amount for _, a, amount in legs if a == asset) for _, asset, _ in legs}
    lawful = len(legs) >= 2 and all(amount for *_, amount in legs) and not any(sums.values())
    assert (unbalanced(legs) == "") is lawful
    assert list(changes(legs)) == sorted(changes(legs))
    assert sum(changes(legs).values()) == sum(amount for *_, amount in legs)
