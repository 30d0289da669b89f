"""People with personal portfolios, for tests."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from django.db import connection

from portfolios import selectors
from portfolios.models import Book, Order, User
from portfolios.selectors.personal import Settings, personal
from portfolios.services import execution, rebalancing
from portfolios.services import personal as personal_service
from signals import selectors as signal_selectors
from tests.books import sound
from tests.factories import user_make
from tests.worlds import World, clock_to, decision_create


def deal() -> None:
    """Everything that waits is dealt, and what the database checks at a commit is checked."""
    assert execution.dealing_run().at_rest
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
    sound()


def owner_make(*, cash: str = "10000", email: str = "") -> User:
    """A person with money."""
    return user_make(cash=cash, email=email)


def book_make(
    owner: User,
    amount: str = "",
    *,
    exclude: tuple[str, ...] = (),
    cap: int = 1_000_000,
    risk: int = 1_000_000,
) -> Book:
    """A personal portfolio of the index; with `amount`, an order to invest that waits."""
    book = personal_service.book_create(owner, "global-100", Settings(exclude, cap, risk))
    if amount:
        personal_service.book_invest(owner, book.pk, amount)
    return book


def held(book: Book) -> dict[str, Decimal]:
    """Token slug (and usd) -> weight."""
    row = personal(book.owner, book.pk)
    assert row is not None
    return {position.token: position.weight for position in row.positions}


def value(book: Book) -> Decimal:
    """USD at marks of now."""
    row = personal(book.owner, book.pk)
    assert row is not None
    return row.value_usd


def order_of(book: Book) -> Order:
    """Its newest order."""
    order = Order.objects.filter(book=book).order_by("-created_at").first()
    assert order is not None
    return order


def week_later(world: World, weights: dict[str, str]) -> None:
    """A week passes, and a decision with these weights comes into force and falls due."""
    today = signal_selectors.last_closed_day()
    decision_create(world, as_of=today + timedelta(days=6), weights=weights)
    clock_to(world, today + timedelta(days=7))
    rebalancing.rebalances_ensure(today + timedelta(days=7))


def dollars(owner: User) -> Decimal:
    """Free and set aside together."""
    return selectors.cash(owner) + selectors.reserved(owner)
