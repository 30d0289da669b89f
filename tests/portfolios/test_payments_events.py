"""Stripe's messages at our door: verified, stored once with their effect, the same in any order."""

from __future__ import annotations

import random
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client

from portfolios import selectors
from portfolios.models import Balance, Entry, Notice, Payment, PaymentEvent, User
from portfolios.payments import registry
from portfolios.selectors.payments import owed
from portfolios.services import payments
from tests.books import sound
from tests.factories import user_make
from tests.portfolios.stripe_events import Card, knock, message, signed, stripe_provider
from tests.worlds import world_create

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _stripe(monkeypatch: pytest.MonkeyPatch) -> None:
    provider = stripe_provider()
    monkeypatch.setitem(registry.PAYMENTS, "stripe", provider)
    monkeypatch.setitem(registry.EVENTS, "stripe", provider)


@pytest.fixture
def user() -> User:
    world_create()
    return user_make()


def card(user: User, amount: str = "100.00") -> Card:
    return Card(payments.deposit(user, amount, "stripe"))


def books(user: User) -> tuple[Decimal, Decimal]:
    """(cash, owed)"""
    return selectors.cash(user), owed(user)


def status(paid: Card) -> str:
    paid.payment.refresh_from_db()
    return str(paid.payment.status)


def test_nothing_is_there_until_the_provider_says_so(user: User) -> None:
    paid = card(user)
    assert status(paid) == "pending"
    assert books(user) == (0, 0)
    sound()
    assert knock(paid.succeeded()).status_code == 200
    assert status(paid) == "completed"
    assert books(user) == (100, 0)
    assert paid.payment.provider_reference == paid.intent
    assert paid.payment.completed_at is not None
    assert [notice.title for notice in Notice.objects.filter(user=user)] == ["$100.00 came in"]
    sound()


def test_the_same_message_twenty_times_is_one(user: User) -> None:
    paid = card(user)
    event = paid.succeeded()
    assert [knock(event).status_code for _ in range(20)] == [200] * 20
    assert knock(paid.succeeded()).status_code == 200  # another id, the same success
    assert books(user) == (100, 0)
    assert PaymentEvent.objects.count() == 2
    assert Entry.objects.filter(kind="deposit").count() == 1
    sound()


@pytest.mark.parametrize(
    "how", [{"secret": "whsec_forged"}, {"age": 301}, {"age": 100_000}], ids=["forged", "old", "very old"]
)
def test_a_bad_signature_has_no_effect(user: User, how: dict[str, Any]) -> None:
    paid = card(user)
    answer = knock(paid.succeeded(), **how)
    assert answer.status_code == 400
    assert (PaymentEvent.objects.count(), status(paid), books(user)) == (0, "pending", (0, 0))


def test_the_signature_covers_every_byte(user: User) -> None:
    paid = card(user)
    body, header = signed(paid.succeeded())
    changed = body.replace(b'"livemode": false', b'"livemode":  false')
    assert changed != body
    for sent, with_header in (
        (changed, header),
        (body, ""),
        (body, "t=x,v1=y"),
        (b"\xff", header),
        (b"", header),
    ):
        answer = Client().post(
            "/webhooks/stripe/",
            data=sent,
            content_type="application/json",
            headers={"Stripe-Signature": with_header} if with_header else {},
        )
        assert answer.status_code == 400
    assert PaymentEvent.objects.count() == 0
    # Two hundred and ninety seconds are still in time.
    assert knock(paid.succeeded(), age=290).status_code == 200


def test_modes_do_not_mix(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    paid = card(user)
    event = paid.succeeded() | {"livemode": True}
    assert knock(event).status_code == 400
    monkeypatch.setitem(registry.EVENTS, "stripe", stripe_provider(live=True))
    assert knock(paid.succeeded()).status_code == 400
    assert PaymentEvent.objects.count() == 0
    assert knock(event).status_code == 200
    assert books(user) == (100, 0)


def test_unknown_messages_are_stored_and_change_nothing(user: User) -> None:
    paid = card(user)
    for event in (
        message("customer.created", {"id": "cus_1"}),
        message("radar.early_fraud_warning.created", {"id": "issfr_1", "payment_intent": paid.intent}),
        paid.dispute("created", "warning_needs_response"),
        paid.dispute("updated"),
    ):
        assert knock(event).status_code == 200
    assert PaymentEvent.objects.filter(kind="").count() == 4
    assert status(paid) == "pending"


def test_a_signed_message_without_what_it_must_have_is_refused(user: User) -> None:
    for event in (
        {"id": "evt_1", "livemode": False},
        message("payment_intent.succeeded", {"id": "pi_1"}),
        message("payment_intent.succeeded", {"id": "pi_1", "currency": "usd", "amount_received": "100"}),
        {"livemode": False, "type": "x", "data": {"object": {}}},
    ):
        assert knock(event).status_code == 400
    assert PaymentEvent.objects.count() == 0


def test_only_post_and_only_known_providers(user: User) -> None:
    assert Client().get("/webhooks/stripe/").status_code == 405
    assert Client().post("/webhooks/nobody/", data=b"{}", content_type="application/json").status_code == 404


def test_another_amount_is_not_credited(user: User) -> None:
    paid = card(user)
    knock(paid.succeeded("99.00"))
    knock(paid.succeeded(currency="eur"))
    assert (status(paid), books(user)) == ("pending", (0, 0))
    assert "another amount" in paid.payment.reason
    sound()


def test_a_failed_attempt_can_be_followed_by_a_success(user: User) -> None:
    paid = card(user)
    knock(paid.failed())
    assert status(paid) == "failed"
    assert paid.payment.reason == "Your card was declined."
    assert books(user) == (0, 0)
    knock(paid.succeeded())
    knock(paid.failed())
    assert (status(paid), books(user)) == ("completed", (100, 0))
    sound()


def test_refunds_count_from_the_beginning(user: User) -> None:
    paid = card(user)
    for event in (paid.succeeded(), paid.refunded("30.00"), paid.refunded("30.00"), paid.refunded("100.00")):
        knock(event)
        sound()
    assert (status(paid), books(user)) == ("reversed", (0, 0))
    assert list(Entry.objects.filter(kind="refund").values_list("kind", flat=True)) == ["refund"] * 2


def test_a_dispute_takes_the_cash_and_the_rest_is_owed(user: User) -> None:
    paid = card(user)
    knock(paid.succeeded())
    payments.withdraw(user, "70.00")
    knock(paid.dispute("created"))
    assert (status(paid), books(user)) == ("disputed", (0, 70))
    sound()
    with pytest.raises(Exception, match="owed"):
        payments.withdraw(user, "1.00")
    # A later deposit pays it first.
    payments.deposit(user, "50.00")
    assert books(user) == (0, 20)
    payments.deposit(user, "50.00")
    assert books(user) == (30, 0)
    payments.withdraw(user, "5.00")
    sound()
    # Won: it comes back by new entries, and nothing was ever edited.
    knock(paid.dispute("closed", "won"))
    knock(paid.dispute("funds_reinstated", "won"))
    assert (status(paid), books(user)) == ("completed", (125, 0))
    assert Entry.objects.filter(kind="dispute_returned").count() == 1
    assert any("dispute" in notice.title for notice in Notice.objects.filter(user=user))
    sound()


def test_a_dispute_that_is_lost_stays_taken(user: User) -> None:
    paid = card(user)
    for event in (
        paid.succeeded(),
        paid.dispute("created"),
        paid.dispute("funds_withdrawn"),
        paid.dispute("closed", "lost"),
    ):
        knock(event)
        sound()
    assert (status(paid), books(user)) == ("reversed", (0, 0))
    assert Entry.objects.filter(kind="dispute").count() == 1


def test_a_dispute_won_pays_what_is_owed(user: User) -> None:
    first, second = card(user), card(user)
    knock(first.succeeded())
    knock(second.succeeded())
    payments.withdraw(user, "200.00")
    knock(first.dispute("created"))
    knock(second.dispute("created"))
    assert books(user) == (0, 200)
    knock(first.dispute("closed", "won"))
    assert books(user) == (0, 100)
    sound()


def test_a_dispute_that_comes_first_waits_for_its_payment(user: User) -> None:
    paid = card(user)
    knock(paid.dispute("created", amount="40.00"))
    assert (status(paid), books(user)) == ("pending", (0, 0))
    knock(paid.succeeded())
    assert (status(paid), books(user)) == ("disputed", (60, 0))
    sound()


def story(user: User) -> list[dict[str, Any]]:
    """Fifty messages about ten payments."""
    events: list[dict[str, Any]] = []
    for number in range(5):
        paid, other = card(user, "100.00"), card(user, f"{20 + number}.00")
        events += [
            paid.failed(),
            paid.succeeded(),
            paid.refunded("10.00"),
            paid.refunded("25.00"),
            paid.dispute("created", amount="50.00"),
            paid.dispute("funds_withdrawn", amount="50.00"),
            paid.dispute("closed", ("won", "lost")[number % 2], amount="50.00"),
            other.succeeded(),
            other.dispute("created", number=2),
            other.expired(),
        ]
    assert len(events) == 50
    return events


def outcome(user: User) -> tuple[Any, ...]:
    rows = Payment.objects.filter(user=user).order_by("created_at")
    return (
        books(user),
        [(str(row.amount), row.status, str(row.refunded), str(row.disputed)) for row in rows],
        _balance("outside:stripe"),
    )


def _balance(key: str) -> Decimal:
    return Balance.objects.get(account__key=key, asset__code="USD").amount


def told(user: User, chance: random.Random | None, deliveries: int) -> tuple[Any, ...]:
    """The outcome after a story has been told, shuffled and repeated; undone again."""
    with transaction.atomic():
        events = story(user)
        line = events * deliveries
        if chance is not None:
            chance.shuffle(line)
        for event in line:
            body, header = signed(event)
            payments.event_receive("stripe", body, header)
        sound()
        result = outcome(user)
        transaction.set_rollback(True)
    return result


def test_any_order_and_any_number_end_the_same(user: User) -> None:
    in_order = told(user, None, 1)
    chance = random.Random(11)
    for _ in range(3):
        assert told(user, chance, 2) == in_order


@pytest.mark.proof
def test_fifty_messages_twenty_times_in_many_orders(user: User) -> None:
    in_order = told(user, None, 1)
    chance = random.Random(13)
    for _ in range(10):
        assert told(user, chance, 20) == in_order


def test_what_was_told_is_never_changed(user: User) -> None:
    knock(card(user).succeeded())
    for sql in ("UPDATE portfolios_paymentevent SET kind = ''", "DELETE FROM portfolios_paymentevent"):
        with pytest.raises(IntegrityError, match="refused"), transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(sql)
