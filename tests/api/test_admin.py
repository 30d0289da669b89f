"""The admin console: every list opens, the books cannot be touched, the clock can be moved."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.apps import apps
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.test import Client, RequestFactory
from django.urls import reverse

from portfolios.models import ApiKey, Plan, User
from signals.models import Market
from tests.api.conftest import Person, post

pytestmark = pytest.mark.usefixtures("world")

OWN_ROOMS = {"signals", "indices", "portfolios"}
EDITABLE = {
    "portfolios.user",
    "portfolios.plan",
    "indices.index",
    "auth.group",
    "account.emailaddress",
    "portfolios.withdrawallimit",
}
# A form of its own proposes or enters a row; nobody edits one.
ENTERED = {"signals.restatement", "signals.assetevent", "portfolios.pause", "portfolios.feeschedule"}
# Written by machines only and of no use on a screen by themselves.
NOT_SHOWN = {
    "signals.candle",
    "indices.targetweight",
    "indices.indexeffect",
    "indices.rebalancecost",
    "portfolios.allocation",
    "portfolios.bookposting",
    "portfolios.idempotencyrecord",
    "portfolios.reserveblock",
    "portfolios.reserveleaf",
}


@pytest.fixture
def operator() -> Client:
    staff = User.objects.create_superuser("operator@example.org", None)
    client = Client()
    client.force_login(staff, backend="django.contrib.auth.backends.ModelBackend")
    return client


def label(model: Any) -> str:
    return str(model._meta.label_lower)


REGISTERED = sorted(admin.site._registry, key=label)


@pytest.mark.parametrize("model", REGISTERED, ids=label)
def test_every_list_and_search_opens(operator: Client, rich: Person, model: Any) -> None:
    post(Client(), "orders/", {"index": "tiny", "side": "invest", "amount": "50"}, rich.trade_key)
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
    changelist = reverse(f"{name}_changelist")
    assert operator.get(changelist).status_code == 200
    assert operator.get(changelist, {"q": "a"}).status_code == 200
    row = model._default_manager.first()
    if row is not None:
        assert operator.get(reverse(f"{name}_change", args=[row.pk])).status_code == 200


def test_every_table_of_ours_is_shown() -> None:
    ours = {label(model) for app in OWN_ROOMS for model in apps.get_app_config(app).get_models()}
    shown = {label(model) for model in REGISTERED}
    inline = {
        label(inline.model) for model_admin in admin.site._registry.values() for inline in model_admin.inlines
    }
    assert ours - shown - inline <= NOT_SHOWN


def test_only_what_operators_decide_can_be_edited(rf: RequestFactory) -> None:
    request = rf.get("/")
    request.user = User(is_superuser=True, is_staff=True, is_active=True)
    for model, model_admin in admin.site._registry.items():
        if model._meta.app_label in OWN_ROOMS and label(model) not in EDITABLE:
            assert model_admin.has_add_permission(request) == (label(model) in ENTERED), model
            assert not model_admin.has_change_permission(request), model
        if model._meta.app_label in OWN_ROOMS:
            assert not model_admin.has_delete_permission(request), model


def test_the_ledger_refuses_every_hand(operator: Client, rich: Person) -> None:
    for name in ("entry", "posting", "balance", "account"):
        model = apps.get_model("portfolios", name)
        row, count = model._default_manager.first(), model._default_manager.count()
        assert row is not None
        base = f"admin:portfolios_{name}"
        assert operator.get(reverse(f"{base}_add")).status_code == 403
        assert operator.post(reverse(f"{base}_change", args=[row.pk]), {"amount": "1"}).status_code == 403
        assert operator.post(reverse(f"{base}_delete", args=[row.pk]), {"post": "yes"}).status_code == 403
        assert model._default_manager.count() == count


def test_the_overview_shows_the_figures(operator: Client, rich: Person) -> None:
    post(Client(), "orders/", {"index": "tiny", "side": "invest", "amount": "120"}, rich.trade_key)
    post(Client(), "subscription/", {"plan": "gold"}, rich.trade_key)
    html = operator.get(reverse("admin:index")).content.decode()
    assert "$380.00" in html  # free cash
    assert "$120.00" in html  # set aside
    assert "$99.00" in html  # subscriptions a month
    assert "archived market" in html
    assert "2022-02-10 00:00" in html
    assert "2022-01-17" in html  # the decision in force


def test_the_overview_opens_without_a_market(operator: Client) -> None:
    Market.objects.update(is_active=False)
    assert "No market is loaded yet" in operator.get(reverse("admin:index")).content.decode()


def test_the_clock_is_asked_to_advance_and_it_is_on_record(operator: Client) -> None:
    assert operator.get(reverse("admin-replay")).status_code == 405
    answer = operator.post(reverse("admin-replay"), {"days": "7"}, follow=True)
    assert "on its way to the close of 2022-02-16" in answer.content.decode()
    assert Market.objects.get().replay_until == date(2022, 2, 16)
    assert "2022-02-16" in LogEntry.objects.get().change_message


@pytest.mark.parametrize("days", ["0", "-1", "x", "", "400", "1000000000"])
def test_a_clock_that_cannot_go_there_stays(operator: Client, days: str) -> None:
    answer = operator.post(reverse("admin-replay"), {"days": days}, follow=True)
    assert "The clock was not moved" in answer.content.decode()
    assert Market.objects.get().replay_until is None


def test_nobody_else_moves_the_clock(rich: Person) -> None:
    client = Client()
    client.force_login(rich.user, backend="django.contrib.auth.backends.ModelBackend")
    assert client.post(reverse("admin-replay"), {"days": "1"}).status_code == 302
    User.objects.filter(pk=rich.user.pk).update(is_staff=True)
    assert client.post(reverse("admin-replay"), {"days": "1"}).status_code == 403
    assert Market.objects.get().replay_until is None


def test_an_operator_edits_a_plan(operator: Client) -> None:
    plan = Plan.objects.get(slug="silver")
    form = {
        "slug": "silver",
        "name": "Silver",
        "rank": plan.rank,
        "summary": plan.summary,
        "monthly_price": "31.50",
        "api_requests_per_minute": "150",
        "custom_indices": "3",
        "indices": [],
        "is_offered": "on",
    }
    answer = operator.post(reverse("admin:portfolios_plan_change", args=[plan.pk]), form)
    assert answer.status_code == 302
    plan.refresh_from_db()
    assert (str(plan.monthly_price), plan.api_requests_per_minute) == ("31.50", 150)


def test_an_operator_makes_a_user_who_can_sign_in(operator: Client) -> None:
    form = {
        "email": "New@Example.org",
        "name": "New",
        "password1": "correct horse battery",
        "password2": "correct horse battery",
        "usable_password": "true",
    }
    answer = operator.post(reverse("admin:portfolios_user_add"), form)
    assert answer.status_code == 302, answer.content
    made = User.objects.get(email="new@example.org")
    assert made.check_password("correct horse battery")
    assert EmailAddress.objects.get(user=made).verified
    again = operator.post(reverse("admin:portfolios_user_add"), form | {"email": "NEW@example.org"})
    assert again.status_code == 200
    assert "new@example.org already has an account." in again.content.decode()
    assert User.objects.filter(email__iexact="new@example.org").count() == 1


def test_an_operator_revokes_a_key(operator: Client, ada: Person) -> None:
    key = ApiKey.objects.filter(user=ada.user)[0]
    body = {"action": "revoke", "_selected_action": [key.pk]}
    operator.post(reverse("admin:portfolios_apikey_changelist"), body)
    key.refresh_from_db()
    assert key.revoked_at is not None
