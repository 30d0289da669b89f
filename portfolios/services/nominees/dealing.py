"""A nominee in a dealing cycle: its books are planned block by block, trade as one portfolio, and have their parts back
block by block.

What follows from the books is planned again at each step, from terms that were fixed when the dealing opened; what
follows from the venue is stored by block before the first book changes. So a crash anywhere leaves nothing to undo.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
import numpy.typing as npt
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from portfolios.core.bands import PPM, Bands
from portfolios.core.bulk import rounds, trading
from portfolios.core.bulk.planning import countable, marks
from portfolios.core.bulk.rounds import Amounts, Outside
from portfolios.core.bulk.targets import index_weights
from portfolios.core.bulk.trading import Deltas
from portfolios.core.bulk.whole import Whole, muldiv
from portfolios.core.money import USD_SCALE, from_base, to_base
from portfolios.models import Dealing, DealingBlock, DealingCycle, LedgerAsset, NomineeDealing, Order, Posting
from portfolios.services import accounts
from portfolios.services.faultpoints import fault_point
from portfolios.services.nominees.opening import basket_widen, changes_apply
from portfolios.services.nominees.planning import (
    Terms,
    basket_assets,
    cycle_marks,
    each_apart,
    planned,
    read_and,
    spread,
    terms_of,
)
from portfolios.services.nominees.storing import Books, batch_store, blocks_of, books_read

WORKERS = 2
RESERVE = 5_000
"""Millionths of expected proceeds that purchases leave for the cost of sales."""
_NOTHING = "There was less than a cent to pay out."
_LEFT = "Not everything could be sold: what is left is still in your portfolio."


@dataclass(frozen=True)
class Wanted:
    """What a nominee wants of others: `sells` base units, `buys` micro-dollars that are there already, by code."""

    sells: dict[str, int]
    buys: dict[str, int]


def dealing_open(
    dealing: Dealing, weights: Mapping[str, Decimal], assets: Sequence[LedgerAsset], *, refuge: str = ""
) -> Wanted:
    """The terms of the dealing stored, and what its books want that does not change hands between them.

    `weights` (asset code -> fraction) are the decision's, `assets` those of the cycle's marks, `refuge` the code of
    what takes the share that is not at risk; without a mark it is dollars. Settings that waited are in force from here
    on. Inside the transaction that opens the cycle. Raises BlockError or TooLarge where the books cannot be counted.
    """
    nominee, cycle = dealing.portfolio, dealing.cycle
    wanted = [asset for asset in assets if asset.code in weights or asset.code == refuge]
    basket = basket_widen(nominee, [asset.pk for asset in wanted])
    basket = changes_apply(nominee, basket, at=cycle.priced_at)
    everything = basket_assets(basket)
    prices = {code: mark for code, mark in cycle_marks(cycle).items() if code not in cycle.halted}
    places = countable(
        [prices.get(asset.code) for asset in everything], [asset.scale for asset in everything]
    )
    traded = [everything[place] for place in places]
    codes = [asset.code for asset in traded]
    bands = nominee.bands
    this = Terms(
        nominee=nominee,
        basket=basket,
        assets=everything,
        places=np.array(places, dtype=np.int64),
        weights=index_weights(weights, codes),
        at=marks([prices[code] for code in codes], [asset.scale for asset in traded]),
        bands=Bands(bands.hold, bands.full, bands.turnover, bands.smallest, RESERVE),
        refuge=codes.index(refuge) if refuge in codes else None,
        dealing=dealing if dealing.kind == Dealing.Kind.FLOW else None,
    )
    ranges = blocks_of(nominee, basket, dealing=this.dealing)
    totals = read_and(
        this, ranges, lambda books, _: trading.totals(planned(this, books).wishes), workers=WORKERS
    )
    orders = trading.netted(totals, this.at)
    stored = NomineeDealing.objects.create(
        dealing=dealing,
        basket=basket,
        places=places,
        weights=this.weights.tolist(),
        refuge=this.refuge,
        hold=this.bands.hold,
        full=this.bands.full,
        turnover=this.bands.turnover,
        smallest=this.bands.smallest,
        reserve=this.bands.reserve,
        crossed=list(orders.crossed),
        crossed_value=list(orders.crossed_value),
    )
    DealingBlock.objects.bulk_create(
        DealingBlock(
            dealing=stored,
            number=number,
            first=first,
            last=last,
            sells=list(total.sells),
            buys=list(total.buys),
        )
        for number, ((first, last), total) in enumerate(zip(ranges, totals, strict=True))
    )
    # A rebalance pays with what its sales will bring: it buys nothing of others before that is there.
    buys = orders.buys if dealing.kind == Dealing.Kind.FLOW else [0] * len(codes)
    return Wanted(
        {code: units for code, units in zip(codes, orders.sells, strict=True) if units},
        {code: micro for code, micro in zip(codes, buys, strict=True) if micro},
    )


def purchases_size(dealing: Dealing) -> dict[str, int]:
    """Asset code -> micro-dollars to be spent at a venue, by what sales really brought; what each block sold is stored.

    Inside the transaction that stores the purchases.
    """
    stored = _stored(dealing)
    this, blocks = terms_of(stored), list(stored.blocks.all())
    outside = _outside(this, dealing.cycle)

    def able(gives: list[Amounts], gets: list[Amounts]) -> list[Amounts]:
        return read_and(
            this,
            [(block.first, block.last) for block in blocks],
            lambda books, number: rounds.able_totals(planned(this, books), gives[number], gets[number]),
            workers=WORKERS,
        )

    sales = rounds.sales_fitted(
        [_whole(block.sells) for block in blocks],
        _whole(stored.crossed),
        _whole(stored.crossed_value),
        outside,
        this.at,
        able,
    )
    stored.crossed, stored.crossed_value = _decimals(sales.crossed), _decimals(sales.crossed_value)
    stored.save(update_fields=["crossed", "crossed_value"])
    for block, gives, gets, payable in zip(blocks, sales.gives, sales.gets, sales.able, strict=True):
        block.gives, block.gets, block.able = _decimals(gives), _decimals(gets), _decimals(payable)
    DealingBlock.objects.bulk_update(blocks, ["gives", "gets", "able"])
    buys = rounds.venue_buys(sales, outside, this.bands.smallest)
    codes = [this.assets[place].code for place in stored.places]
    return {code: micro for code, micro in zip(codes, buys, strict=True) if micro}


def books_settle(dealing: Dealing) -> None:
    """Every book has its part of what the dealing traded; the clearing account has nothing left but payouts and dust.

    A block at a time, each in a transaction of its own: a second call goes on where the first one stopped.
    """
    _purchases_divide(dealing)
    fault_point("books divided")
    stored = _stored(dealing)
    this = terms_of(stored)

    def settle(block: DealingBlock) -> None:
        block_settle(this, dealing, block)
        fault_point("books block stored")

    waiting = stored.blocks.filter(stored_at=None).order_by("number")
    for _ in each_apart(waiting, settle, workers=WORKERS):
        pass


@transaction.atomic
def block_settle(this: Terms, dealing: Dealing, block: DealingBlock) -> None:
    """The books of one block have their part; orders in it know what they pay out and what they cost."""
    locked = DealingBlock.objects.select_for_update().get(pk=block.pk)
    if locked.stored_at is not None:
        return
    books = books_read(this.nominee, this.basket, (locked.first, locked.last), dealing=this.dealing)
    wanted = planned(this, books)
    deltas, income = rounds.outcome(
        wanted, _whole(locked.gives), _whole(locked.gets), _whole(locked.pays), _whole(locked.takes)
    )
    whole = spread(this, deltas)
    left = books.quantities + whole.quantities
    paid, dust = rounds.paid_out(wanted, this.at, income, left)
    if wanted.flow is not None:
        unsold = this.at.values(np.maximum(wanted.wishes.sells + np.minimum(deltas.quantities, 0), 0)).sum(
            axis=0
        )
        everything = wanted.flow.needed(wanted.wishes.worth) >= wanted.wishes.worth
        short = (unsold > 0) | (everything & left.any(axis=0))
        cost = rounds.costs(deltas, this.at, wanted.flow.coming)
        _orders_note(dealing, books, paid, cost, _shares(wanted), short)
    batch_store(
        this.nominee,
        this.basket,
        this.assets,
        books,
        Deltas(whole.quantities, np.asarray(whole.cash - paid - dust)),
        reference=f"dealing:{dealing.pk}:{locked.number}",
        effective_at=dealing.cycle.priced_at,
        block=locked,
    )
    locked.stored_at = timezone.now()
    locked.save(update_fields=["stored_at"])


def crossed_usd(dealing: Dealing) -> Decimal:
    """USD that changed hands between the books of the dealing."""
    return from_base(sum(_whole(_stored(dealing).crossed_value)), USD_SCALE)


@transaction.atomic
def _purchases_divide(dealing: Dealing) -> None:
    stored = NomineeDealing.objects.select_for_update().get(dealing=dealing)
    blocks = list(stored.blocks.all())
    if not blocks or blocks[0].pays is not None:
        return
    outside = _outside(terms_of(stored), dealing.cycle)
    pays, takes = rounds.purchases_divided(
        [_whole(block.able) for block in blocks],
        _whole(stored.crossed),
        _whole(stored.crossed_value),
        outside,
    )
    for block, paid, taken in zip(blocks, pays, takes, strict=True):
        block.pays, block.takes = _decimals(paid), _decimals(taken)
    DealingBlock.objects.bulk_update(blocks, ["pays", "takes"])


def _orders_note(
    dealing: Dealing, books: Books, paid: Whole, cost: Whole, share: Whole, short: npt.NDArray[np.bool_]
) -> None:
    """What each order of the block came to; it is settled with all others of the dealing."""
    orders = {
        order.book_id: order
        for order in Order.objects.filter(dealing=dealing, book_id__in=books.ids.tolist())
    }
    for place, book in enumerate(books.ids.tolist()):
        order = orders[book]
        order.cost_usd = from_base(int(cost[place]), USD_SCALE)
        if order.side == Order.Side.REDEEM:
            order.proceeds = from_base(int(paid[place]), USD_SCALE).quantize(Decimal("0.01"))
            if order.amount is not None:
                order.share = int(share[place])
            order.reason = _LEFT if short[place] else "" if order.proceeds else _NOTHING
    Order.objects.bulk_update(orders.values(), ["cost_usd", "proceeds", "share", "reason"], batch_size=500)


def _shares(wanted: rounds.Planned) -> Whole:
    """Millionths of each book that its order takes out; at least one where it takes anything."""
    if wanted.flow is None:
        return np.zeros_like(wanted.block.cash)
    worth = wanted.wishes.worth
    needed = wanted.flow.needed(worth)
    return np.asarray(np.maximum(muldiv(needed, PPM, np.maximum(worth, 1)), np.where(needed > 0, 1, 0)))


def _outside(this: Terms, cycle: DealingCycle) -> Outside:
    """What the clearing account sold and bought in this cycle, by traded place; each entry trades one token."""
    rows = Posting.objects.filter(
        Q(entry__fill__block_order__cycle=cycle)
        | Q(entry__kind="cross", entry__reference__startswith=f"cross:{cycle.pk}:"),
        account=accounts.portfolio_assets(this.nominee),
    ).values_list(
        "entry__reference", "entry__fill__block_order__asset__code", "asset__code", "amount", "asset__scale"
    )
    entries: dict[tuple[str, str], dict[str, int]] = defaultdict(dict)
    for reference, traded, code, amount, scale in rows:
        token = traded or reference.removeprefix(f"cross:{cycle.pk}:")
        entries[reference, token][code] = to_base(amount, scale)
    places = {this.assets[place].code: number for number, place in enumerate(this.places.tolist())}
    sold, income, spent, bought = ([0] * len(places) for _ in range(4))
    for (_, token), legs in entries.items():
        place, units, usd = places[token], legs.get(token, 0), legs.get("USD", 0)
        if units < 0:
            sold[place] -= units
            income[place] += usd
        elif usd < 0 or units:
            # A rounding may bring dollars without a token: those are dust of the dealing.
            bought[place] += units
            spent[place] -= usd
    return Outside(tuple(sold), tuple(income), tuple(spent), tuple(bought))


def _stored(dealing: Dealing) -> NomineeDealing:
    return NomineeDealing.objects.select_related(
        "basket", "dealing__cycle", "dealing__portfolio", "dealing__decision"
    ).get(dealing=dealing)


def _whole(amounts: Sequence[Decimal] | None) -> Amounts:
    if amounts is None:
        raise ValueError("dealing block: read before the step that fills it in")
    return tuple(int(amount) for amount in amounts)


def _decimals(amounts: Amounts) -> list[Decimal]:
    return [Decimal(amount) for amount in amounts]
