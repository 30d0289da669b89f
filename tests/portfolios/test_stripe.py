"""Card deposits against Stripe's API, played by a server on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from portfolios import selectors, tasks
from portfolios.errors import ConflictError, PaymentsDown, UnknownMethod, UnknownPayment
from portfolios.models import Payment, PaymentEvent, User
from portfolios.payments import registry
from portfolios.payments.stripe import Stripe
from portfolios.services import payments
from tests.books import sound
from tests.factories import user_make
from tests.portfolios.stripe_events import Card, knock, stripe_provider
from tests.portfolios.stripe_server import StripeServer
from tests.worlds import world_create

pytestmark = pytest.mark.django_db
BACK = "http://testserver/back/"


@pytest.fixture(scope="module")
def _server() -> Iterator[StripeServer]:
    server = StripeServer()
    yield server
    server.close()


@pytest.fixture
def stripe(_server: StripeServer, monkeypatch: pytest.MonkeyPatch) -> StripeServer:
    import stripe as client

    monkeypatch.setattr(client.HTTPClient, "INITIAL_DELAY", 0.001)
    monkeypatch.setattr(client.HTTPClient, "MAX_DELAY", 0.001)
    _server.mood = ""
    _server.sessions.clear()
    _server.by_key.clear()
    _server.requests.clear()
    provider = stripe_provider(api_base=_server.base)
    monkeypatch.setitem(registry.PAYMENTS, "stripe", provider)
    monkeypatch.setitem(registry.EVENTS, "stripe", provider)
    return _server


@pytest.fixture
def user() -> User:
    world_create()
    return user_make()


def opened(user: User, amount: str = "100.00") -> Payment:
    return payments.deposit_page_open(user, payments.deposit(user, amount, "stripe").pk, return_url=BACK)


def later(payment: Payment, minutes: int) -> None:
    made = timezone.now() - timedelta(minutes=minutes)
    Payment.objects.filter(pk=payment.pk).update(created_at=made, asked_at=None)


def test_the_page_is_asked_for_with_our_id(user: User, stripe: StripeServer) -> None:
    payment = opened(user, "123.45")
    assert (payment.status, payment.session) == ("pending", "cs_1")
    assert payment.continue_url == "https://checkout.example/cs_1"
    ((method, path, headers, form),) = stripe.requests
    assert (method, path) == ("POST", "/v1/checkout/sessions")
    assert headers["Idempotency-Key"] == f"deposit-{payment.pk}"
    assert headers["Authorization"] == "Bearer sk_test_x"
    assert form["line_items[0][price_data][unit_amount]"] == ["12345"]
    assert form["payment_intent_data[metadata][payment]"] == [str(payment.pk)]
    assert form["success_url"] == [BACK]
    assert user.email not in str(form)
    # Asked again, nothing is asked for again.
    assert payments.deposit_page_open(user, payment.pk, return_url=BACK).session == "cs_1"
    assert len(stripe.requests) == 1


def test_a_lost_answer_is_unknown_and_the_next_call_finds_the_page(user: User, stripe: StripeServer) -> None:
    payment = payments.deposit(user, "100.00", "stripe")
    stripe.mood = "deaf"
    with pytest.raises(PaymentsDown):
        payments.deposit_page_open(user, payment.pk, return_url=BACK)
    payment.refresh_from_db()
    assert (payment.status, payment.session, len(stripe.sessions)) == ("pending", "", 1)
    stripe.mood = ""
    assert payments.deposit_page_open(user, payment.pk, return_url=BACK).session == "cs_1"
    assert len(stripe.sessions) == 1


@pytest.mark.parametrize("mood", ["down", "busy"])
def test_what_says_nothing_leaves_the_deposit_open(user: User, stripe: StripeServer, mood: str) -> None:
    payment = payments.deposit(user, "100.00", "stripe")
    stripe.mood = mood
    with pytest.raises(PaymentsDown, match="Nothing was charged"):
        payments.deposit_page_open(user, payment.pk, return_url=BACK)
    payment.refresh_from_db()
    assert payment.status == "pending"


def test_a_definite_refusal_ends_it(user: User, stripe: StripeServer) -> None:
    payment = payments.deposit(user, "100.00", "stripe")
    stripe.mood = "refuse"
    with pytest.raises(ConflictError, match="Nothing was charged"):
        payments.deposit_page_open(user, payment.pk, return_url=BACK)
    payment.refresh_from_db()
    assert payment.status == "failed"
    assert selectors.cash(user) == 0


def test_others_cannot_open_it(user: User, stripe: StripeServer) -> None:
    payment = payments.deposit(user, "100.00", "stripe")
    with pytest.raises(UnknownPayment):
        payments.deposit_page_open(user_make(), payment.pk, return_url=BACK)


def test_a_lost_message_is_made_up_for_by_asking(user: User, stripe: StripeServer) -> None:
    payment = opened(user)
    stripe.pay("cs_1")
    assert tasks.payments_tick()["asked"] == 0  # it is too early to ask
    later(payment, 3)
    assert tasks.payments_tick()["asked"] == 1
    payment.refresh_from_db()
    assert (payment.status, payment.provider_reference) == ("completed", "pi_cs_1")
    assert selectors.cash(user) == 100
    # The message itself comes after all, and a second question: nothing more happens.
    event = Card(payment).succeeded()
    event["data"]["object"]["id"] = "pi_cs_1"
    assert knock(event).status_code == 200
    tasks.payments_tick()
    assert selectors.cash(user) == 100
    assert PaymentEvent.objects.count() == 2
    sound()


def test_asking_in_vain_changes_nothing(user: User, stripe: StripeServer) -> None:
    payment = opened(user)
    later(payment, 3)
    for mood in ("down", "deaf", "busy", "refuse", ""):
        stripe.mood = mood
        Payment.objects.update(asked_at=None)
        tasks.payments_tick()
        payment.refresh_from_db()
        assert payment.status == "pending"
    assert PaymentEvent.objects.count() == 0


def test_each_is_asked_about_every_two_minutes(user: User, stripe: StripeServer) -> None:
    later(opened(user), 3)
    now = timezone.now()
    assert payments.deposits_follow(now=now) == 1
    assert payments.deposits_follow(now=now + timedelta(seconds=90)) == 0
    assert payments.deposits_follow(now=now + timedelta(seconds=150)) == 1


def test_a_page_that_was_not_used_expires(user: User, stripe: StripeServer) -> None:
    payment = opened(user)
    stripe.sessions["cs_1"]["status"] = "expired"
    later(payment, 3)
    tasks.payments_tick()
    payment.refresh_from_db()
    assert (payment.status, selectors.cash(user)) == ("expired", 0)
    sound()


def test_a_page_that_was_never_opened_is_over_after_a_day(user: User, stripe: StripeServer) -> None:
    payment, other = payments.deposit(user, "100.00", "stripe"), opened(user, "50.00")
    later(payment, 24 * 60 - 1)
    later(other, 24 * 60 + 1)
    assert tasks.payments_tick()["expired"] == 0
    later(payment, 24 * 60 + 1)
    assert tasks.payments_tick()["expired"] == 1
    payment.refresh_from_db()
    other.refresh_from_db()
    assert (payment.status, other.status) == ("expired", "pending")
    with pytest.raises(UnknownPayment):
        payments.deposit_page_open(user, payment.pk, return_url=BACK)
    # Should the provider say paid after all, then it is: a success always wins.
    knock(Card(payment).succeeded())
    payment.refresh_from_db()
    assert (payment.status, selectors.cash(user)) == ("completed", 100)
    sound()


def test_a_page_that_opens_while_it_is_given_up_is_followed(
    user: User, stripe: StripeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    payment = payments.deposit(user, "100.00", "stripe")
    later(payment, 24 * 60 + 1)
    provider = registry.PAYMENTS["stripe"]
    collect = provider.collect

    def slow(**asked: Any) -> Any:
        answer = collect(**asked)
        assert tasks.payments_tick()["expired"] == 1
        return answer

    monkeypatch.setattr(type(provider), "collect", lambda self, **asked: slow(**asked))
    assert payments.deposit_page_open(user, payment.pk, return_url=BACK).continue_url
    payment.refresh_from_db()
    assert (payment.status, payment.session) == ("pending", "cs_1")
    stripe.pay("cs_1")
    later(payment, 3)
    tasks.payments_tick()
    payment.refresh_from_db()
    assert (payment.status, selectors.cash(user)) == ("completed", 100)
    sound()


def test_nothing_is_paid_out_to_cards(user: User, stripe: StripeServer) -> None:
    with pytest.raises(UnknownMethod):
        payments.withdraw(user, "1.00", "stripe")
    with pytest.raises(UnknownMethod):
        payments.destination_add(user, method="stripe", address="4242")


def test_a_webhook_secret_is_needed() -> None:
    with pytest.raises(ValueError, match="STRIPE_WEBHOOK_SECRET"):
        Stripe(secret_key="sk", webhook_secret="", live=False)


def test_the_whole_way_in_a_browser(user: User, stripe: StripeServer) -> None:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    page = client.get("/money/").content.decode()
    assert 'value="stripe"' in page
    answer = client.post("/money/deposit/", {"amount": "80", "method": "stripe", "token": "t"}, follow=True)
    here = answer.redirect_chain[-1][0]
    text = answer.content.decode()
    assert "Nothing has come in yet" in text
    assert 'href="https://checkout.example/cs_1"' in text
    payment = Payment.objects.get()
    assert here == f"/money/payments/{payment.pk}/"
    # The same form twice is one deposit.
    client.post("/money/deposit/", {"amount": "80", "method": "stripe", "token": "t"})
    assert Payment.objects.count() == 1
    assert "Deposit of $80.00" in client.get("/money/").content.decode()
    knock(Card(payment).succeeded())
    assert "$80.00 came in" in client.get(here).content.decode()
    assert selectors.cash(user) == 80
    stranger = Client()
    stranger.force_login(user_make(), backend="django.contrib.auth.backends.ModelBackend")
    assert stranger.get(here).status_code == 404


def test_a_page_that_cannot_be_opened_is_tried_again(user: User, stripe: StripeServer) -> None:
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    stripe.mood = "down"
    answer = client.post("/money/deposit/", {"amount": "80", "method": "stripe", "token": "t"}, follow=True)
    assert "Nothing was charged" in answer.content.decode()
    here = answer.redirect_chain[-1][0]
    stripe.mood = ""
    assert "Open the card page" in client.get(here).content.decode()
    answer = client.post(f"{here}pay/", follow=True)
    assert "https://checkout.example/cs_1" in answer.content.decode()
