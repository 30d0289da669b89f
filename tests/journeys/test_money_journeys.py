"""What a person does with money on the website, without scripts: forms, redirects, refusals."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import pytest
from django.core import mail
from django.test import Client

from portfolios import selectors
from portfolios.models import ApiKey, Entry, Order, Payment, User
from portfolios.services import execution, investing
from signals.models import Market
from tests.books import sound
from tests.journeys.reading import read, submit

pytestmark = pytest.mark.django_db


def code_in(body: str) -> str:
    """The verification code: the one line of the mail that is a word by itself."""
    found = re.search(r"^([A-Z0-9-]{6,12})$", body, re.MULTILINE)
    assert found is not None, body
    return found.group(1)


def test_from_sign_up_to_holdings(client: Client, world: Market) -> None:
    answer = submit(
        client,
        "/account/signup/?next=/invest/global-100/",
        "/account/signup/",
        email="new@example.org",
        password1="a quiet instrument 9",
    )
    assert answer.status_code == 302
    verify = client.get(answer.headers["Location"])
    assert "Mail is not sent here." in read(verify).text
    [message] = mail.outbox
    code = code_in(str(message.body))
    action = answer.headers["Location"].split("?")[0]
    answer = submit(client, answer.headers["Location"], action, code=code)
    assert answer.status_code == 302
    assert answer.headers["Location"] == "/invest/global-100/"

    page = read(client.get("/invest/global-100/"))
    assert "Your cash is $0.00" in page.text
    assert "/money/?next=/invest/global-100/" in page.links
    answer = submit(client, "/money/?next=/invest/global-100/", "/money/deposit/", amount="$1,000")
    assert answer.headers["Location"] == "/invest/global-100/"
    assert "$1,000.00 was added to your cash." in read(client.get("/invest/global-100/")).text

    answer = submit(client, "/invest/global-100/?amount=100", "/invest/global-100/")
    user = User.objects.get(email="new@example.org")
    order = Order.objects.get(user=user)
    assert answer.headers["Location"] == f"/orders/{order.pk}/"
    waiting = client.get(answer.headers["Location"]).content.decode()
    assert "Your $100.00 is set aside and untouched." in " ".join(waiting.split())
    assert 'hx-trigger="every 2s"' in waiting
    execution.dealing_run()
    settled = client.get(f"/orders/{order.pk}/", headers={"HX-Request": "true"}).content.decode()
    assert "Settled" in settled
    assert "every 2s" not in settled

    text = read(client.get("/dashboard/")).text
    for name in ("Alpha", "Beta", "Gamma", "Delta", "Epsilon", "$900.00"):
        assert name in text
    text = read(client.get("/activity/")).text
    assert "+$1,000.00" in text
    assert "−$100.00" in text
    sound()


def test_money_that_is_being_invested_still_counts(ada_client: Client, ada: User) -> None:
    investing.invest(ada, "global-100", Decimal("100.00"))
    for status, begin in (("accepted", lambda: None), ("dealing", execution.cycle_open)):
        begin()
        assert Order.objects.get(user=ada).status == status
        page = ada_client.get("/dashboard/")
        assert page.context["total"] == Decimal("500.00")
        assert page.context["under_way"] == Decimal("100.00")


def test_a_form_sent_twice_acts_once(ada_client: Client, ada: User) -> None:
    fields = read(ada_client.get("/money/")).form("/money/deposit/")["fields"]
    for _ in range(2):
        ada_client.post("/money/deposit/", {**fields, "amount": "25.00"})
    assert selectors.cash(ada) == Decimal("525.00")
    fields = read(ada_client.get("/invest/global-100/?amount=100")).form("/invest/global-100/")
    token = read(ada_client.get("/invest/global-100/?amount=100")).forms
    form = next(
        item for item in token if item["method"] == "post" and item["action"] == "/invest/global-100/"
    )
    first, second = (ada_client.post("/invest/global-100/", form["fields"]) for _ in range(2))
    assert first.headers["Location"] == second.headers["Location"]
    assert Order.objects.filter(user=ada).count() == 1
    assert selectors.cash(ada) == Decimal("425.00")


@pytest.mark.parametrize(
    ("amount", "words"),
    [
        ("500.01", "Nothing was moved"),
        ("49.99", "the smallest investment is $50.00"),
        ("-100", "Nothing was moved"),
        ("100.001", "Nothing was moved"),
        ("ten", "Nothing was moved"),
        ("", "Nothing was moved: enter an amount."),
        ("NaN", "Nothing was moved"),
        ("1e3", "Nothing was moved"),
    ],
)
def test_an_investment_that_cannot_be_moves_nothing(
    ada_client: Client, ada: User, amount: str, words: str
) -> None:
    before = Entry.objects.count()
    answer = ada_client.post("/invest/global-100/", {"amount": amount, "token": "t"})
    assert answer.status_code == 422
    assert words in read(answer).text
    assert (Entry.objects.count(), Order.objects.count()) == (before, 0)
    assert selectors.cash(ada) == Decimal("500.00")


def test_a_preview_says_what_is_missing(ada_client: Client) -> None:
    text = read(ada_client.get("/invest/global-100/?amount=750")).text
    assert "Deposit $250.00 more, or choose less." in text
    assert "Invest $750.00" not in text
    part = ada_client.get("/invest/global-100/?amount=100", headers={"HX-Request": "true"}).content.decode()
    assert part.lstrip().startswith('<section id="review"')
    assert "Invest $100.00" in part


def test_overdrawing_shows_an_error_and_moves_nothing(ada_client: Client, ada: User) -> None:
    answer = submit(ada_client, "/money/", "/money/withdraw/", amount="500.01")
    assert answer.status_code == 422
    page = read(answer)
    assert "Nothing was paid out: $500.00 is free and $500.01 was asked for." in page.text
    assert page.form("/money/withdraw/")["fields"]["amount"] == "500.01"
    assert selectors.cash(ada) == Decimal("500.00")
    assert Payment.objects.filter(direction="withdrawal").count() == 0


def test_withdrawing(ada_client: Client, ada: User) -> None:
    answer = submit(ada_client, "/money/", "/money/withdraw/", amount="120.50")
    assert answer.headers["Location"] == "/money/"
    assert selectors.cash(ada) == Decimal("379.50")
    assert "$120.50 was paid out of your cash." in read(ada_client.get("/money/")).text
    sound()


def test_selling_a_part_and_then_everything(ada_client: Client, ada: User) -> None:
    investing.invest(ada, "global-100", "200.00")
    execution.dealing_run()
    answer = submit(ada_client, "/redeem/global-100/", "/redeem/global-100/", amount="50")
    assert answer.status_code == 302
    execution.dealing_run()
    page = read(ada_client.get(answer.headers["Location"]))
    assert (
        "Sell $50.00 of Bellwether Global 100" in page.text or "units of Bellwether Global 100" in page.text
    )
    after_part = selectors.cash(ada)
    assert Decimal("349") < after_part < Decimal("350.01")
    answer = submit(ada_client, "/redeem/global-100/", "/redeem/global-100/", everything="on")
    execution.dealing_run()
    assert selectors.holdings(ada) == []
    assert Decimal("499") < selectors.cash(ada) < Decimal("500")
    assert ada_client.get("/redeem/global-100/").headers["Location"] == "/indices/global-100/"
    sound()


@pytest.mark.parametrize(
    "values",
    [{"amount": "9999"}, {"amount": "x"}, {}, {"amount": "10", "everything": "on"}, {"amount": "-5"}],
)
def test_a_sale_that_cannot_be_moves_nothing(ada_client: Client, ada: User, values: dict[str, str]) -> None:
    investing.invest(ada, "global-100", "200.00")
    execution.dealing_run()
    before = Entry.objects.count()
    answer = ada_client.post("/redeem/global-100/", {"token": "t", **values})
    assert answer.status_code == 422
    assert "Nothing was moved" in read(answer).text
    assert Entry.objects.count() == before


def test_cancelling_an_order_gives_the_money_back(ada_client: Client, ada: User) -> None:
    order = investing.invest(ada, "global-100", "100.00")
    page = read(ada_client.get(f"/orders/{order.pk}/"))
    assert page.form(f"/orders/{order.pk}/cancel/")
    ada_client.post(f"/orders/{order.pk}/cancel/")
    text = read(ada_client.get(f"/orders/{order.pk}/")).text
    assert "$100.00 is back in your cash" in text
    assert selectors.cash(ada) == Decimal("500.00")
    sound()


def test_plans_from_free_to_silver_and_back(ada_client: Client, ada: User) -> None:
    assert "needs the Silver plan" in read(ada_client.get("/invest/sqrt-30/")).text
    refused = ada_client.post("/invest/sqrt-30/", {"amount": "100", "token": "t"})
    assert refused.status_code == 422
    assert Order.objects.count() == 0

    def change(plan: str) -> Any:
        return ada_client.post("/plans/change/", {"plan": plan, "token": "t"}, follow=True)

    text = read(change("silver")).text
    assert "You are on the Silver plan." in text
    assert "$29.00" in text
    assert selectors.plan_of(ada).slug == "silver"
    assert selectors.cash(ada) == Decimal("500.00")
    assert ada_client.post("/invest/sqrt-30/", {"amount": "100", "token": "u"}).status_code == 302

    text = read(ada_client.post("/plans/cancel/", follow=True)).text
    assert "Nothing more will be charged." in text
    assert "Keep Silver" in text
    assert selectors.plan_of(ada).slug == "silver"
    text = read(ada_client.post("/plans/resume/", follow=True)).text
    assert "Your plan goes on as before." in text
    assert "Cancel at the end of the period" in text
    assert "You are on the Gold plan." in read(change("gold")).text
    assert "You stay on Gold until" in read(change("silver")).text
    assert "Nothing was charged" in read(change("no-such-plan")).text
    sound()


def test_a_key_is_shown_once_and_can_be_revoked(ada_client: Client, ada: User) -> None:
    page = ada_client.post("/keys/", {"name": "laptop", "access": "trade"})
    shown = re.search(r"data-secret>(bw_[^<]+)<", page.content.decode())
    assert shown is not None
    assert "no-store" in page.headers["Cache-Control"]
    key = ApiKey.objects.get(user=ada)
    assert key.scopes == ["read", "trade"]
    again = ada_client.get("/keys/").content.decode()
    assert shown.group(1) not in again
    assert "laptop" in again
    ada_client.post(f"/keys/{key.pk}/revoke/")
    key.refresh_from_db()
    assert key.revoked_at is not None
    assert "laptop" not in ada_client.get("/keys/").content.decode()
    assert ada_client.post("/keys/", {"name": "", "access": "read"}).status_code == 422


def test_changes_need_a_post_and_a_csrf_token(ada: User) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(ada)
    for address in ("/money/deposit/", "/money/withdraw/", "/plans/change/", "/plans/cancel/", "/theme/"):
        assert strict.get(address).status_code == 405
        refused = strict.post(address, {"amount": "10", "token": "t", "plan": "silver"})
        assert refused.status_code == 403
        assert "Nothing was moved" in refused.content.decode()
    assert selectors.cash(ada) == Decimal("500.00")


def test_activity_goes_back_page_by_page(ada_client: Client, ada: User) -> None:
    from portfolios.services import payments

    for number in range(55):
        payments.deposit(ada, "1.00", "sandbox", f"n{number}")
    first = read(ada_client.get("/activity/"))
    older = next(link for link in first.links if link.startswith("?before="))
    second = read(ada_client.get(f"/activity/{older}"))
    assert first.text.count("+$1.00") == 50
    assert second.text.count("+$1.00") == 5
    assert second.text.count("+$500.00") == 1
    assert ada_client.get("/activity/?before=nonsense").status_code == 200
