"""Driving block orders at a venue. Our id is stored before an order is sent; no answer means unknown, and then the
venue is asked before anything is sent again."""

from datetime import timedelta
from decimal import Decimal

from django.db import transaction
from django.utils import timezone

from portfolios.brokers.base import BrokerFill, BrokerOrder, BrokerReport, BrokerUnreachable
from portfolios.brokers.registry import BROKERS
from portfolios.core.allocation import split
from portfolios.core.money import USD_SCALE, from_base, to_base
from portfolios.models import Account, Allocation, BlockOrder, DealingCycle, Fill
from portfolios.services import accounts, ledger
from portfolios.services.execution.books import CycleMarket, untrusted
from portfolios.services.execution.planning import block_order_create
from portfolios.services.faultpoints import fault_point

MISSES_BEFORE_ABSENT = 3
ABSENT_AFTER = timedelta(seconds=60)
MOST_ATTEMPTS = 5
_REST = [BlockOrder.Status.DONE, BlockOrder.Status.REJECTED]


class VenueMismatch(RuntimeError):
    """A venue reports something that cannot be: the cycle stops until an operator has looked."""


def orders_drive(cycle: DealingCycle, side: str, market: CycleMarket) -> bool:
    """Send what is new, ask about what is not at rest; True when anything moved. The caller is the cycle's driver:
    an order found in `sending` was left there by a process that died."""
    moved = False
    open_blocks = BlockOrder.objects.filter(cycle=cycle, side=side).exclude(status__in=_REST)
    blocks = list(open_blocks.select_related("asset__token", "cycle").order_by("created_at", "id"))
    new = {block.asset.code for block in blocks if block.status == BlockOrder.Status.NEW}
    refused = untrusted(new) if new else {}
    for block in blocks:
        if block.status != BlockOrder.Status.NEW:
            moved = _ask(block, market) or moved
        elif block.asset.code in refused:
            moved = _withhold(block, refused[block.asset.code]) or moved
        else:
            moved = _send(block) or moved
    return moved


def orders_at_rest(cycle: DealingCycle, side: str) -> bool:
    """Whether every order of this side has its final state."""
    return not BlockOrder.objects.filter(cycle=cycle, side=side).exclude(status__in=_REST).exists()


def fill_record(block: BlockOrder, fill: BrokerFill) -> Fill:
    """The fill in the books exactly once, split over the dealings in proportion to what each still has open. Inside the
    caller's transaction, with the block order locked. Raises VenueMismatch for more than was ordered."""
    known = Fill.objects.filter(venue=block.venue, venue_trade_id=fill.trade_id).first()
    return known if known is not None else _fill_post(block, fill)


def _fill_post(block: BlockOrder, fill: BrokerFill) -> Fill:
    allocations = list(
        Allocation.objects.filter(block_order=block)
        .select_related("dealing__portfolio")
        .order_by("dealing_id")
    )
    token, usd, venue = block.asset, accounts.usd(), accounts.venue(block.venue)
    selling = block.side == BlockOrder.Side.SELL
    scale = token.scale if selling else USD_SCALE
    quantity, notional, fee = (
        to_base(fill.quantity, token.scale),
        to_base(fill.notional, USD_SCALE),
        to_base(fill.fee, USD_SCALE),
    )
    used = quantity if selling else notional + fee
    open_sizes = [to_base(line.size, scale) - to_base(line.filled, scale) for line in allocations]
    if used > sum(open_sizes):
        raise VenueMismatch(
            f"{block.venue}: fill {fill.trade_id} is larger than what is open of order {block.pk}"
        )
    parts = split(used, open_sizes)
    tokens = parts if selling else split(quantity, parts)
    dollars = split(notional - fee, parts) if selling else parts
    sign = -1 if selling else 1
    legs: list[ledger.Leg] = []
    for line, units, micro in zip(allocations, tokens, dollars, strict=True):
        pot = accounts.portfolio_assets(line.dealing.portfolio)
        legs += _leg(pot, block, sign * units, token.scale)
        if micro:
            legs.append(ledger.Leg(pot, usd, from_base(-sign * micro, usd.scale)))
    legs += _leg(venue, block, -sign * quantity, token.scale)
    legs.append(ledger.Leg(venue, usd, from_base(sign * notional, usd.scale)))
    if fee:
        legs.append(ledger.Leg(accounts.trading_fees(), usd, from_base(fee, usd.scale)))
    entry = ledger.entry_post(
        reference=f"fill:{block.venue}:{fill.trade_id}",
        kind="fill",
        effective_at=block.cycle.priced_at,
        description=f"{'Sold' if selling else 'Bought'} {token.code.removeprefix('token:')}",
        legs=legs,
    )
    for line, part in zip(allocations, parts, strict=True):
        line.filled += from_base(part, scale)
    Allocation.objects.bulk_update(allocations, ["filled"])
    return Fill.objects.create(
        block_order=block,
        venue=block.venue,
        venue_trade_id=fill.trade_id,
        quantity=fill.quantity,
        price=fill.price,
        notional=fill.notional,
        fee=fill.fee,
        filled_at=block.cycle.priced_at,
        entry=entry,
    )


def _leg(account: Account, block: BlockOrder, units: int, scale: int) -> list[ledger.Leg]:
    return [ledger.Leg(account, block.asset, from_base(units, scale))] if units else []


def _send(block: BlockOrder) -> bool:
    claimed = BlockOrder.objects.filter(pk=block.pk, status=BlockOrder.Status.NEW).update(
        status=BlockOrder.Status.SENDING, sent_at=timezone.now()
    )
    if not claimed:
        return False
    fault_point("order claimed")
    try:
        report = BROKERS[block.venue].order_place(_broker_order(block))
    except BrokerUnreachable:
        _unknown(block)
        return True
    fault_point("order placed")
    _apply(block, report)
    fault_point("order recorded")
    return True


def _withhold(block: BlockOrder, reason: str) -> bool:
    """An order that was never sent is given up: its token was frozen after it was planned."""
    return bool(
        BlockOrder.objects.filter(pk=block.pk, status=BlockOrder.Status.NEW).update(
            status=BlockOrder.Status.REJECTED, reason=f"Not sent. {reason}"[:240]
        )
    )


def _ask(block: BlockOrder, market: CycleMarket) -> bool:
    try:
        report = BROKERS[block.venue].order_find(_broker_order(block))
    except BrokerUnreachable:
        _unknown(block)
        return False
    if report is None:
        return _missing(block, market)
    return _apply(block, report)


def _broker_order(block: BlockOrder) -> BrokerOrder:
    if block.asset.token is None:
        raise VenueMismatch(f"order {block.pk} trades {block.asset.code}, which is no token")
    volume = block.cycle.volumes.get(block.asset.code)
    return BrokerOrder(
        client_id=str(block.pk),
        token=block.asset.token.slug,
        side="sell" if block.side == BlockOrder.Side.SELL else "buy",
        quantity=block.quantity,
        budget=block.budget,
        scale=block.asset.scale,
        mark=Decimal(block.cycle.marks[block.asset.code]),
        volume=None if volume is None else int(volume),
        placed_at=block.cycle.priced_at,
    )


@transaction.atomic
def _apply(block: BlockOrder, report: BrokerReport) -> bool:
    """Post the fills and the state together; True when there was something new."""
    locked = (
        BlockOrder.objects.select_for_update(of=("self",)).select_related("asset", "cycle").get(pk=block.pk)
    )
    if locked.status in _REST:
        return False
    posted = set(
        Fill.objects.filter(
            venue=locked.venue, venue_trade_id__in=[fill.trade_id for fill in report.fills]
        ).values_list("venue_trade_id", flat=True)
    )
    fresh = [fill for fill in report.fills if fill.trade_id not in posted]
    for fill in fresh:
        _fill_post(locked, fill)
    states = {
        "open": BlockOrder.Status.OPEN,
        "done": BlockOrder.Status.DONE,
        "rejected": BlockOrder.Status.REJECTED,
    }
    changed = locked.status != states[report.state]
    locked.status, locked.reason, locked.misses = states[report.state], report.reason[:240], 0
    locked.save(update_fields=["status", "reason", "misses", "updated_at"])
    return changed or bool(fresh)


def _unknown(block: BlockOrder) -> None:
    BlockOrder.objects.filter(pk=block.pk).exclude(status__in=_REST).update(status=BlockOrder.Status.UNKNOWN)


@transaction.atomic
def _missing(block: BlockOrder, market: CycleMarket) -> bool:
    """The venue knows nothing of the order. Believed only after several clear answers over a minute; then what is
    left is sent under a new id."""
    locked = (
        BlockOrder.objects.select_for_update(of=("self",)).select_related("asset", "cycle").get(pk=block.pk)
    )
    if locked.status in _REST:
        return False
    locked.misses += 1
    patient = locked.sent_at is not None and timezone.now() - locked.sent_at < ABSENT_AFTER
    if locked.misses < MISSES_BEFORE_ABSENT or patient:
        locked.status = BlockOrder.Status.UNKNOWN
        locked.save(update_fields=["status", "misses", "updated_at"])
        return False
    locked.status, locked.reason = BlockOrder.Status.REJECTED, "The venue never received it."
    locked.save(update_fields=["status", "reason", "misses", "updated_at"])
    scale = locked.asset.scale if locked.side == BlockOrder.Side.SELL else USD_SCALE
    left = {
        line.dealing_id: to_base(line.size, scale) - to_base(line.filled, scale)
        for line in Allocation.objects.filter(block_order=locked)
    }
    if locked.attempt < MOST_ATTEMPTS and any(left.values()):
        block_order_create(locked.cycle, locked.asset.code, locked.side, left, market, locked.attempt + 1)
    return True
