"""Signing in with a second factor, and getting back in without the password."""

from __future__ import annotations

import re

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal import auth as totp
from django.core import mail
from django.core.cache import cache
from django.test import Client

from portfolios.models import User
from tests.journeys.reading import read, submit

pytestmark = pytest.mark.django_db
PASSWORD = "a quiet instrument 9"


@pytest.fixture(autouse=True)
def _fresh_limits() -> None:
    """No test inherits another's count of attempts."""
    cache.clear()


def code_of(secret: str) -> str:
    """What an authenticator app shows now."""
    counter = next(iter(totp.yield_hotp_counters_from_time()))
    return totp.format_hotp_value(totp.hotp_value(secret, counter))


def test_a_second_factor_by_app(ada: User, client: Client) -> None:
    answer = submit(client, "/account/login/", "/account/login/", login=ada.email, password=PASSWORD)
    assert answer.headers["Location"] == "/dashboard/"
    asked = client.get("/account/2fa/totp/activate/").headers["Location"]
    assert asked.startswith("/account/reauthenticate/")
    client.post(asked, {"password": PASSWORD})
    page = client.get("/account/2fa/totp/activate/")
    form = read(page).form("/account/2fa/totp/activate/")
    assert 'src="data:image/svg+xml' in page.content.decode()
    secret = re.search(r'id="authenticator_secret"[^>]*value="([A-Z2-7]+)"', page.content.decode())
    assert secret is not None
    wrong = client.post("/account/2fa/totp/activate/", {**form["fields"], "code": "000000"})
    assert "Incorrect code." in read(wrong).text
    client.post("/account/2fa/totp/activate/", {**form["fields"], "code": code_of(secret.group(1))})
    assert Authenticator.objects.filter(user=ada, type="totp").exists()
    assert read(client.get("/account/2fa/recovery-codes/")).offences == []

    fresh = Client()
    cache.clear()  # the code just used counts as spent for a minute
    answer = submit(fresh, "/account/login/", "/account/login/", login=ada.email, password=PASSWORD)
    assert answer.headers["Location"] == "/account/2fa/authenticate/"
    assert fresh.get("/dashboard/").status_code == 302
    asked_again = read(fresh.get("/account/2fa/authenticate/"))
    assert asked_again.offences == []
    answer = fresh.post("/account/2fa/authenticate/", {"code": code_of(secret.group(1))})
    assert answer.headers["Location"] == "/dashboard/"
    assert fresh.get("/dashboard/").status_code == 200


def test_a_forgotten_password(ada: User, client: Client) -> None:
    answer = submit(client, "/account/password/reset/", "/account/password/reset/", email=ada.email)
    code = re.search(r"^([A-Z0-9-]{6,12})$", str(mail.outbox[-1].body), re.MULTILINE)
    assert code is not None
    page = read(client.get(answer.headers["Location"]))
    assert "Mail is not sent here." in page.text
    action = answer.headers["Location"]
    answer = client.post(action, {"code": code.group(1)})
    new = "another phrase 77"
    answer = client.post(answer.headers["Location"], {"password1": new, "password2": new})
    assert answer.status_code == 302
    answer = submit(client, "/account/login/", "/account/login/", login=ada.email, password=new)
    assert answer.headers["Location"] == "/dashboard/"


def test_a_wrong_password_says_so_and_opens_nothing(ada: User, client: Client) -> None:
    answer = submit(client, "/account/login/", "/account/login/", login=ada.email, password="wrong")
    assert answer.status_code == 200
    assert "not correct" in read(answer).text
    assert client.get("/dashboard/").status_code == 302
