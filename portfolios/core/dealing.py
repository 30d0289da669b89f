"""What a portfolio wants to trade, and how a flow of investors' money is settled. Integers only: micro-dollars, base
units, prices in 10^-24 USD.

The rule that everything here keeps: who stays pays nothing for who comes and goes. Orders are priced at the value per
unit before the dealing (NAV0); the real cost of trading the net flow is taken from the orders that caused it; every
rounding goes to those who stay.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from portfolios.core.allocation import split, split_with_minimum
from portfolios.core.bands import PPM, Bands, way_to_go
from portfolios.core.money import CENT, cents_down, quantity_worth, to_base
from portfolios.core.valuation import Pot, Quote, total, units_value, units_worth, values

SMALLEST_TRADE = 10_000
WEIGHT_SCALE = 18
ALL_THE_WAY = Bands(smallest=SMALLEST_TRADE)


@dataclass(frozen=True)
class Plan:
    """Wanted trades of one portfolio: `sells` in base units, `buys` in micro-dollars at the mark."""

    sells: dict[str, int]
    buys: dict[str, int]


@dataclass(frozen=True)
class Left:
    """Micro-dollars that stay as cash, and why, as a stable word: `no_target` (nothing of the index can be bought now),
    `nothing_lacking` (every target is reached), `too_small` (every leg would be under the smallest trade)."""

    why: str
    amount: int


@dataclass(frozen=True)
class FlowOrder:
    """One order of a flow: `amount` micro-dollars to invest, or `units` to redeem; the other is zero."""

    key: str
    amount: int
    units: int


@dataclass(frozen=True)
class FlowResult:
    """How one order is settled: `units` issued or burned, `payout` in whole cents as micro-dollars, `cost` its share
    of the real trading cost, `dust` the micro-dollars that whole cents leave."""

    key: str
    units: int
    payout: int
    cost: int
    dust: int = 0


def target_values(amount: int, weights: Mapping[str, Decimal], quotes: Mapping[str, Quote]) -> dict[str, int]:
    """`amount` spread over the target weights of tokens that have a mark; the others' share goes to these in
    proportion. Empty when no target has a mark."""
    tradable = sorted(code for code, weight in weights.items() if code in quotes and weight > 0)
    if not tradable:
        return {}
    parts = split(amount, [to_base(weights[code], WEIGHT_SCALE) for code in tradable])
    return dict(zip(tradable, parts, strict=True))


def rebalance_plan(
    pot: Pot, weights: Mapping[str, Decimal], quotes: Mapping[str, Quote], bands: Bands = ALL_THE_WAY
) -> Plan:
    """Trades that bring the pot where its bands say, at the marks. Within the first band nothing is sold and only cash
    buys what is lacking; legs under `bands.smallest` are left for next time; all the way, a token that is no longer
    wanted is sold whole. Without a tradable target nothing is traded."""
    worth = values(pot, quotes)
    whole = total(pot, quotes)
    targets = target_values(whole, weights, quotes)
    if not targets:
        return Plan({}, {})
    changes = {
        code: targets.get(code, 0) - worth.get(code, 0) for code in sorted(worth.keys() | targets.keys())
    }
    part = way_to_go(drift(changes.values(), whole), bands)
    sells: dict[str, int] = {}
    buys: dict[str, int] = {}
    for code, change in changes.items():
        size = abs(change) * part // PPM
        if change > 0 and size >= bands.smallest:
            buys[code] = size
        elif (
            worth.get(code, 0) > 0
            and change < 0
            and ((part == PPM and code not in targets) or size >= bands.smallest)
        ):
            sells[code] = _quantity_to_sell(pot, quotes, code, size, worth[code])
    if part < PPM:
        # Part of the way pays for itself: cash and the proceeds buy what lacks most, as new money would.
        after = Pot(pot.cash, {code: held - sells.get(code, 0) for code, held in pot.quantities.items()})
        coming = sum(values(Pot(0, sells), quotes).values())
        buys = purchase_plan(after, weights, quotes, pot.cash + coming, smallest=bands.smallest)
    return Plan({code: quantity for code, quantity in sells.items() if quantity > 0}, buys)


def drift(changes: Iterable[int], whole: int) -> int:
    """Half of sum |held - target| in millionths of `whole` micro-dollars, rounded down."""
    return sum(map(abs, changes)) * PPM // (2 * max(whole, 1))


def purchase_plan(
    pot: Pot,
    weights: Mapping[str, Decimal],
    quotes: Mapping[str, Quote],
    spendable: int,
    *,
    smallest: int = SMALLEST_TRADE,
) -> dict[str, int]:
    """How to spend `spendable` micro-dollars (fees included): underweights first, in proportion to what each lacks, no
    leg under `smallest`. What is left is explained by `purchases_left`."""
    lacking = _lacking(pot, weights, quotes, spendable)
    parts = split_with_minimum(min(spendable, sum(lacking.values())), list(lacking.values()), smallest)
    return {code: part for code, part in zip(lacking, parts, strict=True) if part > 0}


def purchases_left(
    pot: Pot,
    weights: Mapping[str, Decimal],
    quotes: Mapping[str, Quote],
    spendable: int,
    *,
    smallest: int = SMALLEST_TRADE,
) -> list[Left]:
    """Why `purchase_plan` leaves what it leaves; the amounts sum to exactly that."""
    lacking = _lacking(pot, weights, quotes, spendable)
    wanted = min(spendable, sum(lacking.values()))
    spent = sum(purchase_plan(pot, weights, quotes, spendable, smallest=smallest).values())
    left = []
    if not lacking:
        return [Left("no_target", spendable)] if spendable else []
    if spendable > wanted:
        left.append(Left("nothing_lacking", spendable - wanted))
    if wanted > spent:
        left.append(Left("too_small", wanted - spent))
    return left


def _lacking(
    pot: Pot, weights: Mapping[str, Decimal], quotes: Mapping[str, Quote], spendable: int
) -> dict[str, int]:
    """Micro-dollars that each target lacks, by code in order, once `spendable` is spent."""
    worth = values(pot, quotes)
    targets = target_values(sum(worth.values()) + spendable, weights, quotes)
    return {code: max(0, targets[code] - worth.get(code, 0)) for code in sorted(targets)}


def raising_plan(
    pot: Pot, weights: Mapping[str, Decimal], quotes: Mapping[str, Quote], needed: int
) -> dict[str, int]:
    """Base units to sell so that the pot can pay `needed` micro-dollars: its own cash first, then the overweights in
    proportion to their excess. When everything is needed everything is sold."""
    worth = values(pot, quotes)
    missing = needed - pot.cash
    if missing <= 0:
        return {}
    whole = sum(worth.values())
    missing = min(missing, whole)
    targets = target_values(whole - missing, weights, quotes)
    codes = sorted(worth)
    excess = [max(0, worth[code] - targets.get(code, 0)) for code in codes]
    parts = split(missing, excess) if any(excess) else [0] * len(codes)
    sells = {
        code: _quantity_to_sell(pot, quotes, code, part, worth[code])
        for code, part in zip(codes, parts, strict=True)
        if part > 0
    }
    return {code: quantity for code, quantity in sells.items() if quantity > 0}


def flow_net(value: int, issued: int, orders: Sequence[FlowOrder]) -> int:
    """Micro-dollars that come in (positive) or have to be raised (negative) once the orders are netted at NAV0."""
    return sum(order.amount - units_value(order.units, value, issued) for order in orders)


def flow_matched(value: int, issued: int, orders: Sequence[FlowOrder]) -> int:
    """Micro-dollars that redeeming investors are paid out of what investing ones bring."""
    coming = sum(order.amount for order in orders)
    return min(coming, coming - flow_net(value, issued, orders))


def flow_settle(
    *, value_before: int, issued: int, value_now: int, cash: int, orders: Sequence[FlowOrder]
) -> list[FlowResult]:
    """Results in the order given. `value_now` is the pot after trading, investors' money included, payouts not yet
    made, at the same marks as `value_before`; `cash` is what payouts can be made from.

    The cost, value_before + money in - value_now, falls on the side of the net flow in proportion to size; the other
    side deals at NAV0 free of cost. Fills better than the marks are a negative cost: they belong to those who caused
    them too. What a payout in whole cents leaves is the order's `dust`: it belongs to nobody in the pot. Where the
    cash does not reach for all payouts every redemption gets the same part of its payout, bears the whole cost, and
    keeps the units it was not paid for; where less than a cent is missing in all (tokens too small to sell) nobody
    keeps a trace of units for it.
    """
    coming = sum(order.amount for order in orders)
    cost = value_before + coming - value_now
    worth = [order.amount or units_value(order.units, value_before, issued) for order in orders]
    inward = flow_net(value_before, issued, orders) >= 0
    bearing = [size if (order.amount > 0) == inward else 0 for order, size in zip(orders, worth, strict=True)]
    cost, sign = min(abs(cost), sum(bearing)), -1 if cost < 0 else 1
    shares = [sign * share for share in split(cost, bearing)] if any(bearing) else [0] * len(orders)
    owed = [
        0 if order.amount else max(0, size - share)
        for order, size, share in zip(orders, worth, shares, strict=True)
    ]
    payable, asked = min(cash, sum(owed)), sum(owed)
    results = []
    for order, size, share, due in zip(orders, worth, shares, owed, strict=True):
        if order.amount:
            results.append(FlowResult(order.key, units_worth(size - share, value_before, issued), 0, share))
        elif payable < asked:
            part = due * payable // asked
            burned = min(order.units, -(-order.units * (part + share) // size)) if size else 0
            if asked - payable < CENT:
                burned = order.units
            results.append(FlowResult(order.key, burned, cents_down(part), share, part - cents_down(part)))
        else:
            results.append(FlowResult(order.key, order.units, cents_down(due), share, due - cents_down(due)))
    return results


def _quantity_to_sell(pot: Pot, quotes: Mapping[str, Quote], code: str, amount: int, worth: int) -> int:
    if amount >= worth:
        return pot.quantities[code]
    quote = quotes[code]
    return min(pot.quantities[code], quantity_worth(amount, quote.scale, quote.price) + 1)
