"""Blocks of books between the database and arrays. A block is one transaction: its entry, its batch, its postings and
its books, or nothing."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import numpy as np
import numpy.typing as npt
from django.db import connection, transaction

from portfolios.core.bulk.flows import Flow
from portfolios.core.bulk.trading import Deltas
from portfolios.core.bulk.whole import Whole, total_of
from portfolios.core.money import USD_SCALE, from_base
from portfolios.errors import ConflictError
from portfolios.models import Basket, Batch, Dealing, DealingBlock, LedgerAsset, Portfolio
from portfolios.services import accounts, ledger
from portfolios.services.nominees.copying import Records, column, decoded, encoded, matrix, row_type

BLOCK = 32_768
"""Books to a block: enough for long arrays, few enough that a crash costs a second."""


@dataclass(frozen=True, eq=False)
class Books:
    """A block of books as stored: arrays by book, quantities [asset x book], `excluded` [asset x book]; `flow` is what
    is ordered of each, where they are dealt for that."""

    ids: Whole
    versions: Whole
    cash: Whole
    quantities: Whole
    excluded: npt.NDArray[np.bool_]
    max_weight: Whole
    risk_share: Whole
    flow: Flow | None = None


def basket_ensure(ids: Sequence[int]) -> Basket:
    """The basket of the ledger assets with these ids in this order."""
    digest = hashlib.sha256(",".join(map(str, ids)).encode()).hexdigest()
    return Basket.objects.get_or_create(digest=digest, defaults={"assets": list(ids)})[0]


def blocks_of(
    nominee: Portfolio, basket: Basket, *, size: int | None = None, dealing: Dealing | None = None
) -> list[tuple[int, int]]:
    """(first, last) book ids of each block, in order; the same as long as no book is opened. Of `dealing`, only books
    with an order in it count."""
    ordered = (
        "" if dealing is None else "AND id IN (SELECT book_id FROM portfolios_order WHERE dealing_id = %s)"
    )
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT MIN(id), MAX(id) FROM (SELECT id, (ROW_NUMBER() OVER (ORDER BY id) - 1) / %s AS block "  # noqa: S608
            f"FROM portfolios_book WHERE nominee_id = %s AND basket_id = %s {ordered}) AS numbered "
            "GROUP BY block ORDER BY block",
            [size or BLOCK, nominee.pk, basket.pk, *([] if dealing is None else [dealing.pk])],
        )
        return [(int(low), int(high)) for low, high in cursor.fetchall()]


def books_read(
    nominee: Portfolio, basket: Basket, block: tuple[int, int], *, dealing: Dealing | None = None
) -> Books:
    """The books of one block as they stand; of `dealing`, only those with an order in it."""
    count = len(basket.assets)
    kind = row_type(
        "id", "version", "cash", "quantities[]", "excluded#", "max_weight", "risk_share",
        *(("coming", "asked", "share") if dealing is not None else ()),
        assets=count, mask=(count + 7) // 8,
    )  # fmt: skip
    columns = "b.id, b.version::bigint, b.cash, b.quantities, b.excluded, b.max_weight::bigint, b.risk_share::bigint"
    source, parameters = "portfolios_book b", []
    if dealing is not None:
        columns += (
            ", CASE WHEN o.side = 'invest' THEN (o.amount * 1000000)::bigint ELSE 0 END"
            ", CASE WHEN o.side = 'redeem' THEN (COALESCE(o.amount, 0) * 1000000)::bigint ELSE 0 END"
            ", COALESCE(o.share, 0)::bigint"
        )
        source += " JOIN portfolios_order o ON o.book_id = b.id AND o.dealing_id = %s"
        parameters.append(dealing.pk)
    with (
        connection.cursor() as cursor,
        cursor.copy(
            f"COPY (SELECT {columns} FROM {source} "  # noqa: S608 - both are written above
            "WHERE b.nominee_id = %s AND b.basket_id = %s AND b.id BETWEEN %s AND %s ORDER BY b.id) "
            "TO STDOUT (FORMAT BINARY)",
            [*parameters, nominee.pk, basket.pk, *block],
        ) as copy,
    ):
        rows = decoded(kind, b"".join(bytes(part) for part in copy))
    return Books(
        ids=column(rows, "id"),
        versions=column(rows, "version"),
        cash=column(rows, "cash"),
        quantities=matrix(rows, "quantities"),
        excluded=_bits(rows, count),
        max_weight=column(rows, "max_weight"),
        risk_share=column(rows, "risk_share"),
        flow=None
        if dealing is None
        else Flow(column(rows, "coming"), column(rows, "asked"), column(rows, "share")),
    )


@transaction.atomic
def batch_store(
    nominee: Portfolio,
    basket: Basket,
    assets: Sequence[LedgerAsset],
    books: Books,
    deltas: Deltas,
    *,
    reference: str,
    effective_at: datetime,
    block: DealingBlock | None = None,
) -> bool:
    """`deltas` are in the books, and their sums in the ledger; False where this reference was stored before.

    Raises ConflictError where a book has changed since it was read, and the database's IntegrityError where one would
    be short; nothing is stored then.
    """
    if Batch.objects.filter(reference=reference).exists():
        return False
    changed = np.flatnonzero((deltas.quantities != 0).any(axis=0) | (deltas.cash != 0))
    moved, cash = deltas.quantities[:, changed], deltas.cash[changed]
    sums, dollars = [total_of(line) for line in moved], total_of(cash)
    if not len(changed):
        return True
    batch = Batch.objects.create(
        nominee=nominee,
        basket=basket,
        block=block,
        reference=reference,
        effective_at=effective_at,
        books=len(changed),
        cash=dollars,
        quantities=sums,
    )
    _postings_copy(batch, books.ids[changed], cash, moved)
    _books_move(
        books.ids[changed],
        books.versions[changed],
        books.cash[changed] + cash,
        books.quantities[:, changed] + moved,
    )
    legs = _legs(nominee, assets, sums, dollars)
    if legs:
        # Last: all blocks post to the same two accounts, whose balances stay locked from here to the end.
        ledger.entry_post(
            reference=reference,
            kind="books",
            effective_at=effective_at,
            description=f"Cleared into {len(changed)} personal portfolios",
            legs=legs,
        )
    return True


def _legs(
    nominee: Portfolio, assets: Sequence[LedgerAsset], sums: Sequence[int], dollars: int
) -> list[ledger.Leg]:
    clearing, control = accounts.portfolio_assets(nominee), accounts.nominee_books(nominee)
    moves: list[tuple[LedgerAsset, Decimal]] = [
        (asset, from_base(amount, asset.scale)) for asset, amount in zip(assets, sums, strict=True) if amount
    ]
    if dollars:
        moves.append((accounts.usd(), from_base(dollars, USD_SCALE)))
    return [
        leg
        for asset, amount in moves
        for leg in (ledger.Leg(clearing, asset, -amount), ledger.Leg(control, asset, amount))
    ]


def _postings_copy(batch: Batch, ids: Whole, cash: Whole, quantities: Whole) -> None:
    kind = row_type("batch", "book", "cash", "quantities[]", assets=len(quantities))
    stream = encoded(
        kind, {"batch": np.full(len(ids), batch.pk), "book": ids, "cash": cash, "quantities": quantities}
    )
    with (
        connection.cursor() as cursor,
        cursor.copy(
            "COPY portfolios_bookposting (batch_id, book_id, cash, quantities) FROM STDIN (FORMAT BINARY)"
        ) as copy,
    ):
        copy.write(stream)


def _books_move(ids: Whole, versions: Whole, cash: Whole, quantities: Whole) -> None:
    kind = row_type("id", "version", "cash", "quantities[]", assets=len(quantities))
    stream = encoded(kind, {"id": ids, "version": versions, "cash": cash, "quantities": quantities})
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMPORARY TABLE IF NOT EXISTS book_moves "
            "(id bigint, version bigint, cash bigint, quantities bigint[]) ON COMMIT DELETE ROWS"
        )
        with cursor.copy("COPY book_moves FROM STDIN (FORMAT BINARY)") as copy:
            copy.write(stream)
        cursor.execute(
            "UPDATE portfolios_book b SET cash = m.cash, quantities = m.quantities, version = b.version + 1 "
            "FROM book_moves m WHERE b.id = m.id AND b.version = m.version"
        )
        if cursor.rowcount != len(ids):
            raise ConflictError(
                f"Nothing was moved: {len(ids) - cursor.rowcount} books have changed since they were read; plan again."
            )


def _bits(rows: Records, count: int) -> npt.NDArray[np.bool_]:
    mask = np.ascontiguousarray(rows["excluded"])
    return np.ascontiguousarray(np.unpackbits(mask, axis=1, count=count).T.astype(bool))
