"""Spending what is really there, once selling is over."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from decimal import ROUND_UP

from django.db import transaction

from portfolios.core.dealing import SMALLEST_TRADE, Left, purchase_plan, purchases_left
from portfolios.core.money import USD_SCALE, from_base, to_base
from portfolios.core.valuation import Pot, Quote
from portfolios.models import BlockOrder, Dealing, DealingCycle, Portfolio
from portfolios.selectors.venues import PAPER, least_notional, venues_trading
from portfolios.services.execution import leftovers
from portfolios.services.execution.books import CycleMarket, books, dealing_weights, untrusted
from portfolios.services.execution.planning import block_order_create
from portfolios.services.nominees.dealing import purchases_size

Sizes = dict[str, dict[int, int]]
"""Asset code -> dealing id -> micro-dollars."""


@transaction.atomic
def purchases_plan(cycle_id: int, market: CycleMarket) -> None:
    """Purchases are sized by the cash that is really there, each dealing knows why the rest stays, and the cycle is
    buying."""
    cycle = DealingCycle.objects.select_for_update().get(pk=cycle_id)
    if cycle.status != DealingCycle.Status.SELLING:
        return
    dealings = list(
        Dealing.objects.filter(cycle=cycle, is_open=True)
        .select_related("decision", "portfolio", "cycle")
        .order_by("id")
    )
    current = books([dealing.portfolio_id for dealing in dealings])
    # What has been frozen since the cycle opened is not bought any more.
    cycle.halted = {**cycle.halted, **untrusted(market.tradable)}
    tradable = {code: quote for code, quote in market.tradable.items() if code not in cycle.halted}
    behind = [dealing for dealing in dealings if dealing.portfolio.kind == Portfolio.Kind.NOMINEE]
    buying = [
        dealing
        for dealing in dealings
        if dealing not in behind and (dealing.kind == Dealing.Kind.REBALANCE or dealing.net_flow > 0)
    ]
    wanted = _wanted(buying, {key: book.pot for key, book in current.items()}, tradable)
    for dealing in behind:
        for code, micro in purchases_size(dealing).items():
            if code in tradable:
                wanted[code][dealing.pk] = micro
    for code, sizes in sorted(wanted.items()):
        block_order_create(cycle, code, BlockOrder.Side.BUY, sizes, market)
    Dealing.objects.bulk_update(buying, ["cash_left"])
    cycle.status = DealingCycle.Status.BUYING
    cycle.save(update_fields=["status", "halted"])


def _wanted(dealings: Sequence[Dealing], pots: Mapping[int, Pot], quotes: Mapping[str, Quote]) -> Sizes:
    """What all dealings buy together. Where that is less of a token than a venue takes, its share goes
    to the others."""
    weights = {dealing.pk: dealing_weights(dealing) for dealing in dealings}
    least, barred = _least(quotes), set[str]()
    while True:
        open_quotes = {code: quote for code, quote in quotes.items() if code not in barred}
        wanted: Sizes = defaultdict(dict)
        for dealing in dealings:
            pot = pots[dealing.portfolio_id]
            spendable = pot.cash - to_base(dealing.cash_floor, USD_SCALE)
            plan = purchase_plan(pot, weights[dealing.pk], open_quotes, spendable)
            for code, micro in plan.items():
                wanted[code][dealing.pk] = micro
            left = purchases_left(pot, weights[dealing.pk], open_quotes, spendable)
            dealing.cash_left = leftovers.planned(plan, _named(left, barred), pot.cash - spendable)
        small = {code for code, sizes in wanted.items() if sum(sizes.values()) < least[code]}
        if not small:
            return wanted
        barred |= small


def _least(codes: Collection[str]) -> dict[str, int]:
    """Micro-dollars of the smallest order of each token that any venue in use takes."""
    if venues_trading() == [PAPER]:
        return dict.fromkeys(codes, SMALLEST_TRADE)
    one = from_base(1, USD_SCALE)
    smallest = {code: least_notional(token=code.removeprefix("token:")) for code in codes}
    return {code: to_base(amount.quantize(one, ROUND_UP), USD_SCALE) for code, amount in smallest.items()}


def _named(left: Sequence[Left], barred: Collection[str]) -> list[Left]:
    """Where the venue's smallest order leaves no target, that is the reason."""
    return [Left("too_small", item.amount) if barred and item.why == "no_target" else item for item in left]
