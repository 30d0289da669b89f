"""Trades between portfolios of one cycle, at the mark and without cost: only what is left goes to a venue."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from portfolios.core.allocation import split
from portfolios.core.dealing import SMALLEST_TRADE, Plan
from portfolios.core.money import quantity_worth, value_of
from portfolios.core.valuation import Quote

_ROUNDS = 12


@dataclass(frozen=True)
class Crossing:
    """One asset changing hands: per portfolio the signed base units and the signed micro-dollars; both sum to zero."""

    code: str
    quantities: dict[int, int]
    dollars: dict[int, int]


@dataclass(frozen=True)
class Netted:
    """What crosses inside, and which sells remain for the venue (portfolio -> code -> base units)."""

    crossings: list[Crossing] = field(default_factory=list)
    sells: dict[int, dict[str, int]] = field(default_factory=dict)


def net(plans: Mapping[int, Plan], cash: Mapping[int, int], quotes: Mapping[str, Quote]) -> Netted:
    """Cross the sells of some portfolios with the buys of others as far as everybody can pay.

    `cash` is what each portfolio may spend now; what it sells here counts as well. Portfolios that could not pay get
    their purchases cut, round by round, until all can.
    """
    factors = dict.fromkeys(plans, (1, 1))
    crossings: list[Crossing] = []
    for turn in range(_ROUNDS + 1):
        crossings = _cross(plans, factors, quotes)
        spent = _dollars(crossings)
        short = {key: change for key, change in spent.items() if cash.get(key, 0) + change < 0}
        if not short:
            break
        for key, change in short.items():
            upper, lower = factors[key]
            bought = sum(-c.dollars[key] for c in crossings if c.dollars.get(key, 0) < 0)
            within = max(0, bought + cash.get(key, 0) + change)
            # Late rounds give up on paying with proceeds, so that the search ends.
            factors[key] = (upper * within, lower * bought) if turn < _ROUNDS // 2 else (0, 1)
    else:
        crossings = []
    return Netted(crossings, _left(plans, crossings))


def _cross(
    plans: Mapping[int, Plan], factors: Mapping[int, tuple[int, int]], quotes: Mapping[str, Quote]
) -> list[Crossing]:
    sellers: dict[str, dict[int, int]] = defaultdict(dict)
    buyers: dict[str, dict[int, int]] = defaultdict(dict)
    for key, plan in plans.items():
        upper, lower = factors[key]
        for code, quantity in plan.sells.items():
            sellers[code][key] = quantity
        for code, amount in plan.buys.items():
            wanted = quantity_worth(amount * upper // lower, quotes[code].scale, quotes[code].price)
            if wanted > 0:
                buyers[code][key] = wanted
    crossings = []
    for code in sorted(sellers.keys() & buyers.keys()):
        quantity = min(sum(sellers[code].values()), sum(buyers[code].values()))
        worth = value_of(quantity, quotes[code].scale, quotes[code].price)
        if worth < SMALLEST_TRADE:
            continue
        given = _shares(quantity, sellers[code])
        taken = _shares(quantity, buyers[code])
        paid = _shares(worth, given)
        owed = _shares(worth, taken)
        crossings.append(
            Crossing(
                code,
                {**{key: -amount for key, amount in given.items()}, **taken},
                {**paid, **{key: -amount for key, amount in owed.items()}},
            )
        )
    return crossings


def _shares(amount: int, sizes: Mapping[int, int]) -> dict[int, int]:
    return dict(zip(sizes, split(amount, list(sizes.values())), strict=True))


def _dollars(crossings: list[Crossing]) -> dict[int, int]:
    sums: dict[int, int] = defaultdict(int)
    for crossing in crossings:
        for key, amount in crossing.dollars.items():
            sums[key] += amount
    return sums


def _left(plans: Mapping[int, Plan], crossings: list[Crossing]) -> dict[int, dict[str, int]]:
    left = {key: dict(plan.sells) for key, plan in plans.items()}
    for crossing in crossings:
        for key, quantity in crossing.quantities.items():
            if quantity < 0:
                left[key][crossing.code] += quantity
    return {key: {code: q for code, q in sells.items() if q > 0} for key, sells in left.items()}
