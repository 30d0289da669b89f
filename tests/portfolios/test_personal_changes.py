"""Personal portfolios: settings that wait, wider baskets, refusals, cancelled orders, venues that refuse."""

from decimal import Decimal

import pytest

from portfolios import selectors
from portfolios.brokers import registry
from portfolios.brokers.base import BrokerOrder, BrokerReport
from portfolios.brokers.paper import PaperBroker
from portfolios.errors import (
    ConflictError,
    InsufficientFunds,
    InvalidAmount,
    InvalidSettings,
    MoneyError,
    NothingHeld,
    UnknownBook,
)
from portfolios.models import Basket, Book, BookChange, Dealing, NomineeDealing, Order, Rebalance
from portfolios.selectors.personal import Settings, allocation, book_activity, personal, trades_preview
from portfolios.services import execution, investing
from portfolios.services import personal as service
from portfolios.services.execution import nominees
from tests.portfolios.personal_worlds import (
    book_make,
    deal,
    held,
    order_of,
    owner_make,
    sound,
    value,
    week_later,
)
from tests.worlds import WEIGHTS, World, world_create

pytestmark = pytest.mark.django_db

THREE = {"alpha": "0.5", "beta": "0.3", "gamma": "0.2"}


@pytest.fixture
def world() -> World:
    return world_create(weights=THREE)


def test_settings_wait_for_the_next_dealing_and_then_hold(world: World) -> None:
    owner = owner_make()
    book = book_make(owner, "1000")
    deal()
    preview = trades_preview(
        Book.objects.select_related("basket", "nominee__index").get(), Settings(("beta",))
    )
    assert {trade.token: trade.side for trade in preview} == {"alpha": "buy", "beta": "sell", "gamma": "buy"}
    service.book_change(owner, book.pk, Settings(("gamma",)))
    service.book_change(owner, book.pk, Settings(("beta",)))
    assert BookChange.objects.count() == 1
    row = personal(owner, book.pk)
    assert row is not None
    assert (row.settings, row.waiting) == (Settings(), Settings(("beta",)))
    assert held(book)["beta"] > 0
    week_later(world, THREE)
    before = value(book)
    deal()
    assert "beta" not in held(book)
    assert held(book)["alpha"] == pytest.approx(Decimal(5) / 7, abs=Decimal("0.006"))
    row = personal(owner, book.pk)
    assert row is not None
    assert (row.settings, row.waiting) == (Settings(("beta",)), None)
    [line] = book_activity(owner)
    assert line.cost_usd is not None
    assert line.cost_usd == pytest.approx(before - value(book), abs=Decimal("0.00001"))
    assert "sold" in line.detail


def test_what_is_new_in_the_index_is_bought_and_places_stay(world: World) -> None:
    owner = owner_make()
    plain, own = book_make(owner, "1000"), book_make(owner, "1000", exclude=("alpha",))
    deal()
    week_later(world, WEIGHTS)
    deal()
    assert held(plain).keys() - {"usd"} == WEIGHTS.keys()
    assert held(own).keys() - {"usd"} == WEIGHTS.keys() - {"alpha"}
    old, new = Basket.objects.order_by("id")
    assert new.assets[: len(old.assets)] == old.assets
    late = book_make(owner_make(), "500", exclude=("epsilon",))
    deal()
    assert held(late).keys() - {"usd"} == WEIGHTS.keys() - {"epsilon"}


def test_a_token_may_be_left_out_before_the_basket_has_it(world: World) -> None:
    owner = owner_make()
    book = book_make(owner, "1000")
    deal()
    week_later(world, WEIGHTS)
    service.book_change(owner, book.pk, Settings(("epsilon",)))
    late = book_make(owner_make(), "500", exclude=("delta",))
    deal()
    assert held(book).keys() - {"usd"} == WEIGHTS.keys() - {"epsilon"}
    assert held(late).keys() - {"usd"} == WEIGHTS.keys() - {"delta"}


def test_allocations_say_where_the_weight_went(world: World) -> None:
    told = allocation("global-100", Settings(("alpha",), 700_000, 500_000))
    assert told.left_out == Decimal("0.5")
    assert told.waiting == Decimal("0.5")
    assert {target.token: target.weight for target in told.targets} == {
        "alpha": 0,
        "beta": Decimal("0.3"),
        "gamma": Decimal("0.2"),
    }


def test_the_same_reference_is_one_order(world: World) -> None:
    owner = owner_make()
    book = book_make(owner)
    first = service.book_invest(owner, book.pk, "100", reference="a")
    assert service.book_invest(owner, book.pk, "100", reference="a") == first
    with pytest.raises(ConflictError):
        service.book_invest(owner, book.pk, "101", reference="a")
    deal()
    out = service.book_redeem(owner, book.pk, amount="20", reference="b")
    assert service.book_redeem(owner, book.pk, amount="20", reference="b") == out
    deal()
    # Settled, it knows its share; it is the same order all the same.
    assert service.book_redeem(owner, book.pk, amount="20", reference="b").share == pytest.approx(
        200_000, abs=2000
    )
    sound()


def test_an_order_is_cancelled_until_it_is_dealt(world: World) -> None:
    owner = owner_make(cash="500")
    book = book_make(owner, "100")
    investing.order_cancel(owner, order_of(book).pk)
    assert (selectors.cash(owner), selectors.reserved(owner)) == (500, 0)
    service.book_invest(owner, book.pk, "100")
    deal()
    order = service.book_redeem(owner, book.pk, share=1_000_000)
    investing.order_cancel(owner, order.pk)
    deal()
    assert value(book) > 99
    assert selectors.cash(owner) == 400


def test_dollars_are_not_promised_twice(world: World) -> None:
    owner = owner_make()
    book = book_make(owner)
    with pytest.raises(NothingHeld):
        service.book_redeem(owner, book.pk, share=1_000_000)
    service.book_invest(owner, book.pk, "100")
    deal()
    with pytest.raises(InsufficientFunds):
        service.book_redeem(owner, book.pk, amount="101")
    service.book_redeem(owner, book.pk, amount="60")
    with pytest.raises(InsufficientFunds):
        service.book_redeem(owner, book.pk, amount="60")
    service.book_redeem(owner, book.pk, share=1_000_000)
    deal()
    assert value(book) == 0
    assert Order.objects.filter(status="settled").count() == 3


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda owner, book: service.book_invest(owner, book, "20000"), InsufficientFunds),
        (lambda owner, book: service.book_invest(owner, book, "10000000.01"), InvalidAmount),
        (lambda owner, book: service.book_invest(owner, book + 1, "50"), UnknownBook),
        (service.book_redeem, InvalidAmount),
        (lambda owner, book: service.book_redeem(owner, book, share=0), InvalidAmount),
        (lambda owner, book: service.book_redeem(owner, book, share=1_000_001), InvalidAmount),
        (lambda owner, book: service.book_change(owner, book, Settings(("nothing",))), InvalidSettings),
        (lambda owner, book: service.book_change(owner, book, Settings(risk_share=0)), InvalidSettings),
        (lambda owner, book: service.book_rename(owner, book, " "), InvalidSettings),
    ],
)
def test_a_refusal_moves_nothing(world: World, call: object, error: type[MoneyError]) -> None:
    owner = owner_make(cash="15000000" if error is InvalidAmount else "10000")
    book = book_make(owner)
    before = selectors.cash(owner)
    with pytest.raises(error):
        call(owner, book.pk)  # type: ignore[operator]
    assert selectors.cash(owner) == before
    assert not Order.objects.exists()


class NoSales(PaperBroker):
    """Takes no sales."""

    def order_place(self, order: BrokerOrder) -> BrokerReport:
        if order.side == "sell":
            return BrokerReport("rejected", [], "closed")
        return super().order_place(order)


def test_a_venue_that_refuses_leaves_everybody_with_what_is_theirs(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = owner_make()
    first, second = book_make(owner, "1000"), book_make(owner, "1000", exclude=("alpha",))
    deal()
    monkeypatch.setitem(registry.BROKERS, "paper", NoSales())
    service.book_redeem(owner, first.pk, share=500_000)
    deal()
    order = order_of(first)
    assert order.proceeds == 0
    assert "still in your portfolio" in order.reason
    # A rebalance: what one sells the other buys at the mark; the rest of the sales fails, and its purchases with it.
    week_later(world, {"alpha": "0.1", "beta": "0.6", "gamma": "0.3"})
    worth = value(first) + value(second)
    deal()
    assert value(first) + value(second) == pytest.approx(worth, abs=Decimal("1"))
    assert Rebalance.objects.get(portfolio__kind="nominee", status="done").cost_usd < 1


def test_books_that_cannot_be_counted_hold_nobody_else_up(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = owner_make(cash="1000")
    book_make(owner, "500")
    investing.invest(owner, "global-100", "200")

    def broken(*args: object, **named: object) -> None:
        raise nominees.TooLarge("amounts: too wide")

    monkeypatch.setattr(nominees.nominee_dealing, "dealing_open", broken)
    execution.dealing_run()
    sound()
    assert Order.objects.get(book=None).status == "settled"
    assert Order.objects.get(book__isnull=False).status == "cancelled"
    assert "too wide" in Order.objects.get(book__isnull=False).reason
    assert selectors.cash(owner) == 800
    assert not NomineeDealing.objects.exists()
    assert Dealing.objects.filter(is_open=True).count() == 0
