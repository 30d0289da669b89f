"""Time- and money-weighted returns against slow oracles, and on the days on which others get them wrong."""

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from empyrical import cum_returns_final
from hypothesis import given
from hypothesis import strategies as st

from portfolios.core.returns import (
    CLOSE,
    NO_DAY,
    NO_RATE,
    NOTHING_AT_WORK,
    OPENING,
    REVIVED,
    SEVERAL_RATES,
    Step,
    chained,
    cut,
    flows_of,
    money_weighted,
    time_weighted,
)
from portfolios.core.roots import positive_roots, value

DAY0 = date(2022, 1, 1)
USD = 10**6


def day(number: int) -> date:
    return DAY0 + timedelta(days=number)


def close(number: int, usd: int) -> Step:
    return Step(day(number), CLOSE, usd * USD, 0, 0, usd * USD)


def flow(number: int, before: int, money_in: int, money_out: int, after: int) -> Step:
    return Step(day(number), "flow", before * USD, money_in * USD, money_out * USD, after * USD)


def npv(flows: list[tuple[date, int]], rate: float) -> float:
    """What numpy-financial's xirr would solve, the slow way."""
    start = flows[0][0]
    return sum(amount * (1 + rate) ** (-(on - start).days / 365) for on, amount in flows)


def xirr(flows: list[tuple[date, int]]) -> float:
    """The yearly rate by bisection in floats; the bracket holds one root."""
    low, high = -0.999999, 1e6
    for _ in range(400):
        middle = (low + high) / 2
        if (npv(flows, low) > 0) == (npv(flows, middle) > 0):
            low = middle
        else:
            high = middle
    return (low + high) / 2


@given(st.lists(st.integers(1, 10**9), min_size=2, max_size=60))
def test_without_flows_it_is_the_last_over_the_first(values: list[int]) -> None:
    steps = [Step(day(n), CLOSE, one, 0, 0, one) for n, one in enumerate(values)]
    steps[0] = Step(day(0), OPENING, values[0], 0, 0, values[0])
    expected = Fraction(values[-1], values[0]) - 1
    told = time_weighted(steps)
    assert told.value is not None
    assert abs(Fraction(told.value) - expected) <= Fraction(1, 10**10)
    returns = np.diff(values) / np.array(values[:-1], dtype=float)
    assert float(told.value) == pytest.approx(float(cum_returns_final(returns)), rel=1e-9, abs=1e-9)
    weighted = money_weighted(steps)
    assert weighted.value is not None
    # Quantised twice on the way: through a daily factor and back.
    assert abs(weighted.value - told.value) <= Decimal("1E-9")


@given(
    st.lists(st.tuples(st.integers(-30, 40), st.integers(0, 50), st.integers(0, 50)), min_size=1, max_size=40)
)
def test_flows_never_change_the_time_weighted_return(moves: list[tuple[int, int, int]]) -> None:
    """Whatever is put in or taken out, the chain is the product of the days' own returns."""
    worth, steps, expected = 1000 * USD, [Step(day(0), OPENING, 1000 * USD, 0, 0, 1000 * USD)], 1.0
    for number, (percent, put, take) in enumerate(moves, start=1):
        before = worth * (100 + percent) // 100
        expected *= before / worth
        money_in, money_out = put * USD, min(take * USD, before // 2)
        worth = before + money_in - money_out
        steps.append(Step(day(number), "flow", before, money_in, money_out, worth))
    told = time_weighted(steps).value
    assert told is not None
    assert float(told) == pytest.approx(expected - 1, rel=1e-9, abs=1e-9)


@given(
    st.lists(st.tuples(st.integers(1, 40), st.integers(1, 1000)), min_size=1, max_size=15),
    st.integers(200, 50000),
)
def test_money_weighted_is_the_xirr(paid: list[tuple[int, int]], end: int) -> None:
    at, steps, invested = 0, [], 0
    for gap, amount in paid:
        steps.append(flow(at, invested, amount, 0, invested + amount))
        invested, at = invested + amount, at + gap
    steps.append(close(at, end))
    told = money_weighted(steps)
    flows = [(on, -amount) for on, amount in flows_of(steps)]
    assert told.value is not None
    grown = 1 + float(told.value)
    left = sum(amount * grown ** ((flows[-1][0] - on).days / told.days) for on, amount in flows)
    assert abs(left) < 1e-6 * sum(abs(amount) for _, amount in flows) * max(1, grown)
    if told.days >= 365 and told.per_year is not None:
        assert float(told.per_year) == pytest.approx(xirr(flows), rel=1e-6, abs=1e-9)
    else:
        assert told.per_year is None


def test_a_known_xirr() -> None:
    """The example of Microsoft's XIRR: -10,000 on 1 Jan 2008 and so on is 37.3362535 %."""
    days = [date(2008, 1, 1), date(2008, 3, 1), date(2008, 10, 30), date(2009, 2, 15), date(2009, 4, 1)]
    amounts = [-10000, 2750, 4250, 3250, 2750]
    steps = [Step(days[0], "in", 0, 10000 * USD, 0, 10000 * USD)]
    steps += [Step(on, "out", 1, 0, paid * USD, 0) for on, paid in zip(days[1:], amounts[1:], strict=True)]
    told = money_weighted(steps)
    assert told.per_year is not None
    assert told.per_year == pytest.approx(Decimal("0.373362535"), abs=Decimal("0.00000001"))


def test_the_cost_of_an_order_is_part_of_the_return() -> None:
    """100 put in, 99.80 of units: -0.2 % on the first day, and a money-weighted return that needs a day."""
    first = Step(DAY0, "invested", 0, 100 * USD, 0, 99_800_000)
    assert time_weighted([first]).value == Decimal("-0.002")
    assert (money_weighted([first]).value, money_weighted([first]).reason) == (None, NO_DAY)
    later = [first, Step(day(1), CLOSE, 99_800_000, 0, 0, 99_800_000)]
    assert money_weighted(later).value == Decimal("-0.002")


def test_a_sale_of_everything_costs_its_cost_alone() -> None:
    """Sold at 110 for 109.50: the position is gone, the money is not."""
    steps = [flow(0, 0, 100, 0, 100), close(1, 110), Step(day(2), "sold", 110 * USD, 0, 109_500_000, 0)]
    assert time_weighted(steps).value == Decimal("0.095")
    assert money_weighted(steps).value == Decimal("0.095")


def test_several_flows_of_one_day() -> None:
    """In and out on one day, in separate dealings at different prices."""
    steps = [
        flow(0, 0, 100, 0, 100),
        flow(1, 120, 60, 0, 180),
        flow(1, 150, 0, 90, 60),
        close(1, 66),
    ]
    assert time_weighted(steps).value == Decimal("1.2") * 150 / 180 * 66 / 60 - 1
    assert flows_of(steps) == [(day(0), 100 * USD), (day(1), (60 - 90 - 66) * USD)]
    assert money_weighted(steps).value == Decimal("-0.04")


def test_empty_periods_do_not_break_the_chain() -> None:
    """Sold, nothing for a month, bought again: the empty time neither gains nor counts as a loss."""
    steps = [flow(0, 0, 100, 0, 100), flow(5, 120, 0, 120, 0), flow(35, 0, 50, 0, 50), close(40, 55)]
    assert time_weighted(steps).value == Decimal("0.32")
    assert chained(steps)[-1] == Decimal("1.32")


def test_a_total_loss_is_a_total_loss() -> None:
    lost = [flow(0, 0, 100, 0, 100), close(1, 50), close(2, 0)]
    assert time_weighted(lost).value == -1
    assert money_weighted(lost).value == -1
    assert money_weighted([flow(0, 0, 100, 0, 100), close(400, 0)]).per_year == -1
    again = [*lost, flow(3, 0, 100, 0, 100), close(4, 200)]
    assert time_weighted(again).value == -1, "what is lost stays lost, whatever new money does"
    weighted = money_weighted(again)
    assert weighted.value is not None
    assert abs(weighted.value) < Decimal("0.5")
    revived = [*lost, close(3, 10)]
    assert (time_weighted(revived).value, time_weighted(revived).reason) == (None, REVIVED)


def test_nothing_at_work() -> None:
    assert time_weighted([]).reason == NOTHING_AT_WORK
    assert money_weighted([]).reason == NOTHING_AT_WORK
    assert money_weighted([close(0, 0)]).reason == NOTHING_AT_WORK


def test_no_rate_and_several_rates_have_no_number() -> None:
    """100 in, 240 out, 143 in: both 10 % and 30 % a step fit. 100 in, 100 out, 100 in for nothing: none does."""
    several = [flow(0, 0, 100, 0, 100), flow(1, 240, 0, 240, 0), flow(2, 0, 143, 0, 143), close(2, 0)]
    told = money_weighted(several)
    assert (told.value, told.reason) == (None, SEVERAL_RATES)
    none = [flow(0, 0, 100, 0, 100), flow(1, 100, 0, 100, 0), flow(2, 0, 100, 0, 100), close(2, 0)]
    told = money_weighted(none)
    assert (told.value, told.reason) == (None, NO_RATE)


def test_per_year_only_from_a_year_on() -> None:
    short = [flow(0, 0, 100, 0, 100), close(364, 200)]
    assert (time_weighted(short).per_year, money_weighted(short).per_year) == (None, None)
    whole = [flow(0, 0, 100, 0, 100), close(365, 200)]
    assert (time_weighted(whole).per_year, money_weighted(whole).per_year) == (1, 1)
    double = [flow(0, 0, 100, 0, 100), close(730, 400)]
    assert (time_weighted(double).per_year, money_weighted(double).per_year) == (1, 1)


def test_a_period_begins_with_what_was_there() -> None:
    steps = [flow(0, 0, 100, 0, 100), close(0, 101), close(1, 110), flow(3, 120, 10, 0, 130), close(3, 143)]
    assert cut(steps, start=None, end=day(1)) == steps[:3]
    inside = cut(steps, start=day(2), end=day(9))
    # No close on day 2: the value of the day before stands, under its own date.
    assert inside[0] == Step(day(1), OPENING, 110 * USD, 0, 0, 110 * USD)
    assert inside[1:] == steps[3:]
    assert cut(steps, start=day(3), end=day(9))[0].before == 143 * USD
    assert time_weighted(inside).value == (Decimal(120) / 110 * 143 / 130 - 1).quantize(Decimal("1E-10"))


def polynomial(tenths: list[int]) -> list[tuple[int, int]]:
    """The product of (x - t / 10), scaled to whole numbers."""
    terms = [1]
    for root in tenths:
        shifted = [10 * part for part in terms] + [0]
        terms = [a - b for a, b in zip(shifted, [0, *(root * part for part in terms)], strict=True)]
    return [(amount, len(terms) - 1 - place) for place, amount in enumerate(terms)]


@given(st.lists(st.integers(1, 5), min_size=1, max_size=3, unique=True))
def test_every_root_is_found(roots: list[int]) -> None:
    tenths = [5 * root for root in sorted(roots)]
    found = positive_roots(polynomial(tenths))
    assert [round(root, 20) for root in found] == [Decimal(tenth) / 10 for tenth in tenths]


@given(st.lists(st.integers(1, 30), min_size=2, max_size=4, unique=True))
def test_several_roots_are_never_taken_for_one(roots: list[int]) -> None:
    """However near to each other they are: where they cannot be told apart there are at least two."""
    assert len(positive_roots(polynomial(roots))) >= 2


def test_a_double_root_counts_twice() -> None:
    assert len(positive_roots([(1, 2), (-2, 1), (1, 0)])) == 2
    assert positive_roots([(1, 2), (-1, 1), (1, 0)]) == []
    assert positive_roots([(5, 3), (-5, 3)]) == []
    assert value([(2, 3), (-1, 0)], Decimal(2)) == 15
    with pytest.raises(ValueError, match="negative"):
        positive_roots([(1, -1)])
