"""Previews, switches, recurring plans and notices over the API."""

from __future__ import annotations

import json

import pytest
from django.test import Client

from indices.models import Decision, Index, RulebookVersion, TargetWeight
from portfolios import tasks
from portfolios.models import IdempotencyRecord, Notice, Order, Plan, RecurringPlan, Switch, User
from portfolios.services import execution
from portfolios.services.notices import notice_send
from signals.models import Asset
from tests.api.conftest import Person, bearer, get, post

INVEST = {"index": "tiny", "side": "invest", "amount": "120.00"}
DAILY = {"index": "tiny", "amount": "60.00", "frequency": "daily"}


def send(api: Client, method: str, path: str, key: str, body: object = None, **headers: str):
    return api.generic(
        method,
        f"/api/v1/{path}",
        data=json.dumps(body) if body is not None else "",
        content_type="application/json",
        headers={**bearer(key), **headers},
    )


def test_a_preview_tells_every_cost_and_stores_nothing(api: Client, rich: Person) -> None:
    answer = post(api, "orders/preview/", INVEST, rich.read_key)
    assert answer.status_code == 200, answer.content
    told = answer.json()
    assert (told["side"], told["index"], told["amount_usd"], told["minimum_usd"]) == (
        "invest",
        "tiny",
        "120.00",
        "50.00",
    )
    assert told["problems"] == []
    assert {leg["token"] for leg in told["legs"]} == {"alpha", "gamma"}
    assert {"half_spread_usd", "impact_usd", "fee_usd", "cost_usd", "share", "amount_usd"} <= told["legs"][
        0
    ].keys()
    assert float(told["cost_usd"]) == pytest.approx(sum(float(leg["cost_usd"]) for leg in told["legs"]))
    assert not Order.objects.exists()
    assert not IdempotencyRecord.objects.exists()


def test_the_body_of_an_order_is_the_body_of_its_preview(api: Client, rich: Person) -> None:
    for body in (
        {**INVEST, "units": "1"},
        {"index": "tiny", "side": "redeem"},
        {"index": "tiny", "side": "redeem", "percent": "10", "all": True},
        {"index": "tiny", "side": "switch", "all": True},
        {"index": "tiny", "side": "redeem", "all": True, "into": "tiny"},
        {**INVEST, "amuont": "1"},
        {"index": "nothing", "side": "invest", "amount": "100"},
        {"index": "tiny", "side": "redeem", "percent": "101"},
    ):
        refused = [post(api, path, body, rich.trade_key) for path in ("orders/", "orders/preview/")]
        assert refused[0].status_code == refused[1].status_code == 400
        one, other = (answer.json() for answer in refused)
        assert (one["code"], one["errors"]) == (other["code"], other["errors"])


def test_a_percentage_is_redeemed_and_shown(api: Client, rich: Person) -> None:
    post(api, "orders/", INVEST, rich.trade_key)
    execution.dealing_run()
    body = {"index": "tiny", "side": "redeem", "percent": "25"}
    told = post(api, "orders/preview/", body, rich.trade_key).json()
    answer = post(api, "orders/", body, rich.trade_key)
    assert (answer.status_code, answer.json()["percent"]) == (202, "25")
    assert answer.json()["units"] == told["units"]


def index_second() -> str:
    """Another index that everybody may buy."""
    index = Index.objects.create(slug="second", name="Second", family="market_cap", summary="", position=2)
    first = Decision.objects.filter(index__slug="tiny").latest("as_of")
    body = {**first.rulebook.body, "slug": "second"}
    version = RulebookVersion.objects.create(index=index, version=1, body=body, digest="e" * 64)
    decision = Decision.objects.create(
        index=index,
        rulebook=version,
        as_of=first.as_of,
        effective_on=first.effective_on,
        epoch=first.epoch,
        input_hash="1" * 64,
        turnover=1.0,
        reasons={},
    )
    TargetWeight.objects.create(decision=decision, asset=Asset.objects.get(slug="beta"), weight=1, rank=1)
    for plan in Plan.objects.filter(all_indices=False):
        plan.indices.add(index)
    return "second"


def test_a_switch_is_one_thing_with_two_orders(api: Client, rich: Person, bob: Person) -> None:
    into = index_second()
    post(api, "orders/", INVEST, rich.trade_key)
    execution.dealing_run()
    body = {"index": "tiny", "side": "switch", "into": into, "all": True}
    told = post(api, "orders/preview/", body, rich.read_key).json()
    assert told["into"]["amount_usd"] == told["proceeds_usd"]
    headers = {"Idempotency-Key": "one"}
    first = post(api, "orders/", body, rich.trade_key, **headers)
    again = post(api, "orders/", body, rich.trade_key, **headers)
    assert (first.status_code, again.headers["Idempotent-Replayed"]) == (202, "true")
    assert first.json() == again.json()
    switch = first.json()["switch"]
    assert (switch["status"], switch["into"], switch["cancellable"]) == ("selling", into, True)
    assert get(api, f"switches/{switch['id']}/", bob.read_key).status_code == 404
    tasks.dealing_tick()
    done = get(api, f"switches/{switch['id']}/", rich.read_key).json()
    assert done["status"] == "done"
    invest = get(api, f"orders/{done['invest_order']}/", rich.read_key).json()
    assert (invest["amount"], invest["switch"]["id"]) == (done["proceeds_usd"], switch["id"])
    assert [row["id"] for row in get(api, "switches/", rich.read_key).json()["results"]] == [switch["id"]]
    late = send(api, "DELETE", f"switches/{switch['id']}/", rich.trade_key)
    assert (late.status_code, late.json()["code"]) == (409, "not_cancellable")
    assert Switch.objects.count() == 1


def test_a_recurring_plan_from_beginning_to_end(api: Client, rich: Person, bob: Person) -> None:
    made = post(api, "recurring/", DAILY, rich.trade_key, **{"Idempotency-Key": "a"})
    again = post(api, "recurring/", DAILY, rich.trade_key, **{"Idempotency-Key": "a"})
    assert (made.status_code, made.json()) == (201, again.json())
    plan = made.json()
    path = f"recurring/{plan['id']}/"
    assert made.headers["Location"] == f"/api/v1/{path}"
    assert (plan["status"], plan["rhythm"], plan["next_due"]) == ("active", "every day", "2022-02-09")
    tasks.recurring_tick()
    [run] = get(api, path, rich.read_key).json()["runs"]
    assert (run["due_on"], run["status"]) == ("2022-02-09", "ordered")
    assert get(api, f"orders/{run['order']}/", rich.read_key).json()["amount"] == "60.00"
    paused = send(api, "PATCH", path, rich.trade_key, {"status": "paused", "amount": "70.00"})
    assert (paused.json()["status"], paused.json()["amount"]) == ("paused", "70.00")
    going = send(api, "PATCH", path, rich.trade_key, {"status": "active", "ends_on": "2022-03-01"})
    assert (going.json()["status"], going.json()["next_due"]) == ("active", "2022-02-10")
    assert send(api, "PATCH", path, rich.trade_key, {"ends_on": None}).json()["ends_on"] is None
    assert send(api, "PATCH", path, bob.trade_key, {"status": "paused"}).status_code == 404
    assert get(api, path, bob.read_key).status_code == 404
    over = send(api, "DELETE", path, rich.trade_key)
    assert (over.json()["status"], over.json()["next_due"]) == ("cancelled", None)
    refused = send(api, "PATCH", path, rich.trade_key, {"status": "active"})
    assert (refused.status_code, refused.json()["code"]) == (409, "plan_over")
    assert RecurringPlan.objects.count() == 1


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({**DAILY, "amount": "10"}, "amount"),
        ({**DAILY, "frequency": "yearly"}, "frequency"),
        ({**DAILY, "frequency": "weekly"}, "weekday"),
        ({**DAILY, "frequency": "monthly", "day": 32}, "day"),
        ({**DAILY, "weekday": 3}, "weekday"),
        ({**DAILY, "index": "nothing"}, "index"),
        ({**DAILY, "starts_on": "2022-13-01"}, "starts_on"),
        ({**DAILY, "start": "2022-03-01"}, "start"),
    ],
)
def test_a_plan_that_cannot_be_names_its_field(api: Client, rich: Person, body: object, field: str) -> None:
    answer = post(api, "recurring/", body, rich.trade_key)
    assert answer.status_code == 400
    assert [line["field"] for line in answer.json()["errors"]] == [field]
    assert not RecurringPlan.objects.exists()


def test_an_empty_change_is_refused(api: Client, rich: Person) -> None:
    plan = post(api, "recurring/", DAILY, rich.trade_key).json()
    answer = send(api, "PATCH", f"recurring/{plan['id']}/", rich.trade_key, {})
    assert answer.status_code == 400


def sent(user: User, key: str = "a") -> Notice:
    return notice_send(user, kind="fee", key=key, title="A fee", text="It was taken.", url="/activity/")


def test_notices_are_listed_read_and_chosen(api: Client, ada: Person, bob: Person) -> None:
    notice, _ = sent(ada.user), sent(ada.user, "b")
    foreign = sent(bob.user)
    listed = get(api, "notices/", ada.read_key).json()["results"]
    assert [row["kind"] for row in listed] == ["fee", "fee"]
    assert listed[1] | {"created_at": ""} == {
        "id": notice.pk,
        "kind": "fee",
        "title": "A fee",
        "text": "It was taken.",
        "url": "/activity/",
        "created_at": "",
        "read_at": None,
        "emailed_at": None,
    }
    assert post(api, f"notices/{notice.pk}/read/", {}, ada.trade_key).json()["read_at"] is not None
    assert post(api, f"notices/{foreign.pk}/read/", {}, ada.trade_key).status_code == 404
    assert len(get(api, "notices/?unread=true", ada.read_key).json()["results"]) == 1
    assert get(api, "notices/?unread=maybe", ada.read_key).status_code == 400
    assert get(api, "notices/preferences/", ada.read_key).json()["email"]["fee"] is True
    chosen = send(api, "PATCH", "notices/preferences/", ada.trade_key, {"email": {"fee": False}})
    assert (chosen.status_code, chosen.json()["email"]["fee"]) == (200, False)
    for body, field in (
        ({"email": {"security": False}}, "security"),
        ({"email": {"gossip": True}}, "gossip"),
    ):
        refused = send(api, "PATCH", "notices/preferences/", ada.trade_key, body)
        assert (refused.status_code, refused.json()["code"]) == (400, "invalid_preference")
        assert refused.json()["errors"][0]["field"] == field
