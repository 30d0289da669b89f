"""Dividing what a portfolio holds over its holders, and when less is too little."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portfolios.core.reserves import Division, is_short


@given(
    st.lists(st.integers(0, 10**30), max_size=4), st.lists(st.integers(0, 10**24), min_size=1, max_size=20)
)
def test_all_parts_are_the_whole_and_each_is_exact_to_a_unit(
    quantities: list[int], holders: list[int]
) -> None:
    units = sum(holders) or 1
    holders[-1] += units - sum(holders)
    division = Division(quantities, units)
    parts = [division.next(held) for held in holders]
    assert division.left == 0
    assert [sum(column) for column in zip(*parts, strict=True)] == quantities
    for held, part in zip(holders, parts, strict=True):
        for quantity, got in zip(quantities, part, strict=True):
            assert got >= 0
            assert abs(got * units - quantity * held) < units


def test_nobody_gets_more_than_there_is() -> None:
    division = Division([10], 4)
    assert division.next(3) == [7]
    with pytest.raises(ValueError, match="1 are left"):
        division.next(2)
    with pytest.raises(ValueError, match="-1"):
        division.next(-1)


@pytest.mark.parametrize(
    ("owed", "held", "mark", "short"),
    [
        (1_000_000_000000, 1_000_000_000000, "1", False),
        (1_000_000_000000, 999_999_000000, "1", False),  # a dollar of a million
        (1_000_000_000000, 999_998_990000, "1", True),  # more than a dollar
        (100_000000, 99_990000, "1", False),  # exactly 0.01 %
        (100_000000, 99_989999, "1", True),
        (1_000000, 991000, "1", False),  # less than a cent
        (1_000000, 990000, "1", True),
        (100_000000, 200_000000, "1", False),
        (100_000000, 99_000000, None, True),
        (100_000000, 99_999000, None, False),
        (0, 0, None, False),
    ],
)
def test_what_is_a_break(owed: int, held: int, mark: str | None, short: bool) -> None:
    assert is_short(owed, held, 6, None if mark is None else Decimal(mark)) is short
