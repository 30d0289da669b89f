"""The worker dies at every place where it can, and the next tick ends in the same state."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

import pytest

from portfolios import selectors
from portfolios.brokers import registry
from portfolios.brokers.base import BrokerOrder, BrokerReport, BrokerUnreachable
from portfolios.brokers.paper import PaperBroker
from portfolios.models import BlockOrder, Dealing, Fill, Order, Rebalance
from portfolios.services import execution, investing, rebalancing
from portfolios.services.faultpoints import hook_set
from signals import selectors as signal_selectors
from tests.books import sound
from tests.factories import user_make
from tests.worlds import World, clock_to, decision_create, world_create

pytestmark = pytest.mark.django_db(transaction=True)

POINTS = [
    "cycle opened",
    "order claimed",
    "order placed",
    "order recorded",
    "sold",
    "purchases planned",
    "bought",
    "dealing settled",
]


class Killed(BaseException):
    """Not an Exception: nothing in the product may catch it."""


@pytest.fixture(autouse=True)
def no_hook() -> Iterator[None]:
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
    """An investor is in; a rebalance is due and another order waits."""
    user = user_make(email="investor@example.org", cash="4000")
    investing.invest(user, "global-100", "3000")
    execution.dealing_run()
    today = signal_selectors.last_closed_day()
    decision_create(world, as_of=today + timedelta(days=6), weights={"alpha": "0.2", "gamma": "0.8"})
    clock_to(world, today + timedelta(days=7))
    rebalancing.rebalances_ensure(today + timedelta(days=7))
    investing.invest(user, "global-100", "1000")


def outcome() -> tuple[object, ...]:
    return (
        sorted(Rebalance.objects.values_list("status", flat=True)),
        sorted(Order.objects.values_list("status", flat=True)),
        Dealing.objects.filter(kind="rebalance", is_open=False).count(),
    )


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


@pytest.mark.parametrize("turn", [1, 3])
@pytest.mark.parametrize("point", POINTS)
def test_a_death_anywhere_changes_nothing(point: str, turn: int) -> None:
    start(world_create())
    die_at(point, turn)
    died = run_through()
    hook_set(None)
    sound()
    assert died <= 1
    if turn == 1:
        assert died == 1
    assert outcome() == (["done"], ["settled", "settled"], 1)
    assert Fill.objects.values("venue_trade_id").distinct().count() == Fill.objects.count()
    assert selectors.reserved(Order.objects.all()[0].user) == 0


class Deaf(PaperBroker):
    """Acts on an order and then loses the answer; now and then it cannot be reached at all."""

    def __init__(self) -> None:
        self.received: set[str] = set()
        self.calls = 0

    def order_place(self, order: BrokerOrder) -> BrokerReport:
        assert order.client_id not in self.received, "sent twice"
        self.received.add(order.client_id)
        raise BrokerUnreachable("the answer was lost")

    def order_find(self, order: BrokerOrder) -> BrokerReport | None:
        self.calls += 1
        if self.calls % 3 == 0:
            raise BrokerUnreachable("maintenance")
        return super().order_find(order)


def test_a_lost_answer_is_unknown_and_never_sent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    world_create()
    broker = Deaf()
    monkeypatch.setitem(registry.BROKERS, "paper", broker)
    user = user_make(cash="1000")
    investing.invest(user, "global-100", "1000")
    assert run_through() == 0
    assert len(broker.received) == BlockOrder.objects.count() == 5
    assert BlockOrder.objects.exclude(status="done").count() == 0
    sound()


class Forgetful(PaperBroker):
    """Never received the first copy of any order."""

    def __init__(self) -> None:
        self.placed: list[str] = []

    def order_place(self, order: BrokerOrder) -> BrokerReport:
        self.placed.append(order.client_id)
        if len(self.placed) <= 5:
            raise BrokerUnreachable("nobody there")
        return super().order_place(order)

    def order_find(self, order: BrokerOrder) -> BrokerReport | None:
        return None if order.client_id in self.placed[:5] else super().order_find(order)


def test_an_order_that_never_arrived_is_sent_again_under_a_new_id(monkeypatch: pytest.MonkeyPatch) -> None:
    world_create()
    broker = Forgetful()
    monkeypatch.setitem(registry.BROKERS, "paper", broker)
    user = user_make(cash="1000")
    investing.invest(user, "global-100", "1000")
    for _ in range(5):
        assert not execution.dealing_run().at_rest
    assert len(broker.placed) == 5
    for block in BlockOrder.objects.all():
        assert block.sent_at is not None
        BlockOrder.objects.filter(pk=block.pk).update(sent_at=block.sent_at - timedelta(seconds=61))
    assert run_through() == 0
    assert len(set(broker.placed)) == 10
    assert (
        sorted(BlockOrder.objects.values_list("attempt", "status"))
        == [(1, "rejected")] * 5 + [(2, "done")] * 5
    )
    sound()


class Refusing(PaperBroker):
    """Takes no sales."""

    def order_place(self, order: BrokerOrder) -> BrokerReport:
        if order.side == "sell":
            return BrokerReport("rejected", [], "halted")
        return super().order_place(order)


def test_what_cannot_be_sold_is_not_paid_and_stays_the_investors(monkeypatch: pytest.MonkeyPatch) -> None:
    world_create()
    user = user_make(cash="1000")
    invested = investing.invest(user, "global-100", "1000")
    execution.dealing_run()
    invested.refresh_from_db()
    monkeypatch.setitem(registry.BROKERS, "paper", Refusing())
    order = investing.redeem(user, "global-100", amount="500")
    assert run_through() == 0
    order.refresh_from_db()
    assert order.status == "settled"
    assert order.proceeds is not None
    assert order.proceeds < Decimal("0.01")
    assert "yours again" in order.reason
    assert selectors.holdings(user)[0].units == pytest.approx(invested.units, abs=Decimal("0.001"))
    sound()
