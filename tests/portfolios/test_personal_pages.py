"""The pages of personal portfolios, without JavaScript: open, look, set anew, pay in, pay out."""

import re
from typing import Any

import pytest
from django.test import Client

from portfolios.models import Book, BookChange, Order, User
from tests.portfolios.personal_worlds import book_make, deal, owner_make
from tests.worlds import world_create

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner() -> User:
    world_create()
    return owner_make(cash="1000")


@pytest.fixture
def site(owner: User) -> Client:
    client = Client()
    client.force_login(owner)
    return client


def text(response: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


def settings(**changed: Any) -> dict[str, Any]:
    return {"name": "Mine", "max_weight": "100", "risk_share": "1000000", "q": "", "exclude": [], **changed}


def once(response: Any) -> str:
    """The token of the form that pays in."""
    found = re.search(r'name="token" value="([0-9a-f]+)"', response.content.decode())
    assert found
    return found[1]


def test_a_portfolio_is_opened_paid_into_and_paid_out_of(site: Client, owner: User) -> None:
    assert "Bellwether Global 100" in text(site.get("/personal/"))
    draft = site.post("/personal/new/global-100/", settings(exclude=["alpha"], preview="1"))
    assert draft.status_code == 200
    assert "40.00%" in text(draft)
    assert not Book.objects.exists()
    saved = site.post("/personal/new/global-100/", settings(exclude=["alpha"], save="1"))
    book = Book.objects.get()
    assert saved["Location"] == f"/personal/{book.pk}/"
    page = site.get(saved["Location"])
    assert "Nothing yet." in text(page)
    paid = site.post(f"/personal/{book.pk}/invest/", {"amount": "500", "token": once(page)})
    assert paid["Location"].startswith("/orders/")
    # The same form again is the same order.
    assert (
        site.post(f"/personal/{book.pk}/invest/", {"amount": "500", "token": once(page)})["Location"]
        == paid["Location"]
    )
    assert Order.objects.count() == 1
    assert site.get(paid["Location"]).status_code == 200
    deal()
    assert site.get(paid["Location"]).status_code == 200
    shown = text(site.get(f"/personal/{book.pk}/"))
    assert "Beta" in shown
    assert "Invested" in shown
    assert "Mine" in text(site.get("/personal/"))
    sold = site.post(f"/personal/{book.pk}/redeem/", {"everything": "on", "token": "one"})
    assert sold["Location"].startswith("/orders/")
    deal()
    assert "Sold" in text(site.get(f"/personal/{book.pk}/"))
    assert site.get("/dashboard/").status_code == 200
    assert site.get("/activity/").status_code == 200


def test_new_settings_show_what_they_would_trade_and_wait(site: Client, owner: User) -> None:
    book = book_make(owner, "500")
    deal()
    draft = text(site.post(f"/personal/{book.pk}/settings/", settings(exclude=["beta"], preview="1")))
    assert "What would be traded" in draft
    assert "Beta BET sell" in draft
    stored = site.post(f"/personal/{book.pk}/settings/", settings(exclude=["beta"], save="1"))
    assert stored["Location"] == f"/personal/{book.pk}/"
    assert BookChange.objects.get().applied_at is None
    assert "wait for the next dealing" in text(site.get(stored["Location"]))
    assert "change waits" in text(site.get("/personal/"))


def test_a_token_is_found_and_what_is_ticked_stays(site: Client) -> None:
    page = site.post(
        "/personal/new/global-100/", settings(q="gam", exclude=["beta"], preview="1")
    ).content.decode()
    assert re.findall(r'name="exclude" value="(\w+)"', page) == ["beta", "gamma"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"exclude": ["alpha", "beta", "gamma", "delta", "epsilon"]}, "at least one token"),
        ({"max_weight": "0.1"}, "between 1 % and 100 %"),
        ({"name": "x" * 65}, "at most 64"),
    ],
)
def test_what_makes_no_sense_is_refused_with_words(site: Client, change: dict[str, Any], words: str) -> None:
    refused = site.post("/personal/new/global-100/", settings(save="1", **change))
    assert refused.status_code == 422
    assert words in text(refused)
    assert not Book.objects.exists()


@pytest.mark.parametrize(
    ("amount", "words"), [("10", "smallest investment"), ("5000", "is free"), ("", "enter an amount")]
)
def test_money_that_is_not_there_is_not_moved(site: Client, owner: User, amount: str, words: str) -> None:
    book = book_make(owner)
    refused = site.post(f"/personal/{book.pk}/invest/", {"amount": amount, "token": "one"})
    assert refused.status_code == 422
    assert "Nothing was moved" in text(refused)
    assert words in text(refused)
    assert not Order.objects.exists()


def test_nobody_sees_what_is_somebody_elses(site: Client) -> None:
    book = book_make(owner_make())
    for path in ("", "settings/"):
        assert site.get(f"/personal/{book.pk}/{path}").status_code == 404
    assert site.post(f"/personal/{book.pk}/invest/", {"amount": "50", "token": "x"}).status_code == 404
    assert site.get("/personal/new/nothing/").status_code == 404
    assert Client().get(f"/personal/{book.pk}/")["Location"].startswith("/account/login/")
