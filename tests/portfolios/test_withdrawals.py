"""Money on its way out: set aside, approved, sent once, and given back where it was not sent."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from portfolios import errors, selectors, tasks
from portfolios.models import (
    Entry,
    Notice,
    Payment,
    SecurityEvent,
    User,
    WithdrawalDestination,
    WithdrawalLimit,
)
from portfolios.payments import registry
from portfolios.selectors.payments import owed
from portfolios.services import accounts, ledger, payments
from portfolios.services.pauses import pause_end, pause_start
from portfolios.services.payments import receivables
from signals import selectors as signal_selectors
from tests.books import sound
from tests.factories import user_make
from tests.portfolios.wires import Wire, destination_make
from tests.worlds import world_create

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def wire(monkeypatch: pytest.MonkeyPatch) -> Wire:
    provider = Wire()
    monkeypatch.setitem(registry.PAYMENTS, "wire", provider)
    return provider


@pytest.fixture
def user() -> User:
    world_create()
    return user_make(cash="20000.00")


def asked(user: User, amount: str = "100.00") -> Payment:
    return payments.withdraw(user, amount, destination=destination_make(user))


def money(user: User) -> tuple[Decimal, Decimal]:
    """(free, set aside)"""
    return selectors.cash(user), selectors.reserved(user)


def now_is(payment: Payment) -> str:
    payment.refresh_from_db()
    return str(payment.status)


def staff(number: int = 1) -> User:
    person = user_make(email=f"staff{number}@example.org")
    person.is_staff = True
    person.save()
    return person


def test_held_sent_completed(user: User, wire: Wire) -> None:
    payment = asked(user)
    assert (payment.status, money(user)) == ("held", (19900, 100))
    sound()
    assert tasks.payments_tick()["sent"] == 1
    assert (now_is(payment), money(user)) == ("completed", (19900, 0))
    assert wire.paid == {str(payment.pk): ("DE89370400440532", Decimal(100))}
    assert payment.provider_reference == f"wire-{payment.pk}"
    assert tasks.payments_tick() == {"followed": 0, "expired": 0, "sent": 0, "asked": 0}
    assert [notice.kind for notice in Notice.objects.filter(user=user).order_by("id")] == [
        "security",
        "withdrawal",
        "withdrawal",
    ]
    sound()


def test_a_new_address_waits_for_a_day(user: User, wire: Wire) -> None:
    added = payments.destination_add(user, method="wire", address="de89 3704 0044 0532", label=" Bank ")
    assert (added.address, added.label) == ("DE89370400440532", "Bank")
    assert added.usable_from - added.created_at == timedelta(hours=24)
    with pytest.raises(errors.DestinationNotYet, match="Nothing was moved"):
        payments.withdraw(user, "100.00", destination=added.pk)
    assert money(user) == (20000, 0)
    notice = Notice.objects.get(user=user, kind="security")
    assert "can be used from" in notice.text
    assert notice.url == "/money/destinations/"
    event = SecurityEvent.objects.get(kind="destination_added")
    assert (event.user, event.actor, event.subject) == (user, user, str(added.pk))


def test_an_address_that_comes_back_waits_again(user: User) -> None:
    old = destination_make(user)
    with pytest.raises(errors.DestinationListed):
        payments.destination_add(user, method="wire", address="DE89370400440532")
    payments.destination_remove(user, old)
    again = payments.destination_add(user, method="wire", address="DE89370400440532")
    with pytest.raises(errors.DestinationNotYet):
        payments.withdraw(user, "1.00", destination=again.pk)
    with pytest.raises(errors.UnknownDestination):
        payments.withdraw(user, "1.00", destination=old)


def test_removing_an_address_gives_back_what_waited_for_it(user: User, wire: Wire) -> None:
    payment = asked(user)
    assert payments.destination_remove(user, payment.destination_id) == 1
    assert (now_is(payment), money(user)) == ("cancelled", (20000, 0))
    assert tasks.payments_tick()["sent"] == 0
    assert wire.calls == []
    sound()


@pytest.mark.parametrize(
    ("what", "error"),
    [
        ({"method": "wire"}, errors.DestinationRequired),
        ({"destination": "nonsense"}, errors.UnknownDestination),
        ({"destination": "8f0e2c1a-5d0b-4a53-9f0e-6a2f7f0c9a11"}, errors.UnknownDestination),
    ],
)
def test_money_goes_only_where_it_may(
    user: User, what: dict[str, str], error: type[errors.MoneyError]
) -> None:
    with pytest.raises(error, match="Nothing was moved"):
        payments.withdraw(user, "100.00", **what)
    assert money(user) == (20000, 0)


def test_somebody_elses_address_is_unknown(user: User) -> None:
    with pytest.raises(errors.UnknownDestination):
        payments.withdraw(user, "1.00", destination=destination_make(user_make()))


@pytest.mark.parametrize("address", ["", "short", "with-dashes-9"])
def test_an_address_is_checked_by_its_provider(user: User, address: str) -> None:
    with pytest.raises(errors.InvalidAddress, match="8 or more"):
        payments.destination_add(user, method="wire", address=address)
    assert WithdrawalDestination.objects.count() == 0


def test_the_same_reference_is_one_withdrawal(user: User, wire: Wire) -> None:
    place = destination_make(user)
    first = payments.withdraw(user, "100.00", reference="a", destination=place)
    assert payments.withdraw(user, "100.00", reference="a", destination=place) == first
    with pytest.raises(errors.ConflictError):
        payments.withdraw(user, "99.00", reference="a", destination=place)
    other = destination_make(user, "GB33BUKB20201555")
    with pytest.raises(errors.ConflictError):
        payments.withdraw(user, "100.00", reference="a", destination=other)
    assert money(user) == (19900, 100)


def test_cancelled_while_it_waits(user: User, wire: Wire) -> None:
    payment = asked(user)
    assert payments.withdrawal_cancel(user, payment.pk).status == "cancelled"
    assert payments.withdrawal_cancel(user, payment.pk).status == "cancelled"
    assert money(user) == (20000, 0)
    assert tasks.payments_tick()["sent"] == 0
    with pytest.raises(errors.UnknownPayment):
        payments.withdrawal_cancel(user_make(), payment.pk)
    sound()


def test_what_was_sent_cannot_be_cancelled(user: User, wire: Wire) -> None:
    wire.mood = "slow"
    payment = asked(user)
    tasks.payments_tick()
    assert now_is(payment) == "sending"
    with pytest.raises(errors.NotCancellable):
        payments.withdrawal_cancel(user, payment.pk)
    assert money(user) == (19900, 100)
    sound()


def test_no_answer_is_followed_and_never_sent_twice(user: User, wire: Wire) -> None:
    wire.mood = "deaf"
    payment = asked(user)
    tasks.payments_tick()
    assert (now_is(payment), money(user)) == ("sending", (19900, 100))
    wire.mood = "down"
    now = timezone.now()
    for minute in range(1, 4):
        assert payments.withdrawals_follow(now=now + timedelta(minutes=minute)) == 1
    assert payments.withdrawals_expire(now=now + timedelta(days=30)) == 0
    assert now_is(payment) == "sending"
    wire.mood = ""
    assert payments.withdrawals_follow(now=now + timedelta(minutes=5)) == 1
    assert (now_is(payment), money(user)) == ("completed", (19900, 0))
    assert wire.calls == [str(payment.pk)]
    sound()


def test_what_never_arrived_is_sent_again_under_its_reference(user: User, wire: Wire) -> None:
    wire.mood = "down"
    payment = asked(user)
    tasks.payments_tick()
    wire.mood = ""
    assert payments.withdrawals_follow(now=timezone.now()) == 0  # asked a moment ago
    assert payments.withdrawals_follow(now=timezone.now() + timedelta(seconds=31)) == 1
    assert now_is(payment) == "completed"
    assert wire.calls == [str(payment.pk)] * 2
    assert len(wire.paid) == 1
    sound()


def test_declined_is_given_back(user: User, wire: Wire) -> None:
    wire.mood = "no"
    payment = asked(user)
    tasks.payments_tick()
    assert (now_is(payment), money(user)) == ("failed", (20000, 0))
    assert payment.reason == "The bank closed the account."
    assert "is back in your cash" in Notice.objects.filter(user=user).latest("id").text
    sound()


def test_what_waits_too_long_expires_once(user: User, wire: Wire) -> None:
    payment = asked(user)
    assert payment.expires_at is not None
    assert payments.withdrawals_expire(now=payment.expires_at - timedelta(seconds=1)) == 0
    assert payments.withdrawals_send(now=payment.expires_at) == 0
    assert payments.withdrawals_expire(now=payment.expires_at) == 1
    assert payments.withdrawals_expire(now=payment.expires_at) == 0
    assert (now_is(payment), money(user)) == ("expired", (20000, 0))
    assert wire.calls == []
    sound()


def test_the_kill_switch_stops_what_goes_out(user: User, wire: Wire) -> None:
    pause = pause_start("withdrawals", reason="We look into a fault.")
    payment = asked(user)
    play = payments.withdraw(user, "5.00")
    assert (payment.status, play.status) == ("held", "held")
    tasks.payments_tick()
    assert (now_is(payment), money(user), wire.calls) == ("held", (19895, 105), [])
    sound()
    pause_end(pause.pk, by=staff())
    assert tasks.payments_tick()["sent"] == 2
    assert (now_is(payment), now_is(play), money(user)) == ("completed", "completed", (19895, 0))
    sound()


def test_nothing_is_sent_again_while_it_is_paused(user: User, wire: Wire) -> None:
    wire.mood = "down"
    payment = asked(user)
    tasks.payments_tick()
    pause_start("all", reason="We look into a fault.")
    wire.mood = ""
    payments.withdrawals_follow(now=timezone.now() + timedelta(minutes=1))
    assert (now_is(payment), wire.calls) == ("sending", [str(payment.pk)])


def test_the_limit_of_the_day(user: User, settings: object) -> None:
    place = destination_make(user)
    settings.WITHDRAWAL_DAILY_LIMIT = "300"  # type: ignore[attr-defined]
    first = payments.withdraw(user, "200.00", destination=place)
    with pytest.raises(errors.DailyLimitReached, match=r"Nothing was paid out: \$300.00 may leave"):
        payments.withdraw(user, "100.01", destination=place)
    payments.withdraw(user, "100.00", destination=place)
    # Play money does not use it up, nor what was called off or asked for yesterday.
    payments.withdraw(user, "500.00")
    payments.withdrawal_cancel(user, first.pk)
    second = payments.withdraw(user, "200.00", destination=place)
    Payment.objects.filter(pk=second.pk).update(created_at=timezone.now() - timedelta(days=1))
    payments.withdraw(user, "200.00", destination=place)
    with pytest.raises(errors.DailyLimitReached):
        payments.withdraw(user, "0.01", destination=place)
    WithdrawalLimit.objects.create(user=user, daily=Decimal(1000), note="asked for by telephone")
    payments.withdraw(user, "600.00", destination=place)
    sound()


def test_two_people_approve_what_is_large(user: User, wire: Wire) -> None:
    payment = asked(user, "10000.01")
    assert (payment.status, payment.approvals_needed, money(user)[1]) == (
        "awaiting_approval",
        2,
        Decimal("10000.01"),
    )
    one, two = staff(1), staff(2)
    tasks.payments_tick()
    assert payments.withdrawal_approve(payment.pk, staff=one).status == "awaiting_approval"
    with pytest.raises(errors.ApprovalRefused, match="already"):
        payments.withdrawal_approve(payment.pk, staff=one)
    with pytest.raises(errors.ApprovalRefused, match="only staff"):
        payments.withdrawal_approve(payment.pk, staff=user_make())
    tasks.payments_tick()
    assert wire.calls == []
    sound()
    assert payments.withdrawal_approve(payment.pk, staff=two).status == "held"
    tasks.payments_tick()
    assert (now_is(payment), money(user)[1]) == ("completed", 0)
    assert list(
        SecurityEvent.objects.filter(kind="withdrawal_approved")
        .order_by("id")
        .values_list("actor", flat=True)
    ) == [one.pk, two.pk]
    sound()


def test_nobody_approves_their_own(user: User) -> None:
    user.is_staff = True
    user.save()
    payment = asked(user, "10000.01")
    with pytest.raises(errors.ApprovalRefused, match="their own"):
        payments.withdrawal_approve(payment.pk, staff=user)
    with pytest.raises(errors.ApprovalRefused, match="their own"):
        payments.withdrawal_refuse(payment.pk, staff=user, reason="no")


def test_one_refusal_is_enough(user: User, wire: Wire) -> None:
    payment = asked(user, "10000.01")
    with pytest.raises(errors.ApprovalRefused, match="reason"):
        payments.withdrawal_refuse(payment.pk, staff=staff(), reason="  ")
    payments.withdrawal_refuse(payment.pk, staff=staff(2), reason="Please call us.")
    assert (now_is(payment), payment.reason, money(user)) == ("failed", "Please call us.", (20000, 0))
    with pytest.raises(errors.ApprovalRefused, match="waits for no approval"):
        payments.withdrawal_approve(payment.pk, staff=staff(3))
    sound()


def test_play_money_has_limits_of_its_own(user: User, settings: object) -> None:
    assert payments.withdraw(user, "15000.00").status == "completed"
    settings.PLAY_WITHDRAWAL_APPROVAL_ABOVE = "100"  # type: ignore[attr-defined]
    payment = payments.withdraw(user, "100.01")
    assert (payment.status, money(user)[1]) == ("awaiting_approval", Decimal("100.01"))
    sound()


def test_whoever_owes_money_waits(user: User, wire: Wire) -> None:
    payment = asked(user)
    usd = accounts.usd()
    receivables.take_back(
        user,
        Decimal("19950.00"),
        into=[ledger.Leg(accounts.outside("sandbox"), usd, Decimal("19950.00"))],
        reference="taken",
        kind="reversal",
        effective_at=signal_selectors.market_time(),
        description="A deposit that was never there",
    )
    assert (money(user), owed(user)) == ((0, 100), 50)
    with pytest.raises(errors.ReceivableOpen, match=r"\$50.00 is owed"):
        payments.withdraw(user, "1.00")
    assert tasks.payments_tick()["sent"] == 0
    sound()
    # Cancelled, the money that was set aside pays what is owed.
    payments.withdrawal_cancel(user, payment.pk)
    assert (money(user), owed(user)) == ((50, 0), 0)
    assert payments.withdraw(user, "50.00").status == "completed"
    assert Entry.objects.filter(kind="receivable").count() == 1
    sound()
