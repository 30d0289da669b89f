"""Tax lots of personal portfolios: their tokens, at what each dealing really cost."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.test import Client

from portfolios import selectors
from portfolios.core.taxlots import Method
from portfolios.models import DealingCycle, Order
from portfolios.selectors.returns.books import book_dealings
from portfolios.selectors.taxes import TaxReport, tax_report, tax_sheet, tax_years
from portfolios.services import investing, personal
from portfolios.services.taxes import tax_method_set
from tests.portfolios.personal_worlds import book_make, deal, held, owner_make, week_later
from tests.worlds import World, world_create

pytestmark = pytest.mark.django_db
HALVES = {"alpha": "0.2", "beta": "0.5", "gamma": "0.3"}


@pytest.fixture
def world() -> World:
    return world_create()


def quantities(report: TaxReport) -> dict[str, Decimal]:
    found: dict[str, Decimal] = {}
    for line in report.open_lots:
        amount = Decimal(line.lot.quantity).scaleb(-line.asset.scale)
        found[line.asset.slug] = found.get(line.asset.slug, Decimal(0)) + amount
    return found


def cents(amount: Decimal | None) -> int:
    return int((amount or Decimal(0)) * 100)


def test_what_was_bought_costs_what_was_paid_for_it(world: World) -> None:
    owner = owner_make(cash="1000")
    book = book_make(owner, "1000")
    deal()
    book.refresh_from_db()
    [year] = tax_years(owner)
    report = tax_report(owner, year)
    assert report.has_books
    assert report.lines == []
    paid = sum(line.lot.cost or 0 for line in report.open_lots)
    assert paid == round((1_000_000_000 - book.cash) / 10_000)
    [dealing] = book_dealings(book)
    # What was traded at the marks is less than what it cost by the dealing's cost; each token bears its part.
    [order] = Order.objects.all()
    worth = {
        line.asset.code.removeprefix(f"book:{book.pk}:"): line.lot.cost or 0 for line in report.open_lots
    }
    for line in report.open_lots:
        code = line.asset.code.removeprefix(f"book:{book.pk}:")
        value = Decimal(line.lot.quantity).scaleb(-line.asset.scale) * Decimal(dealing.marks[code])
        share = order.cost_usd * value / (Decimal(1000) - order.cost_usd - Decimal(book.cash).scaleb(-6))
        assert abs(Decimal(worth[code]) / 100 - value - share) <= Decimal("0.011")


def test_without_a_mark_no_cost_is_made_up(world: World) -> None:
    owner = owner_make(cash="1000")
    book = book_make(owner, "1000")
    deal()
    cycle = DealingCycle.objects.get()
    cycle.marks = {code: mark for code, mark in cycle.marks.items() if code != "token:beta"}
    cycle.save(update_fields=["marks"])
    report = tax_report(owner, tax_years(owner)[0])
    assert len(report.open_lots) > 1
    assert {line.lot.cost for line in report.open_lots} == {None}
    personal.book_redeem(owner, book.pk, share=1_000_000)
    deal()
    report = tax_report(owner, tax_years(owner)[0])
    assert len(report.without_basis) == len(report.lines) > 1
    assert report.sums("all") == (0, 0, 0)


def test_every_trade_until_all_is_sold(world: World) -> None:
    owner = owner_make(cash="5000")
    book = book_make(owner, "2000")
    deal()
    week_later(world, HALVES)
    deal()
    personal.book_redeem(owner, book.pk, amount="300")
    deal()
    year = tax_years(owner)[0]
    report = tax_report(owner, year)
    tokens = {slug for slug, share in held(book).items() if slug != "usd" and share}
    position = {row.token: row.quantity for row in selectors.holdings(owner)[0].positions}
    assert quantities(report) == {slug: position[slug] for slug in tokens}
    assert {line.part.disposed.kind for line in report.lines} == {"sold"}
    assert report.without_basis == []
    personal.book_redeem(owner, book.pk, share=1_000_000)
    deal()
    report = tax_report(owner, year)
    assert report.open_lots == []
    orders = list(Order.objects.filter(user=owner))
    came = sum(cents(order.proceeds) for order in orders)
    went = sum(cents(order.amount) for order in orders if order.side == "invest")
    # Each of four dealings rounds what it bought, and what it sold, to a cent, and pays whole cents.
    assert abs(report.sums("all")[2] - (came - went)) <= 12


def test_rules_and_pools_stand_beside_it(world: World) -> None:
    owner = owner_make(cash="5000")
    book_make(owner, "1000")
    investing.invest(owner, "global-100", "500")
    deal()
    week_later(world, HALVES)
    deal()
    week_later(world, {"alpha": "0.6", "beta": "0.4"})
    deal()
    year = tax_years(owner)[0]
    tax_method_set(owner, year, Method.LIFO)
    report = tax_report(owner, year)
    sold = {line.asset.name for line in report.lines}
    assert sold >= {"Gamma in My Bellwether Global 100"}
    assert "Bellwether Global 100" not in sold
    assert "Bellwether Global 100" in {line.asset.name for line in report.open_lots}
    sheet = tax_sheet(report)
    for section in sheet.sections:
        keys = [row.key for row in section.rows]
        assert len(set(keys)) == len(keys)
    assert any("the tokens are yours" in note for note in sheet.notes)
    client = Client()
    client.force_login(owner, backend="django.contrib.auth.backends.ModelBackend")
    page = client.get(f"/taxes/{year}/").content.decode()
    assert "Gamma in My Bellwether Global 100" in page
    assert client.get(f"/taxes/{year}/export.pdf").content.startswith(b"%PDF")
