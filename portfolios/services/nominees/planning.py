"""What the books of a nominee want in one dealing: read block by block, planned as arrays, never stored."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeVar

import numpy as np
from django.db import connection

from portfolios.core.bands import Bands
from portfolios.core.bulk.flows import flow_wishes
from portfolios.core.bulk.planning import Block, Marks, marks, wishes
from portfolios.core.bulk.rounds import Planned
from portfolios.core.bulk.targets import own_weights
from portfolios.core.bulk.trading import Deltas
from portfolios.core.bulk.whole import Whole
from portfolios.models import Basket, Dealing, DealingCycle, LedgerAsset, NomineeDealing, Portfolio
from portfolios.services.nominees.storing import Books, books_read

Item = TypeVar("Item")
Result = TypeVar("Result")
_AHEAD = 3


@dataclass(frozen=True, eq=False)
class Terms:
    """What all books of a nominee are dealt by. `assets` are those of its basket; of these only the ones at `places`
    are traded, and `weights` (parts of WEIGHT_ONE, of the index), `at` and `refuge` (one of them, or None) are by
    `places`. `dealing` is set where books are dealt for their orders."""

    nominee: Portfolio
    basket: Basket
    assets: Sequence[LedgerAsset]
    places: Whole
    weights: Whole
    at: Marks
    bands: Bands
    refuge: int | None
    dealing: Dealing | None = None


def terms_of(stored: NomineeDealing) -> Terms:
    """The terms of a dealing, as they were fixed when it opened."""
    dealing = stored.dealing
    assets = basket_assets(stored.basket)
    places = np.array(stored.places, dtype=np.int64)
    prices = cycle_marks(dealing.cycle)
    traded = [assets[place] for place in stored.places]
    return Terms(
        nominee=dealing.portfolio,
        basket=stored.basket,
        assets=assets,
        places=places,
        weights=np.array(stored.weights, dtype=np.int64),
        at=marks([prices[asset.code] for asset in traded], [asset.scale for asset in traded]),
        bands=Bands(stored.hold, stored.full, stored.turnover, stored.smallest, stored.reserve),
        refuge=stored.refuge,
        dealing=dealing if dealing.kind == Dealing.Kind.FLOW else None,
    )


def basket_assets(basket: Basket) -> list[LedgerAsset]:
    """The ledger assets of a basket, by place."""
    found = LedgerAsset.objects.select_related("token").in_bulk(basket.assets)
    return [found[key] for key in basket.assets]


def cycle_marks(cycle: DealingCycle) -> dict[str, Decimal]:
    """Asset code -> USD, as the cycle froze it."""
    return {code: Decimal(text) for code, text in cycle.marks.items()}


def planned(this: Terms, books: Books) -> Planned:
    """What each book of a block wants."""
    excluded = books.excluded[this.places]
    if this.weights.any():
        weights = own_weights(this.weights, excluded, books.max_weight, books.risk_share, this.refuge)
    else:
        weights = np.zeros(excluded.shape, dtype=np.int64)
    block = Block(books.cash, np.ascontiguousarray(books.quantities[this.places]), weights)
    if books.flow is None:
        return Planned(block, wishes(block, this.at, this.bands))
    wanted = flow_wishes(block, this.at, books.flow, this.bands.smallest)
    return Planned(block, wanted, books.flow)


def spread(this: Terms, deltas: Deltas) -> Deltas:
    """Deltas by `places` as deltas by the places of the basket."""
    if len(this.places) == len(this.assets):
        return deltas
    quantities = np.zeros((len(this.assets), deltas.quantities.shape[1]), dtype=np.int64)
    quantities[this.places] = deltas.quantities
    return Deltas(quantities, deltas.cash)


def read_and(
    this: Terms, ranges: Iterable[tuple[int, int]], work: Callable[[Books, int], Result], *, workers: int
) -> list[Result]:
    """`work(books, number)` of every block, in order. Blocks are read one after the other, so that what this
    transaction has written is seen and few of them are in memory; the work is spread over threads."""

    def read(block: tuple[int, int]) -> Books:
        return books_read(this.nominee, this.basket, block, dealing=this.dealing)

    spans = list(ranges)
    if workers == 1 or len(spans) < 2:
        return [work(read(block), number) for number, block in enumerate(spans)]
    results: list[Result] = []
    waiting: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(workers) as pool:
        for number, block in enumerate(spans):
            waiting.append(pool.submit(work, read(block), number))
            while len(waiting) >= workers + _AHEAD:
                results.append(waiting.popleft().result())
        results += [future.result() for future in waiting]
    return results


def each_apart(items: Iterable[Item], work: Callable[[Item], Result], *, workers: int) -> Iterator[Result]:
    """`work` of every item in a transaction of its own, over threads with connections of their own; inside a
    transaction of the caller's, one after the other in that."""
    todo = list(items)
    if workers == 1 or len(todo) < 2 or connection.in_atomic_block:
        yield from map(work, todo)
        return

    def done(item: Item) -> Result:
        try:
            return work(item)
        finally:
            connection.close()

    with ThreadPoolExecutor(workers) as pool:
        yield from pool.map(done, todo)
