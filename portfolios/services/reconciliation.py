"""A venue's books against ours: trades in both directions, open orders, balances. A missing answer is no answer, never
an empty account: then nothing is written, the venue is paused, and an operator is told."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from portfolios.brokers.base import (
    Accountable,
    BrokerConfused,
    BrokerUnreachable,
    VenueBooks,
    VenueTrade,
)
from portfolios.brokers.client import NotThere, Refused
from portfolios.brokers.permissions import can_withdraw
from portfolios.core import order_states
from portfolios.errors import InsufficientFunds
from portfolios.models import BlockOrder, Fill, LedgerAsset, Pause, Reconciliation, User, VenueAccount
from portfolios.selectors.venues import books_balances, orders_in_flight, quote_rate, venue_account
from portfolios.services import pauses, venues
from portfolios.services.execution.venue import VenueMismatch, fills_post
from portfolios.services.execution.venue.desk import broker_order
from portfolios.services.faultpoints import fault_point
from signals import selectors as signal_selectors

log = logging.getLogger(__name__)

OVERLAP = timedelta(minutes=10)
"""Trades are compared again from this long before the last comparison: clocks differ."""
DUE_AFTER = timedelta(hours=20)
NO_ANSWER = "Our trading venue has not told us all it holds; we trade there again when it has."
DISAGREES = "The venue's books and ours disagree; we are looking."
MOST_FINDINGS = 50


@dataclass
class _Comparison:
    """What one comparison found. `missed` are trades of ours that we have no fill of."""

    findings: list[str] = field(default_factory=list)
    missed: list[tuple[BlockOrder, VenueTrade]] = field(default_factory=list)
    waiting: bool = False


def reconcile(name: str) -> Reconciliation:
    """Compare now, and keep what was found. Raises UnknownVenue.

    Clean or waiting: trades of ours that were missed have been posted by their trade id, through the same door as every
    fill. A break or no answer: nothing was posted, and the venue is paused until an operator ends the pause (a pause
    for want of an answer ends with the next clean comparison).
    """
    account = venue_account(name)
    broker = venues.broker_named(name)
    now = timezone.now()
    if account is None or not isinstance(broker, Accountable):
        # A venue made of arithmetic keeps no books of its own.
        return _keep(name, now, Reconciliation.Result.CLEAN, [], 0, 0)
    since = account.compared_through - OVERLAP
    known = Fill.objects.filter(venue=name).count()
    in_flight = orders_in_flight(name)
    try:
        _rights_checked(account)
        venues.markets_refresh(account)
        books = broker.books(since)
    except (BrokerUnreachable, Refused, NotThere) as error:
        return _no_answer(account, now, [f"{name} did not answer: {error}"[:300]])
    except (BrokerConfused, venues.VenueRefused) as error:
        return _broken(account, now, [str(error)[:300]], 0, 0)
    missing = _missing(account, books, since)
    if missing:
        return _no_answer(account, now, missing)
    try:
        found = _compared(account, broker, books)
    except BrokerUnreachable as error:
        return _no_answer(account, now, [f"{name} did not answer: {error}"[:300]])
    if found.findings:
        return _broken(account, now, found.findings, len(books.trades), 0)
    posted, findings = _post(account, broker, found.missed)
    moving = (
        in_flight
        or found.waiting
        or orders_in_flight(name)
        or Fill.objects.filter(venue=name).count() != known + posted
    )
    if not moving:
        findings += _balances(account, books)
    if findings:
        return _broken(account, now, findings, len(books.trades), posted)
    VenueAccount.objects.filter(pk=account.pk).update(compared_through=now)
    if moving:
        return _keep(name, now, Reconciliation.Result.WAITING, [], len(books.trades), posted)
    _custody(account, books, now)
    _go_on(name, now)
    return _keep(name, now, Reconciliation.Result.CLEAN, [], len(books.trades), posted)


def reconciliations_due() -> list[str]:
    """Venues in use that were not compared for most of a day."""
    recent = Reconciliation.objects.filter(run_at__gt=timezone.now() - DUE_AFTER).values("venue")
    accounts = VenueAccount.objects.filter(is_enabled=True).exclude(name__in=recent)
    return list(accounts.order_by("name").values_list("name", flat=True))


def balance_accept(name: str, currency: str, *, by: User) -> Decimal:
    """The difference in one currency is the operator's own money, put in or taken out by hand: from now on it belongs
    to what was there before. Returns the difference; kept for good with who said so. Raises UnknownVenue, and
    BrokerUnreachable while the venue does not answer."""
    account, broker = venue_account(name), venues.broker_named(name)
    if account is None or not isinstance(broker, Accountable):
        raise venues.UnknownVenue(f"{name} keeps no balances")
    if orders_in_flight(name):
        raise BrokerUnreachable(f"{name}: orders are on their way; wait until they are at rest")
    held, ours = broker.balances(), books_balances(account)
    difference = (held.get(currency, Decimal(0)) - ours.get(currency, Decimal(0))).normalize()
    with transaction.atomic():
        locked = VenueAccount.objects.select_for_update().get(pk=account.pk)
        before = Decimal(locked.baseline.get(currency, "0"))
        locked.baseline = {**locked.baseline, currency: f"{before + difference:f}"}
        locked.save(update_fields=["baseline"])
        text = f"{difference:f} {currency} was accepted as the operator's own by {by.email}."
        _keep(name, timezone.now(), Reconciliation.Result.CLEAN, [text], 0, 0)
    return difference


def _rights_checked(account: VenueAccount) -> None:
    """A key that could not withdraw yesterday may today."""
    if account.withdrawals == VenueAccount.Withdrawals.EXCHANGE and can_withdraw(
        venues.account_client(account), account.exchange
    ):
        raise BrokerConfused(f"The key of {account.name} can withdraw now: replace it.")


def _missing(account: VenueAccount, books: VenueBooks, since: datetime) -> list[str]:
    """What a whole answer would have. An account that our books call full is never empty."""
    findings = []
    for code, amount in sorted(books_balances(account).items()):
        if amount > _dust(account, code) and not books.balances.get(code):
            findings.append(
                f"{account.name} says nothing of {code}; our books have {amount.normalize():f} there."
            )
    reported = {trade.trade_id for trade in books.trades}
    ours = Fill.objects.filter(venue=account.name, block_order__sent_at__gte=since)
    gone = [
        trade
        for trade in ours.values_list("venue_trade_id", flat=True).order_by("id")
        if trade not in reported
    ]
    findings += [
        f"Trade {trade} is in our books and not among those that {account.name} told." for trade in gone
    ]
    return findings[:MOST_FINDINGS]


def _compared(account: VenueAccount, broker: Accountable, books: VenueBooks) -> _Comparison:
    found = _Comparison()
    known = set(
        Fill.objects.filter(
            venue=account.name, venue_trade_id__in=[trade.trade_id for trade in books.trades]
        ).values_list("venue_trade_id", flat=True)
    )
    orders: dict[str, BlockOrder | None] = {}
    for trade in sorted(books.trades, key=lambda trade: (trade.at, trade.trade_id)):
        if trade.trade_id in known:
            continue
        if trade.order_reference not in orders:
            orders[trade.order_reference] = _order_of(account, broker, trade)
        block = orders[trade.order_reference]
        if block is None:
            found.findings.append(
                f"Trade {trade.trade_id} at {account.name} belongs to order {trade.order_reference}, which is not ours."
            )
        elif block.status in order_states.REST:
            found.missed.append((block, trade))
        else:
            # Whoever drives it will post it.
            found.waiting = True
    for reference, client_id in books.open_orders:
        if _block(account.name, reference, client_id) is None:
            found.findings.append(f"Order {reference} is open at {account.name} and is not ours.")
    found.findings = found.findings[:MOST_FINDINGS]
    return found


def _order_of(account: VenueAccount, broker: Accountable, trade: VenueTrade) -> BlockOrder | None:
    ours = _block(account.name, trade.order_reference, "")
    if ours is not None:
        return ours
    return _block(account.name, "", broker.order_client_id(trade.token, trade.order_reference))


def _block(venue: str, reference: str, client_id: str) -> BlockOrder | None:
    rows = BlockOrder.objects.filter(venue=venue).select_related("asset__token", "cycle")
    if reference:
        found = rows.filter(venue_reference=reference).first()
        if found is not None:
            return found
    try:
        return rows.filter(pk=UUID(client_id)).first() if client_id else None
    except ValueError:
        return None


def _post(
    account: VenueAccount, broker: Accountable, missed: Sequence[tuple[BlockOrder, VenueTrade]]
) -> tuple[int, list[str]]:
    """Missed trades in the books, each in its own transaction: (how many, what could not be)."""
    posted, findings = 0, []
    for block, trade in missed:
        try:
            rate = quote_rate(account, at=block.cycle.priced_at)
            if rate is None:
                raise VenueMismatch(f"{account.quote} had no price at {block.cycle.priced_at}")
            wish = replace(broker_order(block), rate=rate, reference=trade.order_reference)
            fills = {fill.trade_id: fill for fill in broker.fills_of(wish)}
            with transaction.atomic():
                locked = BlockOrder.objects.select_for_update(of=("self",)).select_related(
                    "asset__token", "cycle"
                )
                fills_post([(locked.get(pk=block.pk), fills[trade.trade_id])])
            posted += 1
            fault_point("missed fill posted")
        except (VenueMismatch, InsufficientFunds, BrokerConfused, BrokerUnreachable, KeyError) as error:
            findings.append(f"Trade {trade.trade_id} of order {block.pk} could not be posted: {error}"[:300])
    return posted, findings


def _balances(account: VenueAccount, books: VenueBooks) -> list[str]:
    findings = []
    ours = books_balances(account)
    for code in sorted({*ours, *books.balances}):
        held, expected = books.balances.get(code, Decimal(0)), ours.get(code, Decimal(0))
        if abs(held - expected) > _dust(account, code):
            findings.append(
                f"{account.name} has {held.normalize():f} {code}; by our books it is {expected.normalize():f}."
            )
    return findings[:MOST_FINDINGS]


def _dust(account: VenueAccount, code: str) -> Decimal:
    """What rounding of fees to base units may differ by: one base unit a fill of the token, nothing else."""
    market = account.markets.filter(base=code).first()
    if market is None:
        return Decimal(0)
    asset = LedgerAsset.objects.filter(token_id=market.token_id).first()
    if asset is None:
        return Decimal(0)
    fills = Fill.objects.filter(venue=account.name, fee_asset=asset).count()
    return Decimal(fills).scaleb(-asset.scale)


def _custody(account: VenueAccount, books: VenueBooks, now: datetime) -> None:
    """What the venue holds, for the proof of reserves: tokens by ledger code, its own currency in dollars."""
    from portfolios.services import reserves

    rate = quote_rate(account, at=signal_selectors.market_time())
    slugs = dict(books.tokens)
    codes = {
        asset.code: asset
        for asset in LedgerAsset.objects.filter(code__in=[f"token:{s}" for s in slugs.values()])
    }
    held: dict[str, Decimal] = {}
    for code, amount in books.balances.items():
        name = f"token:{slugs[code]}" if code in slugs else ""
        if name in codes:
            held[name] = amount.quantize(Decimal(1).scaleb(-codes[name].scale), "ROUND_DOWN")
    if rate is not None:
        worth = books.balances.get(books.quote, Decimal(0)) * rate
        held["USD"] = worth.quantize(Decimal("0.000001"), "ROUND_DOWN")
    reserves.custody_report(
        custodian=f"venue:{account.name}",
        kind="venue",
        balances=held,
        as_of=now,
        confirmed_empty=not any(held.values()),
    )


def _no_answer(account: VenueAccount, now: datetime, findings: list[str]) -> Reconciliation:
    log.critical("%s: no complete answer: %s", account.name, "; ".join(findings[:3]))
    pauses.pause_start(Pause.Scope.VENUE, account.name, reason=NO_ANSWER)
    return _keep(account.name, now, Reconciliation.Result.NO_ANSWER, findings, 0, 0)


def _broken(
    account: VenueAccount, now: datetime, findings: list[str], trades: int, posted: int
) -> Reconciliation:
    log.critical("%s: the books disagree: %s", account.name, "; ".join(findings[:3]))
    pauses.pause_start(Pause.Scope.VENUE, account.name, reason=DISAGREES)
    return _keep(account.name, now, Reconciliation.Result.BREAK, findings, trades, posted)


def _go_on(name: str, now: datetime) -> None:
    """A stop for want of an answer is over once there is a whole one. Every other is ended by a person."""
    Pause.objects.filter(
        scope=Pause.Scope.VENUE, target=name, ended_at__isnull=True, started_by__isnull=True, reason=NO_ANSWER
    ).update(ended_at=now)


def _keep(
    venue: str, now: datetime, result: str, findings: Sequence[str], trades: int, posted: int
) -> Reconciliation:
    return Reconciliation.objects.create(
        venue=venue, run_at=now, result=result, findings=list(findings), trades=trades, posted=posted
    )


def comparison_shown(row: Reconciliation) -> Mapping[str, object]:
    """A comparison as JSON has it."""
    return {
        "venue": row.venue,
        "run_at": row.run_at.isoformat(),
        "result": row.result,
        "findings": row.findings,
        "trades": row.trades,
        "posted": row.posted,
    }
