"""The rules of fees as whole numbers: nothing is lost over a year, nobody pays more than the rate."""

from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portfolios.core.charges.management import accrued, borne, divisor
from portfolios.core.charges.performance import crystallised
from portfolios.models import FeeSchedule
from portfolios.selectors.fees import Schedules


@given(st.integers(0, 10**24), st.integers(0, 50_000), st.integers(1, 800))
def test_a_year_of_days_loses_nothing(units: int, rate: int, days: int) -> None:
    """Without dilution of its own the sum of the days is one division of the whole: not a base unit is lost."""
    taken, carry = 0, 0
    for _ in range(days):
        fee = accrued(units, rate, carry=carry)
        assert 0 <= fee.carry < divisor(rate)
        taken, carry = taken + fee.units, fee.carry
    assert taken == units * rate * days // divisor(rate)


@given(st.integers(1, 10**22), st.integers(0, 50_000))
def test_the_house_gets_its_fraction_and_no_more(units: int, rate: int) -> None:
    fee = accrued(units, rate).units
    assert Fraction(fee, units + fee) <= Fraction(rate, 365 * 10**6)
    assert Fraction(fee + 1, units + fee + 1) > Fraction(rate, 365 * 10**6)


def test_a_year_at_one_percent() -> None:
    """(1 - 0.01/365)^365 is what is left of each unit's value."""
    units = start = 10**20
    carry = 0
    for _ in range(365):
        fee = accrued(units, 10_000, carry=carry)
        units, carry = units + fee.units, fee.carry
    left = Fraction(start, units)
    assert abs(left - Fraction(364_990_000, 365_000_000) ** 365) < Fraction(1, 10**17)
    assert Fraction(99004, 100000) < left < Fraction(99005, 100000)


@given(st.lists(st.integers(0, 10**18), min_size=1, max_size=8), st.integers(0, 10**15))
def test_holders_bear_it_in_proportion(held: list[int], fee: int) -> None:
    total = sum(held)
    if total == 0:
        return
    parts = [borne(units, fee, total) for units in held]
    assert abs(sum(parts) - fee) <= len(held)
    assert all(
        abs(Fraction(part) - Fraction(fee * units, total)) <= Fraction(1, 2)
        for part, units in zip(parts, held, strict=True)
    )


def test_a_carry_moves_to_another_rate() -> None:
    fee = accrued(0, 20_000, carry=divisor(10_000) - 1, carried_at=10_000)
    assert (fee.units, fee.carry) == (0, (divisor(10_000) - 1) * divisor(20_000) // divisor(10_000))


@pytest.mark.parametrize(
    "bad", [{"issued": -1, "rate": 1}, {"issued": 1, "rate": -1}, {"issued": 1, "rate": 10**6}]
)
def test_impossible_fees_are_refused(bad: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="must"):
        accrued(**bad)


def test_a_performance_fee_by_hand() -> None:
    """Mark 100, closes 112, 110, 121: the low is 110, 20 % of the gain of 10 is 2 a unit; 121 falls to 119."""
    dollars = 10**12
    fee = crystallised(
        issued=1_000_000,
        prices=[112 * dollars, 110 * dollars, 121 * dollars],
        mark=100 * dollars,
        rate=200_000,
    )
    assert fee.per_unit == 2 * dollars
    assert fee.units == 1_000_000 * 2 // 119
    assert fee.mark == 108 * dollars
    again = crystallised(
        issued=1_016_806, prices=[110 * dollars, 108 * dollars, 119 * dollars], mark=fee.mark, rate=200_000
    )
    assert (again.units, again.mark) == (0, fee.mark)


@given(
    st.integers(1, 10**20),
    st.lists(st.integers(1, 10**15), min_size=3, max_size=3),
    st.integers(1, 10**15),
    st.integers(0, 500_000),
)
def test_a_performance_fee_never_takes_more_than_its_part(
    units: int, prices: list[int], mark: int, rate: int
) -> None:
    fee = crystallised(issued=units, prices=prices, mark=mark, rate=rate)
    gain = max(0, min(prices) - mark)
    # What the new units are worth, out of the same pot, is at most the rate times the gain of all units.
    assert Fraction(fee.units * units * prices[2], units + fee.units) <= Fraction(units * gain * rate, 10**6)
    assert (fee.units == 0) or gain > 0


def test_an_index_of_its_own_schedule() -> None:
    general = FeeSchedule(
        management_rate=Decimal("0.01"), announced_on=date(2022, 1, 1), effective_from=date(2022, 2, 1)
    )
    own = FeeSchedule(
        index_id=7,
        management_rate=Decimal("0.02"),
        announced_on=date(2022, 1, 1),
        effective_from=date(2022, 3, 1),
    )
    later = FeeSchedule(announced_on=date(2022, 1, 1), effective_from=date(2022, 4, 1))
    known = Schedules([later, own, general])
    assert known.on(7, date(2022, 1, 31)) is None
    assert known.on(7, date(2022, 2, 28)) is general
    assert known.on(7, date(2022, 5, 1)) is own
    assert known.on(8, date(2022, 5, 1)) is later
    assert known.next(7, date(2022, 2, 5)) is own
    assert known.next(7, date(2022, 3, 5)) is None
