"""Personal portfolios in books: their targets, their batches, and what the database refuses."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from django.db import IntegrityError, connection, transaction
from hypothesis import given
from hypothesis import strategies as st

from portfolios.core.bands import PPM
from portfolios.core.bulk.planning import WEIGHT_ONE, BlockError
from portfolios.core.bulk.targets import own_weights
from portfolios.core.bulk.trading import Deltas
from portfolios.errors import ConflictError
from portfolios.models import Batch, Book, BookPosting, LedgerAsset, Portfolio
from portfolios.services.ledger_check import checks_run
from portfolios.services.nominees.copying import CopyError, column, decoded, encoded, matrix, row_type
from portfolios.services.nominees.rehearsal import rehearse
from portfolios.services.nominees.storing import batch_store, blocks_of, books_read

WHEN = datetime(2022, 1, 3, tzinfo=UTC)


def shares(*millionths: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    return np.array(millionths, dtype=np.int64) * (WEIGHT_ONE // PPM)


def own(
    weights: np.ndarray[Any, np.dtype[np.int64]],
    *,
    out: list[int],
    cap: int = PPM,
    risk: int = PPM,
    refuge: int | None = 0,
) -> list[int]:
    excluded = np.zeros((len(weights), 1), dtype=bool)
    excluded[out] = True
    one = own_weights(weights, excluded, np.array([cap]), np.array([risk]), refuge)
    return one[:, 0].tolist()


def test_what_is_left_out_goes_to_the_others_in_proportion() -> None:
    assert own(shares(0, 500_000, 300_000, 200_000), out=[1]) == shares(0, 0, 600_000, 400_000).tolist()


def test_a_cap_of_ones_own_is_filled_up_by_the_others() -> None:
    weights = shares(0, 600_000, 300_000, 100_000)
    assert own(weights, out=[], cap=400_000) == shares(0, 400_000, 400_000, 200_000).tolist()


def test_a_cap_that_the_names_cannot_keep_gives_equal_weights() -> None:
    assert own(shares(0, 700_000, 300_000), out=[], cap=100_000) == shares(0, 500_000, 500_000).tolist()


def test_what_is_not_at_risk_waits() -> None:
    assert (
        own(shares(0, 600_000, 400_000), out=[], risk=250_000) == shares(750_000, 150_000, 100_000).tolist()
    )


def test_who_wants_nothing_gets_nothing() -> None:
    assert own(shares(0, 600_000, 400_000), out=[1, 2]) == [0, 0, 0]


def test_weights_that_do_not_sum_to_one_are_refused() -> None:
    with pytest.raises(BlockError, match="must sum to"):
        own(shares(0, 1, 2), out=[])


@given(
    st.lists(st.integers(0, 1000), min_size=3, max_size=8).filter(any),
    st.integers(0, 255),
    st.integers(1, PPM),
    st.integers(0, PPM),
)
def test_own_weights_are_whole_and_keep_their_bounds(raw: list[int], mask: int, cap: int, risk: int) -> None:
    total = sum(raw)
    weights = np.array([WEIGHT_ONE * part // total for part in raw], dtype=np.int64)
    weights[int(weights.argmax())] += WEIGHT_ONE - int(weights.sum())
    out = [place for place in range(1, len(raw)) if mask >> place & 1]
    mine = own(weights, out=out, cap=cap, risk=risk)
    assert sum(mine) in (0, WEIGHT_ONE)
    assert all(mine[place] == 0 for place in out)
    names = sum(1 for place in range(1, len(raw)) if mine[place])
    if sum(mine) and not weights[0] and names * cap >= PPM and risk == PPM:
        # What rounding leaves, less than a unit a name and round, is the largest's.
        assert max(mine[1:]) <= cap * (WEIGHT_ONE // PPM) + 64 * len(raw)


def test_rows_go_to_the_database_and_come_back() -> None:
    kind = row_type("id", "cash", "quantities[]", assets=2)
    rows = {"id": np.array([1, 2]), "cash": np.array([5, -6]), "quantities": np.array([[1, 2], [-3, 2**62]])}
    back = decoded(kind, encoded(kind, rows))
    assert column(back, "cash").tolist() == [5, -6]
    assert matrix(back, "quantities").tolist() == [[1, 2], [-3, 2**62]]
    with pytest.raises(CopyError, match="same form"):
        decoded(row_type("id", "cash", "quantities[]", assets=3), encoded(kind, rows))


@pytest.fixture
def world(transactional_db: None) -> dict[str, Any]:
    return rehearse(portfolios=70, assets=5, workers=2, seed=3, effective_at=WHEN, block_size=32)


def read_all() -> tuple[Portfolio, Any, list[LedgerAsset], Any]:
    nominee = Portfolio.objects.get(kind="nominee")
    book = Book.objects.select_related("basket").first()
    assert book is not None
    assets = [LedgerAsset.objects.get(pk=key) for key in book.basket.assets]
    return nominee, book.basket, assets, books_read(nominee, book.basket, blocks_of(nominee, book.basket)[0])


def deltas(books: Any, cash: int) -> Deltas:
    change = np.zeros(len(books.ids), dtype=np.int64)
    change[0] = cash
    return Deltas(np.zeros_like(books.quantities), change)


def test_a_rebalance_of_many_leaves_every_invariant_whole(world: dict[str, Any]) -> None:
    assert world["portfolios"] == 70
    assert world["trading"] > 60
    assert world["broken"] == []
    assert Batch.objects.filter(reference__startswith="bench:").count() == 3
    nominee, basket, _, books = read_all()
    assert blocks_of(nominee, basket, size=32) == [
        (int(books.ids[0]), int(books.ids[31])),
        (int(books.ids[32]), int(books.ids[63])),
        (int(books.ids[64]), int(books.ids[69])),
    ]


def test_a_batch_happens_once(world: dict[str, Any]) -> None:
    nominee, basket, assets, books = read_all()
    before = Book.objects.get(pk=int(books.ids[0])).cash
    for stored in (True, False):
        done = batch_store(
            nominee, basket, assets, books, deltas(books, 7), reference="twice", effective_at=WHEN
        )
        assert done is stored
    assert Book.objects.get(pk=int(books.ids[0])).cash == before + 7


def test_a_plan_on_stale_books_moves_nothing(world: dict[str, Any]) -> None:
    nominee, basket, assets, books = read_all()
    batch_store(nominee, basket, assets, books, deltas(books, 7), reference="first", effective_at=WHEN)
    with pytest.raises(ConflictError, match="1 books have changed since they were read"):
        batch_store(nominee, basket, assets, books, deltas(books, 7), reference="second", effective_at=WHEN)
    assert not Batch.objects.filter(reference="second").exists()


def test_no_book_goes_short(world: dict[str, Any]) -> None:
    nominee, basket, assets, books = read_all()
    with pytest.raises(IntegrityError, match="book_no_overdraft"):
        batch_store(
            nominee,
            basket,
            assets,
            books,
            deltas(books, -int(books.cash[0]) - 1),
            reference="short",
            effective_at=WHEN,
        )


@transaction.atomic
def forge(*, told: int, posted: int) -> None:
    nominee, basket, _, books = read_all()
    batch = Batch.objects.create(
        nominee=nominee,
        basket=basket,
        reference="forged",
        effective_at=WHEN,
        books=1,
        cash=told,
        quantities=[0] * 5,
    )
    BookPosting.objects.create(batch=batch, book_id=int(books.ids[0]), cash=posted, quantities=[0] * 5)


def test_the_database_refuses_what_is_not_the_sum_of_its_parts(world: dict[str, Any]) -> None:
    with pytest.raises(IntegrityError, match="is not the sum of its postings"):
        forge(told=5, posted=4)
    with pytest.raises(IntegrityError, match="is not what the ledger has of USD"):
        forge(told=5, posted=5)


def test_what_is_stored_stays(world: dict[str, Any]) -> None:
    for change in ("UPDATE portfolios_bookposting SET cash = 0", "DELETE FROM portfolios_batch"):
        with pytest.raises(IntegrityError, match="is refused; store a reversing batch"), transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(change)


@pytest.mark.parametrize("change", ["cash = cash + 1", "quantities[2] = quantities[2] + 1"])
def test_the_check_sees_a_book_that_was_touched(world: dict[str, Any], change: str) -> None:
    change = f"UPDATE portfolios_book SET {change} WHERE id = (SELECT MIN(id) FROM portfolios_book)"
    with connection.cursor() as cursor:
        cursor.execute(change)
    failed = {check.name for check in checks_run() if not check.passed}
    assert failed == {"books_projected", "books_controlled"}
