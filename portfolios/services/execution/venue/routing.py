"""Which venue an order goes to: divided over two at the least cost where there are several, and again under a new id
when something is left."""

import logging
from collections.abc import Mapping
from datetime import datetime

from django.db import transaction
from django.db.models import Max, Q

from portfolios.brokers.base import BrokerUnreachable, Depth, Quoting
from portfolios.core import routing
from portfolios.core.allocation import split
from portfolios.core.money import PRICE_SCALE, USD_SCALE, from_base, to_base
from portfolios.models import Allocation, BlockOrder, DealingCycle
from portfolios.selectors.pauses import pauses
from portfolios.selectors.venues import ROUTED, venue_for_orders, venues_trading
from portfolios.services.execution.books import CycleMarket
from portfolios.services.execution.planning import block_order_create
from portfolios.services.execution.venue.desk import Desks, broker_order
from portfolios.services.faultpoints import fault_point

log = logging.getLogger(__name__)


def order_again(
    block: BlockOrder, sizes: Mapping[int, int], market: CycleMarket, *, send_after: datetime | None = None
) -> BlockOrder:
    """What is left of an order (dealing id -> base units, or micro-dollars of a purchase) under a new id; where it goes
    is decided anew. Inside the caller's transaction."""
    return block_order_create(
        block.cycle,
        block.asset.code,
        block.side,
        sizes,
        market,
        _last_attempt(block) + 1,
        venue=venue_for_orders(),
        send_after=send_after,
    )


def orders_route(cycle: DealingCycle, side: str, market: CycleMarket, desks: Desks) -> bool:
    """Every new order that has no venue yet, or one that is paused while another is not, divided over the venues that
    answer; True when one was. The books are read before anything is locked."""
    trading = venues_trading()
    if len(trading) < 2:
        waiting = BlockOrder.objects.filter(cycle=cycle, side=side, venue=ROUTED)
        return bool(waiting.filter(status=BlockOrder.Status.NEW).update(venue=trading[0]))
    stopped = pauses().venues
    usable = [name for name in trading if name not in stopped]
    astray = Q(venue=ROUTED) | (
        Q(venue__in=[name for name in trading if name in stopped]) if usable else Q(pk=None)
    )
    rows = BlockOrder.objects.filter(astray, cycle=cycle, side=side, status=BlockOrder.Status.NEW)
    moved = False
    for block in rows.select_related("asset__token", "cycle").order_by("created_at", "id"):
        parts = _parts(block, usable, desks) if usable else {trading[0]: block.size_base}
        if parts is not None and _divide(block, parts):
            moved = True
            fault_point("order routed")
    return moved


def _parts(block: BlockOrder, names: list[str], desks: Desks) -> dict[str, int] | None:
    """Venue -> its part; None while none of them answers."""
    size, buying = block.size_base, block.side == BlockOrder.Side.BUY
    found: dict[str, routing.Venue] = {}
    answered: list[str] = []
    for name in names:
        try:
            desk = desks.at(name)
            depth = desk.broker.depth(broker_order(block, desk)) if isinstance(desk.broker, Quoting) else None
        except BrokerUnreachable as error:
            log.warning("%s cannot be asked for its book: %s", name, error)
            continue
        answered.append(name)
        if depth is not None and not desk.doubt(block.side):
            found[name] = _venue(depth, block.asset.scale)
    if not answered:
        return None
    # Where no book takes it, the first venue that answers says why.
    return routing.route(size, found, buying=buying) or {next(iter(found), answered[0]): size}


def _venue(depth: Depth, scale: int) -> routing.Venue:
    return routing.Venue(
        levels=depth.levels,
        fee=depth.fee,
        one=10 ** (scale + PRICE_SCALE - USD_SCALE),
        step=depth.step,
        least_quantity=depth.least_quantity,
        least_notional=depth.least_notional,
        available=depth.available,
    )


@transaction.atomic
def _divide(block: BlockOrder, parts: Mapping[str, int]) -> bool:
    """The order as one per venue: it keeps the first part, the others are new; every dealing's share is divided in
    proportion. All at once, or nothing."""
    locked = BlockOrder.objects.select_for_update(of=("self",)).select_related("asset").get(pk=block.pk)
    kept = {name: size for name, size in parts.items() if size > 0}
    if locked.status != BlockOrder.Status.NEW or not kept or set(kept) == {locked.venue}:
        return False
    lines = list(Allocation.objects.filter(block_order=locked).order_by("dealing_id"))
    scale = locked.size_scale
    sizes = [to_base(line.size, scale) for line in lines]
    names = sorted(kept)
    # Dealing by dealing what is not given yet: then every line is given out to the last base unit.
    shares: dict[str, list[int]] = {}
    left = list(sizes)
    for name in names[:-1]:
        shares[name] = split(kept[name], left)
        left = [total - share for total, share in zip(left, shares[name], strict=True)]
    shares[names[-1]] = left
    # A number of this side of this cycle is one order's; whoever moves to another venue takes a new one.
    attempt = locked.attempt if locked.venue == ROUTED else _last_attempt(locked) + 1
    for number, name in enumerate(names):
        size = from_base(sum(shares[name]), scale)
        if number == 0:
            locked.venue, locked.attempt = name, attempt
            order = locked
        else:
            order = BlockOrder(
                cycle_id=locked.cycle_id, asset=locked.asset, side=locked.side, venue=name, attempt=attempt,
                send_after=locked.send_after,
            )  # fmt: skip
        order.quantity = size if locked.side == BlockOrder.Side.SELL else None
        order.budget = size if locked.side == BlockOrder.Side.BUY else None
        order.save()
        if number == 0:
            Allocation.objects.filter(block_order=locked).delete()
        Allocation.objects.bulk_create(
            Allocation(block_order=order, dealing_id=line.dealing_id, size=from_base(share, scale))
            for line, share in zip(lines, shares[name], strict=True)
            if share
        )
    return True


def _last_attempt(block: BlockOrder) -> int:
    last = BlockOrder.objects.filter(cycle=block.cycle_id, asset=block.asset_id, side=block.side)
    return int(last.aggregate(last=Max("attempt"))["last"] or 0)
