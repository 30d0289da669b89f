"""The worker dies in the middle of very many books, and the next tick ends in the same state."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from portfolios.models import Balance, Batch, Book, BookPosting, DealingBlock, Order, Rebalance
from portfolios.services import execution
from portfolios.services import personal as service
from portfolios.services.faultpoints import hook_set
from portfolios.services.nominees import storing
from tests.portfolios.personal_worlds import book_make, owner_make, sound, week_later
from tests.worlds import World, world_create

pytestmark = pytest.mark.django_db(transaction=True)

POINTS = ["sold", "purchases planned", "bought", "books divided", "books block stored", "books settled"]
EXCLUDED = [(), ("alpha",), ("beta", "gamma"), (), ("epsilon",), ("alpha", "delta"), ()]


class Killed(BaseException):
    """Not an Exception: nothing in the product may catch it."""


@pytest.fixture(autouse=True)
def no_hook(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    # Blocks of two: seven books are four of them.
    monkeypatch.setattr(storing, "BLOCK", 2)
    yield
    hook_set(None)


def die_at(point: str, turn: int) -> None:
    seen = 0

    def hook(name: str) -> None:
        nonlocal seen
        if name == point:
            seen += 1
            if seen == turn:
                raise Killed(point)

    hook_set(hook)


def start(world: World) -> None:
    """Seven people have books, a rebalance is due, and orders of both sides wait. Amounts are small: larger orders fill
    in pieces, by their random ids."""
    for number, excluded in enumerate(EXCLUDED):
        owner = owner_make(cash="2000", email=f"owner-{number}@example.org")
        book_make(
            owner, f"{80 + 7 * number}.00", exclude=excluded, risk=750_000 if number == 3 else 1_000_000
        )
    run_through()
    week_later(world, {"alpha": "0.1", "beta": "0.4", "gamma": "0.3", "epsilon": "0.2"})
    books = list(Book.objects.select_related("owner").order_by("id"))
    service.book_invest(books[0].owner, books[0].pk, "60.00")
    service.book_redeem(books[1].owner, books[1].pk, amount="19.99")
    service.book_redeem(books[2].owner, books[2].pk, share=1_000_000)
    service.book_invest(books[4].owner, books[4].pk, "55.50")
    service.book_redeem(books[5].owner, books[5].pk, share=333_333)


def run_through() -> int:
    """Ticks until one of them finds everything at rest; how many died."""
    died = 0
    for _ in range(40):
        try:
            if execution.dealing_run().at_rest:
                return died
        except Killed:
            died += 1
            sound()
    raise AssertionError("did not come to rest")


def outcome() -> tuple[Any, ...]:
    """What everybody has in the end, to the last base unit."""
    return (
        list(Book.objects.order_by("id").values_list("cash", "quantities", "version")),
        sorted(
            Order.objects.filter(book__isnull=False).values_list(
                "status", "side", "amount", "share", "proceeds", "cost_usd", "reason"
            ),
            key=str,
        ),
        sorted(Balance.objects.filter(asset__code="USD").values_list("account__key", "amount")),
        sorted(Rebalance.objects.values_list("status", flat=True)),
    )


@pytest.fixture(scope="module")
def undisturbed() -> dict[str, tuple[Any, ...]]:
    return {}


@pytest.mark.parametrize(
    ("point", "turn"),
    [("", 1), ("books block stored", 1), ("books block stored", 3), *((point, 2) for point in POINTS)],
)
def test_a_death_between_blocks_changes_nothing(
    point: str, turn: int, undisturbed: dict[str, tuple[Any, ...]]
) -> None:
    start(world_create())
    if point:
        die_at(point, turn)
    died = run_through()
    hook_set(None)
    sound()
    assert died == (1 if point else 0)
    assert DealingBlock.objects.filter(stored_at=None).count() == 0
    assert Batch.objects.values("reference").distinct().count() == Batch.objects.count() > 8
    assert BookPosting.objects.count() >= 17
    assert Balance.objects.filter(account__kind="clearing").exclude(amount=0).count() == 0
    # Ids of people differ from run to run: balances are compared without their names.
    books, orders, balances, rebalances = outcome()
    told = (books, orders, sorted(amount for _, amount in balances), rebalances)
    assert undisturbed.setdefault("all", told) == told
    emptied = Book.objects.order_by("id")[2]
    assert (emptied.cash, set(emptied.quantities)) == (0, {0})
    assert sum(amount for key, amount in balances if key == "rounding") < Decimal("0.01")
