"""What planning and settlement read: the pots of portfolios, and the market that a cycle froze."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from decimal import Decimal

from django.db import connection

from indices import selectors as index_selectors
from portfolios.core.money import price_base, to_base
from portfolios.core.valuation import Pot, Quote
from portfolios.models import (
    Account,
    Allocation,
    Balance,
    BlockOrder,
    Dealing,
    DealingCycle,
    LedgerAsset,
    Portfolio,
)
from portfolios.selectors.pauses import pauses
from portfolios.selectors.venues import PAPER, venue_for_orders
from signals import selectors as signal_selectors

USD = "USD"
_LOCK_PLANNING = 41
_LOCK_CYCLE = 42


@dataclass(frozen=True)
class CycleMarket:
    """The marks of one cycle by asset code, and the ledger assets they belong to. What is held is valued by `quotes`;
    `tradable` leaves out the assets that the price guard has halted. New orders are booked under `venue`."""

    marks: dict[str, Decimal]
    quotes: dict[str, Quote]
    assets: dict[str, LedgerAsset]
    tradable: dict[str, Quote]
    venue: str = PAPER


@dataclass(frozen=True)
class Book:
    """A portfolio's pot and the units it has issued."""

    pot: Pot
    issued: int


def cycle_market(cycle: DealingCycle) -> CycleMarket:
    """The market as it was when the cycle was priced."""
    assets = {asset.code: asset for asset in LedgerAsset.objects.filter(code__in=list(cycle.marks))}
    marks = {code: Decimal(text) for code, text in cycle.marks.items()}
    quotes = {
        code: Quote(
            price_base(mark), assets[code].scale, int(cycle.volumes[code]) if code in cycle.volumes else None
        )
        for code, mark in marks.items()
    }
    tradable = {code: quote for code, quote in quotes.items() if code not in cycle.halted}
    return CycleMarket(marks, quotes, assets, tradable, venue_for_orders())


def books(portfolio_ids: Collection[int]) -> dict[int, Book]:
    """Portfolio id -> its pot and units issued, from the balances of now."""
    cash = dict.fromkeys(portfolio_ids, 0)
    issued = dict.fromkeys(portfolio_ids, 0)
    held: dict[int, dict[str, int]] = {key: {} for key in portfolio_ids}
    rows = Balance.objects.filter(
        account__portfolio_id__in=portfolio_ids,
        account__kind__in=[Account.Kind.ASSETS, Account.Kind.BOOKS, Account.Kind.ISSUED],
    ).exclude(amount=0)
    for owner, kind, code, scale, amount in rows.values_list(
        "account__portfolio_id", "account__kind", "asset__code", "asset__scale", "amount"
    ):
        if owner is None:
            continue
        units = to_base(amount, scale)
        if kind == Account.Kind.ISSUED:
            issued[owner] = -units
        elif code == USD:
            cash[owner] = units
        else:
            held[owner][code] = units
    return {key: Book(Pot(cash[key], held[key]), issued[key]) for key in portfolio_ids}


def dealing_weights(dealing: Dealing) -> dict[str, Decimal]:
    """Asset code -> target weight of the decision that the dealing trades."""
    return {
        f"token:{slug}": weight for slug, weight in index_selectors.target_weights(dealing.decision).items()
    }


def held_tokens(portfolios: Collection[Portfolio]) -> set[str]:
    """Slugs of every token that any of the portfolios holds."""
    rows = Balance.objects.filter(
        account__portfolio__in=portfolios,
        account__kind__in=[Account.Kind.ASSETS, Account.Kind.BOOKS],
        asset__kind=LedgerAsset.Kind.TOKEN,
    ).exclude(amount=0)
    return {slug for slug in rows.values_list("asset__token__slug", flat=True) if slug is not None}


def untrusted(codes: Iterable[str]) -> dict[str, str]:
    """Asset code -> why, of the tokens that an operator paused or whose price has moved so far that nobody may trade by
    it now."""
    slugs = [code.removeprefix("token:") for code in codes if code != USD]
    halted = signal_selectors.halts(slugs, at=signal_selectors.market_time())
    stopped = pauses().assets
    return {
        f"token:{slug}": halt.reason for slug, halt in halted.items() if halt.status in ("frozen", "pending")
    } | {f"token:{slug}": stopped[slug] for slug in slugs if slug in stopped}


@dataclass(frozen=True)
class Refusal:
    """Why an order must not be sent. With `indices` it is refused for their portfolios alone."""

    reason: str
    indices: tuple[str, ...] = ()


def refusal(block: BlockOrder) -> Refusal | None:
    """Why the order must not be sent now, or None: its token cannot be trusted or is paused, or its side, its venue or
    an index that it deals for is."""
    doubted, paused = untrusted([block.asset.code]), pauses()
    reason = doubted.get(block.asset.code) or paused.reason_for(side=block.side, venue=block.venue)
    if reason:
        return Refusal(reason)
    if paused.indices:
        served = Allocation.objects.filter(
            block_order=block, dealing__portfolio__index__slug__in=paused.indices
        ).values_list("dealing__portfolio__index__slug", flat=True)
        for slug in served:
            return Refusal(paused.indices[slug], tuple(paused.indices))
    return None


def planning_lock() -> None:
    """One planner at a time; held to the end of the caller's transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, 0)", [_LOCK_PLANNING])


def driver_claim(cycle_id: int) -> bool:
    """Become the one process that drives this cycle. Unlike a row lock it may be held across calls to a venue, and it
    vanishes with the connection when the process dies."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [_LOCK_CYCLE, cycle_id])
        return bool(cursor.fetchone()[0])


def driver_release(cycle_id: int) -> None:
    """Stop being the driver of this cycle."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [_LOCK_CYCLE, cycle_id])
