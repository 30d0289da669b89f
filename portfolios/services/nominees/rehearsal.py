"""A rebalance of made-up personal portfolios, in a database made for it: the same code, tables and checks."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import numpy as np
from django.contrib.auth import get_user_model
from django.db import connection, transaction

from indices import selectors as index_selectors
from indices import services as index_services
from portfolios.core.bulk.planning import WEIGHT_ONE, Bands, marks
from portfolios.core.bulk.trading import Deltas, Orders
from portfolios.core.bulk.whole import muldiv
from portfolios.core.fees import fee_on, half_spread
from portfolios.core.money import UNIT_SCALE, USD_SCALE, from_base
from portfolios.models import LedgerAsset, Portfolio, User
from portfolios.services import accounts, ledger
from portfolios.services.ledger_check import checks_run
from portfolios.services.nominees.dealing import Round, Traded, books_rebalance
from portfolios.services.nominees.storing import BLOCK, basket_ensure, batch_store, books_read
from signals.services.ingest import AssetFacts, assets_upsert

PPB = 10**9


def rehearse(
    *, portfolios: int, assets: int, workers: int, seed: int, effective_at: datetime, block_size: int = BLOCK
) -> dict[str, Any]:
    """Seconds by stage for `portfolios` of `assets` each, and the names of ledger checks that fail afterwards."""
    dice = np.random.default_rng(seed)
    prices = [Decimal(int(price)).scaleb(-6) for price in dice.integers(10_000, 10**11, assets)]
    names = [f"made-up-{number:03d}" for number in range(assets)]
    assets_upsert([AssetFacts(name, name, name, is_simulated=True) for name in names])
    counted = accounts.token_assets_ensure(dict(zip(names, prices, strict=True)))
    ordered = [counted[name] for name in names]
    owner = get_user_model().objects.create_user("bench@example.org", "a-long-password-1")
    weights = muldiv(dice.integers(1, 1000, assets), WEIGHT_ONE, 1000 * assets)
    weights[0] += WEIGHT_ONE - int(weights.sum())
    this = Round(
        nominee=_nominee(),
        basket=basket_ensure(ordered),
        assets=ordered,
        weights=weights,
        at=marks(prices, [asset.scale for asset in ordered]),
        bands=Bands(hold=20_000, full=100_000, reserve=5_000),
        refuge=assets - 1,
        reference="bench",
        effective_at=effective_at,
    )
    for low in range(0, portfolios, block_size):
        _books_open(this, owner, min(block_size, portfolios - low), dice)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE portfolios_book")
    report = books_rebalance(
        this, lambda orders: _venue(this, orders), workers=workers, block_size=block_size
    )
    return {
        "portfolios": report.books,
        "assets": assets,
        "trading": report.trading,
        "orders": report.orders,
        "seconds": {name: round(spent / 10**9, 3) for name, spent in report.nanoseconds.items()},
        "broken": [check.name for check in checks_run() if not check.passed],
    }


def _nominee() -> Portfolio:
    index_services.index_sync()
    index = index_selectors.index("top-10")
    units = LedgerAsset.objects.create(
        code=f"unit:nominee:{index.slug}", kind=LedgerAsset.Kind.UNIT, scale=UNIT_SCALE
    )
    return Portfolio.objects.create(index_id=index.pk, kind=Portfolio.Kind.NOMINEE, units=units)


@transaction.atomic
def _books_open(this: Round, owner: User, count: int, dice: np.random.Generator) -> None:
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
        effective_at=this.effective_at,
    )
    amounts = [*held.sum(axis=1).tolist(), int(cash.sum())]
    _cleared(this, f"{reference}:bought", amounts)


def _venue(this: Round, orders: Orders) -> Traded:
    """Every order filled at the mark less half a spread and the fee, and posted."""
    sold, proceeds, spent, bought = [], [], [], []
    rate = half_spread(10**7)
    for up, down, sell, buy in zip(
        this.at.numerator.tolist(), this.at.denominator.tolist(), orders.sells, orders.buys, strict=True
    ):
        notional = sell * up // down * (PPB - rate) // PPB
        sold.append(sell)
        proceeds.append(notional - min(notional, fee_on(notional)))
        spent.append(buy)
        bought.append((buy - fee_on(buy)) * down // up * PPB // (PPB + rate) if buy else 0)
    change = [new - old for new, old in zip(bought, sold, strict=True)]
    _cleared(this, "bench:venue", [*change, sum(proceeds) - sum(spent)])
    return Traded(tuple(sold), tuple(proceeds), tuple(spent), tuple(bought))


@transaction.atomic
def _cleared(this: Round, reference: str, amounts: Sequence[int]) -> None:
    """Base units per asset, and micro-dollars at the end, came from the venue into clearing."""
    clearing, venue = accounts.portfolio_assets(this.nominee), accounts.venue("paper")
    legs = []
    for asset, amount in zip([*this.assets, accounts.usd()], amounts, strict=True):
        if amount:
            moved = from_base(amount, asset.scale)
            legs += [ledger.Leg(venue, asset, -moved), ledger.Leg(clearing, asset, moved)]
    ledger.entry_post(reference=reference, kind="clearing", effective_at=this.effective_at, legs=legs)
