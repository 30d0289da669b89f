"""Tax years of real orders: what came and went, by which rule, chosen by whom, and closed for good."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import DatabaseError, transaction
from hypothesis import HealthCheck, given, settings

from portfolios.core.taxlots import Method
from portfolios.errors import InvalidLots, TaxYearClosed, TaxYearOpen, UnknownOrder
from portfolios.models import Entry, LedgerAsset, LotChoice, Order, Portfolio, TaxYear, User
from portfolios.selectors.taxes import tax_digest, tax_report, tax_sheet, tax_years
from portfolios.services import accounts, execution, investing, ledger
from portfolios.services.taxes import lots_choose, tax_method_set, tax_year_close
from signals import selectors as signal_selectors
from tests.factories import user_make
from tests.portfolios.journeys import days_pass, steps, walk
from tests.worlds import World, world_create


@pytest.fixture
def world(db: None) -> World:
    return world_create(today=date(2022, 1, 20))


def cents(amount: Decimal | None) -> int:
    return int((amount or Decimal(0)) * 100)


def three_lots(world: World) -> tuple[User, list[Order]]:
    """Somebody who bought three times, at rising prices."""
    user = user_make(cash="1000")
    orders = []
    for amount in ("200", "300", "250"):
        orders.append(investing.invest(user, "global-100", amount))
        execution.dealing_run()
        days_pass(world, 5)
    for order in orders:
        order.refresh_from_db()
    return user, orders


def redeemed(user: User, units: Decimal) -> Order:
    order = investing.redeem(user, "global-100", units=units)
    execution.dealing_run()
    order.refresh_from_db()
    return order


def lot_of(order: Order) -> int:
    return Entry.objects.get(reference=f"order:{order.pk}:settle").pk


def test_cost_has_every_fee_in_it_and_proceeds_none(world: World) -> None:
    user, bought = three_lots(world)
    sale = redeemed(user, bought[0].units or Decimal(0))
    report = tax_report(user, 2022)
    [line] = report.lines
    assert line.part.cost == 20_000
    assert line.part.proceeds == cents(sale.proceeds)
    assert report.sums("short") == (cents(sale.proceeds), 20_000, cents(sale.proceeds) - 20_000)
    assert report.sums("long") == (0, 0, 0)
    assert [lot.lot.cost for lot in report.open_lots] == [30_000, 25_000]
    assert (report.year, report.method, report.is_over, tax_years(user)) == (2022, Method.FIFO, False, [2022])


def test_another_rule_takes_other_lots(world: World) -> None:
    user, bought = three_lots(world)
    redeemed(user, bought[2].units or Decimal(0))
    assert tax_report(user, 2022, method=Method.LIFO).lines[0].part.cost == 25_000
    # Prices have risen all the time: the newest lot cost most per unit.
    assert tax_report(user, 2022, method=Method.HIFO).lines[0].part.cost == 25_000
    assert tax_report(user, 2022).lines[0].part.cost == 20_000
    tax_method_set(user, 2022, "lifo")
    assert tax_report(user, 2022).lines[0].part.cost == 25_000
    with pytest.raises(InvalidLots, match="no rule 'best'"):
        tax_method_set(user, 2022, "best")
    with pytest.raises(InvalidLots, match="1999 is no year"):
        tax_method_set(user, 1999, "lifo")


def test_a_person_chooses_lots_before_and_after_it_settles(world: World) -> None:
    user, bought = three_lots(world)
    second, third = lot_of(bought[1]), lot_of(bought[2])
    order = investing.redeem(user, "global-100", units="1.5")
    lots_choose(user, order.pk, {third: "1", second: "0.25"})
    assert TaxYear.objects.get(user=user).method == "specific"
    execution.dealing_run()
    parts = [
        (int(line.part.lot.key), line.part.quantity) for line in tax_report(user, 2022).lines if line.part.lot
    ]
    assert sorted(parts) == sorted([(third, 10**12), (second, 10**12 // 4), (lot_of(bought[0]), 10**12 // 4)])
    # On the tax page, as long as the year is open, the choice is another one.
    lots_choose(user, order.pk, {second: "1.5"})
    assert LotChoice.objects.count() == 1
    [line] = tax_report(user, 2022).lines
    assert (line.part.lot and int(line.part.lot.key), line.part.by_choice) == (second, True)
    lots_choose(user, order.pk, {})
    [line] = tax_report(user, 2022).lines
    assert line.part.lot
    assert int(line.part.lot.key) == lot_of(bought[0])


def test_a_choice_that_cannot_be_is_refused(world: World) -> None:
    user, bought = three_lots(world)
    order = redeemed(user, Decimal("1.5"))
    first = lot_of(bought[0])
    for wrong, words in (
        ({first: "9"}, "does not hold 9"),
        ({first: "1.6"}, "more than the order redeems"),
        ({first: "-1"}, "plain number"),
        ({lot_of(bought[1]) + 10**6: "1"}, "does not hold"),
    ):
        with pytest.raises(InvalidLots, match=words):
            lots_choose(user, order.pk, wrong)
    with pytest.raises(UnknownOrder):
        lots_choose(user_make(), order.pk, {})
    with pytest.raises(UnknownOrder):
        lots_choose(user, bought[0].pk, {})
    assert not LotChoice.objects.exists()


def test_units_without_a_purchase_are_flagged_and_never_a_gain(world: World) -> None:
    user, other = user_make(cash="500"), user_make(cash="500")
    for person in (user, other):
        investing.invest(person, "global-100", "200")
    execution.dealing_run()
    unit = LedgerAsset.objects.get(kind="unit")
    with transaction.atomic():
        # A gift: units change hands, and no money does.
        ledger.entry_post(
            reference="gift",
            kind="transfer",
            effective_at=signal_selectors.market_time(),
            legs=[
                ledger.Leg(accounts.user_cash(other), unit, Decimal("-1")),
                ledger.Leg(accounts.user_cash(user), unit, Decimal(1)),
            ],
        )
    days_pass(world, 3)
    order = investing.redeem(user, "global-100", all=True)
    execution.dealing_run()
    order.refresh_from_db()
    report = tax_report(user, 2022)
    assert [(line.part.cost, line.part.gain is None) for line in report.lines] == [
        (20_000, False),
        (None, True),
    ]
    [unknown] = report.without_basis
    known = report.sums("all")
    assert known[0] + (unknown.part.proceeds or 0) == cents(order.proceeds)
    assert known[2] == known[0] - 20_000
    sheet = tax_sheet(report)
    row = sheet.section("disposals").rows[1]
    assert row.flags == ("missing basis",)
    assert [cell.value for cell in row.cells][-2:] == ["", ""]
    assert sheet.value("summary", "unknown", "gain_usd") == ""
    assert (
        sheet.section("summary").rows[-1].cells[-1].reason
        == "Its cost is not known: it came without a purchase."
    )
    # Who gave it away was paid nothing for it: no loss either.
    [given_away] = tax_report(other, 2022).lines
    assert (given_away.part.disposed.kind, given_away.part.proceeds, given_away.part.gain) == (
        "given",
        None,
        None,
    )


def test_an_undone_purchase_takes_its_own_lot_away(world: World) -> None:
    user, bought = three_lots(world)
    entry = Entry.objects.get(reference=f"order:{bought[1].pk}:settle")
    with transaction.atomic():
        ledger.entry_reverse(
            entry, reference="undo", effective_at=signal_selectors.market_time(), description="Undone"
        )
    report = tax_report(user, 2022)
    [line] = report.lines
    assert line.part.lot
    assert int(line.part.lot.key) == entry.pk
    assert (line.part.disposed.kind, line.part.gain) == ("undone", None)
    assert [lot.lot.cost for lot in report.open_lots] == [20_000, 25_000]


def close_2022(world: World) -> None:
    world.market.time = datetime(2023, 1, 1, 0, 5, tzinfo=UTC)
    world.market.save()


def test_a_closed_year_stays(world: World) -> None:
    user, bought = three_lots(world)
    order = redeemed(user, Decimal(1))
    lots_choose(user, order.pk, {lot_of(bought[1]): "1"})
    with pytest.raises(TaxYearOpen):
        tax_year_close(user, 2022)
    close_2022(world)
    row = tax_year_close(user, 2022)
    assert row.digest == tax_digest(tax_report(user, 2022))
    assert tax_year_close(user, 2022).closed_at == row.closed_at
    for change in (
        lambda: tax_method_set(user, 2022, "lifo"),
        lambda: lots_choose(user, order.pk, {lot_of(bought[0]): "1"}),
    ):
        with pytest.raises(TaxYearClosed):
            change()
    for blunt in (
        lambda: TaxYear.objects.update(method="lifo"),
        lambda: TaxYear.objects.all().delete(),
        lambda: LotChoice.objects.all().delete(),
        lambda: LotChoice.objects.create(user=user, order=order, lot_id=lot_of(bought[0]), units=1),
    ):
        with pytest.raises(DatabaseError, match="is closed"), transaction.atomic():
            blunt()
    with pytest.raises(DatabaseError, match="replaced"), transaction.atomic():
        LotChoice.objects.update(units=2)
    assert "Closed on" in tax_sheet(tax_report(user, 2022)).notes[-1]
    # The next year begins with what this one left.
    left = tax_report(user, 2022).open_lots
    assert [lot.lot for lot in tax_report(user, 2023).open_lots] == [lot.lot for lot in left]


def test_the_first_moment_of_a_year_belongs_to_the_year_before(world: World) -> None:
    user, _ = three_lots(world)
    pool = Portfolio.objects.get()
    order = investing.redeem(user, "global-100", units="1")
    execution.dealing_run()
    Order.objects.filter(pk=order.pk).update(settled_at=datetime(2023, 1, 1, tzinfo=UTC))
    close_2022(world)
    tax_year_close(user, 2022)
    first = Entry.objects.filter(postings__asset=pool.units, postings__account__user=user).earliest("id")
    with pytest.raises(DatabaseError, match="is closed"), transaction.atomic():
        LotChoice.objects.create(user=user, order=order, lot=first, units=1)
    Order.objects.filter(pk=order.pk).update(
        settled_at=datetime(2023, 1, 1, tzinfo=UTC) + timedelta(seconds=1)
    )
    LotChoice.objects.create(user=user, order=order, lot=first, units=1)


@pytest.mark.parametrize("method", list(Method))
@given(path=steps)
@settings(max_examples=2, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_after_any_journey_lots_are_what_is_held(
    db: None, method: Method, path: list[tuple[str, str]]
) -> None:
    with transaction.atomic():
        world, user = world_create(today=date(2022, 1, 10)), user_make(cash="800.55")
        walk(world, user, [("invest", "200"), *path])
        report = tax_report(user, 2022, method=method)
        held = sum(
            ledger.balance_of(account, pool.units)
            for pool in Portfolio.objects.all()
            for account in (accounts.user_cash(user), accounts.user_reserved(user))
        )
        assert sum(lot.lot.quantity for lot in report.open_lots) == held
        settled = user.orders.filter(status="settled")
        paid = sum(cents(order.amount) for order in settled if order.side == "invest")
        got = sum(cents(order.proceeds) for order in settled if order.side == "redeem")
        assert report.without_basis == []
        assert sum(lot.lot.cost or 0 for lot in report.open_lots) + report.sums("all")[1] == paid
        assert report.sums("all")[0] == got
        transaction.set_rollback(True)
