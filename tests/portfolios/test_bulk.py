"""Very many portfolios at once: every number against plain Python integers of any size."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from portfolios.core.allocation import split
from portfolios.core.bands import PPM, Bands
from portfolios.core.bulk import trading
from portfolios.core.bulk.planning import (
    WEIGHT_ONE,
    Block,
    Marks,
    marks,
    wishes,
    within,
)
from portfolios.core.bulk.whole import LARGEST, TooLarge, divided, muldiv, total_of, whole
from portfolios.core.money import token_scale

factors = st.tuples(st.integers(0, 2**61), st.integers(0, 2**60), st.integers(1, 2**61)).filter(
    lambda abc: abc[0] * abc[1] // abc[2] < 2**61
)


@given(st.lists(factors, min_size=1, max_size=30))
def test_muldiv_is_python_floor_division(rows: list[tuple[int, int, int]]) -> None:
    a, b, c = (np.array(column, dtype=np.int64) for column in zip(*rows, strict=True))
    assert muldiv(a, b, c).tolist() == [x * y // z for x, y, z in rows]


@given(st.integers(1, 2**50), st.integers(1, 2**50), st.integers(-3, 3))
def test_muldiv_is_right_beside_every_multiple(quotient: int, divisor: int, off: int) -> None:
    product = quotient * divisor + off
    if 0 <= product < 2**62:
        assert muldiv(product, 1, divisor).tolist() == product // divisor


@pytest.mark.parametrize(
    ("a", "b", "c", "message"),
    [
        (-1, 1, 1, "must not be negative"),
        (1, 1, 0, "divisor must be above zero"),
        (2**61, 2**61, 2**61, "too wide"),
        (2**60, 2**40, 1, "below 2\\^62"),
    ],
)
def test_what_muldiv_cannot_do_it_refuses(a: int, b: int, c: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        muldiv(a, b, c)


@given(st.integers(0, 2**61), st.lists(st.integers(0, 2**56), min_size=1, max_size=40))
def test_divided_is_split(total: int, weights: list[int]) -> None:
    if not any(weights):
        total = 0
    assert divided(total, np.array(weights, dtype=np.int64)).tolist() == split(total, weights)


def test_ties_go_to_the_earlier_part() -> None:
    assert divided(5, np.array([1, 1, 1], dtype=np.int64)).tolist() == [2, 2, 1]


def test_a_sum_too_wide_for_the_machine_is_still_divided() -> None:
    heavy = np.full(3, 2**61, dtype=np.int64)
    assert total_of(heavy) == 3 * 2**61
    assert total_of(-heavy) == -3 * 2**61
    assert divided(2**62 + 1, heavy).tolist() == split(2**62 + 1, [2**61] * 3)


def test_only_whole_numbers_come_in() -> None:
    with pytest.raises(TypeError, match="whole numbers of base units, got float64"):
        whole(np.array([1.0]))
    with pytest.raises(TooLarge, match="below 2\\^62"):
        whole(np.array([LARGEST], dtype=np.uint64))


def test_marks_keep_fifteen_digits() -> None:
    at = marks([Decimal("64123.45678901"), Decimal("0.00000001234")], [14, 6])
    assert at.quantities(np.array([[64_123_456_789], [12_340]])).tolist() == [
        [99_999_999_999_984],
        [1_000_000_000_000],
    ]
    assert at.values(np.array([[10**14], [10**12]])).tolist() == [[64_123_456_789], [12_340]]


@pytest.mark.parametrize(("hold", "full"), [(2, 1), (-1, 5), (0, PPM + 1)])
def test_bands_that_make_no_sense_are_refused(hold: int, full: int) -> None:
    with pytest.raises(ValueError, match="0 <= hold <= full"):
        Bands(hold=hold, full=full)


def plain_wishes(
    cash: int, held: list[int], weights: list[int], at: Marks, bands: Bands
) -> tuple[list[int], list[int]]:
    """The rules of one portfolio in plain words and numbers of any size."""
    ups, downs = at.numerator.tolist(), at.denominator.tolist()
    value = [quantity * up // down for quantity, up, down in zip(held, ups, downs, strict=True)]
    worth = cash + sum(value)
    change = [worth * weight // WEIGHT_ONE - own for weight, own in zip(weights, value, strict=True)]
    drift = sum(map(abs, change)) * PPM // (2 * max(worth, 1))
    if bands.hold == bands.full == 0 or drift > bands.full:
        part = PPM
    elif drift > bands.hold:
        part = (drift - bands.hold) * PPM // drift
    else:
        part = 0
    part = min(part, bands.turnover * PPM // max(2 * drift, 1)) if any(weights) else 0
    if not any(weights):
        return [0] * len(held), [0] * len(held)
    targets = [worth * weight // WEIGHT_ONE for weight in weights]
    leaving = [weight == 0 and quantity > 0 for weight, quantity in zip(weights, held, strict=True)]
    lacking = [max(size, 0) for size in change]
    less = [0 if left else max(-size, 0) for left, size in zip(leaving, change, strict=True)]
    if part < PPM:
        freed = max(cash - (worth - sum(targets)), 0)
        freed += sum(own for own, left in zip(value, leaving, strict=True) if left)
        payable = sum(lacking) * part // PPM + freed * (PPM - part) // PPM
        if sum(lacking) > payable:
            lacking = [size * payable // sum(lacking) for size in lacking]
        less = [size * part // PPM for size in less]
    sells, buys = [], []
    for quantity, own, left, size, up, down in zip(held, value, leaving, less, ups, downs, strict=True):
        sell = 0
        if left:
            sell = quantity
        elif size > 0 and size >= bands.smallest:
            sell = quantity if size >= own else min(quantity, size * down // up + 1)
        sells.append(sell)
    buys = [size if size >= bands.smallest else 0 for size in lacking]
    coming = sum(sell * up // down for sell, up, down in zip(sells, ups, downs, strict=True))
    spendable = cash + coming * (PPM - bands.reserve) // PPM
    if sum(buys) > spendable:
        asked = sum(buys)
        buys = [buy * spendable // asked for buy in buys]
    return sells, buys


@st.composite
def blocks(draw: st.DrawFn) -> tuple[Block, Marks]:
    assets, count = draw(st.integers(1, 4)), draw(st.integers(1, 6))
    prices = [Decimal(draw(st.integers(1, 10**6))).scaleb(-draw(st.integers(0, 8))) for _ in range(assets)]
    at = marks(prices, [token_scale(price) for price in prices])
    worth = [[draw(st.integers(0, 10**9)) for _ in range(count)] for _ in range(assets)]
    raw = [[draw(st.integers(0, 5)) for _ in range(count)] for _ in range(assets)]
    weights = [split(WEIGHT_ONE if any(column) else 0, list(column)) for column in zip(*raw, strict=True)]
    block = Block(
        np.array([draw(st.integers(0, 10**8)) for _ in range(count)], dtype=np.int64),
        at.quantities(np.array(worth, dtype=np.int64)),
        np.array(weights, dtype=np.int64).T,
    )
    return block, at


band_sets = st.builds(
    lambda hold, more, turnover, smallest, reserve: Bands(
        hold, min(hold + more, PPM), turnover, smallest, reserve
    ),
    st.sampled_from([0, 20_000, 150_000]),
    st.sampled_from([0, 50_000, 300_000]),
    st.sampled_from([0, 30_000, 400_000, 2 * PPM]),
    st.sampled_from([0, 1, 10_000, 5_000_000]),
    st.sampled_from([0, 3_000, PPM]),
)


@given(blocks(), band_sets)
def test_a_block_wants_what_each_of_its_portfolios_would_want_alone(
    drawn: tuple[Block, Marks], bands: Bands
) -> None:
    block, at = drawn
    wanted = wishes(block, at, bands)
    for place in range(len(block.cash)):
        column = (block.quantities[:, place].tolist(), block.weights[:, place].tolist())
        sells, buys = plain_wishes(int(block.cash[place]), *column, at, bands)
        assert wanted.sells[:, place].tolist() == sells
        assert wanted.buys[:, place].tolist() == buys


@given(st.lists(blocks(), min_size=1, max_size=3), st.integers(0, 100), st.integers(0, 100))
def test_blocks_that_trade_as_one_lose_and_make_nothing(
    drawn: list[tuple[Block, Marks]], filled_sells: int, filled_buys: int
) -> None:
    at = drawn[0][1]
    own = [block for block, marks_ in drawn if len(marks_.numerator) == len(at.numerator)]
    planned = [wishes(block, at, Bands(reserve=50_000)) for block in own]
    wanted = [trading.totals(wish) for wish in planned]
    orders = trading.netted(wanted, at)
    ups, downs = at.numerator.tolist(), at.denominator.tolist()
    gone = [sell * filled_sells // 100 for sell in orders.sells]
    proceeds = [quantity * up // down for quantity, up, down in zip(gone, ups, downs, strict=True)]
    spent = [buy * filled_buys // 100 for buy in orders.buys]
    come = [dollars * down // up for dollars, up, down in zip(spent, ups, downs, strict=True)]

    sold = [inside + out for inside, out in zip(orders.crossed, gone, strict=True)]
    sold_for = [inside + out for inside, out in zip(orders.crossed_value, proceeds, strict=True)]
    bought = [inside + new for inside, new in zip(orders.crossed, come, strict=True)]
    bought_for = [inside + new for inside, new in zip(orders.crossed_value, spent, strict=True)]
    gives = trading.shares(sold, [block.sells for block in wanted])
    gets = trading.shares(sold_for, gives)
    pays = trading.shares(bought_for, [block.buys for block in wanted])
    takes = trading.shares(bought, pays)

    tokens, dollars = np.zeros(len(ups), dtype=object), 0
    for place, (block, wish) in enumerate(zip(own, planned, strict=True)):
        out = trading.sold(wish.sells, gives[place], gets[place])
        into = trading.bought(wish.buys, takes[place], pays[place])
        assert (-out.quantities <= wish.sells).all()
        assert (block.quantities + out.quantities >= 0).all()
        tokens += (out.quantities + into.quantities).sum(axis=1)
        dollars += int(out.cash.sum() + into.cash.sum())
    assert tokens.tolist() == [new - old for new, old in zip(come, gone, strict=True)]
    assert dollars == sum(proceeds) - sum(spent)


def test_purchases_shrink_to_what_can_be_paid() -> None:
    buys = np.array([[60, 10], [40, 5]], dtype=np.int64)
    assert within(buys, np.array([50, 20], dtype=np.int64)).tolist() == [[30, 10], [20, 5]]
