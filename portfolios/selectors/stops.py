"""Which portfolios deal with nobody, or only pay out, because prices of what they hold may not be believed (ADR 7)."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from indices import selectors as index_selectors
from portfolios.models import Portfolio
from portfolios.selectors.pauses import Pauses, pauses
from portfolios.selectors.records import Holding, OrderRow
from portfolios.selectors.valuations import Valuation, portfolio, valuations
from signals import selectors as signal_selectors
from signals.core import figures
from signals.core.guard import PegLevel

MOST_HALTED = Decimal("0.05")
"""With more than this of its value or targets halted, a portfolio has no honest unit price: it waits."""
LEAST_TRADABLE = Decimal("0.5")
"""With less than this of its targets to be had, what it bought would not be its index: it waits."""

DOUBTED = ("frozen", "pending")
"""Halts that a holder is told of; a source that fell silent for a minute is not news."""


@dataclass(frozen=True)
class Stop:
    """What a portfolio does not do for now, each with the reason in words, empty where it does: deal at all, take new
    money, rebalance, pay out."""

    deals: str = ""
    invests: str = ""
    rebalances: str = ""
    redeems: str = ""


def stops(weights: Mapping[int, Mapping[str, Decimal]], *, at: datetime) -> dict[int, Stop]:
    """Portfolio id -> what it does not do at the moment `at`; those that do everything are absent.

    `weights`: portfolio id -> token slug -> target weight. What an operator paused comes first, then the price guard,
    which a market that is replayed does not have.
    """
    paused, guarded = pauses(), signal_selectors.market_guarded()
    if not weights or _nothing_stops(paused, guarded=guarded):
        return {}
    worth = valuations(list(weights), at=at)
    held = {key: _held(valuation) for key, valuation in worth.items()}
    slugs = {slug for key in weights for slug in (*weights[key], *held[key])}
    halted = signal_selectors.halts(sorted(slugs), at=at) if guarded else {}
    pegs = signal_selectors.pegs() if guarded else {}
    followed = dict(Portfolio.objects.filter(pk__in=weights).values_list("pk", "index__slug"))
    found = {
        key: _paused(followed.get(key, ""), paused) or _stop(held[key], weights[key], halted, pegs, paused)
        for key in weights
    }
    return {key: stop for key, stop in found.items() if stop != Stop()}


def decision_stops(decisions: Mapping[int, Any], *, at: datetime) -> dict[int, Stop]:
    """`stops` given the decision that each portfolio deals by, or None."""
    if _nothing_stops(pauses(), guarded=signal_selectors.market_guarded()):
        return {}
    weights = {
        key: {} if decision is None else index_selectors.target_weights(decision)
        for key, decision in decisions.items()
    }
    return stops(weights, at=at)


def stops_now(portfolios: Iterable[Portfolio]) -> dict[int, Stop]:
    """`stops` of these portfolios at market time, by the decisions in force."""
    day = signal_selectors.last_closed_day()
    indices = {portfolio.pk: portfolio.index for portfolio in portfolios}
    decisions = {key: index_selectors.decision_in_force(index, as_of=day) for key, index in indices.items()}
    return decision_stops(decisions, at=signal_selectors.market_time())


def _nothing_stops(paused: Pauses, *, guarded: bool) -> bool:
    return paused == Pauses() and not guarded


@dataclass(frozen=True)
class PriceNotice:
    """Something a person must know about a price in what they hold. `about` names the token or the index."""

    about: str
    text: str


def price_notices(held: Sequence[Holding], open_orders: Sequence[OrderRow] = ()) -> list[PriceNotice]:
    """What the price guard doubts in these holdings and what is paused, token by token, and which of their indices wait
    for it."""
    paused, guarded = pauses(), signal_selectors.market_guarded()
    if not (held or open_orders) or _nothing_stops(paused, guarded=guarded):
        return []
    at = signal_selectors.market_time()
    names = {position.token: position.name for holding in held for position in holding.positions}
    names.pop("usd", None)
    halted = signal_selectors.halts(sorted(names), at=at) if guarded else {}
    told = [
        PriceNotice(names[slug], f"{halt.reason} You hold it; it counts at {figures.price(halt.mark)}.")
        for slug, halt in sorted(halted.items())
        if halt.status in DOUBTED
    ]
    told += [
        PriceNotice(names[slug], f"{reason} You hold it; it is not bought or sold for now.")
        for slug, reason in sorted(paused.assets.items())
        if slug in names
    ]
    indices = {holding.index_slug: holding.index_name for holding in held}
    indices |= {order.index_slug: order.index_name for order in open_orders}
    pools = {pool.pk: pool for slug in sorted(indices) if (pool := portfolio(slug)) is not None}
    for key, stop in stops_now(pools.values()).items():
        if stop.deals:
            text = f"Nothing is bought or sold now, and orders keep their place. {stop.deals}"
        else:
            text = " ".join(dict.fromkeys(filter(None, (stop.invests, stop.redeems, stop.rebalances))))
        told.append(PriceNotice(pools[key].index.name, text))
    return told


def _held(valuation: Valuation) -> dict[str, int]:
    """Slug -> micro-dollars; cash under the empty slug."""
    held: dict[str, int] = defaultdict(int)
    for line in valuation.lines:
        held[line.asset.token.slug if line.asset.token is not None else ""] += line.value
    return dict(held)


def _stop(
    held: Mapping[str, int],
    targets: Mapping[str, Decimal],
    halted: Mapping[str, signal_selectors.Halt],
    pegs: Mapping[str, PegLevel],
    paused: Pauses,
) -> Stop:
    # What never had a mark is worth nothing here and holds nothing up: its weight goes to the others.
    marked = {slug for slug, halt in halted.items() if halt.mark is not None}
    whole = sum(held.values())
    frozen = sum(value for slug, value in held.items() if slug in marked)
    wanted = sum((weight for slug, weight in targets.items() if slug in marked), Decimal(0))
    if frozen > MOST_HALTED * whole or wanted > MOST_HALTED:
        names = _names(marked & ({slug for slug, value in held.items() if value} | targets.keys()))
        return Stop(*[f"It waits until the price of {names} can be relied on again."] * 4)
    tradable = sum(
        (weight for slug, weight in targets.items() if slug not in halted and slug not in paused.assets),
        Decimal(0),
    )
    if tradable < LEAST_TRADABLE:
        why = "have a price that several sources agree on" if halted else "may be traded again"
        return Stop(*[f"It waits until most of its tokens {why}."] * 4)
    coins = {slug: level for slug, level in pegs.items() if held.get(slug) or targets.get(slug)}
    weak = _names(slug for slug, level in coins.items() if level >= PegLevel.BUYS_PAUSED)
    stopped = _names(slug for slug, level in coins.items() if level >= PegLevel.REBALANCES_STOPPED)
    return Stop(
        invests=paused.buys or (f"New money waits: {weak} is too far below its dollar." if weak else ""),
        rebalances=paused.buys
        or paused.sells
        or (f"It is not rebalanced: {stopped} is too far below its dollar." if stopped else ""),
        redeems=paused.sells,
    )


def _paused(index_slug: str, paused: Pauses) -> Stop | None:
    """The whole portfolio stands still: everything is paused, or its index is."""
    reason = paused.everything or paused.indices.get(index_slug, "")
    return Stop(*[reason] * 4) if reason else None


def _names(slugs: Iterable[str]) -> str:
    return ", ".join(sorted(slugs))
