"""The description of the API is valid, complete, safe to ask for at once, and true of the answers."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from config import api_schema
from tests.api.conftest import Person, get, post
from tests.api.test_access import ACCESS, api_routes


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    return dict(json.loads(api_schema.schema_bytes()))


def test_the_generator_has_nothing_to_complain_about(tmp_path: Any) -> None:
    call_command("spectacular", "--validate", "--fail-on-warn", "--file", str(tmp_path / "schema.yaml"))


STORES_NOTHING = {"orders_preview"}
"""A POST for the size of its body alone: asked twice it answers twice."""


def test_it_is_openapi_3_1_and_lists_every_route(schema: dict[str, Any]) -> None:
    assert schema["openapi"].startswith("3.1")
    documented = sum(len(operations) for operations in schema["paths"].values())
    assert documented == len([route for route in ACCESS if route[0] not in {"schema", "docs"}])
    assert len(schema["paths"]) == len(api_routes()) - 2


def test_every_operation_documents_its_problems_with_an_example(schema: dict[str, Any]) -> None:
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            expected = {"400", "401", "429"} | ({"404"} if "{" in path else set())
            if method != "get":
                expected |= {"403", "409", "413", "415", "422"}
                named = [parameter["name"] for parameter in operation.get("parameters", [])]
                assert ("Idempotency-Key" in named) or operation["operationId"] in STORES_NOTHING
            assert expected <= set(operation["responses"]), (method, path)
            for code in expected:
                content = operation["responses"][code]["content"]["application/problem+json"]
                assert content["schema"] == {"$ref": "#/components/schemas/Problem"}
                (example,) = content["examples"].values()
                assert example["value"]["status"] == int(code)
            assert "RateLimit-Remaining" in operation["responses"]["429"]["headers"]
            assert "Retry-After" in operation["responses"]["429"]["headers"]


def test_either_header_is_enough(schema: dict[str, Any]) -> None:
    security = schema["paths"]["/api/v1/me/"]["get"]["security"]
    assert security == [{"bearer": []}, {"apiKey": []}, {"cookieAuth": []}]
    assert {} in schema["paths"]["/api/v1/tokens/"]["get"]["security"]


def test_many_may_ask_for_it_at_once() -> None:
    api_schema._generated.cache_clear()
    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(lambda _: api_schema.schema_bytes(), range(16)))) == 1


def test_it_is_served_with_a_validator(api: Client) -> None:
    answer = get(api, "schema/")
    assert answer["Content-Type"].startswith("application/vnd.oai.openapi+json")
    assert get(api, "schema/", **{"If-None-Match": answer["ETag"]}).status_code == 304


@pytest.mark.django_db
def test_the_docs_page_obeys_our_own_policy(api: Client) -> None:
    page = get(api, "docs/")
    html = page.content.decode()
    assert page.status_code == 200
    assert "https://" not in html
    assert "<style" not in html
    assert "<script>" not in html
    policy = page["Content-Security-Policy"]
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    script = api.get("/api/v1/docs/?script=")
    assert script["Content-Type"] == "application/javascript"
    assert b"/api/v1/schema/" in script.content


def matches(schema: dict[str, Any], path: str, method: str, answer: Any) -> None:
    """The body validates against what the description promises for this status."""
    response = schema["paths"][path][method]["responses"][str(answer.status_code)]
    content = response["content"][answer["Content-Type"].partition(";")[0]]
    registry = Registry[Any]().with_resource("urn:api", DRAFT202012.create_resource(schema))
    reference = {"$ref": "urn:api" + content["schema"]["$ref"]}
    Draft202012Validator(reference, registry=registry).validate(answer.json())


def test_answers_are_what_the_description_says(api: Client, rich: Person, schema: dict[str, Any]) -> None:
    reads = {
        "tokens/": "/api/v1/tokens/",
        "tokens/alpha/": "/api/v1/tokens/{id}/",
        "tokens/alpha/prices/": "/api/v1/tokens/{id}/prices/",
        "tokens/alpha/grades/": "/api/v1/tokens/{id}/grades/",
        "tokens/alpha/quant/": "/api/v1/tokens/{id}/quant/",
        "tokens/alpha/features/": "/api/v1/tokens/{id}/features/",
        "tokens/alpha/observations/": "/api/v1/tokens/{id}/observations/",
        "features/catalogue/": "/api/v1/features/catalogue/",
        "regime/": "/api/v1/regime/",
        "regime/history/": "/api/v1/regime/history/",
        "indices/": "/api/v1/indices/",
        "indices/tiny/": "/api/v1/indices/{slug}/",
        "indices/tiny/holdings/": "/api/v1/indices/{slug}/holdings/",
        "indices/tiny/levels/": "/api/v1/indices/{slug}/levels/",
        "indices/tiny/rebalances/": "/api/v1/indices/{slug}/rebalances/",
        "plans/": "/api/v1/plans/",
        "me/": "/api/v1/me/",
        "holdings/": "/api/v1/holdings/",
        "orders/": "/api/v1/orders/",
        "subscription/": "/api/v1/subscription/",
    }
    for asked, path in reads.items():
        matches(schema, path, "get", get(api, asked, rich.read_key))
    order = {"index": "tiny", "side": "invest", "amount": "50"}
    matches(schema, "/api/v1/orders/", "post", post(api, "orders/", order, rich.trade_key))
    matches(schema, "/api/v1/orders/", "post", post(api, "orders/", {**order, "amount": "1"}, rich.trade_key))
    matches(schema, "/api/v1/deposits/", "post", post(api, "deposits/", {"amount": "5"}, rich.trade_key))
    matches(schema, "/api/v1/me/", "get", get(api, "me/"))
