"""Opening a dealing cycle: who deals, at which marks, what crosses inside, and what is sold at a venue."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.db.models import QuerySet

from indices import selectors as index_selectors
from portfolios.core import netting
from portfolios.core.dealing import (
    FlowOrder,
    Plan,
    flow_matched,
    flow_net,
    purchase_plan,
    raising_plan,
    rebalance_plan,
)
from portfolios.core.money import UNIT_SCALE, USD_SCALE, from_base, to_base, value_of
from portfolios.core.valuation import total
from portfolios.models import (
    Allocation,
    BlockOrder,
    Dealing,
    DealingCycle,
    Order,
    Portfolio,
    Rebalance,
)
from portfolios.selectors.market import volumes
from portfolios.selectors.pauses import pauses
from portfolios.selectors.stops import Stop, decision_stops
from portfolios.services import accounts, ledger
from portfolios.services.execution import nominees
from portfolios.services.execution.books import (
    USD,
    Book,
    CycleMarket,
    books,
    cycle_market,
    dealing_weights,
    held_tokens,
    planning_lock,
)
from signals import selectors as signal_selectors

_NO_PRICE = "Nothing in the portfolio has a price now, so its units cannot be priced."


@dataclass
class _Part:
    """One portfolio's part of the cycle while it is being planned."""

    portfolio: Portfolio
    dealing: Dealing
    orders: list[Order] = field(default_factory=list)
    plan: Plan = field(default_factory=lambda: Plan({}, {}))
    spendable: int = 0


@transaction.atomic
def cycle_open() -> DealingCycle | None:
    """A new cycle over every portfolio that has a due rebalance or accepted orders and is not being dealt, or None.

    A due rebalance goes first: orders of that portfolio wait for the next cycle. Investors' money moves from their
    reserve into the portfolio, trades between portfolios are posted, and sales for the venue are stored, all at once.
    """
    planning_lock()
    with accounts.lookups_remembered():
        return _open(signal_selectors.market_time())


def _open(moment: datetime) -> DealingCycle | None:
    if DealingCycle.objects.filter(priced_at=moment).exclude(status=DealingCycle.Status.SETTLED).exists():
        return None
    parts = [*_rebalance_parts(moment), *_flow_parts(moment)]
    if not parts:
        return None
    cycle = _cycle_create(parts, moment)
    market = cycle_market(cycle)
    current = books([part.portfolio.pk for part in parts])
    parts = [part for part in parts if _planned(part, cycle, current[part.portfolio.pk], market)]
    netted = netting.net(
        {part.portfolio.pk: part.plan for part in parts},
        {part.portfolio.pk: part.spendable for part in parts},
        market.quotes,
    )
    drafts = [draft for part in parts for draft in _money_in(part, moment)]
    drafts += [_crossing(cycle, crossing, parts, market) for crossing in netted.crossings]
    if drafts:
        ledger.entries_post(drafts)
    _sales_store(cycle, netted.sells, parts, market)
    return cycle


def block_order_create(
    cycle: DealingCycle,
    code: str,
    side: str,
    sizes: Mapping[int, int],
    market: CycleMarket,
    attempt: int = 1,
    *,
    venue: str = "",
    send_after: datetime | None = None,
) -> BlockOrder:
    """One order for a venue and each dealing's share of it; `sizes` is dealing id -> base units (micro-dollars when
    buying). Without a venue it goes to the one of the cycle's market."""
    scale = market.assets[code].scale if side == BlockOrder.Side.SELL else USD_SCALE
    size = from_base(sum(sizes.values()), scale)
    block = BlockOrder.objects.create(
        cycle=cycle,
        asset=market.assets[code],
        venue=venue or market.venue,
        side=side,
        attempt=attempt,
        quantity=size if side == BlockOrder.Side.SELL else None,
        budget=size if side == BlockOrder.Side.BUY else None,
        send_after=send_after,
    )
    Allocation.objects.bulk_create(
        [
            Allocation(block_order=block, dealing_id=dealing, size=from_base(units, scale))
            for dealing, units in sorted(sizes.items())
            if units > 0
        ]
    )
    return block


def _free_portfolios() -> QuerySet[Portfolio]:
    busy = Dealing.objects.filter(is_open=True).values("portfolio_id")
    return Portfolio.objects.exclude(pk__in=busy)


def _rebalance_parts(moment: datetime) -> list[_Part]:
    """One part per portfolio with a due rebalance; an older one that was never dealt is superseded by the newest. Where
    the price guard stops a portfolio, its rebalance stays due."""
    due = Rebalance.objects.filter(status=Rebalance.Status.DUE, portfolio__in=_free_portfolios())
    newest: dict[int, Rebalance] = {}
    for rebalance in due.select_related("portfolio__index", "portfolio__units", "decision").order_by(
        "decision__as_of"
    ):
        older = newest.get(rebalance.portfolio_id)
        if older is not None:
            older.status, older.reason = Rebalance.Status.SKIPPED, "A later decision took its place."
            older.save(update_fields=["status", "reason"])
        newest[rebalance.portfolio_id] = rebalance
    parts = []
    stopped = decision_stops({key: rebalance.decision for key, rebalance in newest.items()}, at=moment)
    for rebalance in newest.values():
        if stopped.get(rebalance.portfolio_id, Stop()).rebalances:
            continue
        rebalance.status = Rebalance.Status.DEALING
        rebalance.save(update_fields=["status"])
        dealing = Dealing(
            portfolio=rebalance.portfolio,
            kind=Dealing.Kind.REBALANCE,
            rebalance=rebalance,
            decision_id=rebalance.decision_id,
        )
        parts.append(_Part(rebalance.portfolio, dealing))
    return parts


def _flow_parts(moment: datetime) -> list[_Part]:
    today = signal_selectors.last_closed_day()
    dealing_now = Rebalance.objects.filter(status=Rebalance.Status.DEALING).values("portfolio_id")
    waiting = (
        Order.objects.select_for_update(skip_locked=True, of=("self",))
        .filter(status=Order.Status.ACCEPTED, portfolio__in=_free_portfolios().exclude(pk__in=dealing_now))
        .select_related("portfolio__index", "portfolio__units", "user")
        .order_by("created_at", "id")
    )
    grouped: dict[int, list[Order]] = defaultdict(list)
    for order in waiting:
        grouped[order.portfolio_id].append(order)
    decisions = {
        key: index_selectors.decision_in_force(orders[0].portfolio.index, as_of=today)
        for key, orders in grouped.items()
    }
    stopped = decision_stops(decisions, at=moment)
    parts = []
    for key, orders in grouped.items():
        decision, stop = decisions[key], stopped.get(key, Stop())
        if decision is None or stop.deals:
            continue
        waits = {Order.Side.INVEST: stop.invests, Order.Side.REDEEM: stop.redeems}
        dealt = [order for order in orders if not waits[Order.Side(order.side)]]
        dealt = nominees.one_of_each_book(dealt)
        if dealt:
            dealing = Dealing(portfolio=dealt[0].portfolio, kind=Dealing.Kind.FLOW, decision_id=decision.pk)
            parts.append(_Part(dealt[0].portfolio, dealing, dealt))
    return parts


def _cycle_create(parts: list[_Part], moment: datetime) -> DealingCycle:
    slugs = held_tokens([part.portfolio for part in parts])
    for part in parts:
        slugs |= {code.removeprefix("token:") for code in dealing_weights(part.dealing)}
    slugs |= nominees.refuges([part.portfolio for part in parts])
    marks = index_selectors.mark_prices(sorted(slugs), at=moment)
    traded = volumes(marks, at=moment)
    halted = {slug: halt.reason for slug, halt in signal_selectors.halts(sorted(marks), at=moment).items()}
    halted |= {slug: reason for slug, reason in pauses().assets.items() if slug in marks}
    assets = accounts.token_assets_ensure(marks)
    return DealingCycle.objects.create(
        priced_at=moment,
        marks={assets[slug].code: f"{mark:f}" for slug, mark in sorted(marks.items())},
        volumes={assets[slug].code: str(amount) for slug, amount in sorted(traded.items())},
        halted={assets[slug].code: reason for slug, reason in sorted(halted.items())},
    )


def _planned(part: _Part, cycle: DealingCycle, book: Book, market: CycleMarket) -> bool:
    """Fill in the plan and store the dealing; False where the portfolio cannot deal (its orders were given back)."""
    value = total(book.pot, market.quotes)
    if part.portfolio.kind == Portfolio.Kind.NOMINEE:
        return _nominee_planned(part, cycle, value, market)
    weights = dealing_weights(part.dealing)
    if part.orders and book.issued > 0 and value <= 0:
        for order in part.orders:
            _give_back(order, cycle.priced_at)
        return False
    part.dealing.cycle = cycle
    part.dealing.units_before = from_base(book.issued, UNIT_SCALE)
    part.dealing.value_before = from_base(value, USD_SCALE)
    if part.orders:
        wishes = flow_orders(part.orders)
        net = flow_net(value, book.issued, wishes)
        part.dealing.net_flow = from_base(net, USD_SCALE)
        if net > 0:
            floor = book.pot.cash + flow_matched(value, book.issued, wishes)
            part.dealing.cash_floor = from_base(floor, USD_SCALE)
            part.plan = Plan({}, purchase_plan(book.pot, weights, market.tradable, net))
            part.spendable = net
        elif net < 0:
            part.plan = Plan(raising_plan(book.pot, weights, market.tradable, -net), {})
    else:
        part.plan = rebalance_plan(book.pot, weights, market.tradable, part.portfolio.bands)
        part.spendable = book.pot.cash
    part.dealing.save(force_insert=True)
    _orders_taken(part)
    return True


def _nominee_planned(part: _Part, cycle: DealingCycle, value: int, market: CycleMarket) -> bool:
    part.dealing.cycle, part.dealing.units_before = cycle, Decimal(0)
    part.dealing.value_before = from_base(value, USD_SCALE)
    part.dealing.net_flow = sum(
        (
            (order.amount or Decimal(0)) * (1 if order.side == Order.Side.INVEST else -1)
            for order in part.orders
        ),
        Decimal(0),
    )
    try:
        with transaction.atomic():
            part.dealing.save(force_insert=True)
            _orders_taken(part)
            part.plan, part.spendable = nominees.plan_of(part.dealing, market)
    except nominees.CannotCount as error:
        reason = f"The portfolio cannot be dealt: {error}"[:240]
        for order in part.orders:
            _give_back(order, cycle.priced_at, reason)
        if part.dealing.rebalance is not None:
            part.dealing.rebalance.status, part.dealing.rebalance.reason = Rebalance.Status.SKIPPED, reason
            part.dealing.rebalance.save(update_fields=["status", "reason"])
        return False
    return True


def _orders_taken(part: _Part) -> None:
    for order in part.orders:
        order.status, order.dealing = Order.Status.DEALING, part.dealing
    Order.objects.bulk_update(part.orders, ["status", "dealing"], batch_size=500)


def flow_orders(orders: list[Order]) -> list[FlowOrder]:
    """Orders in base units, as the pure rules want them."""
    return [
        FlowOrder(str(order.pk), to_base(order.amount or Decimal(0), USD_SCALE), 0)
        if order.side == Order.Side.INVEST
        else FlowOrder(str(order.pk), 0, to_base(order.units or Decimal(0), UNIT_SCALE))
        for order in orders
    ]


def _money_in(part: _Part, moment: datetime) -> list[ledger.Draft]:
    pot, usd = accounts.portfolio_assets(part.portfolio), accounts.usd()
    return [
        ledger.Draft(
            reference=f"order:{order.pk}:in",
            kind="order_in",
            effective_at=moment,
            description="Invested money goes to work",
            legs=[
                ledger.Leg(accounts.user_reserved(order.user), usd, -order.amount),
                ledger.Leg(pot, usd, order.amount),
            ],
        )
        for order in part.orders
        if order.side == Order.Side.INVEST and order.amount is not None
    ]


def _give_back(order: Order, moment: datetime, reason: str = _NO_PRICE) -> None:
    if order.book_id is None or order.side == Order.Side.INVEST:
        _released(order, moment)
    order.status, order.reason = Order.Status.CANCELLED, reason
    order.save(update_fields=["status", "reason"])


def _released(order: Order, moment: datetime) -> None:
    asset, size = (
        (accounts.usd(), order.amount)
        if order.side == Order.Side.INVEST
        else (order.portfolio.units, order.units)
    )
    if size is None:
        raise ValueError(f"order {order.pk}: neither an amount nor units")
    ledger.entry_post(
        reference=f"order:{order.pk}:release",
        kind="release",
        effective_at=moment,
        description="Order given back",
        legs=[
            ledger.Leg(accounts.user_reserved(order.user), asset, -size),
            ledger.Leg(accounts.user_cash(order.user), asset, size),
        ],
    )


def _crossing(
    cycle: DealingCycle, crossing: netting.Crossing, parts: list[_Part], market: CycleMarket
) -> ledger.Draft:
    pots = {part.portfolio.pk: accounts.portfolio_assets(part.portfolio) for part in parts}
    token, usd = market.assets[crossing.code], accounts.usd()
    legs = [
        ledger.Leg(pots[key], token, from_base(units, token.scale))
        for key, units in crossing.quantities.items()
        if units
    ]
    legs += [
        ledger.Leg(pots[key], usd, from_base(units, usd.scale))
        for key, units in crossing.dollars.items()
        if units
    ]
    return ledger.Draft(
        reference=f"cross:{cycle.pk}:{crossing.code}",
        kind="cross",
        effective_at=cycle.priced_at,
        description=f"{crossing.code.removeprefix('token:')} between portfolios at the mark",
        legs=legs,
    )


def _sales_store(
    cycle: DealingCycle, sells: Mapping[int, Mapping[str, int]], parts: list[_Part], market: CycleMarket
) -> None:
    dealings = {part.portfolio.pk: part.dealing.pk for part in parts}
    wanted: dict[str, dict[int, int]] = defaultdict(dict)
    for key, quantities in sells.items():
        for code, units in quantities.items():
            wanted[code][dealings[key]] = units
    for code, sizes in sorted(wanted.items()):
        quote = market.quotes[code]
        if code != USD and value_of(sum(sizes.values()), quote.scale, quote.price) > 0:
            block_order_create(cycle, code, BlockOrder.Side.SELL, sizes, market)
