"""Requests at the edge of what can be asked: every answer is a problem document in words, never a 500."""

from __future__ import annotations

import io
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from config.problems import TITLES
from portfolios import errors, selectors
from portfolios.models import Plan, User
from portfolios.services import payments, plans
from portfolios.services.investing import invest
from tests.api.conftest import Person, get, post


def codes(parent: type[errors.MoneyError] = errors.MoneyError) -> set[str]:
    found = {parent.code}
    for child in parent.__subclasses__():
        found |= codes(child)
    return found


def test_every_refusal_of_money_has_a_title_for_people() -> None:
    assert codes() <= set(TITLES)


def test_a_refusal_is_titled_in_words(api: Client, rich: Person) -> None:
    answer = post(api, "orders/", {"index": "tiny", "side": "invest", "amount": "49"}, rich.trade_key)
    assert answer.json()["title"] == "The amount is too small"


@pytest.mark.usefixtures("world")
@pytest.mark.parametrize("day", ["0001-01-01", "0019-05-01", "1900-01-01"])
@pytest.mark.parametrize(
    "path",
    [
        "tokens/",
        "tokens/alpha/",
        "tokens/alpha/prices/?days=10000",
        "indices/",
        "indices/tiny/",
        "indices/tiny/holdings/",
        "indices/tiny/levels/",
        "indices/tiny/rebalances/",
    ],
)
def test_days_before_there_was_a_market(api: Client, path: str, day: str) -> None:
    answer = get(api, f"{path}{'&' if '?' in path else '?'}as_of={day}")
    assert answer.status_code in (200, 404), answer.content


def test_before_the_plans_are_there_the_answer_is_a_503_problem(api: Client, rich: Person) -> None:
    Plan.objects.all().delete()
    for answer in (get(api, "indices/"), get(api, "me/", rich.read_key)):
        assert answer.status_code == 503
        assert answer.json()["code"] == "market_not_loaded"


def test_payments_are_listed_newest_first_and_apart(api: Client, rich: Person, bob: Person) -> None:
    payments.deposit(rich.user, "20")
    payments.deposit(bob.user, "1")
    payments.withdraw(rich.user, "7")
    listed = get(api, "deposits/?page_size=1", rich.read_key).json()
    assert [row["amount"] for row in listed["results"]] == ["20.00"]
    rest = api.get(listed["next"], headers={"X-API-Key": rich.read_key}).json()
    assert [row["amount"] for row in rest["results"]] == ["500.00"]
    assert rest["next"] is None
    assert [row["amount"] for row in get(api, "withdrawals/", rich.read_key).json()["results"]] == ["7.00"]


def test_the_plan_one_is_on_withdraws_a_cancellation(api: Client, rich: Person) -> None:
    plans.subscribe(rich.user, "silver")
    plans.cancel(rich.user)
    answer = post(api, "subscription/", {"plan": "silver"}, rich.trade_key)
    assert answer.status_code == 200
    assert answer.json()["cancel_at_period_end"] is False


@pytest.mark.parametrize(
    "amount", ["NaN", "Infinity", "-Infinity", "-1", "1e3", "1000000000", "0.001", "0", "\x00"]
)
@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("deposits/", {}),
        ("withdrawals/", {}),
        ("orders/", {"index": "tiny", "side": "invest"}),
        ("orders/", {"index": "tiny", "side": "redeem"}),
    ],
)
def test_amounts_that_are_none(
    api: Client, rich: Person, path: str, body: dict[str, Any], amount: str
) -> None:
    answer = post(api, path, {**body, "amount": amount}, rich.trade_key)
    assert answer.status_code in (400, 409), answer.content
    assert selectors.cash(rich.user) == 500


def test_a_key_for_somebody_switched_off_is_not_made(rich: Person) -> None:
    User.objects.filter(pk=rich.user.pk).update(is_active=False)
    with pytest.raises(CommandError, match="switched off"):
        call_command("api_key_create", rich.user.email, stdout=io.StringIO())


def test_commands_for_scripts_print_one_line(rich: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("correct horse battery staple\n"))
    made, key = io.StringIO(), io.StringIO()
    call_command("user_create", "Cy@Example.org", "--password-stdin", "--verified", stdout=made)
    call_command("api_key_create", "cy@example.org", "--scopes", "read,trade", stdout=key)
    assert made.getvalue() == "cy@example.org\n"
    assert key.getvalue().startswith("bw_")
    assert key.getvalue().count("\n") == 1


def test_staff_cannot_raise_themselves_or_take_over_a_superuser(rich: Person, bob: Person) -> None:
    from django.contrib.auth.models import Permission

    User.objects.filter(pk=bob.user.pk).update(is_superuser=True, is_staff=True)
    User.objects.filter(pk=rich.user.pk).update(is_staff=True)
    rich.user.user_permissions.add(
        *Permission.objects.filter(
            codename__in=["change_user", "view_user"], content_type__app_label="portfolios"
        )
    )
    client = Client()
    client.force_login(rich.user, backend="django.contrib.auth.backends.ModelBackend")
    own = reverse("admin:portfolios_user_change", args=[rich.user.pk])
    client.post(
        own,
        {"email": rich.user.email, "name": "R", "is_active": "on", "is_staff": "on", "is_superuser": "on"},
    )
    rich.user.refresh_from_db()
    assert (rich.user.name, rich.user.is_superuser) == ("R", False)
    password = reverse("admin:auth_user_password_change", args=[bob.user.pk])
    assert (
        client.post(password, {"password1": "x" * 20 + "y9", "password2": "x" * 20 + "y9"}).status_code == 403
    )
    above = reverse("admin:portfolios_user_change", args=[bob.user.pk])
    assert client.post(above, {"email": "mine@example.org", "name": "", "is_active": "on"}).status_code == 403


def test_a_held_index_is_listed_whole_after_its_plan_is_gone(rich: Person) -> None:
    plan = Plan.objects.get(slug="free")
    order = invest(rich.user, "tiny", "100")
    plan.indices.clear()
    with pytest.raises(errors.PlanRequired):
        invest(rich.user, "tiny", "100")
    row = selectors.order(rich.user, order.pk)
    assert row is not None
    assert row.cancellable
