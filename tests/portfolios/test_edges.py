"""Rare turns of a portfolio's life: nothing is lost, doubled, or stuck for good."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from time import monotonic

import pytest
from django.db import connection, transaction

from portfolios import errors, selectors, tasks
from portfolios.core.dealing import FlowOrder, flow_settle
from portfolios.core.valuation import cost_share
from portfolios.errors import ConflictError
from portfolios.models import Balance, Order, Rebalance, Subscription, User
from portfolios.services import execution, investing, plans, rebalancing
from signals import selectors as signal_selectors
from signals.models import Candle
from tests.books import sound
from tests.factories import user_make
from tests.worlds import FIRST_DAY, World, clock_to, decision_create, world_create

pytestmark = pytest.mark.django_db

CENT = 10_000


@pytest.fixture
def world() -> World:
    return world_create()


def deal() -> None:
    assert execution.dealing_run().at_rest


def week_later(world: World, weights: dict[str, str]) -> None:
    """A decision with these weights comes into force and every portfolio has followed it."""
    today = signal_selectors.last_closed_day()
    decision_create(world, as_of=today + timedelta(days=6), weights=weights)
    clock_to(world, today + timedelta(days=7))
    rebalancing.rebalances_ensure(signal_selectors.last_closed_day())
    deal()


def rebalance_costs(user: User) -> list[Decimal | None]:
    return [line.cost_usd for line in selectors.activity(user) if line.kind == "rebalance"]


def test_a_share_of_a_cost_is_exact() -> None:
    assert cost_share(1_000_000, 1, 3) == 333_333
    assert cost_share(1, 1, 2) == 1
    assert cost_share(7, 0, 5) == 0
    assert cost_share(123_456_789, 10**18, 10**18) == 123_456_789
    for units, issued in ((2, 1), (-1, 1), (0, 0)):
        with pytest.raises(ValueError, match="no share"):
            cost_share(1, units, issued)


def test_a_rebalance_line_carries_the_holders_share_of_its_cost(world: World) -> None:
    ann, ben = user_make(cash="900"), user_make(cash="300")
    investing.invest(ann, "global-100", "900")
    investing.invest(ben, "global-100", "300")
    deal()
    week_later(world, {"alpha": "0.1", "beta": "0.6", "gamma": "0.3"})
    rebalance = Rebalance.objects.get(status=Rebalance.Status.DONE)
    held = {user: selectors.holdings(user)[0].units for user in (ann, ben)}
    issued = rebalance.dealing.units_before
    assert sum(held.values()) == issued
    for user, units in held.items():
        (cost,) = rebalance_costs(user)
        assert cost == (rebalance.cost_usd * units / issued).quantize(Decimal("0.000001"))
    shares = [rebalance_costs(ann)[0], rebalance_costs(ben)[0]]
    assert abs(sum(share or Decimal(0) for share in shares) - rebalance.cost_usd) <= Decimal("0.000001")
    assert rebalance.cost_usd > Decimal("0.1")


def test_rebalances_belong_to_those_who_held_through_them() -> None:
    world = world_create(today=FIRST_DAY + timedelta(days=20))
    ann, ben = user_make(cash="900"), user_make(cash="900")
    investing.invest(ben, "global-100", "500")
    deal()
    week_later(world, {"alpha": "0.6", "beta": "0.4"})
    investing.invest(ann, "global-100", "300")
    deal()
    week_later(world, {"alpha": "0.4", "beta": "0.6"})
    investing.redeem(ann, "global-100", all=True)
    deal()
    for alpha, beta in (("0.7", "0.3"), ("0.2", "0.8")):
        week_later(world, {"alpha": alpha, "beta": beta})
    assert len(rebalance_costs(ann)) == 1
    assert len(rebalance_costs(ben)) == 4
    # What happened since she left must not push out what happened while she held.
    assert [line.kind for line in selectors.activity(ann, limit=2)] == ["redeem", "rebalance"]


def test_everything_out_and_in_again_begins_anew(world: World) -> None:
    user = user_make(cash="1000")
    for _ in range(2):
        investing.invest(user, "global-100", "400")
        deal()
        investing.redeem(user, "global-100", all=True)
        deal()
        assert selectors.holdings(user) == []
    order = investing.invest(user, "global-100", "100")
    deal()
    order.refresh_from_db()
    assert order.unit_price == 100
    assert selectors.holdings(user)[0].invested_usd == 100
    sound()


def test_the_first_investor_twice_and_both_ways_in_one_cycle(world: World) -> None:
    user = user_make(cash="1000")
    investing.invest(user, "global-100", "300")
    investing.invest(user, "global-100", "200")
    deal()
    assert execution.dealing_run().opened == 0
    units = selectors.holdings(user)[0].units
    investing.invest(user, "global-100", "100")
    investing.redeem(user, "global-100", all=True)
    deal()
    (holding,) = selectors.holdings(user)
    assert 0 < holding.units < units / 4
    assert holding.invested_usd < 125
    sound()


def test_a_token_that_dies_while_held_can_be_left_behind(world: World) -> None:
    user = user_make(cash="1000")
    investing.invest(user, "global-100", "1000")
    deal()
    Candle.objects.filter(asset=world.tokens["beta"]).delete()
    clock_to(world, signal_selectors.last_closed_day() + timedelta(days=9))
    order = investing.redeem(user, "global-100", all=True)
    deal()
    order.refresh_from_db()
    assert order.status == "settled"
    assert order.proceeds is not None
    assert Decimal(650) < order.proceeds < Decimal(800)
    again = investing.invest(user, "global-100", "100")
    deal()
    again.refresh_from_db()
    assert (again.status, again.unit_price) == ("settled", 100)
    sound()


def test_a_token_worth_next_to_nothing_has_no_price(world: World) -> None:
    user = user_make(cash="1000")
    investing.invest(user, "global-100", "1000")
    deal()
    today = signal_selectors.last_closed_day() + timedelta(days=1)
    Candle.objects.filter(asset=world.tokens["delta"], opened_at__date=today).update(
        close=1e-30, volume=1e-30
    )
    clock_to(world, today)
    assert "delta" not in {p.token for p in selectors.holdings(user)[0].positions if p.price is not None}
    investing.redeem(user, "global-100", all=True)
    deal()
    assert selectors.holdings(user) == []
    sound()


def test_a_missing_millionth_does_not_leave_a_trace_of_units() -> None:
    everything = [FlowOrder("x", 0, 10**12)]
    (result,) = flow_settle(
        value_before=100_000_001, issued=10**12, value_now=99_000_001, cash=99_000_000, orders=everything
    )
    assert (result.units, result.payout) == (10**12, 99_000_000)
    (part,) = flow_settle(
        value_before=100_000_000, issued=10**12, value_now=100_000_000, cash=60_000_000, orders=everything
    )
    assert (part.units, part.payout) == (6 * 10**11, 60_000_000)


def test_no_dust_of_units_is_left_behind(world: World) -> None:
    user = user_make(cash="100")
    investing.invest(user, "global-100", "100")
    deal()
    units = selectors.holdings(user)[0].units
    order = investing.redeem(user, "global-100", units=units - Decimal("0.000000000001"))
    assert order.units == units
    deal()
    assert selectors.holdings(user) == []
    investing.invest(user, "global-100", selectors.cash(user).quantize(Decimal("0.01")))
    deal()
    assert Order.objects.filter(status="settled").count() == 3
    sound()


def test_a_form_sent_again_with_another_amount_is_refused(world: World) -> None:
    user = user_make(cash="500")
    investing.invest(user, "global-100", "500")
    deal()
    first = investing.redeem(user, "global-100", amount="100", reference="form")
    assert investing.redeem(user, "global-100", amount="100.00", reference="form") == first
    deal()
    assert investing.redeem(user, "global-100", amount="100", reference="form") == first
    for other in ({"amount": "101"}, {"all": True}, {"amount": "99999"}):
        with pytest.raises(ConflictError):
            investing.redeem(user, "global-100", reference="form", **other)
    assert Order.objects.filter(side="redeem").count() == 1


def test_a_decision_that_comes_during_the_first_dealing_is_followed(world: World) -> None:
    user = user_make(cash="500")
    investing.invest(user, "global-100", "500")
    assert execution.cycle_open() is not None
    today = signal_selectors.last_closed_day()
    decision_create(world, as_of=today + timedelta(days=6), weights={"alpha": "1.0"})
    clock_to(world, today + timedelta(days=7))
    (rebalance,) = rebalancing.rebalances_ensure(signal_selectors.last_closed_day())
    assert rebalance.status == Rebalance.Status.DUE
    deal()
    rebalance.refresh_from_db()
    assert rebalance.status == Rebalance.Status.DONE
    weights = {position.token: position.weight for position in selectors.holdings(user)[0].positions}
    assert weights["alpha"] > Decimal("0.99")
    sound()


def test_a_smaller_plan_keeps_a_holding_and_only_lets_it_go(world: World) -> None:
    user = user_make(cash="500")
    plans.subscribe(user, "gold")
    gold = decision_gold(world)
    investing.invest(user, gold, "200")
    deal()
    Subscription.objects.update(status=Subscription.Status.ENDED)
    assert not selectors.index_allowed(user, gold)
    with pytest.raises(errors.PlanRequired):
        investing.invest(user, gold, "50")
    today = signal_selectors.last_closed_day()
    clock_to(world, today + timedelta(days=1))
    assert [holding.index_slug for holding in selectors.holdings(user)] == [gold]
    investing.redeem(user, gold, all=True)
    deal()
    assert selectors.holdings(user) == []
    sound()


def decision_gold(world: World) -> str:
    """An index that only Gold and Platinum admit to, with a decision in force."""
    from tests.worlds import index_create

    index = index_create("for-gold", "Gold index")
    today = signal_selectors.last_closed_day()
    decision_create(world, as_of=today - timedelta(days=2), weights={"alpha": "1.0"}, index=index)
    return index.slug


def test_an_account_switched_off_is_not_charged_again(world: World) -> None:
    user = user_make()
    contract = plans.subscribe(user, "silver")
    assert contract is not None
    User.objects.filter(pk=user.pk).update(is_active=False)
    world.market.time = contract.period_end + timedelta(days=70)
    world.market.save()
    assert tasks.subscriptions_tick() == 1
    contract.refresh_from_db()
    assert contract.status == Subscription.Status.ENDED
    assert contract.invoices.count() == 1
    sound()


def test_seventy_days_renew_month_by_month(world: World) -> None:
    contract = plans.subscribe(user_make(), "silver")
    assert contract is not None
    for _ in range(70):
        clock_to(world, signal_selectors.last_closed_day() + timedelta(days=1))
        tasks.subscriptions_tick()
    assert contract.invoices.count() == 3
    sound()


def waiting() -> int:
    """How many connections to this database wait for a lock."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        )
        return int(cursor.fetchone()[0])


@pytest.mark.django_db(transaction=True)
def test_a_double_click_is_one_order_and_no_error() -> None:
    world_create()
    user = user_make(cash="500")
    investing.order_cancel(user, investing.invest(user, "global-100", "50").pk)

    def click(_: int) -> object:
        try:
            return investing.invest(user, "global-100", "100", reference="web:token").pk
        except errors.MoneyError as error:
            return error
        finally:
            connection.close()

    pool = ThreadPoolExecutor(4)
    with transaction.atomic():
        # All four stand before the money at once, whatever the machine is busy with.
        list(Balance.objects.select_for_update().filter(account__user=user))
        clicks = [pool.submit(click, number) for number in range(4)]
        deadline = monotonic() + 30
        while waiting() < 4 and not any(one.done() for one in clicks):
            assert monotonic() < deadline
    answers = {one.result() for one in clicks}
    pool.shutdown()
    assert len(answers) == 1, answers
    assert selectors.reserved(user) == 100
    sound()
