"""Personal portfolios over the API: open, look, change, invest, redeem; idempotent, and nobody else's."""

from __future__ import annotations

from typing import Any

from django.test import Client

from portfolios.services import execution
from portfolios.services.ledger_check import checks_run
from tests.api.conftest import Person, bearer, get, post

BODY: dict[str, Any] = {"index": "tiny", "exclude": ["alpha"], "max_weight": "0.6", "name": "Mine"}


def patch(api: Client, path: str, body: Any, key: str) -> Any:
    return api.patch(f"/api/v1/{path}", body, content_type="application/json", headers=bearer(key))


def test_open_invest_change_redeem(api: Client, rich: Person, bob: Person) -> None:
    made = post(api, "personal/", BODY, rich.trade_key)
    assert made.status_code == 201, made.content
    own = made.json()
    assert own["settings"] == {"exclude": ["alpha"], "max_weight": "0.6", "risk_share": "1"}
    assert {row["token"]: row["weight"] for row in own["targets"]} == {"alpha": "0", "gamma": "1"}
    path = f"personal/{own['id']}/"
    ordered = post(api, f"{path}orders/", {"side": "invest", "amount": "60.00"}, rich.trade_key)
    assert ordered.status_code == 202, ordered.content
    assert ordered.json()["status"] == "accepted"
    execution.dealing_run()
    held = get(api, path, rich.read_key).json()
    assert held["positions"][0]["token"] == "gamma"
    assert held["invested_usd"] == "60.00"
    assert get(api, f"orders/{ordered.json()['id']}/", rich.read_key).json()["status"] == "settled"
    assert get(api, "personal/", rich.read_key).json()["results"][0]["id"] == own["id"]
    changed = patch(api, path, {"exclude": [], "risk_share": "0.5"}, rich.trade_key)
    assert changed.status_code == 200, changed.content
    assert changed.json()["waiting"] == {"exclude": [], "max_weight": "0.6", "risk_share": "0.5"}
    assert changed.json()["settings"]["exclude"] == ["alpha"]
    assert {row["side"] for row in changed.json()["next_trades"]} == {"buy", "sell"}
    out = post(api, f"{path}orders/", {"side": "redeem", "percent": "50"}, rich.trade_key)
    assert out.status_code == 202, out.content
    execution.dealing_run()
    assert get(api, path, rich.read_key).json()["waiting"] is None
    assert [check.name for check in checks_run() if not check.passed] == []
    assert get(api, path, bob.read_key).status_code == 404
    assert post(api, f"{path}orders/", {"side": "redeem", "all": True}, bob.trade_key).status_code == 404


def test_the_same_key_opens_once(api: Client, rich: Person) -> None:
    headers = {**bearer(rich.trade_key), "Idempotency-Key": "once"}
    ids = {
        api.post("/api/v1/personal/", BODY, content_type="application/json", headers=headers).json()["id"]
        for _ in range(3)
    }
    assert len(ids) == 1


def test_what_makes_no_sense_names_its_field(api: Client, rich: Person) -> None:
    for body, field in (
        ({**BODY, "exclude": ["alpha", "gamma"]}, "exclude"),
        ({**BODY, "exclude": ["nothing"]}, "exclude"),
        ({**BODY, "max_weight": "0.001"}, "max_weight"),
        ({**BODY, "risk_share": "0.3"}, "risk_share"),
        ({**BODY, "index": "nothing"}, "index"),
        ({**BODY, "colour": "red"}, "colour"),
    ):
        answer = post(api, "personal/", body, rich.trade_key)
        assert answer.status_code == 400, answer.content
        assert answer.json()["errors"][0]["field"] == field


def test_an_order_says_how_much_in_one_way(api: Client, rich: Person) -> None:
    path = f"personal/{post(api, 'personal/', BODY, rich.trade_key).json()['id']}/orders/"
    for body in (
        {"side": "invest", "percent": "5"},
        {"side": "redeem", "amount": "5", "all": True},
        {"side": "redeem"},
        {"side": "redeem", "percent": "0.00001"},
    ):
        assert post(api, path, body, rich.trade_key).status_code == 400
    # Nothing is in it.
    assert post(api, path, {"side": "redeem", "all": True}, rich.trade_key).status_code == 409
    assert post(api, path, {"side": "invest", "amount": "49.99"}, rich.trade_key).status_code == 400
