"""A person's own routes: exact answers, exact money, nobody else's business."""

from __future__ import annotations

from decimal import Decimal
from uuid import uuid4

import pytest
from django.test import Client

from portfolios import selectors
from portfolios.models import Entry, Order, Payment
from tests.api.conftest import Person, bearer, get, person, post

pytestmark = pytest.mark.usefixtures("world")


def test_me(api: Client, rich: Person) -> None:
    assert get(api, "me/", rich.read_key).json() == {
        "email": "ada@example.org",
        "name": "",
        "plan": "free",
        "scopes": ["read"],
        "cash_usd": "500.00",
        "reserved_usd": "0.00",
        "market": "archived market",
        "market_time": "2022-02-10T00:00:00Z",
    }


def test_a_deposit(api: Client, ada: Person) -> None:
    answer = post(
        api, "deposits/", {"amount": "500.00", "currency": "USD", "method": "sandbox"}, ada.trade_key
    )
    assert answer.status_code == 201
    body = answer.json()
    payment = Payment.objects.get()
    assert body == {
        "id": str(payment.pk),
        "direction": "deposit",
        "method": "sandbox",
        "currency": "USD",
        "amount": "500.00",
        "status": "completed",
        "reason": "",
        "destination": None,
        "refunded": "0.00",
        "disputed": "0.00",
        "page": f"/money/payments/{body['id']}/",
        "created_at": body["created_at"],
        "completed_at": body["completed_at"],
    }
    assert selectors.cash(ada.user) == Decimal(500)


def test_a_withdrawal(api: Client, rich: Person) -> None:
    assert post(api, "withdrawals/", {"amount": "120.50"}, rich.trade_key).status_code == 201
    assert selectors.cash(rich.user) == Decimal("379.50")


@pytest.mark.parametrize(
    ("path", "body", "status", "field", "code"),
    [
        ("withdrawals/", {"amount": "500.01"}, 409, "amount", "insufficient_funds"),
        ("withdrawals/", {"amount": "0"}, 400, "amount", "invalid_amount"),
        ("deposits/", {"amount": "-5"}, 400, "amount", "invalid_amount"),
        ("deposits/", {"amount": "1.001"}, 400, "amount", "invalid_amount"),
        ("deposits/", {"amount": 1.001}, 400, "amount", "invalid_amount"),
        ("deposits/", {"amount": "1e3"}, 400, "amount", "invalid"),
        ("deposits/", {"amount": "١٠٠"}, 400, "amount", "invalid"),
        ("deposits/", {"amount": "Infinity"}, 400, "amount", "invalid"),
        ("deposits/", {"amount": True}, 400, "amount", "invalid"),
        ("deposits/", {"amount": None}, 400, "amount", "null"),
        ("deposits/", {}, 400, "amount", "required"),
        ("deposits/", {"amount": "9" * 30}, 400, "amount", "invalid"),
        ("deposits/", {"amount": "5", "currency": "EUR"}, 400, "currency", "unknown_currency"),
        ("deposits/", {"amount": "5", "method": "cash"}, 400, "method", "unknown_method"),
        (
            "orders/",
            {"index": "tiny", "side": "invest", "amount": "500.01"},
            409,
            "amount",
            "insufficient_funds",
        ),
        ("orders/", {"index": "tiny", "side": "invest", "amount": "49.99"}, 400, "amount", "below_minimum"),
        ("orders/", {"index": "nobody", "side": "invest", "amount": "100"}, 400, "index", "unknown_index"),
        ("orders/", {"index": "hidden", "side": "invest", "amount": "100"}, 400, "index", "unknown_index"),
        ("orders/", {"index": "tiny", "side": "borrow", "amount": "100"}, 400, "side", "invalid_choice"),
        ("orders/", {"index": "tiny", "side": "invest"}, 400, "amount", "invalid_size"),
        ("orders/", {"index": "tiny", "side": "invest", "units": "1"}, 400, "units", "invalid_size"),
        ("orders/", {"index": "tiny", "side": "redeem"}, 400, "amount", "invalid_size"),
        ("orders/", {"index": "tiny", "side": "redeem", "all": True}, 409, "units", "insufficient_units"),
        ("subscription/", {"plan": "diamond"}, 400, "plan", "unknown_plan"),
        ("subscription/", {"plan": "free"}, 409, "plan", "plan_unchanged"),
    ],
)
def test_what_is_refused_names_the_field_and_moves_nothing(
    api: Client, rich: Person, path: str, body: dict[str, object], status: int, field: str, code: str
) -> None:
    entries = Entry.objects.count()
    answer = post(api, path, body, rich.trade_key)
    assert answer.status_code == status, answer.content
    assert answer["Content-Type"] == "application/problem+json"
    (error,) = answer.json()["errors"]
    assert (error["field"], error["code"]) == (field, code)
    assert selectors.cash(rich.user) == Decimal(500)
    assert Entry.objects.count() == entries
    assert Order.objects.count() == 0


def test_an_index_outside_the_plan_is_refused(api: Client, rich: Person) -> None:
    plan = selectors.plan_of(rich.user)
    assert plan.slug == "free"
    from portfolios.models import Plan

    Plan.objects.get(slug="free").indices.clear()
    answer = post(api, "orders/", {"index": "tiny", "side": "invest", "amount": "100"}, rich.trade_key)
    assert answer.status_code == 403
    assert answer.json()["code"] == "plan_required"


def test_an_order_from_acceptance_to_cancellation(api: Client, rich: Person) -> None:
    answer = post(api, "orders/", {"index": "tiny", "side": "invest", "amount": "100.00"}, rich.trade_key)
    assert answer.status_code == 202
    body = answer.json()
    assert answer["Location"] == f"/api/v1/orders/{body['id']}/"
    assert body == {
        "id": body["id"],
        "index": "tiny",
        "name": "Tiny",
        "side": "invest",
        "status": "accepted",
        "amount": "100.00",
        "percent": None,
        "switch": None,
        "units": None,
        "unit_price_usd": None,
        "proceeds_usd": None,
        "cost_usd": "0.00",
        "reason": "",
        "stage": body["stage"],
        "progress": "0.1",
        "cancellable": True,
        "created_at": body["created_at"],
        "placed_at": "2022-02-10T00:00:00Z",
        "settled_at": None,
    }
    assert get(api, f"orders/{body['id']}/", rich.read_key).json() == body
    me = get(api, "me/", rich.read_key).json()
    assert (me["cash_usd"], me["reserved_usd"]) == ("400.00", "100.00")
    cancelled = api.delete(f"/api/v1/orders/{body['id']}/", headers=bearer(rich.trade_key))
    assert (cancelled.status_code, cancelled.json()["status"]) == (200, "cancelled")
    assert selectors.cash(rich.user) == Decimal(500)


def test_somebody_elses_order_does_not_exist(api: Client, rich: Person, bob: Person) -> None:
    order = post(api, "orders/", {"index": "tiny", "side": "invest", "amount": "100"}, rich.trade_key).json()[
        "id"
    ]
    nobodys = uuid4()
    for key in (order, nobodys):
        for answer in (
            get(api, f"orders/{key}/", bob.trade_key),
            api.delete(f"/api/v1/orders/{key}/", headers=bearer(bob.trade_key)),
        ):
            assert answer.status_code == 404
            assert answer.json()["detail"] == f"You have no order {key}."
    assert get(api, "orders/", bob.read_key).json()["results"] == []
    assert Order.objects.get().status == "accepted"


def test_pages_of_orders_stay_right_while_orders_come_in(api: Client, rich: Person) -> None:
    def place() -> str:
        body = {"index": "tiny", "side": "invest", "amount": "50"}
        return str(post(api, "orders/", body, rich.trade_key).json()["id"])

    placed = [place() for _ in range(3)]
    first = get(api, "orders/?page_size=2", rich.read_key).json()
    late = place()
    second = get(api, first["next"].partition("/api/v1/")[2], rich.read_key).json()
    seen = [row["id"] for row in first["results"] + second["results"]]
    assert seen == placed[::-1]
    assert late not in seen
    assert second["next"] is None
    for wrong, field in (
        ("page_size=201", "page_size"),
        ("page_size=x", "page_size"),
        ("cursor=x", "cursor"),
    ):
        answer = get(api, f"orders/?{wrong}", rich.read_key)
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, field)


def test_holdings_are_empty_before_anything_is_settled(api: Client, rich: Person) -> None:
    assert get(api, "holdings/", rich.read_key).json() == {
        "as_of": "2022-02-10T00:00:00Z",
        "value_usd": "0.00",
        "next": None,
        "results": [],
    }


def test_plans_and_a_subscription(api: Client, rich: Person) -> None:
    offered = get(api, "plans/").json()["results"]
    assert [row["plan"] for row in offered] == ["free", "silver", "gold", "platinum"]
    assert offered[1]["monthly_price_usd"] == "29.00"
    assert get(api, "subscription/", rich.read_key).json() == {
        "plan": "free",
        "next_plan": None,
        "period_start": None,
        "period_end": None,
        "cancel_at_period_end": False,
    }
    assert post(api, "subscription/", {"plan": "gold"}, rich.trade_key).json()["plan"] == "gold"
    down = post(api, "subscription/", {"plan": "silver"}, rich.trade_key).json()
    assert (down["plan"], down["next_plan"]) == ("gold", "silver")
    ended = api.delete("/api/v1/subscription/", headers=bearer(rich.trade_key)).json()
    assert (ended["plan"], ended["cancel_at_period_end"]) == ("gold", True)


def test_the_same_key_twice_is_one_deposit(api: Client, ada: Person) -> None:
    body = {"amount": "75.00"}
    first = post(api, "deposits/", body, ada.trade_key, **{"Idempotency-Key": "k1"})
    second = post(api, "deposits/", body, ada.trade_key, **{"Idempotency-Key": "k1"})
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
    assert "Idempotent-Replayed" not in first
    assert second["Idempotent-Replayed"] == "true"
    assert selectors.cash(ada.user) == Decimal(75)
    other = post(api, "deposits/", {"amount": "76.00"}, ada.trade_key, **{"Idempotency-Key": "k1"})
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_mismatch")
    elsewhere = post(api, "withdrawals/", body, ada.trade_key, **{"Idempotency-Key": "k1"})
    assert elsewhere.status_code == 422
    assert selectors.cash(ada.user) == Decimal(75)


def test_a_refusal_is_not_kept_under_its_key(api: Client, ada: Person) -> None:
    order = {"index": "tiny", "side": "invest", "amount": "100.00"}
    assert post(api, "orders/", order, ada.trade_key, **{"Idempotency-Key": "k"}).status_code == 409
    post(api, "deposits/", {"amount": "100"}, ada.trade_key)
    assert post(api, "orders/", order, ada.trade_key, **{"Idempotency-Key": "k"}).status_code == 202
    replay = post(api, "orders/", order, ada.trade_key, **{"Idempotency-Key": "k"})
    assert replay.status_code == 202
    assert replay["Location"] == f"/api/v1/orders/{Order.objects.get().pk}/"


@pytest.mark.parametrize("key", ["", "with space", "x" * 129, "ümlaut"])
def test_an_idempotency_key_is_visible_ascii(api: Client, ada: Person, key: str) -> None:
    answer = post(api, "deposits/", {"amount": "1"}, ada.trade_key, **{"Idempotency-Key": key})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "Idempotency-Key"
    assert selectors.cash(ada.user) == 0


def test_a_session_may_write_only_with_its_csrf_token(rich: Person) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(rich.user, backend="django.contrib.auth.backends.ModelBackend")
    assert get(browser, "me/").json()["scopes"] == ["read", "trade"]
    answer = post(browser, "deposits/", {"amount": "1"})
    assert answer.status_code == 403
    assert answer["Content-Type"] == "application/problem+json"
    assert selectors.cash(rich.user) == Decimal(500)


def test_another_person_is_another_account(api: Client, rich: Person) -> None:
    eve = person("eve@example.org")
    assert get(api, "me/", eve.read_key).json()["cash_usd"] == "0.00"
