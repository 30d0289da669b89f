"""The kill switch: nothing that is stopped goes out, nothing is lost, and it goes on where it stood."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.contrib.admin.models import LogEntry
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone

from portfolios import selectors
from portfolios.brokers import registry
from portfolios.brokers.base import BrokerOrder, BrokerReport
from portfolios.brokers.paper import PaperBroker
from portfolios.errors import InvalidPause
from portfolios.models import BlockOrder, DealingCycle, Order, Pause, Rebalance, User
from portfolios.selectors.operations import dealing_at_rest
from portfolios.selectors.pauses import Pauses, pauses
from portfolios.services import execution, investing, plans, rebalancing
from portfolios.services.execution.planning import cycle_open
from portfolios.services.pauses import pause_end, pause_start
from signals import selectors as signal_selectors
from tests.books import sound
from tests.factories import user_make
from tests.worlds import FIRST_DAY, TOKENS, World, clock_to, decision_create, index_create, world_create

pytestmark = pytest.mark.django_db

WHY = "We are looking at a fault."


def deal() -> bool:
    rebalancing.rebalances_ensure(signal_selectors.last_closed_day())
    return execution.dealing_run().at_rest


def operator() -> User:
    return User.objects.create_superuser("operator@example.org", None)


def status(order: Order) -> str:
    order.refresh_from_db()
    return order.status


def test_nothing_paused_is_nothing_to_say() -> None:
    assert pauses() == Pauses()
    assert Pauses().reason_for(side="buy", asset="alpha", index="global-100", venue="paper") == ""


def test_one_open_pause_per_scope_and_target() -> None:
    world_create()
    first = pause_start("asset", "alpha", reason=WHY)
    assert pause_start("asset", "alpha", reason="Another reason.") == first
    assert Pause.objects.count() == 1
    by = operator()
    ended = pause_end(first.pk, by=by)
    assert ended.ended_by == by
    when = ended.ended_at
    assert pause_end(first.pk, by=by).ended_at == when
    assert pause_start("asset", "alpha", reason=WHY) != first
    assert pauses().assets == {"alpha": WHY}


@pytest.mark.parametrize(
    ("scope", "target", "reason", "field"),
    [
        ("nothing", "", WHY, "scope"),
        ("all", "", "  ", "reason"),
        ("all", "", "x" * 241, "reason"),
        ("buys", "alpha", WHY, "target"),
        ("asset", "nowhere", WHY, "target"),
        ("index", "", WHY, "target"),
        ("venue", "moon", WHY, "target"),
    ],
)
def test_a_pause_that_means_nothing_is_refused(scope: str, target: str, reason: str, field: str) -> None:
    world_create()
    with pytest.raises(InvalidPause, match="Nothing was paused") as refused:
        pause_start(scope, target, reason=reason)
    assert refused.value.field == field
    assert not Pause.objects.exists()


def test_the_database_keeps_pauses_whole() -> None:
    for fields in (
        {"scope": "all", "target": "alpha", "reason": WHY},
        {"scope": "asset", "target": "", "reason": WHY},
        {"scope": "all", "target": "", "reason": ""},
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            Pause.objects.create(started_at=timezone.now(), **fields)


@pytest.mark.parametrize(("scope", "target"), [("all", ""), ("buys", ""), ("index", "global-100")])
def test_an_investment_keeps_its_place_until_it_goes_on(scope: str, target: str) -> None:
    world_create()
    user = user_make(cash="1000.00")
    stop = pause_start(scope, target, reason=WHY)
    order = investing.invest(user, "global-100", "100.00")
    assert deal()
    assert status(order) == Order.Status.ACCEPTED
    assert not BlockOrder.objects.exists()
    assert selectors.reserved(user) == Decimal("100.00")
    [notice] = selectors.price_notices([], selectors.orders(user, open_only=True))
    assert WHY in notice.text
    sound()
    pause_end(stop.pk, by=operator())
    assert deal()
    assert status(order) == Order.Status.SETTLED
    sound()


def test_with_purchases_stopped_people_still_get_out() -> None:
    world_create()
    user = user_make(cash="1000.00")
    investing.invest(user, "global-100", "500.00")
    deal()
    pause_start("buys", reason=WHY)
    waiting, leaving = (
        investing.invest(user, "global-100", "100.00"),
        investing.redeem(user, "global-100", amount="200.00"),
    )
    assert deal()
    assert (status(waiting), status(leaving)) == (Order.Status.ACCEPTED, Order.Status.SETTLED)
    assert leaving.proceeds is not None
    assert leaving.proceeds > Decimal(199)
    sound()


def test_with_sales_stopped_money_still_comes_in() -> None:
    world_create()
    user = user_make(cash="1000.00")
    investing.invest(user, "global-100", "500.00")
    deal()
    pause_start("sells", reason=WHY)
    waiting = investing.redeem(user, "global-100", amount="200.00")
    coming = investing.invest(user, "global-100", "100.00")
    assert deal()
    assert (status(waiting), status(coming)) == (Order.Status.ACCEPTED, Order.Status.SETTLED)
    sound()


def test_a_rebalance_waits_and_is_not_lost() -> None:
    world = world_create()
    user = user_make(cash="1000.00")
    investing.invest(user, "global-100", "500.00")
    deal()
    stop = pause_start("all", reason=WHY)
    _next_week(world)
    assert deal()
    assert Rebalance.objects.latest("id").status == Rebalance.Status.DUE
    # The replay of days does not wait for an operator.
    assert dealing_at_rest()
    pause_end(stop.pk, by=operator())
    # What stops something else does not make it wait.
    pause_start("withdrawals", reason=WHY)
    assert not dealing_at_rest()
    assert deal()
    assert Rebalance.objects.latest("id").status == Rebalance.Status.DONE
    sound()


def test_a_paused_token_is_neither_bought_nor_sold_while_the_others_are() -> None:
    world = world_create()
    user = user_make(cash="1000.00")
    investing.invest(user, "global-100", "500.00")
    deal()
    pause_start("asset", "alpha", reason=WHY)
    investing.invest(user, "global-100", "100.00")
    _next_week(world)
    assert deal()
    cycles = DealingCycle.objects.order_by("id")[1:]
    assert len(cycles) == 2
    for cycle in cycles:
        assert cycle.halted == {"token:alpha": WHY}
    traded = set(BlockOrder.objects.filter(cycle__in=cycles).values_list("asset__code", flat=True))
    assert traded == {"token:beta", "token:gamma", "token:delta", "token:epsilon"}
    notices = selectors.price_notices(selectors.holdings(user))
    assert [(notice.about, WHY in notice.text) for notice in notices] == [("Alpha", True)]
    sound()


class Stopping(PaperBroker):
    """Everything is stopped while the first sale is at the venue."""

    def __init__(self) -> None:
        self.placed: list[str] = []

    def order_place(self, order: BrokerOrder) -> BrokerReport:
        self.placed.append(order.side)
        pause_start("all", reason=WHY)
        return super().order_place(order)


def test_what_is_stopped_in_the_middle_of_a_cycle_follows_what_was_sent_and_sends_no_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = world_create()
    user = user_make(cash="1000.00")
    investing.invest(user, "global-100", "300.00")
    deal()
    _next_week(world)
    broker = Stopping()
    monkeypatch.setitem(registry.BROKERS, "paper", broker)
    assert deal()
    assert broker.placed == ["sell"]
    blocks = BlockOrder.objects.filter(cycle=DealingCycle.objects.latest("id"))
    assert blocks.count() > 2
    assert list(blocks.filter(status=BlockOrder.Status.DONE).values_list("side", flat=True)) == ["sell"]
    assert blocks.filter(status=BlockOrder.Status.REJECTED).count() == blocks.count() - 1
    assert Rebalance.objects.latest("id").status == Rebalance.Status.DONE
    sound()


def test_an_order_planned_before_the_stop_is_withheld_and_its_money_stays_in_the_portfolio() -> None:
    world_create()
    user = user_make(cash="1000.00")
    order = investing.invest(user, "global-100", "300.00")
    cycle = cycle_open()
    assert cycle is not None
    assert execution.cycle_advance(cycle.pk)
    assert BlockOrder.objects.filter(status=BlockOrder.Status.NEW, side="buy").count() == 5
    pause_start("buys", reason=WHY)
    while execution.cycle_advance(cycle.pk):
        pass
    assert set(BlockOrder.objects.values_list("status", "reason")) == {("rejected", f"Not sent. {WHY}")}
    assert status(order) == Order.Status.SETTLED
    # Not a cent is lost: it waits as dollars in the portfolio.
    [holding] = selectors.holdings(user)
    assert holding.value_usd == Decimal("300.00")
    assert [position.token for position in holding.positions] == ["usd"]
    sound()


def test_a_paused_index_leaves_the_block_order_and_the_other_goes_on() -> None:
    world = world_create()
    other = index_create("second", "Second")
    decision_create(
        world, as_of=world.decisions[0].as_of, weights={"alpha": "0.5", "beta": "0.5"}, index=other
    )
    user = user_make(cash="1000.00")
    plans.subscribe(user, "gold")
    first = investing.invest(user, "global-100", "300.00")
    second = investing.invest(user, "second", "300.00")
    cycle = cycle_open()
    assert cycle is not None
    assert execution.cycle_advance(cycle.pk)
    pause_start("index", "second", reason=WHY)
    while execution.cycle_advance(cycle.pk):
        pass
    assert (status(first), status(second)) == (Order.Status.SETTLED, Order.Status.SETTLED)
    held = {row.index_slug: {line.token for line in row.positions} for row in selectors.holdings(user)}
    assert held["second"] == {"usd"}
    assert set(TOKENS) <= held["global-100"]
    alpha = BlockOrder.objects.filter(asset__code="token:alpha").order_by("attempt")
    assert [(row.attempt, row.status) for row in alpha] == [(1, "rejected"), (2, "done")]
    sound()


def test_the_console_stops_and_goes_on_in_the_name_of_the_operator() -> None:
    world_create()
    by, client = operator(), Client()
    client.force_login(by, backend="django.contrib.auth.backends.ModelBackend")
    page = client.post("/admin/portfolios/pause/add/", {"scope": "asset", "target": "nowhere", "reason": WHY})
    assert b"there is no asset" in page.content
    assert not Pause.objects.exists()
    client.post("/admin/portfolios/pause/add/", {"scope": "asset", "target": "alpha", "reason": WHY})
    row = Pause.objects.get()
    assert (row.started_by, row.target, row.reason) == (by, "alpha", WHY)
    assert client.get(f"/admin/portfolios/pause/{row.pk}/end/").status_code == 200
    row.refresh_from_db()
    assert row.ended_at is None
    client.post(f"/admin/portfolios/pause/{row.pk}/end/")
    row.refresh_from_db()
    assert row.ended_by == by
    assert LogEntry.objects.filter(user=by).count() == 2


def test_the_shell_stops_lists_and_goes_on(capsys: pytest.CaptureFixture[str]) -> None:
    world_create()
    operator()
    call_command("kill_switch", "buys", "--reason", WHY)
    assert '"scope": "buys"' in capsys.readouterr().out
    key = Pause.objects.get().pk
    with pytest.raises(CommandError, match="--by"):
        call_command("kill_switch", "--end", str(key))
    with pytest.raises(CommandError, match="is no operator"):
        call_command("kill_switch", "--end", str(key), "--by", "nobody@example.org")
    call_command("kill_switch", "--end", str(key), "--by", "operator@example.org")
    assert capsys.readouterr().out == ""
    assert pauses() == Pauses()


def _next_week(world: World) -> None:
    """A decision of another week, in force at once."""
    day = FIRST_DAY + timedelta(days=46)
    decision_create(world, as_of=day, weights={"alpha": "0.2", "beta": "0.1", "gamma": "0.7"})
    clock_to(world, day + timedelta(days=1))
