"""Every error is one shape, whatever went wrong and wherever."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from django.test import Client

from signals import selectors
from tests.api.conftest import Person, bearer, get, post

pytestmark = pytest.mark.usefixtures("world")
MEMBERS = {"type", "title", "status", "detail", "instance", "code", "errors"}


def assert_problem(answer: Any, status: int, code: str, path: str) -> dict[str, Any]:
    assert answer.status_code == status
    assert answer["Content-Type"] == "application/problem+json"
    assert answer["Cache-Control"] == "no-store"
    body: dict[str, Any] = answer.json()
    assert set(body) == MEMBERS
    assert body["type"] == f"urn:bellwether:problem:{code}"
    assert (body["status"], body["code"], body["instance"]) == (status, code, path)
    assert body["title"]
    assert body["detail"]
    return body


def test_unknown_paths(api: Client) -> None:
    for path in ("/api/v1/nothing/", "/api/", "/api/v2/tokens/", "/api/v1/orders/not-a-uuid/"):
        assert_problem(api.get(path), 404, "not_found", path)
    assert_problem(api.post("/api/v1/nothing/"), 404, "not_found", "/api/v1/nothing/")


def test_a_missing_slash_is_a_redirect_that_keeps_method_and_query(api: Client) -> None:
    answer = api.post("/api/v1/deposits?a=1")
    assert (answer.status_code, answer["Location"]) == (308, "/api/v1/deposits/?a=1")


def test_wrong_method(api: Client, ada: Person) -> None:
    answer = api.delete("/api/v1/tokens/")
    assert_problem(answer, 405, "method_not_allowed", "/api/v1/tokens/")
    assert answer["Allow"] == "GET, HEAD"
    assert_problem(
        api.options("/api/v1/me/", headers=bearer(ada.read_key)), 405, "method_not_allowed", "/api/v1/me/"
    )


def test_no_key_and_a_wrong_key(api: Client) -> None:
    answer = get(api, "me/")
    assert_problem(answer, 401, "not_authenticated", "/api/v1/me/")
    assert answer["WWW-Authenticate"] == 'Bearer realm="Bellwether API"'
    assert_problem(get(api, "me/", "bw_wrong"), 401, "authentication_failed", "/api/v1/me/")
    # A wrong key is refused even where none is needed: the caller believes to have one.
    assert_problem(get(api, "tokens/", "bw_wrong"), 401, "authentication_failed", "/api/v1/tokens/")


def test_both_headers_work_and_must_agree(api: Client, ada: Person) -> None:
    assert get(api, "me/", **{"X-API-Key": ada.read_key}).json()["email"] == "ada@example.org"
    assert get(api, "me/", ada.read_key, **{"X-API-Key": ada.read_key}).status_code == 200
    assert get(api, "me/", ada.read_key, **{"X-API-Key": ada.trade_key}).status_code == 401
    assert get(api, "me/", Authorization="Basic abc").status_code == 401
    assert get(api, "me/", Authorization="Bearer ").status_code == 401


def test_bodies_that_are_not_one_json_object(api: Client, ada: Person) -> None:
    headers = bearer(ada.trade_key)
    path = "/api/v1/deposits/"
    for body in (
        "",
        "{",
        "[]",
        '"x"',
        '{"amount": NaN}',
        '{"amount": "1", "amount": "2"}',
        "\xff",
        "[" * 5000,
    ):
        answer = api.post(path, body, content_type="application/json", headers=headers)
        assert answer.status_code == 400, body
        assert answer["Content-Type"] == "application/problem+json"
    answer = api.post(path, "amount=1", content_type="text/plain", headers=headers)
    assert_problem(answer, 415, "unsupported_media_type", path)
    answer = api.post(path, '{"x": "' + "y" * 70_000 + '"}', content_type="application/json", headers=headers)
    assert_problem(answer, 413, "body_too_large", path)


def test_a_field_that_is_not_known_is_named(api: Client, ada: Person) -> None:
    answer = post(api, "deposits/", {"amount": "5.00", "ammount": "6.00"}, ada.trade_key)
    body = assert_problem(answer, 400, "validation_error", "/api/v1/deposits/")
    assert body["errors"] == [
        {
            "field": "ammount",
            "code": "unknown_field",
            "message": "Unknown field. Known are: amount, currency, method.",
        }
    ]


def test_what_nobody_foresaw_is_logged_and_says_nothing(
    api: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(**_: Any) -> Any:
        raise RuntimeError("the password is hunter2")

    monkeypatch.setattr(selectors, "asset_list", broken)
    with caplog.at_level(logging.ERROR, logger="config.problems"):
        answer = get(api, "tokens/")
    body = assert_problem(answer, 500, "server_error", "/api/v1/tokens/")
    assert "hunter2" not in str(body)
    assert "hunter2" in caplog.text


def test_over_the_rate(api: Client, ada: Person) -> None:
    for number in range(1, 61):
        answer = get(api, "plans/", ada.read_key)
        assert answer.status_code == 200
        assert (answer["RateLimit-Limit"], answer["RateLimit-Remaining"]) == ("60", str(60 - number))
        assert 0 < int(answer["RateLimit-Reset"]) <= 60
    answer = get(api, "plans/", ada.read_key)
    assert_problem(answer, 429, "throttled", "/api/v1/plans/")
    assert 0 < int(answer["Retry-After"]) <= 60
    assert answer["RateLimit-Remaining"] == "0"
    # The account counts apart, and so do other callers.
    assert get(api, "me/", ada.read_key)["RateLimit-Limit"] == "120"
    assert get(api, "plans/").status_code == 200


def test_a_larger_plan_allows_more(api: Client, rich: Person) -> None:
    assert post(api, "subscription/", {"plan": "silver"}, rich.trade_key).status_code == 200
    assert get(api, "plans/", rich.read_key)["RateLimit-Limit"] == "240"
