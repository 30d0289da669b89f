"""Money into and out of very many portfolios at once: nobody spends or gets what is not there."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from portfolios.core.bulk import rounds, trading
from portfolios.core.bulk.flows import Flow, flow_wishes
from portfolios.core.bulk.holders import units_values
from portfolios.core.bulk.planning import PPM, Bands, Block, Marks, wishes
from portfolios.core.bulk.rounds import Outside, Planned
from portfolios.core.bulk.whole import TooLarge
from portfolios.core.money import CENT
from tests.portfolios.test_bulk import blocks


@st.composite
def flows(draw: st.DrawFn) -> tuple[Block, Marks, Flow]:
    """A block in which each portfolio invests, redeems an amount, redeems a share, or does nothing."""
    block, at = draw(blocks())
    count = len(block.cash)
    orders = [
        draw(st.tuples(st.integers(0, 3), st.integers(1, 10**9), st.integers(1, PPM))) for _ in range(count)
    ]
    coming = np.array([amount if kind == 1 else 0 for kind, amount, _ in orders], dtype=np.int64)
    asked = np.array([amount if kind == 2 else 0 for kind, amount, _ in orders], dtype=np.int64)
    share = np.array([part if kind == 3 else 0 for kind, _, part in orders], dtype=np.int64)
    return block, at, Flow(coming, asked, share)


@given(flows(), st.sampled_from([1, 10_000, 5_000_000]))
def test_an_investment_only_buys_and_a_redemption_only_sells(
    drawn: tuple[Block, Marks, Flow], smallest: int
) -> None:
    block, at, flow = drawn
    wanted = flow_wishes(block, at, flow, smallest)
    invests = flow.coming > 0
    needed = flow.needed(wanted.worth)
    assert not wanted.sells[:, ~(needed > 0)].any()
    assert not wanted.buys[:, ~invests].any()
    assert (wanted.sells <= block.quantities).all()
    assert (wanted.buys.sum(axis=0) <= block.cash + flow.coming).all()
    assert not (wanted.buys[wanted.buys > 0] < smallest * 99 // 100).any()
    # What is sold and what lies idle reach for what was asked.
    held = at.values(block.quantities).sum(axis=0)
    raised = at.values(wanted.sells).sum(axis=0)
    assert (raised + block.cash + len(at.numerator) >= np.minimum(needed, held + block.cash)).all()
    everything = (needed == wanted.worth) & (needed > 0)
    assert (wanted.sells[:, everything] == block.quantities[:, everything]).all()


def traded(
    planned: list[Planned], at: Marks, filled: int, *, lost: int = 0
) -> tuple[list[Any], list[Any], Outside]:
    """The blocks dealt with a venue that fills `filled` percent and keeps `lost` millionths of every sale."""
    totals = [trading.totals(block.wishes) for block in planned]
    orders = trading.netted(totals, at)
    ups, downs = at.numerator.tolist(), at.denominator.tolist()
    sold = tuple(amount * filled // 100 for amount in orders.sells)
    income = tuple(
        units * up // down * (PPM - lost) // PPM for units, up, down in zip(sold, ups, downs, strict=True)
    )
    nothing = (0,) * len(sold)
    outside = Outside(sold, income, nothing, nothing)

    def able(gives: list[Any], gets: list[Any]) -> list[Any]:
        return [rounds.able_totals(block, gives[n], gets[n]) for n, block in enumerate(planned)]

    sales = rounds.sales_fitted(
        [total.sells for total in totals], orders.crossed, orders.crossed_value, outside, at, able
    )
    spent = tuple(amount * filled // 100 for amount in rounds.venue_buys(sales, outside, 1))
    bought = tuple(amount * down // up for amount, up, down in zip(spent, ups, downs, strict=True))
    outside = Outside(sold, income, spent, bought)
    pays, takes = rounds.purchases_divided(sales.able, sales.crossed, sales.crossed_value, outside)
    outcomes = [
        rounds.outcome(block, sales.gives[n], sales.gets[n], pays[n], takes[n])
        for n, block in enumerate(planned)
    ]
    return outcomes, [(pays[n], takes[n]) for n in range(len(planned))], outside


def conserved(planned: list[Planned], outcomes: list[Any], outside: Outside) -> None:
    """Nobody is short, and everything sums to what was traded with others and what came in."""
    tokens, dollars, coming = np.zeros(len(outside.sold), dtype=object), 0, 0
    for block, (deltas, _) in zip(planned, outcomes, strict=True):
        assert (block.block.quantities + deltas.quantities >= 0).all()
        assert (block.block.cash + deltas.cash >= 0).all()
        tokens += deltas.quantities.sum(axis=1)
        dollars += int(deltas.cash.sum())
        coming += int(block.flow.coming.sum()) if block.flow is not None else 0
    assert tokens.tolist() == [new - old for new, old in zip(outside.bought, outside.sold, strict=True)]
    assert dollars == coming + sum(outside.income) - sum(outside.spent)


@given(flows(), st.integers(0, 100), st.integers(0, PPM))
def test_orders_are_settled_to_the_last_base_unit(
    drawn: tuple[Block, Marks, Flow], filled: int, lost: int
) -> None:
    block, at, flow = drawn
    planned = [Planned(block, flow_wishes(block, at, flow, 10_000), flow)]
    outcomes, _, outside = traded(planned, at, filled, lost=lost)
    conserved(planned, outcomes, outside)
    [(deltas, income)] = outcomes
    paid, dust = rounds.paid_out(planned[0], at, income, block.quantities + deltas.quantities)
    assert not (paid % CENT).any()
    assert (paid + dust <= block.cash + deltas.cash).all()
    assert (dust < CENT).all()
    assert not paid[flow.needed(planned[0].wishes.worth) == 0].any()


@given(blocks(), st.integers(0, 100), st.integers(0, PPM), st.sampled_from([0, 50_000]))
def test_a_rebalance_that_sells_badly_still_leaves_nobody_short(
    drawn: tuple[Block, Marks], filled: int, lost: int, reserve: int
) -> None:
    block, at = drawn
    planned = [Planned(block, wishes(block, at, Bands(reserve=reserve)))]
    outcomes, _, outside = traded(planned, at, filled, lost=lost)
    conserved(planned, outcomes, outside)


@given(st.lists(st.integers(0, 2**61), min_size=1, max_size=50), st.integers(0, 2**60), st.integers(1, 2**80))
def test_every_holder_has_the_exact_floor(units: list[int], value: int, more: int) -> None:
    issued = sum(units) + more
    found = units_values(np.array(units, dtype=np.int64), value, issued)
    assert found.tolist() == [own * value // issued for own in units]


def test_holders_beside_every_whole_number() -> None:
    units = np.arange(1, 200_001, dtype=np.int64) * 3
    assert units_values(units, 10**12 - 1, 3 * 10**12).tolist() == [
        int(own) * (10**12 - 1) // (3 * 10**12) for own in units
    ]


@pytest.mark.parametrize(
    ("units", "value", "issued", "error"),
    [([-1], 1, 1, ValueError), ([1], 1, 0, ValueError), ([2**61], 2**61, 1, TooLarge)],
)
def test_what_cannot_be_is_refused(units: list[int], value: int, issued: int, error: type[Exception]) -> None:
    with pytest.raises(error):
        units_values(np.array(units, dtype=np.int64), value, issued)
    assert units_values(np.array([0], dtype=np.int64), 5, 0).tolist() == [0]
