"""A rebalance of made-up personal portfolios, in a database made for it: the same code, tables and checks."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from time import perf_counter_ns
from typing import Any

import numpy as np
from django.contrib.auth import get_user_model
from django.db import connection, transaction

from indices import selectors as index_selectors
from indices import services as index_services
from portfolios.core.bands import Bands
from portfolios.core.bulk import rounds, trading
from portfolios.core.bulk.planning import WEIGHT_ONE, marks
from portfolios.core.bulk.rounds import Amounts, Outside
from portfolios.core.bulk.trading import Deltas, Orders
from portfolios.core.bulk.whole import muldiv
from portfolios.core.fees import fee_on, half_spread
from portfolios.core.money import USD_SCALE, from_base
from portfolios.models import Entry, LedgerAsset, Portfolio, Posting, User
from portfolios.services import accounts, ledger
from portfolios.services.ledger_check import checks_run
from portfolios.services.nominees.opening import nominee_ensure
from portfolios.services.nominees.planning import Terms, each_apart, planned
from portfolios.services.nominees.storing import BLOCK, basket_ensure, batch_store, blocks_of, books_read
from signals.services.ingest import AssetFacts, assets_upsert

PPB = 10**9
NANO = 10**9
SAMPLE = 20_000
"""Rows that the plain way is timed on."""
Spent = dict[str, int]
"""Nanoseconds by stage."""


def rehearse(
    *, portfolios: int, assets: int, workers: int, seed: int, effective_at: datetime, block_size: int = BLOCK
) -> dict[str, Any]:
    """Seconds by stage for `portfolios` of `assets` each, and the names of ledger checks that fail afterwards.

    `plan` is what all of them want, netted into orders; `fit` and `store` make it durable: they read and plan each
    block again, as a dealing does. `bulk_create` is the plain way, timed on SAMPLE rows and extrapolated.
    """
    dice = np.random.default_rng(seed)
    this = _terms(assets, dice)
    owner = get_user_model().objects.create_user("bench@example.org", "a-long-password-1")
    for low in range(0, portfolios, block_size):
        _books_open(this, owner, min(block_size, portfolios - low), dice, effective_at)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE portfolios_book")
    outcome, seconds = _rebalance(this, workers, block_size, effective_at)
    durable = seconds["fit"] + seconds["store"]
    plain = _plain_rows(this, effective_at)
    return {
        "portfolios": portfolios,
        "assets": assets,
        "workers": workers,
        **outcome,
        "seconds": {name: round(spent / NANO, 3) for name, spent in seconds.items()},
        "durable_seconds": round(durable / NANO, 3),
        "rows_per_second": portfolios * NANO // durable,
        "positions_per_second": portfolios * assets * NANO // durable,
        "bulk_create": {
            "rows": SAMPLE,
            "rows_per_second": plain,
            "seconds_if_extrapolated": round(portfolios * assets / plain, 1),
            "times_slower": round(portfolios * assets * NANO / plain / durable, 1),
        },
        "broken": [check.name for check in checks_run() if not check.passed],
    }


def _rebalance(
    this: Terms, workers: int, block_size: int, effective_at: datetime
) -> tuple[dict[str, int], Spent]:
    seconds: Spent = {}
    ranges = blocks_of(this.nominee, this.basket, size=block_size)

    def read(block: tuple[int, int]) -> Any:
        return books_read(this.nominee, this.basket, block)

    with _stage(seconds, "read"):
        books = list(each_apart(ranges, read, workers=workers))
    with _stage(seconds, "plan"), ThreadPoolExecutor(workers) as pool:
        wishes = list(pool.map(lambda block: planned(this, block).wishes, books))
        totals = [trading.totals(wish) for wish in wishes]
        orders = trading.netted(totals, this.at)
        trading_now = sum(int(wish.trades.sum()) for wish in wishes)
        drifts = [int(wish.drift.mean()) for wish in wishes]
    del books, wishes
    with _stage(seconds, "trade"):
        sold = _venue_sells(this, orders, effective_at)

    def able(gives: list[Amounts], gets: list[Amounts]) -> list[Amounts]:
        def one(number: int) -> Amounts:
            return rounds.able_totals(planned(this, read(ranges[number])), gives[number], gets[number])

        return list(each_apart(range(len(ranges)), one, workers=workers))

    with _stage(seconds, "fit"):
        sells = [total.sells for total in totals]
        sales = rounds.sales_fitted(sells, orders.crossed, orders.crossed_value, sold, this.at, able)
        buys = rounds.venue_buys(sales, sold, this.bands.smallest)
        outside = _venue_buys(this, sold, buys, effective_at)
        pays, takes = rounds.purchases_divided(sales.able, sales.crossed, sales.crossed_value, outside)

    def store(number: int) -> bool:
        block = read(ranges[number])
        parts = (sales.gives[number], sales.gets[number], pays[number], takes[number])
        deltas, _ = rounds.outcome(planned(this, block), *parts)
        return batch_store(
            this.nominee,
            this.basket,
            this.assets,
            block,
            deltas,
            reference=f"bench:{number}",
            effective_at=effective_at,
        )

    with _stage(seconds, "store"):
        stored = list(each_apart(range(len(ranges)), store, workers=workers))
    return {
        "blocks": len(stored),
        "trading": trading_now,
        "mean_drift_ppm": sum(drifts) // len(drifts),
        "orders": sum(1 for amount in (*orders.sells, *orders.buys) if amount),
    }, seconds


def _plain_rows(this: Terms, effective_at: datetime) -> int:
    """Rows a second of the plain way, one posting per position by Django's bulk_create; nothing of it stays."""
    sides = [accounts.portfolio_assets(this.nominee), accounts.nominee_books(this.nominee)]
    with transaction.atomic():
        entry = Entry.objects.create(reference="plain", kind="books", effective_at=effective_at)
        rows = [
            Posting(
                entry=entry,
                account=sides[number % 2],
                asset=this.assets[number // 2 % len(this.assets)],
                amount=Decimal(1 if number % 2 else -1),
            )
            for number in range(SAMPLE)
        ]
        begun = perf_counter_ns()
        Posting.objects.bulk_create(rows, batch_size=2000)
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        spent = perf_counter_ns() - begun
        transaction.set_rollback(True)
    return SAMPLE * NANO // spent


@contextmanager
def _stage(seconds: Spent, name: str) -> Iterator[None]:
    begun = perf_counter_ns()
    yield
    seconds[name] = perf_counter_ns() - begun


def _terms(count: int, dice: np.random.Generator) -> Terms:
    prices = [Decimal(int(price)).scaleb(-6) for price in dice.integers(10_000, 10**11, count)]
    names = [f"made-up-{number:03d}" for number in range(count)]
    assets_upsert([AssetFacts(name, name, name, is_simulated=True) for name in names])
    counted = accounts.token_assets_ensure(dict(zip(names, prices, strict=True)))
    ordered = [counted[name] for name in names]
    weights = muldiv(dice.integers(1, 1000, count), WEIGHT_ONE, 1000 * count)
    weights[0] += WEIGHT_ONE - int(weights.sum())
    return Terms(
        nominee=_nominee(),
        basket=basket_ensure([asset.pk for asset in ordered]),
        assets=ordered,
        places=np.arange(count),
        weights=weights,
        at=marks(prices, [asset.scale for asset in ordered]),
        bands=Bands(hold=20_000, full=100_000, reserve=5_000),
        refuge=count - 1,
    )


def _nominee() -> Portfolio:
    index_services.index_sync()
    index = index_selectors.index("top-10")
    return nominee_ensure(index.pk, index.slug)


@transaction.atomic
def _books_open(
    this: Terms, owner: User, count: int, dice: np.random.Generator, effective_at: datetime
) -> None:
    """`count` more books, up to a fifth off target. One in five leaves out an asset, one in seven has a cap, one in
    eleven holds back a part."""
    places = len(this.assets)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO portfolios_book (nominee_id, owner_id, basket_id, cash, quantities, excluded, max_weight, "
            "risk_share, version) SELECT %(nominee)s, %(owner)s, %(basket)s, 0, "
            "array_fill(0::bigint, ARRAY[%(places)s]), "
            "CASE WHEN i %% 5 = 0 THEN set_bit(decode(repeat('00', %(bytes)s), 'hex'), "
            "8 * ((i %% %(places)s) / 8) + 7 - (i %% %(places)s) %% 8, 1) "
            "ELSE decode(repeat('00', %(bytes)s), 'hex') END, "
            "CASE WHEN i %% 7 = 0 THEN 200000 ELSE 1000000 END, CASE WHEN i %% 11 = 0 THEN 750000 ELSE 1000000 END, 0 "
            "FROM generate_series(1, %(count)s) AS i RETURNING id",
            {
                "nominee": this.nominee.pk,
                "owner": owner.pk,
                "basket": this.basket.pk,
                "places": places,
                "bytes": (places + 7) // 8,
                "count": count,
            },
        )
        ids = [row[0] for row in cursor.fetchall()]
    books = books_read(this.nominee, this.basket, (ids[0], ids[-1]))
    worth = dice.integers(50 * 10**USD_SCALE, 20_000 * 10**USD_SCALE, count)
    wanted = muldiv(worth, this.weights[:, None], WEIGHT_ONE)
    held = this.at.quantities(muldiv(wanted, dice.integers(800_000, 1_200_000, wanted.shape), 10**6))
    cash = dice.integers(0, 10**USD_SCALE, count)
    reference = f"open:{ids[0]}"
    batch_store(
        this.nominee,
        this.basket,
        this.assets,
        books,
        Deltas(held, cash),
        reference=reference,
        effective_at=effective_at,
    )
    amounts = [*held.sum(axis=1).tolist(), int(cash.sum())]
    _cleared(this, f"{reference}:bought", amounts, effective_at)


def _venue_sells(this: Terms, orders: Orders, effective_at: datetime) -> Outside:
    """Every sale filled at the mark less half a spread and the fee, and posted."""
    income = []
    for up, down, sell in zip(_ups(this), _downs(this), orders.sells, strict=True):
        notional = sell * up // down * (PPB - half_spread(10**7)) // PPB
        income.append(notional - min(notional, fee_on(notional)))
    _cleared(this, "bench:sold", [*(-sell for sell in orders.sells), sum(income)], effective_at)
    nothing = (0,) * len(income)
    return Outside(orders.sells, tuple(income), nothing, nothing)


def _venue_buys(this: Terms, sold: Outside, buys: Amounts, effective_at: datetime) -> Outside:
    """Every purchase filled at the mark plus half a spread and the fee, and posted."""
    bought = tuple(
        (buy - fee_on(buy)) * down // up * PPB // (PPB + half_spread(10**7)) if buy else 0
        for up, down, buy in zip(_ups(this), _downs(this), buys, strict=True)
    )
    _cleared(this, "bench:bought", [*bought, -sum(buys)], effective_at)
    return Outside(sold.sold, sold.income, buys, bought)


def _ups(this: Terms) -> list[int]:
    return [int(part) for part in this.at.numerator]


def _downs(this: Terms) -> list[int]:
    return [int(part) for part in this.at.denominator]


@transaction.atomic
def _cleared(this: Terms, reference: str, amounts: Sequence[int], effective_at: datetime) -> None:
    """Base units per asset, and micro-dollars at the end, came from the venue into clearing."""
    clearing, venue = accounts.portfolio_assets(this.nominee), accounts.venue("paper")
    assets: list[LedgerAsset] = [*this.assets, accounts.usd()]
    legs = []
    for asset, amount in zip(assets, amounts, strict=True):
        if amount:
            moved = from_base(amount, asset.scale)
            legs += [ledger.Leg(venue, asset, -moved), ledger.Leg(clearing, asset, moved)]
    ledger.entry_post(reference=reference, kind="clearing", effective_at=effective_at, legs=legs)
