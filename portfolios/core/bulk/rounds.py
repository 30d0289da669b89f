"""One dealing of very many portfolios, after the venue: what each block gives, is able to pay, and gets.

A block is settled apart from all others by its own numbers and its part of the totals, so that a crash between two
blocks leaves nothing to undo.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from portfolios.core.bulk import trading
from portfolios.core.bulk.flows import Flow, payouts
from portfolios.core.bulk.planning import Block, Marks, Wishes, within
from portfolios.core.bulk.trading import Deltas
from portfolios.core.bulk.whole import Whole, total_of

_ROUNDS = 6
Amounts = tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Planned:
    """A block, the orders in it where it is dealt for those, and what it wants."""

    block: Block
    wishes: Wishes
    flow: Flow | None = None


@dataclass(frozen=True)
class Outside:
    """What all blocks together traded with others, by asset: base units sold and the micro-dollars they brought,
    micro-dollars spent and the base units they bought, fees included."""

    sold: Amounts
    income: Amounts
    spent: Amounts
    bought: Amounts


@dataclass(frozen=True)
class Sales:
    """Sales over: what changed hands inside, and by block what each sold, got, and is able to pay now."""

    crossed: Amounts
    crossed_value: Amounts
    gives: list[Amounts]
    gets: list[Amounts]
    able: list[Amounts]


def sale_of(planned: Planned, gives: Amounts, gets: Amounts) -> Deltas:
    """What the block's sales did to its portfolios."""
    return trading.sold(planned.wishes.sells, gives, gets)


def able_of(planned: Planned, sale: Deltas) -> Whole:
    """Micro-dollars [asset x portfolio] that each may still spend: nobody spends what has not come in."""
    coming = np.zeros_like(planned.block.cash) if planned.flow is None else planned.flow.coming
    return within(planned.wishes.buys, planned.block.cash + coming + sale.cash)


def able_totals(planned: Planned, gives: Amounts, gets: Amounts) -> Amounts:
    """What the block may spend, by asset."""
    return tuple(total_of(line) for line in able_of(planned, sale_of(planned, gives, gets)))


def sales_fitted(
    sells: Sequence[Amounts],
    crossed: Amounts,
    crossed_value: Amounts,
    outside: Outside,
    at: Marks,
    able: Callable[[list[Amounts], list[Amounts]], list[Amounts]],
) -> Sales:
    """Sales divided over blocks in proportion to `sells` [block][asset]; `able(gives, gets)` tells what each block may
    spend then.

    Where buyers inside cannot pay for what was to cross, because other sales brought less than was planned for, less
    of it crosses: what is left over stays with who wanted to sell it.
    """
    moved, value = list(crossed), list(crossed_value)
    for turn in range(_ROUNDS + 1):
        gives = trading.shares([a + b for a, b in zip(moved, outside.sold, strict=True)], sells)
        gets = trading.shares([a + b for a, b in zip(value, outside.income, strict=True)], gives)
        payable = able(gives, gets)
        most = [sum(block[asset] for block in payable) - spent for asset, spent in enumerate(outside.spent)]
        short = [asset for asset, paid in enumerate(value) if paid > max(most[asset], 0)]
        if not short:
            break
        if turn >= _ROUNDS - 1:
            # Late: what is not crossed depends on nobody.
            moved, value = [0] * len(moved), [0] * len(value)
            continue
        for asset in short:
            up, down = int(at.numerator[asset]), int(at.denominator[asset])
            moved[asset] = max(most[asset], 0) * down // up
            value[asset] = -(-moved[asset] * up // down)
    return Sales(tuple(moved), tuple(value), gives, gets, payable)


def venue_buys(sales: Sales, outside: Outside, smallest: int) -> Amounts:
    """Micro-dollars by asset that are left to be spent at a venue; under `smallest` nothing."""
    left = [
        sum(block[asset] for block in sales.able) - sales.crossed_value[asset] - spent
        for asset, spent in enumerate(outside.spent)
    ]
    return tuple(amount if amount >= smallest else 0 for amount in left)


def purchases_divided(
    able: Sequence[Amounts], crossed: Amounts, crossed_value: Amounts, outside: Outside
) -> tuple[list[Amounts], list[Amounts]]:
    """(pays, takes) [block][asset]: what all paid and got, in proportion to what each was able to pay."""
    pays = trading.shares([a + b for a, b in zip(crossed_value, outside.spent, strict=True)], able)
    takes = trading.shares([a + b for a, b in zip(crossed, outside.bought, strict=True)], pays)
    return pays, takes


def outcome(
    planned: Planned, gives: Amounts, gets: Amounts, pays: Amounts, takes: Amounts
) -> tuple[Deltas, Whole]:
    """(what the dealing did to each portfolio of the block, the cost [portfolio] micro-dollars' worth of income).

    An investor's money that came in is in the cash of the first; the second is what the sales of each brought.
    """
    sale = sale_of(planned, gives, gets)
    purchase = trading.bought(able_of(planned, sale), takes, pays)
    cash = sale.cash + purchase.cash
    if planned.flow is not None:
        cash = cash + planned.flow.coming
    return Deltas(np.asarray(sale.quantities + purchase.quantities), np.asarray(cash)), sale.cash


def paid_out(planned: Planned, at: Marks, income: Whole, left: Whole) -> tuple[Whole, Whole]:
    """(payouts, dust) [portfolio] micro-dollars of a block that is dealt for its orders; `left` [asset x portfolio] is
    everything that each still holds."""
    if planned.flow is None:
        nothing = np.zeros_like(planned.block.cash)
        return nothing, nothing
    return payouts(planned.block, at, planned.flow, income, left)


def costs(deltas: Deltas, at: Marks, came: Whole) -> Whole:
    """Micro-dollars [portfolio] that trading cost: what `came` in (negative: went out) less what is there more."""
    gained = at.values(np.maximum(deltas.quantities, 0)) - at.values(np.maximum(-deltas.quantities, 0))
    return np.asarray(np.maximum(came - deltas.cash - gained.sum(axis=0), 0))
