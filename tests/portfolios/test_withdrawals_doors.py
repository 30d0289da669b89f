"""The doors to withdrawals: who is asked again who they are, by the API, in the browser and in the admin console."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, generate_totp_secret, hotp_value
from django.core.cache import cache
from django.test import Client

from portfolios import selectors
from portfolios.models import Payment, SecurityEvent, User, WithdrawalDestination, WithdrawalLimit
from portfolios.payments import registry
from portfolios.services import payments
from portfolios.services.api_keys import api_key_create
from tests.factories import PASSWORD, user_make
from tests.journeys.reading import read
from tests.portfolios.wires import Wire, destination_make
from tests.worlds import world_create

pytestmark = pytest.mark.django_db
BACKEND = "django.contrib.auth.backends.ModelBackend"


@pytest.fixture(autouse=True)
def wire(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Wire:
    cache.clear()
    settings.MFA_TOTP_TOLERANCE = 1  # a test may run across the end of half a minute
    provider = Wire()
    monkeypatch.setitem(registry.PAYMENTS, "wire", provider)
    return provider


@pytest.fixture
def user() -> User:
    world_create()
    return user_make(cash="20000.00")


def key_of(user: User, *scopes: str) -> str:
    return api_key_create(user, name="-".join(scopes), scopes=scopes)[1]


def call(method: str, path: str, body: dict[str, Any], key: str, **headers: str) -> Any:
    return Client().generic(
        method,
        f"/api/v1/{path}",
        data=json.dumps(body),
        content_type="application/json",
        headers={"Authorization": f"Bearer {key}", **headers},
    )


def app_of(user: User) -> str:
    """An authenticator app is set up; its secret."""
    secret = generate_totp_secret()
    TOTP.activate(user, secret)
    return secret


def code_now(secret: str, *, away: int = 0) -> str:
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30 + away))


def browser_of(user: User) -> Client:
    client = Client()
    client.force_login(user, backend=BACKEND)
    return client


def test_a_key_needs_the_scope(user: User) -> None:
    place = destination_make(user)
    body = {"amount": "100.00", "destination": place}
    answer = call("POST", "withdrawals/", body, key_of(user, "trade"))
    assert (answer.status_code, answer.json()["code"]) == (403, "scope_required")
    assert "Nothing was moved" in answer.json()["detail"]
    answer = call("POST", "withdrawals/", body, key_of(user, "withdraw"))
    assert answer.status_code == 202, answer.content
    assert (answer.json()["status"], answer.json()["destination"]) == ("held", place)
    assert selectors.reserved(user) == 100


def test_with_an_app_every_call_takes_a_fresh_code(user: User) -> None:
    place, secret = destination_make(user), app_of(user)
    body, key = {"amount": "100.00", "destination": place}, key_of(user, "withdraw")
    assert call("POST", "withdrawals/", body, key).json()["code"] == "code_required"
    for wrong in ("000000", code_now(secret, away=-20), "x" * 12):
        answer = call("POST", "withdrawals/", body | {"code": wrong}, key)
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "code")
    good = body | {"code": code_now(secret)}
    assert call("POST", "withdrawals/", good, key).status_code == 202
    # The same code does not count twice.
    assert call("POST", "withdrawals/", good, key).status_code == 400
    assert Payment.objects.filter(direction="withdrawal").count() == 1


def test_guessing_codes_comes_to_an_end(user: User) -> None:
    app_of(user)
    body = {"amount": "1.00", "destination": destination_make(user), "code": "000000"}
    key = key_of(user, "withdraw")
    statuses = [call("POST", "withdrawals/", body, key).status_code for _ in range(12)]
    assert 429 in statuses
    assert statuses[-1] == 429
    assert 202 not in statuses


def test_a_fresh_code_does_not_make_it_another_request(user: User) -> None:
    place, secret = destination_make(user), app_of(user)
    body, key = {"amount": "100.00", "destination": place}, key_of(user, "withdraw")
    retry = {"Idempotency-Key": "once"}
    first = call("POST", "withdrawals/", body | {"code": code_now(secret)}, key, **retry)
    again = call("POST", "withdrawals/", body | {"code": "123456"}, key, **retry)
    assert (first.status_code, again.status_code) == (202, 202)
    assert again.content == first.content
    assert again["Idempotent-Replayed"] == "true"
    other = call("POST", "withdrawals/", body | {"amount": "101.00"}, key, **retry)
    assert other.status_code == 422
    assert selectors.reserved(user) == 100


def test_addresses_by_the_api(user: User) -> None:
    key = key_of(user, "withdraw")
    body = {"method": "wire", "address": "gb33 bukb 2020 1555", "name": "Rent"}
    assert call("POST", "withdrawal-destinations/", body, key_of(user, "trade")).status_code == 403
    added = call("POST", "withdrawal-destinations/", body, key)
    assert added.status_code == 201, added.content
    row = added.json()
    assert (row["address"], row["name"], row["is_usable"]) == ("GB33BUKB20201555", "Rent", False)
    assert call("POST", "withdrawal-destinations/", body, key).json()["code"] == "destination_listed"
    bad = call("POST", "withdrawal-destinations/", body | {"address": "no"}, key)
    assert (bad.status_code, bad.json()["errors"][0]["field"]) == (400, "address")
    answer = call("POST", "withdrawals/", {"amount": "1.00", "destination": row["id"]}, key)
    assert (answer.status_code, answer.json()["code"]) == (409, "destination_not_yet")
    assert [line["id"] for line in call("GET", "withdrawal-destinations/", {}, key).json()["results"]] == [
        row["id"]
    ]
    stranger = key_of(user_make(), "withdraw")
    assert call("GET", "withdrawal-destinations/", {}, stranger).json()["results"] == []
    assert call("DELETE", f"withdrawal-destinations/{row['id']}/", {}, stranger).status_code == 404
    assert call("DELETE", f"withdrawal-destinations/{row['id']}/", {}, key).status_code == 204
    assert WithdrawalDestination.objects.filter(removed_at__isnull=True).count() == 0
    assert set(SecurityEvent.objects.values_list("kind", flat=True)) == {
        "destination_added",
        "destination_removed",
    }


def test_cancelled_by_the_api(user: User) -> None:
    key = key_of(user, "withdraw")
    made = call("POST", "withdrawals/", {"amount": "5.00", "destination": destination_make(user)}, key).json()
    assert call("DELETE", f"withdrawals/{made['id']}/", {}, key_of(user_make(), "trade")).status_code == 404
    answer = call("DELETE", f"withdrawals/{made['id']}/", {}, key)
    assert (answer.status_code, answer.json()["status"]) == (200, "cancelled")
    assert call("GET", f"withdrawals/{made['id']}/", {}, key).json()["reason"] == "You cancelled it."
    assert selectors.cash(user) == 20000


def test_a_session_over_the_api_says_again_who_it_is(user: User) -> None:
    user.set_password(PASSWORD)
    user.save()
    browser = browser_of(user)
    body = {"amount": "1.00", "destination": destination_make(user)}
    answer = browser.post("/api/v1/withdrawals/", body, content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (403, "reauthentication_required")
    browser.post("/account/reauthenticate/", {"password": PASSWORD})
    assert browser.post("/api/v1/withdrawals/", body, content_type="application/json").status_code == 202


def test_the_browser_asks_again_and_then_does_it(user: User) -> None:
    user.set_password(PASSWORD)
    user.save()
    browser = browser_of(user)
    form = {"method": "wire", "address": "GB33BUKB20201555", "label": "Rent"}
    asked = browser.post("/money/destinations/", form)
    assert asked["Location"].startswith("/account/reauthenticate/")
    assert WithdrawalDestination.objects.count() == 0
    wrong = browser.post(asked["Location"], {"password": "not it"})
    assert wrong.status_code == 200
    assert WithdrawalDestination.objects.count() == 0
    browser.post(asked["Location"], {"password": PASSWORD, "next": "/money/destinations/"})
    row = WithdrawalDestination.objects.get()
    assert (row.user, row.address) == (user, "GB33BUKB20201555")
    text = browser.get("/money/destinations/").content.decode()
    assert "from " in text
    assert "Rent" in text
    # Not offered while it waits.
    assert str(row.pk) not in browser.get("/money/").content.decode()
    browser.post(f"/money/destinations/{row.pk}/remove/")
    row.refresh_from_db()
    assert row.removed_at is not None


def test_using_an_address_in_the_browser_asks_again_too(user: User) -> None:
    user.set_password(PASSWORD)
    user.save()
    browser, place = browser_of(user), destination_make(user)
    assert place in browser.get("/money/").content.decode()
    form = {"amount": "250", "destination": place, "token": "t"}
    asked = browser.post("/money/withdraw/", form)
    assert asked["Location"].startswith("/account/reauthenticate/")
    assert Payment.objects.filter(direction="withdrawal").count() == 0
    browser.post(asked["Location"], {"password": PASSWORD, "next": "/money/withdraw/"})
    payment = Payment.objects.get(direction="withdrawal")
    assert (payment.status, str(payment.destination_id)) == ("held", place)
    page = browser.get(f"/money/payments/{payment.pk}/").content.decode()
    assert "$250.00 is set aside" in page
    assert "Cancel the withdrawal" in page
    assert "On their way out" in browser.get("/money/").content.decode()
    answer = browser.post(f"/money/payments/{payment.pk}/cancel/", follow=True)
    assert "was cancelled" in answer.content.decode()
    assert selectors.cash(user) == 20000


def test_the_pages_obey_the_policy(user: User) -> None:
    browser, place = browser_of(user), destination_make(user)
    held = payments.withdraw(user, "5.00", destination=place)
    large = payments.withdraw(user, "15000.00", destination=place)
    for address in (
        "/money/",
        "/money/destinations/",
        f"/money/payments/{held.pk}/",
        f"/money/payments/{large.pk}/",
    ):
        response = browser.get(address)
        assert response.status_code == 200
        page = read(response)
        assert page.offences == []
        assert len(page.ids) == len(set(page.ids))
    assert browser.post("/money/destinations/", {}).status_code == 422
    assert Client().get("/money/destinations/")["Location"].startswith("/account/login/")


def test_play_money_asks_nothing_more(user: User) -> None:
    user.set_password(PASSWORD)
    user.save()
    answer = browser_of(user).post("/money/withdraw/", {"amount": "250", "token": "t"}, follow=True)
    assert "$250.00 was paid out" in answer.content.decode()


def test_a_key_that_may_withdraw_is_made_after_asking_again(user: User) -> None:
    user.set_password(PASSWORD)
    user.save()
    browser = browser_of(user)
    asked = browser.post("/keys/", {"name": "bank", "access": "withdraw"})
    assert asked["Location"].startswith("/account/reauthenticate/")
    assert user.api_keys.count() == 0
    browser.post(asked["Location"], {"password": PASSWORD, "next": "/keys/"})
    assert user.api_keys.get().scopes == ["read", "trade", "withdraw"]
    assert browser.post("/keys/", {"name": "look", "access": "read"}).status_code == 200


def operator(number: int, *, super_: bool = True) -> User:
    person = user_make(email=f"staff{number}@example.org")
    person.is_staff, person.is_superuser = True, super_
    person.save()
    return person


def test_two_people_decide_in_the_admin_console(user: User) -> None:
    payment = payments.withdraw(user, "15000.00", destination=destination_make(user))
    address = f"/admin/portfolios/payment/{payment.pk}/decide/"
    one, two = browser_of(operator(1)), browser_of(operator(2))
    assert address in one.get("/admin/portfolios/payment/").content.decode()
    assert "DE89370400440532" in one.get(address).content.decode()
    answer = one.post(address, {"decision": "approve"}, follow=True)
    assert "One more is needed" in answer.content.decode()
    answer = one.post(address, {"decision": "approve"}, follow=True)
    assert "you have approved this withdrawal already" in answer.content.decode()
    two.post(address, {"decision": "approve"})
    payment.refresh_from_db()
    assert payment.status == "held"
    assert (
        "waits for no approval" in two.post(address, {"decision": "refuse", "reason": "x"}).content.decode()
    )


def test_one_refuses_with_a_reason(user: User) -> None:
    payment = payments.withdraw(user, "15000.00", destination=destination_make(user))
    address = f"/admin/portfolios/payment/{payment.pk}/decide/"
    browser = browser_of(operator(1))
    assert "give a reason" in browser.post(address, {"decision": "refuse"}).content.decode()
    browser.post(address, {"decision": "refuse", "reason": "Please call us."})
    payment.refresh_from_db()
    assert (payment.status, payment.reason) == ("failed", "Please call us.")


def test_whoever_may_not_decide_does_not(user: User) -> None:
    payment = payments.withdraw(user, "15000.00", destination=destination_make(user))
    address = f"/admin/portfolios/payment/{payment.pk}/decide/"
    assert browser_of(operator(1, super_=False)).post(address, {"decision": "approve"}).status_code == 403
    assert browser_of(user).post(address, {"decision": "approve"}).status_code == 302
    user.is_staff = user.is_superuser = True
    user.save()
    own = browser_of(user)
    assert "It is your own" in own.get(address).content.decode()
    own.post(address, {"decision": "approve"})
    assert payment.approvals.count() == 0


def test_nobody_sets_their_own_limit(user: User) -> None:
    boss = operator(1)
    browser = browser_of(boss)
    add = "/admin/portfolios/withdrawallimit/add/"
    browser.post(add, {"user": boss.pk, "daily": "1000000", "note": "me"})
    assert WithdrawalLimit.objects.count() == 0
    browser.post(add, {"user": user.pk, "daily": "1000.00", "note": "asked for by telephone"})
    row = WithdrawalLimit.objects.get()
    assert (row.user, row.daily, row.approval_above) == (user, 1000, None)
    event = SecurityEvent.objects.get(kind="withdrawal_limit_set")
    assert (event.user, event.actor) == (user, boss)
    WithdrawalLimit.objects.filter(pk=row.pk).update(user=boss)
    browser.post(
        f"/admin/portfolios/withdrawallimit/{row.pk}/change/", {"user": user.pk, "daily": "5", "note": "x"}
    )
    row.refresh_from_db()
    assert row.daily == 1000


def test_an_app_is_what_counts_as_one(user: User) -> None:
    """Recovery codes alone do not stand in for an authenticator app."""
    Authenticator.objects.create(user=user, type=Authenticator.Type.RECOVERY_CODES, data={})
    body = {"amount": "1.00", "destination": destination_make(user)}
    assert call("POST", "withdrawals/", body, key_of(user, "trade")).json()["code"] == "scope_required"
