"""Personal portfolios among a person's returns: they have no units, and are told like any other holding."""

from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse

from portfolios import selectors
from portfolios.selectors.returns import performance
from portfolios.selectors.returns.books import book_histories
from portfolios.services import investing, personal
from portfolios.views.overview import value_history
from signals.core.charting import sparkline
from tests.portfolios.investing_life import START, bitcoin_make, days_pass, levels_make, tick, today
from tests.portfolios.personal_worlds import book_make, owner_make, value
from tests.portfolios.test_performance import near
from tests.worlds import decision_create, world_create

pytestmark = pytest.mark.django_db


def test_a_book_from_its_first_order_to_its_last_close() -> None:
    world = world_create(today=START)
    bitcoin_make(world)
    levels_make(world.index, first=1000.0, step=4.0)
    owner = owner_make(cash="5000")
    book = book_make(owner, "2000", exclude=("beta",))
    tick()
    days_pass(world, 6)
    decision_create(world, as_of=today(), weights={"alpha": "0.2", "gamma": "0.8"})
    days_pass(world, 2)
    personal.book_invest(owner, book.pk, "1000")
    days_pass(world, 3)
    personal.book_redeem(owner, book.pk, amount="500")
    days_pass(world, 3)
    report = performance(owner)
    [row] = report.holdings
    assert row.key == f"book-{book.pk}"
    assert near(row.figures.value_end, value(book))
    assert row.figures.money_in == 3000
    orders = list(selectors.order_queryset(owner))
    assert row.figures.money_out == sum((order.proceeds or Decimal(0) for order in orders), Decimal(0))
    assert near(report.figures.value_end, selectors.cash(owner) + value(book))
    assert (report.figures.money_in, report.figures.money_out) == (5000, 0)
    assert abs(report.elsewhere) <= Decimal("0.000002")
    assert row.figures.time_weighted.value is not None
    assert row.figures.money_weighted.value is not None
    assert report.tokens is not None
    parts = [*report.tokens.tokens, *report.tokens.others]
    assert sum(part.usd for part in parts) == row.figures.gain
    others = {part.key: part.usd for part in report.tokens.others}
    assert "beta" not in {part.key for part in report.tokens.tokens}
    assert others["orders"] < 0
    assert abs(others["rest"]) < Decimal("0.01")
    gains = {one.key: one.gain for one in row.alternatives}
    assert gains["bitcoin"] is not None
    assert gains["without_costs"] is not None
    assert gains["without_costs"] > row.figures.gain
    assert row.split is not None
    client = Client()
    client.force_login(owner, backend="django.contrib.auth.backends.ModelBackend")
    page = client.get(reverse("portfolios:performance") + f"?index=book-{book.pk}")
    assert page.status_code == 200
    assert "My Bellwether Global 100" in page.content.decode()
    assert client.get(reverse("portfolios:fees")).status_code == 200


def test_the_dashboard_draws_a_book_beside_the_pool() -> None:
    world = world_create(today=START)
    owner = owner_make(cash="5000")
    book = book_make(owner, "2000", exclude=("beta",))
    investing.invest(owner, "global-100", "1000")
    tick()
    days_pass(world, 3)
    [path] = book_histories(owner, through=today()).values()
    pool = selectors.portfolio("global-100")
    assert pool is not None
    closes = {point.date: point.unit_price for point in selectors.nav_history(pool)}
    [order] = selectors.order_queryset(owner).filter(book=None)
    history = dict(value_history(owner, {"global-100": list(closes.items())}, {book.pk: path}))
    assert order.units is not None
    assert history == {day: value + order.units * closes[day] for day, value in path.values.items()}
    assert history[today()] == value(book) + order.units * closes[today()]
    assert list(path.prices)[-1] == today()
    client = Client()
    client.force_login(owner, backend="django.contrib.auth.backends.ModelBackend")
    drawn = {holding["holding"].book_id: holding for holding in client.get("/dashboard/").context["holdings"]}
    assert drawn[book.pk]["sparkline"] == sparkline(list(path.prices.values()))
    assert drawn[book.pk]["last_rebalance"] is None
