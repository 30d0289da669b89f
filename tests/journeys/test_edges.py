"""Requests nobody makes by accident: each gets an answer that says what is wrong, never a broken page."""

from __future__ import annotations

import pytest
from django.test import Client

from portfolios import selectors
from portfolios.models import Plan, User
from signals.models import Market
from tests.journeys.reading import read


@pytest.mark.parametrize("address", ["/tokens/", "/tokens/alpha/", "/indices/global-100/"])
def test_pages_that_need_a_market_say_that_there_is_none(client: Client, world: Market, address: str) -> None:
    Market.objects.update(is_active=False)
    response = client.get(address)
    assert response.status_code == 503
    assert response.headers["Retry-After"] == "60"
    assert "still being set up" in read(response).text


@pytest.mark.parametrize(
    "address", ["/dashboard/", "/activity/", "/money/", "/plans/", "/keys/", "/invest/global-100/"]
)
def test_own_pages_without_a_market_or_plans_do_not_break(
    ada_client: Client, world: Market, address: str
) -> None:
    Market.objects.update(is_active=False)
    assert ada_client.get(address).status_code in (200, 503)
    Plan.objects.all().delete()
    assert ada_client.get(address).status_code in (200, 503)


@pytest.mark.parametrize(
    "target", ["dashboard", "//evil.example/", "https://evil.example/", "javascript:alert(1)", "\\\\evil"]
)
def test_after_a_deposit_the_way_on_stays_here(ada_client: Client, ada: User, target: str) -> None:
    response = ada_client.post("/money/deposit/", {"amount": "5", "token": "t", "next": target})
    assert response.status_code == 302
    assert response.headers["Location"] == "/money/"
    assert selectors.cash(ada) == 505


@pytest.mark.parametrize(
    "target", ["//evil.example/", "https://evil.example/", "/\\evil.example", "javascript:alert(1)"]
)
@pytest.mark.parametrize("address", ["/account/login/"])
def test_signing_in_leads_nowhere_else(client: Client, ada: User, address: str, target: str) -> None:
    values = {"login": ada.email, "password": "a quiet instrument 9", "next": target}
    response = client.post(address, values)
    assert response.status_code == 302
    assert response.headers["Location"] == "/dashboard/"


@pytest.mark.parametrize(
    "query",
    [
        "/tokens/?q=%00",
        "/tokens/?page=99999999999999999999",
        "/tokens/?page=-1",
        "/tokens/?q=%25%27%22",
        "/indices/global-100/?range=%00",
    ],
)
def test_odd_parameters_are_answered(client: Client, world: Market, query: str) -> None:
    assert client.get(query).status_code == 200


@pytest.mark.parametrize(
    "query",
    [
        "/activity/?before=0001-01-01T00:00:00%2B14:00",
        "/activity/?before=9999-12-31T23:59:59-14:00",
        "/activity/?before=%00",
        "/invest/global-100/?amount=NaN",
        "/invest/global-100/?amount=%00",
        "/invest/global-100/?amount=99999999999999999999999999999999",
        "/invest/global-100/?amount=999999999.99",
    ],
)
def test_odd_parameters_of_own_pages_are_answered(ada_client: Client, query: str) -> None:
    assert ada_client.get(query).status_code == 200


@pytest.mark.parametrize(
    "amount", ["NaN", "Infinity", "-5", "1e3", "0", "0.001", "1000000000", "9" * 32, "5\x00"]
)
@pytest.mark.parametrize("address", ["/money/deposit/", "/money/withdraw/", "/invest/global-100/"])
def test_amounts_that_are_none_move_nothing(ada_client: Client, ada: User, address: str, amount: str) -> None:
    response = ada_client.post(address, {"amount": amount, "token": "t"})
    assert response.status_code == 422
    assert selectors.cash(ada) == 500


def test_a_person_switched_off_is_out_at_once(ada_client: Client, ada: User) -> None:
    User.objects.filter(pk=ada.pk).update(is_active=False)
    response = ada_client.post("/money/withdraw/", {"amount": "5", "token": "t"})
    assert response.status_code == 302
    assert response.headers["Location"].startswith("/account/login/")
    assert selectors.cash(ada) == 500
