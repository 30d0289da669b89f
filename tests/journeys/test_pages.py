"""Every page answers, for guests and for people with money, says which market it shows, and obeys the policy."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from django.test import Client

from portfolios.models import User
from portfolios.services import execution, investing
from signals import services as signal_services
from signals.models import Market
from tests.journeys.reading import read

pytestmark = pytest.mark.django_db

PUBLIC = [
    "/",
    "/indices/",
    "/indices/global-100/",
    "/indices/global-100/?range=all",
    "/tokens/",
    "/tokens/?q=alp",
    "/tokens/?q=nothing-like-this",
    "/tokens/?sort=-trader_grade&signal=1",
    "/tokens/alpha/",
    "/model/",
    "/features/",
    "/plans/",
    "/how-it-works/",
    "/account/login/",
    "/account/signup/",
    "/account/password/reset/",
]
OWN = [
    "/dashboard/",
    "/activity/",
    "/money/",
    "/plans/",
    "/keys/",
    "/invest/global-100/",
    "/invest/global-100/?amount=100",
    "/invest/sqrt-30/",
    "/redeem/global-100/",
    "/account/2fa/",
    "/account/password/change/",
    "/account/email/",
    "/account/sessions/",
    "/account/logout/",
]


@pytest.mark.parametrize("address", PUBLIC)
def test_public_pages(client: Client, world: Market, address: str) -> None:
    response = client.get(address)
    assert response.status_code == 200
    page = read(response)
    assert page.offences == []
    assert len(page.ids) == len(set(page.ids))
    assert "Simulated market" in page.text
    assert "10 Feb 2022, at the close" in page.text
    policy = response.headers["Content-Security-Policy"]
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy


@pytest.mark.parametrize("address", OWN)
def test_own_pages_with_a_holding_and_an_open_order(ada_client: Client, ada: User, address: str) -> None:
    investing.invest(ada, "global-100", "100.00")
    execution.dealing_run()
    investing.invest(ada, "global-100", "60.00")
    response = ada_client.get(address)
    assert response.status_code == 200
    page = read(response)
    assert page.offences == []
    assert len(page.ids) == len(set(page.ids))
    assert "Simulated market" in page.text


@pytest.mark.parametrize("address", [a for a in OWN if a.startswith(("/d", "/act", "/m", "/k", "/i", "/r"))])
def test_guests_are_asked_to_sign_in(client: Client, world: Market, address: str) -> None:
    response = client.get(address)
    assert response.status_code == 302
    assert response.headers["Location"].startswith("/account/login/?next=")


@pytest.mark.parametrize("address", ["/", "/indices/", "/plans/", "/how-it-works/", "/account/login/"])
def test_pages_before_any_market_is_loaded(client: Client, db: None, address: str) -> None:
    response = client.get(address)
    assert response.status_code == 200
    assert "No market loaded" in read(response).text


@pytest.mark.parametrize("address", ["/indices/no-such/", "/tokens/no-such/", "/nowhere/"])
def test_unknown_addresses(client: Client, world: Market, address: str) -> None:
    response = client.get(address)
    assert response.status_code == 404
    assert "There is nothing at this address" in read(response).text


def test_index_page_tells_what_changed_and_why(client: Client, world: Market) -> None:
    text = read(client.get("/indices/global-100/")).text
    # `gamma` and `epsilon` came in with the second decision, `alpha` went from 50 % to 40 %.
    assert "Gamma 0.00% → 15.00% in the top five" in text
    assert "Alpha 50.00% → 40.00%" in text
    assert "Nothing left." in text
    assert "5 tokens" in text
    assert "No token above 25%" in text
    # From 1190 (day 19) to 600 (day 20).
    assert "−49.6%" in text
    assert "1,400.00" in text


def test_ranges_come_as_fragments_to_htmx_and_as_pages_without(client: Client, world: Market) -> None:
    whole = client.get("/indices/global-100/?range=1m").content.decode()
    part = client.get("/indices/global-100/?range=1m", headers={"HX-Request": "true"}).content.decode()
    assert whole.startswith("<!DOCTYPE html>")
    assert part.lstrip().startswith('<div id="range-chart"')
    assert part.strip() in whole


def test_token_search_finds_by_name(client: Client, world: Market) -> None:
    page = read(client.get("/tokens/?q=gam"))
    assert [link for link in page.links if link.startswith("/tokens/g")] == ["/tokens/gamma/"]
    assert "/tokens/alpha/" not in page.links


def test_theme_is_kept_and_never_leads_elsewhere(client: Client, world: Market) -> None:
    response = client.post("/theme/", {"theme": "dark", "next": "https://evil.example/"})
    assert response.headers["Location"] == "/"
    assert 'data-theme="dark"' in client.get("/").content.decode()
    client.post("/theme/", {"theme": "<script>", "next": "/"})
    assert 'data-theme="auto"' in client.get("/").content.decode()


def test_a_running_replay_is_shown_and_polled(client: Client, world: Market) -> None:
    world.replay_until = world.last_day
    world.save()
    response = client.get("/")
    assert "Replaying to 1 Mar 2022, now at 10 Feb 2022" in read(response).text
    assert 'hx-get="/market/strip/"' in response.content.decode()
    assert b"<html" not in client.get("/market/strip/").content


def test_another_persons_order_is_not_found(ada: User, bob: User, client: Client) -> None:
    order = investing.invest(ada, "global-100", "100.00")
    client.force_login(bob)
    assert client.get(f"/orders/{order.pk}/").status_code == 404
    client.post(f"/orders/{order.pk}/cancel/")
    order.refresh_from_db()
    assert order.status == "accepted"


def test_dashboard_costs_a_bounded_number_of_queries(
    ada_client: Client, ada: User, django_assert_max_num_queries: object
) -> None:
    investing.invest(ada, "global-100", "100.00")
    execution.dealing_run()
    with django_assert_max_num_queries(45):  # type: ignore[operator]
        ada_client.get("/dashboard/")


def test_a_replay_asked_for_shows_how_far_it_has_come(client: Client, world: Market) -> None:
    signal_services.replay_until_set(date(2022, 2, 20))
    signal_services.clock_set(datetime(2022, 2, 14, tzinfo=UTC))
    strip = client.get("/market/strip/").content.decode()
    # Three of ten days are behind: the clock went from the close of the 10th to that of the 13th.
    assert 'max="100" value="30"' in strip


def test_when_we_break_the_page_says_where_the_money_is(
    world: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("planted")

    monkeypatch.setattr("indices.views.catalogue.cards", broken)
    response = Client(raise_request_exception=False).get("/indices/")
    assert response.status_code == 500
    page = read(response)
    assert "Your money is in the ledger as it was before this request" in page.text
    assert "planted" not in page.text
    assert page.links == ["/activity/", "/"]
