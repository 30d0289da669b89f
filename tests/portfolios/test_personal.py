"""Personal portfolios in the dealing cycle: money in, a rebalance, money out."""

from decimal import Decimal

import pytest
from django.utils import timezone

from portfolios import selectors
from portfolios.models import Balance, BlockOrder, Book, Dealing, Notice, Order, Rebalance
from portfolios.services import investing
from portfolios.services import personal as service
from portfolios.services.notice_events import events_tell
from tests.factories import user_make
from tests.portfolios.personal_worlds import (
    book_make,
    deal,
    dollars,
    held,
    order_of,
    owner_make,
    sound,
    value,
    week_later,
)
from tests.worlds import WEIGHTS, World, world_create

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return world_create()


def test_money_buys_the_index_without_what_is_left_out(world: World) -> None:
    owner = owner_make(cash="1000")
    book = book_make(owner, "1000", exclude=("alpha",))
    assert (selectors.cash(owner), selectors.reserved(owner)) == (0, 1000)
    sound()
    deal()
    order = order_of(book)
    assert order.status == Order.Status.SETTLED
    assert dollars(owner) == 0
    # 10 bps fee and 2 to 40 bps of half spread.
    assert Decimal("1") < order.cost_usd < Decimal("6")
    assert abs(value(book) + order.cost_usd - 1000) <= Decimal("0.00001")
    weights = held(book)
    assert "alpha" not in weights
    for slug in ("beta", "gamma", "delta", "epsilon"):
        assert weights[slug] == pytest.approx(Decimal(WEIGHTS[slug]) / Decimal("0.6"), abs=Decimal("0.002"))
    assert weights.get("usd", Decimal(0)) < Decimal("0.0001")


def test_a_cap_and_a_share_at_risk_are_kept(world: World) -> None:
    owner = owner_make(cash="1000")
    book = book_make(owner, "1000", cap=300_000, risk=500_000)
    deal()
    weights = held(book)
    assert weights["usd"] == pytest.approx(Decimal("0.5"), abs=Decimal("0.005"))
    assert weights["alpha"] == pytest.approx(Decimal("0.15"), abs=Decimal("0.002"))
    assert weights["beta"] == pytest.approx(Decimal("0.15"), abs=Decimal("0.002"))


def test_two_people_who_want_the_opposite_meet_at_the_mark(world: World) -> None:
    first, second = owner_make(cash="1000"), owner_make(cash="1000")
    seller = book_make(first, "1000")
    deal()
    before = BlockOrder.objects.count()
    service.book_redeem(first, seller.pk, share=500_000)
    buyer = book_make(second, "400")
    deal()
    # What crosses inside costs nothing; the seller's surplus goes to the venue, the buyer needs none of it.
    assert {block.side for block in BlockOrder.objects.order_by("created_at")[before:]} == {"sell"}
    assert order_of(buyer).cost_usd < Decimal("0.00001")
    assert value(buyer) == pytest.approx(Decimal(400), abs=Decimal("0.0001"))
    assert order_of(seller).proceeds == selectors.cash(first)


def test_books_and_the_pool_share_one_block_order(world: World) -> None:
    owner, other = owner_make(cash="1000"), user_make(cash="1000")
    book_make(owner, "500")
    investing.invest(other, "global-100", "500")
    deal()
    assert BlockOrder.objects.count() == 5
    assert all(block.allocations.count() == 2 for block in BlockOrder.objects.all())
    assert Balance.objects.filter(account__kind="clearing").exclude(amount=0).count() == 0


def test_who_holds_units_and_a_book_sees_both(world: World) -> None:
    owner = owner_make(cash="1000")
    book = book_make(owner, "500")
    investing.invest(owner, "global-100", "400")
    deal()
    both = selectors.holdings(owner)
    assert [row.book_id for row in both] == [book.pk, None]
    assert sum(row.value_usd for row in both) == pytest.approx(Decimal(900), abs=Decimal(2))


def test_a_rebalance_moves_every_book_and_the_pool(world: World) -> None:
    owner, other = owner_make(cash="2000"), user_make(cash="1000")
    whole, own = book_make(owner, "1000"), book_make(owner, "1000", exclude=("beta",))
    investing.invest(other, "global-100", "1000")
    deal()
    week_later(world, {"alpha": "0.2", "beta": "0.5", "gamma": "0.3"})
    deal()
    assert held(whole)["alpha"] == pytest.approx(Decimal("0.2"), abs=Decimal("0.006"))
    assert held(whole).keys() <= {"alpha", "beta", "gamma", "usd"}
    assert held(own)["alpha"] == pytest.approx(Decimal("0.4"), abs=Decimal("0.006"))
    assert held(own)["gamma"] == pytest.approx(Decimal("0.6"), abs=Decimal("0.006"))
    row = Rebalance.objects.get(portfolio__kind="nominee", status="done")
    assert row.turnover_usd > 1000
    assert Decimal(0) < row.cost_usd < Decimal(20)


def test_its_owner_is_told_which_of_both_it_was(world: World) -> None:
    owner = owner_make(cash="2000")
    Book.objects.filter(pk=book_make(owner, "1000").pk).update(name="Without doubt")
    investing.invest(owner, "global-100", "500")
    deal()
    week_later(world, {"alpha": "0.2", "beta": "0.5", "gamma": "0.3"})
    deal()
    assert events_tell(now=timezone.now())
    pages = dict(Notice.objects.filter(user=owner).values_list("title", "url"))
    [pool] = Order.objects.filter(book=None)
    [order] = Order.objects.exclude(book=None)
    assert pages["$1,000.00 invested in Without doubt"] == f"/orders/{order.pk}/"
    assert pages["$500.00 invested in Bellwether Global 100"] == f"/orders/{pool.pk}/"
    assert pages["Your personal portfolio of Bellwether Global 100 was rebalanced"] == "/personal/"
    assert "Bellwether Global 100 was rebalanced" in pages
    assert [line.title for line in selectors.activity(owner) if line.kind == "invest"] == [
        "Invest in Bellwether Global 100",
        "Invest in Without doubt",
    ]


def test_everything_sold_leaves_nothing(world: World) -> None:
    owner = owner_make(cash="1000")
    book = book_make(owner, "1000")
    deal()
    service.book_redeem(owner, book.pk, share=1_000_000)
    deal()
    order = order_of(book)
    assert order.proceeds == selectors.cash(owner)
    assert Decimal("985") < order.proceeds < Decimal("1000")
    book = Book.objects.get(pk=book.pk)
    assert (book.cash, set(book.quantities)) == (0, {0})
    assert order.reason == ""


def test_an_amount_is_paid_less_its_own_cost_and_only_overweights_are_sold(world: World) -> None:
    owner = owner_make(cash="1000")
    book = book_make(owner, "1000")
    deal()
    before = value(book)
    service.book_redeem(owner, book.pk, amount="100.00")
    deal()
    order = order_of(book)
    assert order.proceeds is not None
    assert order.proceeds == pytest.approx(100 - order.cost_usd, abs=Decimal("0.02"))
    assert abs(before - value(book) - order.proceeds - order.cost_usd) < Decimal("0.00002")


def test_orders_of_one_book_are_dealt_one_after_the_other(world: World) -> None:
    owner = owner_make(cash="1000")
    book = book_make(owner, "600")
    service.book_invest(owner, book.pk, "400")
    deal()
    assert Dealing.objects.filter(portfolio__kind="nominee").count() == 2
    assert sorted(Order.objects.values_list("status", "amount")) == [
        ("settled", Decimal(400)),
        ("settled", Decimal(600)),
    ]
    assert value(book) == pytest.approx(
        Decimal(1000) - sum(o.cost_usd for o in Order.objects.all()), abs=Decimal("0.001")
    )
