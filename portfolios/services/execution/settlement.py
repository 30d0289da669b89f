"""The end of a cycle: each dealing priced and settled."""

from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.db.models import F, Func, Q, Sum
from django.utils import timezone

from portfolios.core.dealing import FlowResult, flow_settle
from portfolios.core.money import UNIT_SCALE, USD_SCALE, from_base, to_base
from portfolios.core.valuation import total, unit_price
from portfolios.models import Account, Dealing, DealingCycle, Order, Portfolio, Posting, Rebalance
from portfolios.services import accounts, ledger
from portfolios.services.execution import leftovers
from portfolios.services.execution.books import Book, CycleMarket, books
from portfolios.services.execution.nominees import books_dealing_settle
from portfolios.services.execution.planning import flow_orders


def dealing_settle(dealing_id: int, market: CycleMarket) -> None:
    """The dealing closed and everything that hangs on it settled; a second call changes nothing."""
    dealing = Dealing.objects.select_related("cycle", "portfolio").get(pk=dealing_id)
    if not dealing.is_open:
        return
    if dealing.portfolio.kind == Portfolio.Kind.NOMINEE:
        books_dealing_settle(dealing, market)
    else:
        _pool_settle(dealing_id, market)


@transaction.atomic
def _pool_settle(dealing_id: int, market: CycleMarket) -> None:
    dealing = (
        Dealing.objects.select_for_update(of=("self",))
        .select_related("cycle", "portfolio__units", "rebalance")
        .get(pk=dealing_id)
    )
    if not dealing.is_open:
        return
    book = books([dealing.portfolio_id])[dealing.portfolio_id]
    if dealing.kind == Dealing.Kind.REBALANCE:
        cost = _rebalance_settle(dealing, book, market)
    else:
        cost = _flow_settle(dealing, book, market)
    after = books([dealing.portfolio_id])[dealing.portfolio_id]
    dealing.is_open = False
    dealing.cost_usd = from_base(cost, USD_SCALE)
    dealing.unit_price = unit_price(total(after.pot, market.quotes), after.issued)
    dealing.cash_left = leftovers.settled(dealing, after.pot.cash)
    dealing.save(update_fields=["is_open", "cost_usd", "unit_price", "cash_left"])


@transaction.atomic
def cycle_close(cycle_id: int) -> None:
    """The cycle settled once none of its dealings is open."""
    cycle = DealingCycle.objects.select_for_update().get(pk=cycle_id)
    if not Dealing.objects.filter(cycle=cycle, is_open=True).exists():
        cycle.status, cycle.settled_at = DealingCycle.Status.SETTLED, timezone.now()
        cycle.save(update_fields=["status", "settled_at"])


def _rebalance_settle(dealing: Dealing, book: Book, market: CycleMarket) -> int:
    if dealing.rebalance is None:
        raise ValueError(f"dealing {dealing.pk}: a rebalance dealing without its rebalance")
    cost = max(0, to_base(dealing.value_before, USD_SCALE) - total(book.pot, market.quotes))
    traded = Posting.objects.filter(
        Q(entry__fill__block_order__cycle=dealing.cycle_id)
        | Q(entry__kind="cross", entry__reference__startswith=f"cross:{dealing.cycle_id}:"),
        account__portfolio=dealing.portfolio_id,
        account__kind=Account.Kind.ASSETS,
        asset=accounts.usd(),
    ).aggregate(usd=Sum(Func(F("amount"), function="ABS")))
    rebalance = dealing.rebalance
    rebalance.status = Rebalance.Status.DONE
    rebalance.turnover_usd = traded["usd"] or Decimal(0)
    rebalance.cost_usd = from_base(cost, USD_SCALE)
    rebalance.done_at = dealing.cycle.priced_at
    rebalance.save(update_fields=["status", "turnover_usd", "cost_usd", "done_at"])
    return cost


def _flow_settle(dealing: Dealing, book: Book, market: CycleMarket) -> int:
    orders = list(Order.objects.filter(dealing=dealing).select_related("user").order_by("created_at", "id"))
    value_before, issued = to_base(dealing.value_before, USD_SCALE), to_base(dealing.units_before, UNIT_SCALE)
    results = flow_settle(
        value_before=value_before,
        issued=issued,
        value_now=total(book.pot, market.quotes),
        cash=book.pot.cash,
        orders=flow_orders(orders),
    )
    price, moment = unit_price(value_before, issued), dealing.cycle.priced_at
    drafts = []
    for order, result in zip(orders, results, strict=True):
        legs = _order_legs(dealing, order, result)
        if legs:
            kind = "units_issue" if order.side == Order.Side.INVEST else "redemption"
            drafts.append(
                ledger.Draft(
                    f"order:{order.pk}:settle", kind, moment, legs, f"Settled at {price:f} USD a unit"
                )
            )
        _order_finish(order, result, price, moment)
    if drafts:
        ledger.entries_post(drafts)
    Order.objects.bulk_update(
        orders,
        ["status", "units", "proceeds", "cost_usd", "unit_price", "settled_at", "reason"],
        batch_size=500,
    )
    _dust_sweep(dealing, moment)
    return sum(result.cost for result in results)


def _order_legs(dealing: Dealing, order: Order, result: FlowResult) -> list[ledger.Leg]:
    units, usd = dealing.portfolio.units, accounts.usd()
    issued, pot = accounts.portfolio_issued(dealing.portfolio), accounts.portfolio_assets(dealing.portfolio)
    cash = accounts.user_cash(order.user)
    moved = from_base(result.units, units.scale)
    if order.side == Order.Side.INVEST:
        return [ledger.Leg(issued, units, -moved), ledger.Leg(cash, units, moved)] if result.units else []
    reserved = accounts.user_reserved(order.user)
    wanted = order.units or Decimal(0)
    legs = [ledger.Leg(reserved, units, -wanted)]
    if result.units:
        legs.append(ledger.Leg(issued, units, moved))
    if wanted > moved:
        legs.append(ledger.Leg(cash, units, wanted - moved))
    if result.payout:
        paid = from_base(result.payout, USD_SCALE)
        legs += [ledger.Leg(pot, usd, -paid), ledger.Leg(cash, usd, paid)]
    if result.dust:
        # Left in the pot it would be a gift to those who stay.
        dust = from_base(result.dust, USD_SCALE)
        legs += [ledger.Leg(pot, usd, -dust), ledger.Leg(accounts.rounding(), usd, dust)]
    return legs


def _order_finish(order: Order, result: FlowResult, price: Decimal, moment: datetime) -> None:
    moved = from_base(result.units, UNIT_SCALE)
    if order.side == Order.Side.REDEEM:
        if order.units is not None and moved < order.units:
            order.reason = "Not everything could be sold: the units that were not paid for are yours again."
        order.proceeds = from_base(result.payout, USD_SCALE).quantize(Decimal("0.01"))
    order.units = moved
    order.status = Order.Status.SETTLED
    order.cost_usd = from_base(result.cost, USD_SCALE)
    order.unit_price = price
    order.settled_at = moment


def _dust_sweep(dealing: Dealing, moment: datetime) -> None:
    """When the last unit is gone, the fractions of a cent that rounding left belong to nobody: they go to the rounding
    account, so that the next first investor starts from an empty pot."""
    left = books([dealing.portfolio_id])[dealing.portfolio_id]
    if left.issued or not left.pot.cash:
        return
    usd, amount = accounts.usd(), from_base(left.pot.cash, USD_SCALE)
    ledger.entry_post(
        reference=f"dealing:{dealing.pk}:dust",
        kind="rounding",
        effective_at=moment,
        description="What rounding left in an emptied portfolio",
        legs=[
            ledger.Leg(accounts.portfolio_assets(dealing.portfolio), usd, -amount),
            ledger.Leg(accounts.rounding(), usd, amount),
        ],
    )
