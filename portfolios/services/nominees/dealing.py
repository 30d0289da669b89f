"""All personal portfolios of a nominee rebalanced: planned block by block, traded as one, divided and stored."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from time import perf_counter_ns
from typing import TypeVar

import numpy as np
from django.db import connection

from portfolios.core.bulk import trading
from portfolios.core.bulk.planning import Bands, Block, Marks, Wishes, wishes, within
from portfolios.core.bulk.targets import own_weights
from portfolios.core.bulk.trading import Deltas, Orders, Totals
from portfolios.core.bulk.whole import Whole
from portfolios.models import Basket, LedgerAsset, Portfolio
from portfolios.services.nominees.storing import BLOCK, Books, batch_store, blocks_of, books_read

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Traded:
    """What a venue made of orders, per asset: base units sold and the micro-dollars that came in; micro-dollars spent,
    fees included, and the base units that came in."""

    sold: tuple[int, ...]
    proceeds: tuple[int, ...]
    spent: tuple[int, ...]
    bought: tuple[int, ...]


@dataclass
class Report:
    """Time by stage, and what was done."""

    nanoseconds: dict[str, int] = field(default_factory=dict)
    books: int = 0
    trading: int = 0
    orders: int = 0

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """What happens inside counts for this stage."""
        begun = perf_counter_ns()
        try:
            yield
        finally:
            self.nanoseconds[name] = self.nanoseconds.get(name, 0) + perf_counter_ns() - begun


@dataclass(frozen=True)
class Round:
    """One rebalance of all books of a nominee: the weights [asset] of its index (parts of WEIGHT_ONE), marks, bands,
    and the place of the asset that waits for better times."""

    nominee: Portfolio
    basket: Basket
    assets: Sequence[LedgerAsset]
    weights: Whole
    at: Marks
    bands: Bands
    refuge: int
    reference: str
    effective_at: datetime


def books_rebalance(
    this: Round, trade: Callable[[Orders], Traded], *, workers: int = 2, block_size: int = BLOCK
) -> Report:
    """Every book of the nominee is where its bands want it, as far as `trade` could; blocks stored before stay.

    Plans follow from the books alone, so what was planned before a crash is planned again the same.
    """
    report = Report()
    with ThreadPoolExecutor(workers) as pool:
        with report.stage("read"):
            ranges = blocks_of(this.nominee, this.basket, size=block_size)
            books = list(
                pool.map(_connected(lambda block: books_read(this.nominee, this.basket, block)), ranges)
            )
        with report.stage("plan"):
            planned = list(pool.map(lambda block: planned_block(this, block), books))
            wanted = [trading.totals(wish) for wish in planned]
            orders = trading.netted(wanted, this.at)
        with report.stage("trade"):
            traded = trade(orders)
        with report.stage("allocate"):
            deltas = _divided(this, books, planned, wanted, orders, traded, pool)
        with report.stage("store"):

            def store(place: int) -> bool:
                return batch_store(
                    this.nominee,
                    this.basket,
                    this.assets,
                    books[place],
                    deltas[place],
                    reference=f"{this.reference}:{ranges[place][0]}",
                    effective_at=this.effective_at,
                )

            list(pool.map(_connected(store), range(len(books))))
    report.books = sum(len(block.ids) for block in books)
    report.trading = sum(int(wish.trades.sum()) for wish in planned)
    report.orders = sum(1 for amount in (*orders.sells, *orders.buys) if amount)
    return report


def planned_block(this: Round, books: Books) -> Wishes:
    """What each book of a block wants to trade."""
    weights = own_weights(this.weights, books.excluded, books.max_weight, books.risk_share, this.refuge)
    return wishes(Block(books.cash, books.quantities, weights), this.at, this.bands)


def _divided(
    this: Round,
    books: Sequence[Books],
    planned: Sequence[Wishes],
    wanted: Sequence[Totals],
    orders: Orders,
    traded: Traded,
    pool: ThreadPoolExecutor,
) -> list[Deltas]:
    sold = [inside + out for inside, out in zip(orders.crossed, traded.sold, strict=True)]
    income = [inside + out for inside, out in zip(orders.crossed_value, traded.proceeds, strict=True)]
    gives = trading.shares(sold, [block.sells for block in wanted])
    gets = trading.shares(income, gives)
    sales = list(
        pool.map(
            lambda place: trading.sold(planned[place].sells, gives[place], gets[place]), range(len(books))
        )
    )
    # Proceeds may be less than planned for: nobody spends what has not come in.
    buys = [
        within(wish.buys, block.cash + sale.cash)
        for block, wish, sale in zip(books, planned, sales, strict=True)
    ]
    paid = [inside + out for inside, out in zip(orders.crossed_value, traded.spent, strict=True)]
    bought = [inside + new for inside, new in zip(orders.crossed, traded.bought, strict=True)]
    able = [tuple(trading.total_of(line) for line in block) for block in buys]
    pays = trading.shares(paid, able)
    takes = trading.shares(bought, pays)

    def both(place: int) -> Deltas:
        into = trading.bought(buys[place], takes[place], pays[place])
        return Deltas(
            np.asarray(sales[place].quantities + into.quantities), np.asarray(sales[place].cash + into.cash)
        )

    return list(pool.map(both, range(len(books))))


def _connected(work: Callable[[Item], Result]) -> Callable[[Item], Result]:
    """`work` with a database connection that its thread gives back."""

    def done(item: Item) -> Result:
        try:
            return work(item)
        finally:
            connection.close()

    return done
