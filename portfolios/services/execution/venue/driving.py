"""Driving block orders at a venue. Our id is stored before an order is sent; no answer means unknown, and then the
venue is asked before anything is sent again."""

import logging
from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import Decimal

from django.db import transaction
from django.utils import timezone

from portfolios.brokers.base import Accountable, BrokerConfused, BrokerReport, BrokerUnreachable, Readied
from portfolios.core import order_states
from portfolios.core.money import USD_SCALE, from_base, to_base, value_of
from portfolios.models import Allocation, BlockOrder, DealingCycle, Pause
from portfolios.selectors.venues import (
    ROUTED,
    books_balances,
    least_notional,
    venue_account,
    venue_names,
)
from portfolios.services import pauses
from portfolios.services.execution.books import CycleMarket, Refusal, refusal
from portfolios.services.execution.venue.desk import Desk, Desks, broker_order
from portfolios.services.execution.venue.fills import VenueMismatch, fills_post
from portfolios.services.execution.venue.routing import order_again, orders_route
from portfolios.services.faultpoints import fault_point

log = logging.getLogger(__name__)

MISSES_BEFORE_ABSENT = 3
ABSENT_AFTER = timedelta(seconds=60)
MOST_ATTEMPTS = 5
TRIES_TO_FILL = 3
RETRY_AFTER = timedelta(seconds=5)
"""A book needs a moment to fill again before what an order left is tried once more."""
LITTLE = 100
"""What is left of an order is worth another try from a hundredth of it on."""
_REST = sorted(order_states.REST)
_STATES: Mapping[str, str] = {"open": "open", "done": "done", "rejected": "rejected"}


def orders_drive(cycle: DealingCycle, side: str, market: CycleMarket) -> bool:
    """Send what is new, ask about what is not at rest; True when anything moved. The caller is the cycle's driver:
    an order found in `sending` was left there by a process that died."""
    desks = Desks(cycle)
    moved = orders_route(cycle, side, market, desks)
    reports: list[tuple[BlockOrder, BrokerReport]] = []
    for block in _waiting(cycle, side):
        if block.status != BlockOrder.Status.NEW:
            moved = _ask(block, desks, market, reports) or moved
        elif block.send_after is not None and timezone.now() < block.send_after:
            continue
        else:
            # Looked up for each order: somebody may stop everything while the one before is at the venue.
            refused = refusal(block)
            done = _send(block, desks, reports) if refused is None else _withhold(block, refused, market)
            moved = done or moved
    return _record(reports, market) or moved


def orders_at_rest(cycle: DealingCycle, side: str) -> bool:
    """Whether every order of this side has its final state."""
    return not BlockOrder.objects.filter(cycle=cycle, side=side).exclude(status__in=_REST).exists()


def _waiting(cycle: DealingCycle, side: str) -> list[BlockOrder]:
    rows = BlockOrder.objects.filter(cycle=cycle, side=side).exclude(status__in=_REST)
    rows = rows.exclude(venue=ROUTED)
    return list(rows.select_related("asset__token", "cycle").order_by("created_at", "id"))


def _send(block: BlockOrder, desks: Desks, reports: list[tuple[BlockOrder, BrokerReport]]) -> bool:
    try:
        desk = desks.at(block.venue)
        doubt = desk.doubt(block.side)
        if doubt:
            return _refuse(block, doubt)
        order = broker_order(block, desk)
        if isinstance(desk.broker, Readied):
            desk.broker.order_ready(order)
    except BrokerUnreachable as error:
        # Nothing was sent: the order stays new until the venue is there again.
        log.warning("order %s waits for %s: %s", block.pk, block.venue, error)
        return False
    except VenueMismatch as error:
        return _refuse(block, f"Not sent: {error}")
    now = timezone.now()
    claimed = BlockOrder.objects.filter(pk=block.pk, status=BlockOrder.Status.NEW).update(
        status=BlockOrder.Status.SENDING, sent_at=now
    )
    if not claimed:
        return False
    fault_point("order claimed")
    block.status, block.sent_at = BlockOrder.Status.SENDING, now
    try:
        report = desk.broker.order_place(broker_order(block, desk))
    except (BrokerUnreachable, BrokerConfused) as error:
        _unknown(block, error)
        return True
    fault_point("order placed")
    reports.append((block, report))
    return True


def _ask(
    block: BlockOrder, desks: Desks, market: CycleMarket, reports: list[tuple[BlockOrder, BrokerReport]]
) -> bool:
    try:
        desk = desks.at(block.venue)
        report = desk.broker.order_find(broker_order(block, desk))
        moved = report is None and _balance_moved(block, desk)
    except (BrokerUnreachable, BrokerConfused, VenueMismatch) as error:
        _unknown(block, error)
        return False
    if report is None:
        return _missing(block, market, balance_moved=moved)
    reports.append((block, report))
    return False


def _refuse(block: BlockOrder, reason: str) -> bool:
    """An order that was never sent is given up."""
    return bool(
        BlockOrder.objects.filter(pk=block.pk, status=BlockOrder.Status.NEW).update(
            status=BlockOrder.Status.REJECTED, reason=reason[:240]
        )
    )


@transaction.atomic
def _withhold(block: BlockOrder, refused: Refusal, market: CycleMarket) -> bool:
    """An order that was never sent is given up: something was stopped after it was planned. The part of portfolios that
    are not stopped goes out under a new id."""
    if not _refuse(block, f"Not sent. {refused.reason}"):
        return False
    if refused.indices:
        others = Allocation.objects.filter(block_order=block).exclude(
            dealing__portfolio__index__slug__in=refused.indices
        )
        sizes = {line.dealing_id: to_base(line.size, block.size_scale) for line in others}
        if sizes:
            order_again(block, sizes, market)
    return True


def _record(reports: Sequence[tuple[BlockOrder, BrokerReport]], market: CycleMarket) -> bool:
    """Everything that venues reported, in one transaction; where one report cannot be, each for itself and that one
    stops its venue."""
    if not reports:
        return False
    try:
        moved = _apply(reports, market)
    except VenueMismatch:
        moved = False
        for block, report in reports:
            try:
                moved = _apply([(block, report)], market) or moved
            except VenueMismatch as error:
                _stop(block, error)
    for _ in reports:
        fault_point("order recorded")
    return moved


@transaction.atomic
def _apply(reports: Sequence[tuple[BlockOrder, BrokerReport]], market: CycleMarket) -> bool:
    """Post the fills and the states together; True when there was something new."""
    rows = BlockOrder.objects.select_for_update(of=("self",)).select_related("asset__token", "cycle")
    locked = {row.pk: row for row in rows.filter(pk__in=[block.pk for block, _ in reports]).order_by("id")}
    open_reports = [
        (locked[block.pk], report) for block, report in reports if locked[block.pk].status not in _REST
    ]
    lines = [(block, fill) for block, report in open_reports for fill in report.fills]
    moved = bool(fills_post(lines))
    for block, report in open_reports:
        moved = moved or block.status != _STATES[report.state]
        order_states.check(block.status, _STATES[report.state])
        block.status, block.reason, block.misses = _STATES[report.state], report.reason[:240], 0
        block.venue_reference = report.reference[:96] or block.venue_reference
        if block.status == BlockOrder.Status.DONE:
            _rest(block, market)
    BlockOrder.objects.bulk_update(
        [block for block, _ in open_reports], ["status", "reason", "misses", "venue_reference"]
    )
    BlockOrder.objects.filter(pk__in=[block.pk for block, _ in open_reports]).update(
        updated_at=timezone.now()
    )
    return moved


def _rest(block: BlockOrder, market: CycleMarket) -> None:
    """What a done order has left is tried again while that is worth an order, and else explained."""
    left = _left(block)
    size = sum(left.values())
    if size * LITTLE < block.size_base:
        return
    quote = market.quotes[block.asset.code]
    worth = size if block.side == BlockOrder.Side.BUY else value_of(size, quote.scale, quote.price)
    reason = block.reason or "Not all of it was filled."
    if worth < to_base(
        least_notional(block.venue, _slug(block)).quantize(from_base(1, USD_SCALE)), USD_SCALE
    ):
        block.reason = f"{reason} The rest is less than {block.venue} trades."[:240]
    elif block.attempt >= TRIES_TO_FILL:
        block.reason = f"{reason} The rest was not filled in {block.attempt} tries."[:240]
    else:
        block.reason = f"{reason} The rest is tried again."[:240]
        order_again(block, left, market, send_after=timezone.now() + RETRY_AFTER)


def _unknown(block: BlockOrder, error: Exception) -> None:
    """No definite answer. What was acknowledged before stays open."""
    log.warning("order %s at %s: %s", block.pk, block.venue, error)
    if not isinstance(error, BrokerUnreachable):
        _stop(block, error)
    BlockOrder.objects.filter(pk=block.pk, status__in=order_states.sources("unknown")).update(
        status=BlockOrder.Status.UNKNOWN
    )


@transaction.atomic
def _missing(block: BlockOrder, market: CycleMarket, *, balance_moved: bool) -> bool:
    """The venue knows nothing of the order. Believed only after several clear answers over a minute, and while its
    balance has not moved either; then what is left is sent under a new id. An order that it once acknowledged stays."""
    locked = (
        BlockOrder.objects.select_for_update(of=("self",))
        .select_related("asset__token", "cycle")
        .get(pk=block.pk)
    )
    if locked.status in _REST:
        return False
    locked.misses += 1
    patient = locked.sent_at is not None and timezone.now() - locked.sent_at < ABSENT_AFTER
    if locked.misses < MISSES_BEFORE_ABSENT or patient:
        if locked.status == BlockOrder.Status.SENDING:
            locked.status = BlockOrder.Status.UNKNOWN
        locked.save(update_fields=["status", "misses", "updated_at"])
        return False
    if locked.status == BlockOrder.Status.OPEN or balance_moved:
        locked.save(update_fields=["misses", "updated_at"])
        said = "its balance has moved" if balance_moved else "it accepted the order before"
        _stop(locked, VenueMismatch(f"{locked.venue} does not know order {locked.pk}, but {said}"))
        return False
    order_states.check(locked.status, BlockOrder.Status.REJECTED)
    locked.status, locked.reason = BlockOrder.Status.REJECTED, "The venue never received it."
    locked.save(update_fields=["status", "reason", "misses", "updated_at"])
    left = _left(locked)
    if locked.attempt < MOST_ATTEMPTS and any(left.values()):
        order_again(locked, left, market)
    return True


def _balance_moved(block: BlockOrder, desk: Desk) -> bool:
    """Whether the venue holds another amount of the token than our books say: then something was traded after all.
    Asked only when the order is about to be given up."""
    if block.misses + 1 < MISSES_BEFORE_ABSENT or not isinstance(desk.broker, Accountable):
        return False
    account = venue_account(block.venue)
    market = None if account is None else account.markets.filter(token_id=block.asset.token_id).first()
    if account is None or market is None:
        return False
    held, ours = desk.broker.balances(), books_balances(account)
    return abs(held.get(market.base, Decimal(0)) - ours.get(market.base, Decimal(0))) >= market.step


def _stop(block: BlockOrder, error: Exception) -> None:
    """The venue is paused until an operator has looked; nothing more is sent there."""
    log.critical("%s stopped: %s", block.venue, error)
    if block.venue not in venue_names():
        return
    pauses.pause_start(
        Pause.Scope.VENUE, block.venue, reason="The venue's books and ours disagree; we are looking."
    )


def _left(block: BlockOrder) -> dict[int, int]:
    lines = Allocation.objects.filter(block_order=block)
    return {line.dealing_id: line.open_base(block.size_scale) for line in lines}


def _slug(block: BlockOrder) -> str:
    return "" if block.asset.token is None else block.asset.token.slug
