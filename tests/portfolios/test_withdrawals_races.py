"""Deaths and crowds on the way out: whatever happens, money leaves once or comes back once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from functools import partial

import pytest
from django.utils import timezone

from portfolios import selectors
from portfolios.errors import InsufficientFunds, MoneyError, NotCancellable, UnknownDestination
from portfolios.models import Entry, Payment, PaymentEvent, User
from portfolios.payments import registry
from portfolios.selectors.payments import owed
from portfolios.services import payments
from portfolios.services.faultpoints import hook_set
from tests.books import sound
from tests.factories import user_make
from tests.portfolios.stripe_events import Card, signed, stripe_provider
from tests.portfolios.test_concurrency import Crowd
from tests.portfolios.test_crashes import Killed, die_at
from tests.portfolios.wires import Wire, destination_make
from tests.worlds import world_create

pytestmark = pytest.mark.django_db(transaction=True)
POINTS = ["withdrawal held", "withdrawal claimed", "withdrawal sent", "withdrawal concluded"]


@pytest.fixture(autouse=True)
def no_hook() -> Iterator[None]:
    yield
    hook_set(None)


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> Wire:
    provider = Wire()
    monkeypatch.setitem(registry.PAYMENTS, "wire", provider)
    return provider


@pytest.fixture
def crowd() -> Iterator[Crowd]:
    crowd = Crowd(16)
    yield crowd
    crowd.close()


def tick(minutes: int) -> None:
    """One turn of the tick, so many minutes from now."""
    now = timezone.now() + timedelta(minutes=minutes)
    payments.withdrawals_follow(now=now)
    payments.withdrawals_expire(now=now)
    payments.withdrawals_send(now=now)


def run_through() -> int:
    """Ticks until nothing is on its way; how many died."""
    died = 0
    for minute in range(1, 40):
        try:
            tick(minute)
        except Killed:
            died += 1
            sound()
        if not Payment.objects.filter(status__in=["held", "sending"]).exists():
            return died
    raise AssertionError("did not come to rest")


@pytest.mark.parametrize("mood", ["", "deaf"])
@pytest.mark.parametrize("turn", [1, 2])
@pytest.mark.parametrize("point", POINTS)
def test_a_death_anywhere_pays_once(wire: Wire, point: str, turn: int, mood: str) -> None:
    world_create()
    user = user_make(cash="1000.00")
    place = destination_make(user)
    made = [payments.withdraw(user, f"{10 + number}.00", destination=place) for number in range(3)]
    wire.mood = mood
    die_at(point, turn)
    died = run_through()
    assert died <= 1
    if not (mood == "deaf" and point == "withdrawal sent"):
        assert died == 1
    hook_set(None)
    assert sorted(Payment.objects.filter(method="wire").values_list("status", flat=True)) == ["completed"] * 3
    assert set(wire.paid) == {str(payment.pk) for payment in made}
    assert (selectors.cash(user), selectors.reserved(user)) == (967, 0)
    assert Entry.objects.filter(kind="withdrawal").count() == 3
    sound()


def test_cancelling_and_sending_exclude_each_other(wire: Wire, crowd: Crowd) -> None:
    world_create()
    user = user_make(cash="10000.00")
    place = destination_make(user)
    for _ in range(10):
        payment = payments.withdraw(user, "10.00", destination=place)

        def act(number: int, key: object = payment.pk) -> object:
            if number % 2:
                return payments.withdrawal_cancel(User(pk=user.pk), key)
            return payments.withdrawals_send(now=timezone.now())

        answers = crowd.all_at_once(act)
        payment.refresh_from_db()
        refused = [answer for answer in answers if isinstance(answer, NotCancellable)]
        assert payment.status in ("completed", "cancelled", "sending")
        assert (str(payment.pk) in wire.paid) is (payment.status == "completed")
        assert len(refused) in (0, 8) if payment.status != "sending" else True
    assert len(wire.calls) == len(set(wire.calls)) == len(wire.paid)
    sound()


def test_following_at_once_asks_once(wire: Wire, crowd: Crowd) -> None:
    world_create()
    user = user_make(cash="100.00")
    wire.mood = "down"
    payments.withdraw(user, "10.00", destination=destination_make(user))
    now = timezone.now()
    payments.withdrawals_send(now=now)
    wire.mood = ""
    answers = crowd.all_at_once(lambda _: payments.withdrawals_follow(now=now + timedelta(minutes=1)))
    assert sum(answer for answer in answers if isinstance(answer, int)) == 1
    assert len(wire.calls) == 2
    assert Payment.objects.get(method="wire").status == "completed"
    sound()


def test_approvals_at_once_count_each_person_once(wire: Wire, crowd: Crowd) -> None:
    world_create()
    user = user_make(cash="50000.00")
    staff = [user_make() for _ in range(2)]
    User.objects.filter(pk__in=[person.pk for person in staff]).update(is_staff=True)
    staff = [User.objects.get(pk=person.pk) for person in staff]
    payment = payments.withdraw(user, "20000.00", destination=destination_make(user))
    answers = crowd.all_at_once(
        lambda number: payments.withdrawal_approve(payment.pk, staff=staff[number % 2])
    )
    payment.refresh_from_db()
    assert payment.status == "held"
    assert len([answer for answer in answers if isinstance(answer, Payment)]) == 2
    assert payment.approvals.count() == 2
    sound()


def test_removing_an_address_while_it_is_used(wire: Wire, crowd: Crowd) -> None:
    world_create()
    user = user_make(cash="160.00")
    place = destination_make(user)

    def act(number: int) -> object:
        if number == 7:
            return payments.destination_remove(User.objects.get(pk=user.pk), place)
        return payments.withdraw(User.objects.get(pk=user.pk), "10.00", destination=place)

    answers = crowd.all_at_once(act)
    assert all(isinstance(answer, Payment | UnknownDestination | int) for answer in answers)
    assert set(Payment.objects.filter(method="wire").values_list("status", flat=True)) <= {"cancelled"}
    assert (selectors.cash(user), selectors.reserved(user)) == (160, 0)
    sound()


def test_one_message_from_sixteen_sides_is_stored_once(monkeypatch: pytest.MonkeyPatch, crowd: Crowd) -> None:
    provider = stripe_provider()
    monkeypatch.setitem(registry.PAYMENTS, "stripe", provider)
    monkeypatch.setitem(registry.EVENTS, "stripe", provider)
    world_create()
    user = user_make()
    for round_ in range(5):
        card = Card(payments.deposit(user, "100.00", "stripe"))
        # The dispute must find the payment although it names none of ours, whichever comes first.
        messages = [signed(card.succeeded()), signed(card.dispute("created", amount="40.00"))]

        def deliver(number: int, sent: list[tuple[bytes, str]] = messages) -> object:
            return payments.event_receive("stripe", *sent[number % 2])

        answers = crowd.all_at_once(deliver)
        assert sorted(answer for answer in answers if isinstance(answer, bool)) == [False] * 14 + [True] * 2
        card.payment.refresh_from_db()
        assert (card.payment.status, card.payment.disputed) == ("disputed", 40)
        assert selectors.cash(user) == 60 * (round_ + 1)
    assert PaymentEvent.objects.count() == 10
    assert owed(user) == 0
    sound()


ROUNDS, THREADS = 1000, 32


@pytest.mark.proof
@pytest.mark.parametrize("way", ["at once", "set aside"])
def test_one_winner_among_thirty_two_withdrawals_a_thousand_times(
    wire: Wire, settings: object, way: str
) -> None:
    """I10, F10: the whole balance asked for by 32 at once, a thousand times; exactly one gets it, each time."""
    settings.WITHDRAWAL_DAILY_LIMIT = "1000000"  # type: ignore[attr-defined]
    world_create()
    user = user_make()
    place = destination_make(user) if way == "set aside" else None
    crowd = Crowd(THREADS)

    def take(turn: int, number: int) -> object:
        try:
            return payments.withdraw(
                User(pk=user.pk), "10.00", reference=f"{turn}:{number}", destination=place
            )
        except MoneyError as error:
            return error

    try:
        for turn in range(ROUNDS):
            payments.deposit(user, "10.00")
            answers = crowd.all_at_once(partial(take, turn))
            winners = [answer for answer in answers if isinstance(answer, Payment)]
            losers = [answer for answer in answers if isinstance(answer, InsufficientFunds)]
            assert (len(winners), len(losers)) == (1, THREADS - 1), f"round {turn}"
        assert selectors.cash(user) == 0
        assert Payment.objects.filter(direction="withdrawal").count() == ROUNDS
        sound()
    finally:
        crowd.close()
