"""Nominees in the dealing cycle: an ordinary portfolio to the venue, very many small ones to itself."""

import logging
from collections.abc import Collection, Sequence
from decimal import Decimal

from django.db import transaction
from django.db.models import F, Func, Q, Sum

from portfolios.core.bulk.planning import BlockError
from portfolios.core.bulk.whole import TooLarge
from portfolios.core.dealing import Plan
from portfolios.core.money import CENT, USD_SCALE, from_base, to_base
from portfolios.core.valuation import total
from portfolios.models import Account, Balance, Book, Dealing, Order, Portfolio, Posting, Rebalance
from portfolios.selectors.personal import refuge_of
from portfolios.services import accounts, ledger
from portfolios.services.execution.books import CycleMarket, books, dealing_weights
from portfolios.services.faultpoints import fault_point
from portfolios.services.nominees import dealing as nominee_dealing

log = logging.getLogger(__name__)
_CROSSED = Q(entry__kind="cross")


def refuges(portfolios: Collection[Portfolio]) -> set[str]:
    """What books of these portfolios may need a mark of besides the targets of their index."""
    nominees = [owner for owner in portfolios if owner.kind == Portfolio.Kind.NOMINEE]
    return {
        refuge_of(owner.index.slug)
        for owner in nominees
        if Book.objects.filter(nominee=owner, risk_share__lt=1_000_000).exists()
    }


def one_of_each_book(orders: Sequence[Order]) -> list[Order]:
    """Of several orders for one book the first: the next one is dealt when that is settled."""
    seen: set[int] = set()
    first = []
    for order in orders:
        if order.book_id is None or order.book_id not in seen:
            first.append(order)
        if order.book_id is not None:
            seen.add(order.book_id)
    return first


def plan_of(dealing: Dealing, market: CycleMarket) -> tuple[Plan, int]:
    """(what the nominee wants of others, what it may spend on that at once). Raises CannotCount."""
    try:
        with transaction.atomic():
            wanted = nominee_dealing.dealing_open(
                dealing,
                dealing_weights(dealing),
                list(market.assets.values()),
                refuge=f"token:{refuge_of(dealing.portfolio.index.slug)}",
            )
    except (BlockError, TooLarge) as error:
        log.critical("books of nominee %s cannot be dealt: %s", dealing.portfolio_id, error)
        raise CannotCount(str(error)) from error
    return Plan(wanted.sells, wanted.buys), sum(wanted.buys.values())


class CannotCount(RuntimeError):
    """The books of a nominee hold or want amounts that are too large for their arrays."""


def books_dealing_settle(dealing: Dealing, market: CycleMarket) -> None:
    """The nominee's dealing closed: first its books, block by block, then its orders and itself. A second call goes on
    where the first one stopped."""
    nominee_dealing.books_settle(dealing)
    fault_point("books settled")
    _close(dealing.pk, market)


@transaction.atomic
def _close(dealing_id: int, market: CycleMarket) -> None:
    dealing = (
        Dealing.objects.select_for_update(of=("self",))
        .select_related("cycle", "portfolio", "rebalance")
        .get(pk=dealing_id)
    )
    if not dealing.is_open:
        return
    orders = list(Order.objects.filter(dealing=dealing).select_related("user").order_by("created_at", "id"))
    moment, usd = dealing.cycle.priced_at, accounts.usd()
    clearing = accounts.portfolio_assets(dealing.portfolio)
    drafts = [
        ledger.Draft(
            f"order:{order.pk}:settle",
            "redemption",
            moment,
            [
                ledger.Leg(clearing, usd, -order.proceeds),
                ledger.Leg(accounts.user_cash(order.user), usd, order.proceeds),
            ],
            "Paid out of a personal portfolio",
        )
        for order in orders
        if order.proceeds
    ]
    dust = _dust(dealing, clearing, orders)
    if dust:
        drafts.append(
            ledger.Draft(
                f"dealing:{dealing.pk}:dust",
                "rounding",
                moment,
                [ledger.Leg(clearing, usd, -dust), ledger.Leg(accounts.rounding(), usd, dust)],
                "What rounding left in emptied portfolios",
            )
        )
    if drafts:
        ledger.entries_post(drafts)
    for order in orders:
        order.status, order.settled_at = Order.Status.SETTLED, moment
    Order.objects.bulk_update(orders, ["status", "settled_at"], batch_size=500)
    dealing.cost_usd = sum((order.cost_usd for order in orders), Decimal(0))
    if dealing.rebalance is not None:
        dealing.cost_usd = _rebalance_done(dealing, dealing.rebalance, market)
    dealing.is_open = False
    dealing.save(update_fields=["is_open", "cost_usd"])


def _dust(dealing: Dealing, clearing: Account, orders: Sequence[Order]) -> Decimal:
    """USD that clearing keeps when all payouts are made. Raises ValueError where that is more than fractions of cents:
    something else has been booked there, and somebody must look."""
    left = {
        row.asset.code: row.amount
        for row in Balance.objects.filter(account=clearing).exclude(amount=0).select_related("asset")
    }
    dust = left.pop("USD", Decimal(0)) - sum((order.proceeds or Decimal(0) for order in orders), Decimal(0))
    most = from_base(CENT * (1 + sum(order.side == Order.Side.REDEEM for order in orders)), USD_SCALE)
    if left or not 0 <= dust <= most:
        raise ValueError(
            f"dealing {dealing.pk}: clearing keeps {dust} USD and {left or 'no tokens'} after its books were settled"
        )
    return dust


def _rebalance_done(dealing: Dealing, rebalance: Rebalance, market: CycleMarket) -> Decimal:
    pot = books([dealing.portfolio_id])[dealing.portfolio_id].pot
    cost = from_base(max(0, to_base(dealing.value_before, USD_SCALE) - total(pot, market.quotes)), USD_SCALE)
    traded = Posting.objects.filter(
        Q(entry__fill__block_order__cycle=dealing.cycle_id)
        | (_CROSSED & Q(entry__reference__startswith=f"cross:{dealing.cycle_id}:")),
        account=accounts.portfolio_assets(dealing.portfolio),
        asset=accounts.usd(),
    ).aggregate(usd=Sum(Func(F("amount"), function="ABS")))
    rebalance.status = Rebalance.Status.DONE
    rebalance.turnover_usd = (traded["usd"] or Decimal(0)) + 2 * nominee_dealing.crossed_usd(dealing)
    rebalance.cost_usd = cost
    rebalance.done_at = dealing.cycle.priced_at
    rebalance.save(update_fields=["status", "turnover_usd", "cost_usd", "done_at"])
    return cost
