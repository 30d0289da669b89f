"""Building an index of one's own on the website, with scripts off: draft, save, invest, share, copy, archive."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from indices import selectors as index_selectors
from indices.services import shelf
from portfolios import selectors
from portfolios.models import CustomIndex, Order, User
from portfolios.services import custom, execution, plans
from signals.models import Market
from tests.journeys.reading import read, submit

pytestmark = pytest.mark.django_db

DRAFT = {
    "count": "3",
    "max_weight": "50",
    "scheme": "equal",
    "frequency": "weekly",
    "drift_band": "0",
    "min_market_cap": "1,000,000",
    "leave_out": "alpha",
}


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    cache.clear()
    shelf.shelf_clear()
    yield
    shelf.shelf_clear()


@pytest.fixture
def own(ada: User, ada_client: Client) -> CustomIndex:
    submit(ada_client, "/build/global-100/", "/build/global-100/", **DRAFT, name="Mine", save="1")
    return CustomIndex.objects.get(user=ada)


def test_a_draft_is_shown_and_nothing_is_stored(client: Client, world: Market) -> None:
    page = read(client.get("/build/"))
    assert {"/build/global-100/", "/build/sqrt-30/"} <= set(page.links)
    page = read(client.get("/build/global-100/"))
    assert "The backtest comes here" in page.text
    assert page.offences == []
    shown = submit(client, "/build/global-100/", "/build/global-100/", **DRAFT, preview="1")
    text = read(shown).text
    assert shown.status_code == 200
    assert "A backtest, not a record." in text
    assert "Tracking difference" in text
    assert "The weighting changes from in proportion to market capitalisation to equally." in text
    assert "The tokens left out by name: now with alpha." in text
    assert "Only in Global 100: Alpha" in text
    assert {line["member"].slug: line["member"].weight for line in shown.context["members"]} == {
        "beta": pytest.approx(1 / 3),
        "gamma": pytest.approx(1 / 3),
        "delta": pytest.approx(1 / 3),
    }
    assert CustomIndex.objects.count() == 0


def test_htmx_gets_the_preview_alone(client: Client, world: Market) -> None:
    fields = read(client.get("/build/global-100/")).form("/build/global-100/")["fields"]
    part = client.post("/build/global-100/", {**fields, **DRAFT}, headers={"HX-Request": "true"})
    body = part.content.decode().strip()
    assert body.startswith('<section id="preview"')
    assert "A backtest, not a record." in body
    wrong = client.post(
        "/build/global-100/", {**fields, **DRAFT, "max_weight": "10"}, headers={"HX-Request": "true"}
    )
    assert wrong.status_code == 200
    assert "times selection.count must be at least 1" in wrong.content.decode()


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("count", "2", "must be in [3, 250]"),
        ("count", "many", "Enter a whole number."),
        ("max_weight", "NaN", "Enter a number."),
        ("max_weight", "0", "must be in (0, 1]"),
        ("drift_band", "6", "must be in [0, 0.05]"),
        ("scheme", "min_variance", "Select a valid choice."),
        ("min_market_cap", "10", "must be in [1e+06"),
        ("also_leave_out", "alph", "did you mean alpha?"),
        ("also_leave_out", "<script>", "there is no token"),
    ],
)
def test_a_mistake_is_told_at_its_field(
    client: Client, world: Market, field: str, value: str, words: str
) -> None:
    answer = submit(client, "/build/global-100/", "/build/global-100/", **{**DRAFT, field: value})
    page = read(answer)
    assert words in page.text
    assert field in answer.context["form"].errors
    assert page.offences == []


def test_saving_needs_an_account_and_takes_the_draft_along(client: Client, world: Market) -> None:
    answer = submit(client, "/build/global-100/", "/build/global-100/", **DRAFT, name="Mine", save="1")
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/account/signup/?next=%2Fbuild%2Fglobal-100%2F%3F")
    assert CustomIndex.objects.count() == 0
    back = client.get("/build/global-100/", DRAFT)
    assert "A backtest, not a record." in read(back).text
    assert back.context["form"].cleaned_data["leave_out"] == ["alpha"]


def test_from_a_draft_to_an_investment_and_out_again(ada: User, ada_client: Client) -> None:
    plans.subscribe(ada, "silver")
    answer = submit(ada_client, "/build/global-100/", "/build/global-100/", **DRAFT, name="Mine", save="1")
    own = CustomIndex.objects.get(user=ada)
    address = f"/my-indices/{own.index.slug}/"
    assert answer.headers["Location"] == address
    assert (own.name, own.based_on) == ("Mine", "global-100")
    page = read(ada_client.get(address))
    assert "Nobody but you can invest in it." in page.text
    assert page.offences == []
    assert "A backtest, not a record." in read(ada_client.get(f"{address}?backtest=1")).text
    assert address in read(ada_client.get("/my-indices/")).links

    invest = f"/invest/{own.index.slug}/"
    assert address in read(ada_client.get(f"{invest}?amount=100")).links
    answer = submit(ada_client, f"{invest}?amount=100", invest)
    order = Order.objects.get(user=ada)
    assert answer.headers["Location"] == f"/orders/{order.pk}/"
    assert "Invest $100.00 in Mine" in read(ada_client.get(answer.headers["Location"])).text
    execution.dealing_run()
    dashboard = read(ada_client.get("/dashboard/"))
    assert address in dashboard.links
    assert "Beta" in dashboard.text
    assert "Alpha" not in dashboard.text
    assert "It can be archived once you hold none of it" in read(ada_client.get(address)).text
    assert "Invest in Mine" in read(ada_client.get("/activity/")).text
    redeem = f"/redeem/{own.index.slug}/"
    fields = read(ada_client.get(redeem)).form(redeem)["fields"]
    ada_client.post(redeem, {**fields, "amount": "", "everything": "on"})
    execution.dealing_run()
    assert selectors.cash(ada) > Decimal("499")
    answer = submit(ada_client, address, f"{address}archive/")
    assert answer.headers["Location"] == "/my-indices/"
    assert "Mine was archived." in read(ada_client.get("/my-indices/")).text
    assert ada_client.get(address).status_code == 404


def test_a_form_sent_twice_saves_one(ada: User, ada_client: Client) -> None:
    plans.subscribe(ada, "gold")
    fields = read(ada_client.get("/build/global-100/")).form("/build/global-100/")["fields"]
    sent = {**fields, **DRAFT, "name": "Mine", "save": "1"}
    first, second = (ada_client.post("/build/global-100/", sent) for _ in range(2))
    assert first.headers["Location"] == second.headers["Location"]
    assert CustomIndex.objects.count() == 1


def test_changing_the_rules(ada: User, ada_client: Client, own: CustomIndex) -> None:
    address = f"/my-indices/{own.index.slug}/edit/"
    page = ada_client.get(address)
    assert page.context["form"].initial["leave_out"] == ["alpha"]
    changed = {**DRAFT, "leave_out": "beta", "max_weight": "40"}
    answer = submit(ada_client, address, address, **changed, name="Other", save="1")
    assert answer.headers["Location"] == f"/my-indices/{own.index.slug}/"
    own.refresh_from_db()
    assert own.name == "Other"
    rules = index_selectors.rulebook(own.index)
    assert rules.universe.exclude == ("beta",)
    assert rules.weighting.max_weight == 0.4


def test_a_full_plan_says_so(ada: User, ada_client: Client, own: CustomIndex) -> None:
    answer = submit(ada_client, "/build/global-100/", "/build/global-100/", **DRAFT, name="More", save="1")
    assert answer.status_code == 422
    assert "the Free plan lets you keep 1 of your own" in read(answer).text
    assert CustomIndex.objects.count() == 1
    assert "Your plan is full" in read(ada_client.get("/build/")).text


def test_nobody_else_sees_it(client: Client, bob: User, own: CustomIndex) -> None:
    slug = own.index.slug
    hidden = [f"/my-indices/{slug}/", f"/my-indices/{slug}/edit/", f"/invest/{slug}/", f"/indices/{slug}/"]
    client.force_login(bob)
    for address in hidden:
        assert client.get(address).status_code == 404
    for verb in ("share", "unshare", "archive"):
        client.post(f"/my-indices/{slug}/{verb}/")
    own.refresh_from_db()
    assert (own.share_token, own.archived_at) == (None, None)
    assert client.post(f"/invest/{slug}/", {"amount": "50", "token": "t"}).status_code == 404
    assert slug not in read(client.get("/indices/")).text


def test_a_shared_link_shows_rules_and_no_person(
    client: Client, ada: User, ada_client: Client, bob: User, own: CustomIndex
) -> None:
    address = f"/my-indices/{own.index.slug}/"
    submit(ada_client, address, f"{address}share/")
    own.refresh_from_db()
    link = f"/i/{own.share_token}/"
    assert f"http://testserver{link}" in read(ada_client.get(address)).links
    answer = client.get(link)
    page = read(answer)
    assert answer.headers["X-Robots-Tag"] == "noindex"
    assert "You cannot invest in this page" in page.text
    assert "Left out by name: alpha." in page.text
    assert page.offences == []
    assert "ada" not in answer.content.decode().lower()
    assert "A backtest, not a record." in read(client.get(f"{link}?backtest=1")).text
    copy = f"/build/global-100/?copy={own.share_token}"
    assert copy in page.links
    client.force_login(bob)
    draft = client.get(copy)
    assert draft.context["form"].initial["leave_out"] == ["alpha"]
    sent = {**read(draft).form("/build/global-100/")["fields"], **DRAFT, "name": "Bob's", "save": "1"}
    client.post("/build/global-100/", sent)
    assert CustomIndex.objects.get(user=bob).index != own.index
    submit(ada_client, address, f"{address}unshare/")
    assert client.get(link).status_code == 404


def test_too_many_previews_are_put_off(
    client: Client, world: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(custom, "PREVIEWS_A_MINUTE", 1)
    answers: list[Any] = [
        submit(client, "/build/global-100/", "/build/global-100/", **DRAFT) for _ in range(2)
    ]
    assert "A backtest, not a record." in read(answers[0]).text
    assert "You have asked for many previews" in read(answers[1]).text


def test_every_field_has_a_label(client: Client, world: Market) -> None:
    html = client.get("/build/global-100/").content.decode()
    labelled = set(re.findall(r'<label for="([^"]+)"', html))
    fields = set(re.findall(r'<(?:input|select)[^>]*? id="([^"]+)"', html)) - {"id_token"}
    assert fields <= labelled
