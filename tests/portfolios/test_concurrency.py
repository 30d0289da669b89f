"""Many at once, with real threads and connections: one winner, one effect."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from threading import Barrier

import pytest
from django.db import connection, transaction

from portfolios import selectors
from portfolios.errors import InsufficientFunds, MoneyError, NotCancellable
from portfolios.models import Dealing, Entry, Fill, Order, Payment, Rebalance, User
from portfolios.services import accounts, execution, investing, ledger, payments, rebalancing
from signals import selectors as signal_selectors
from tests.books import sound
from tests.factories import user_make
from tests.worlds import clock_to, decision_create, world_create

pytestmark = pytest.mark.django_db(transaction=True)

THREADS = 32
ROUNDS = 40
NOW = datetime(2022, 2, 1, tzinfo=UTC)


class Crowd:
    """A pool of threads, each with its own connection, that start together."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.barrier = Barrier(size)
        self.pool = ThreadPoolExecutor(size)

    def all_at_once(self, act: Callable[[int], object]) -> list[object]:
        def one(number: int) -> object:
            self.barrier.wait()
            try:
                return act(number)
            except MoneyError as error:
                return error

        return list(self.pool.map(one, range(self.size)))

    def close(self) -> None:
        def leave(_: int) -> None:
            self.barrier.wait()
            connection.close()

        list(self.pool.map(leave, range(self.size)))
        self.pool.shutdown()


@pytest.fixture
def crowd() -> Iterator[Crowd]:
    crowd = Crowd(THREADS)
    yield crowd
    crowd.close()


def test_one_winner_among_thirty_two_withdrawals(crowd: Crowd) -> None:
    world_create()
    user = user_make()
    for number in range(ROUNDS):
        payments.deposit(user, "10.00")
        answers = crowd.all_at_once(lambda _: payments.withdraw(User(pk=user.pk), "10.00"))
        winners = [answer for answer in answers if isinstance(answer, Payment)]
        losers = [answer for answer in answers if isinstance(answer, InsufficientFunds)]
        assert (len(winners), len(losers)) == (1, THREADS - 1), f"round {number}"
    assert selectors.cash(user) == 0
    assert Entry.objects.filter(kind="withdrawal").count() == ROUNDS
    sound()


def test_the_ledger_itself_lets_one_win(crowd: Crowd) -> None:
    """Without the queue of withdrawals: the row lock and the check of the ledger alone."""
    world_create()
    user = user_make()
    cash, outside, usd = accounts.user_cash(user), accounts.outside("sandbox"), accounts.usd()

    def take(turn: int, number: int) -> object:
        with transaction.atomic():
            return ledger.entry_post(
                reference=f"take:{turn}:{number}",
                kind="test",
                effective_at=NOW,
                legs=[ledger.Leg(cash, usd, Decimal(-10)), ledger.Leg(outside, usd, Decimal(10))],
            )

    for turn in range(20):
        payments.deposit(user, "10.00")
        answers = crowd.all_at_once(partial(take, turn))
        assert len([answer for answer in answers if isinstance(answer, Entry)]) == 1
    assert selectors.cash(user) == 0


def test_withdrawals_and_investments_share_one_balance(crowd: Crowd) -> None:
    world_create()
    user = user_make(cash="500.00")

    def act(number: int) -> object:
        if number % 2:
            return investing.invest(user, "global-100", "100.00")
        return payments.withdraw(user, "100.00")

    answers = crowd.all_at_once(act)
    assert len([answer for answer in answers if isinstance(answer, Order | Payment)]) == 5
    assert selectors.cash(user) == 0
    sound()


def test_the_same_reference_at_once_is_one_deposit(crowd: Crowd) -> None:
    world_create()
    user = user_make()
    answers = crowd.all_at_once(lambda _: payments.deposit(user, "10.00", "sandbox", "the-same"))
    assert len({answer.pk for answer in answers if isinstance(answer, Payment)}) == 1
    assert selectors.cash(user) == 10
    assert Payment.objects.count() == 1


def test_a_cancellation_and_a_dealing_exclude_each_other(crowd: Crowd) -> None:
    world_create()
    user = user_make(cash="320.00")
    orders = [investing.invest(user, "global-100", "50.00") for _ in range(6)]

    def act(number: int) -> object:
        if number < 6:
            return investing.order_cancel(user, orders[number].pk)
        return execution.dealing_run() if number < 9 else None

    answers = crowd.all_at_once(act)
    execution.dealing_run()
    refused = [answer for answer in answers if isinstance(answer, NotCancellable)]
    statuses = sorted(Order.objects.values_list("status", flat=True))
    assert statuses.count("settled") == len(refused)
    assert statuses.count("cancelled") == 6 - len(refused)
    sound()


def test_two_schedulers_make_one_rebalance(crowd: Crowd) -> None:
    world = world_create()
    user = user_make(cash="3000")
    investing.invest(user, "global-100", "3000")
    execution.dealing_run()
    today = signal_selectors.last_closed_day()
    decision_create(world, as_of=today + timedelta(days=6), weights={"alpha": "0.2", "gamma": "0.8"})
    clock_to(world, today + timedelta(days=7))

    def tick(number: int) -> object:
        if number >= 4:
            return None
        rebalancing.rebalances_ensure(today + timedelta(days=7))
        return execution.dealing_run()

    crowd.all_at_once(tick)
    execution.dealing_run()
    assert list(Rebalance.objects.values_list("status", flat=True)) == ["done"]
    assert Dealing.objects.filter(kind="rebalance").count() == 1
    assert Fill.objects.filter(block_order__cycle__dealings__kind="rebalance").values(
        "venue_trade_id"
    ).distinct().count() == (Fill.objects.filter(block_order__cycle__dealings__kind="rebalance").count())
    weights = {position.token: position.weight for position in selectors.holdings(user)[0].positions}
    assert weights["gamma"] == pytest.approx(Decimal("0.8"), abs=Decimal("0.003"))
    sound()
