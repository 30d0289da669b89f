"""Indices of one's own over the API: build, preview, change, share, archive; idempotent, and nobody else's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from indices.services import shelf
from portfolios.models import CustomIndex
from tests.api.conftest import Person, bearer, get, post

BODY: dict[str, Any] = {
    "name": "Mine",
    "base": "tiny",
    "exclude": ["alpha"],
    "count": 3,
    "max_weight": "0.5",
    "scheme": "equal",
}


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    shelf.shelf_clear()
    yield
    shelf.shelf_clear()


def patch(api: Client, path: str, body: Any, key: str) -> Any:
    return api.patch(f"/api/v1/{path}", body, content_type="application/json", headers=bearer(key))


def test_build_list_read(api: Client, ada: Person, bob: Person) -> None:
    made = post(api, "custom-indices/", BODY, ada.trade_key)
    assert made.status_code == 201, made.content
    own = made.json()
    assert own["slug"].startswith("custom-")
    assert (own["name"], own["base"], own["version"], own["share_token"], own["in_use"]) == (
        "Mine",
        "tiny",
        1,
        None,
        False,
    )
    assert own["rulebook"]["universe"]["exclude"] == ["alpha"]
    assert own["rulebook"]["weighting"]["max_weight"] == 0.5
    listed = get(api, "custom-indices/", ada.read_key).json()
    assert listed["results"] == [own]
    assert get(api, f"custom-indices/{own['slug']}/", ada.read_key).json() == own
    assert get(api, "custom-indices/", bob.read_key).json()["results"] == []
    assert get(api, f"custom-indices/{own['slug']}/", bob.read_key).status_code == 404
    assert get(api, f"indices/{own['slug']}/").status_code == 404
    assert own["slug"] not in get(api, "indices/").content.decode()


def test_the_same_key_builds_once(api: Client, ada: Person) -> None:
    answers = [
        post(api, "custom-indices/", BODY, ada.trade_key, **{"Idempotency-Key": "one"}) for _ in range(2)
    ]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].content == answers[1].content
    assert answers[1]["Idempotent-Replayed"] == "true"
    assert CustomIndex.objects.count() == 1
    other = post(
        api, "custom-indices/", {**BODY, "name": "More"}, ada.trade_key, **{"Idempotency-Key": "one"}
    )
    assert other.status_code == 422


@pytest.mark.parametrize(
    ("change", "status", "code", "field"),
    [
        ({"base": "no-such"}, 400, "unknown_index", "base"),
        ({"base": "hidden"}, 400, "unknown_index", "base"),
        ({"count": 2}, 400, "invalid_rules", "count"),
        ({"exclude": ["alfa"]}, 400, "invalid_rules", "exclude"),
        ({"max_weight": "0.1"}, 400, "invalid_rules", "max_weight"),
        ({"scheme": "min_variance"}, 400, "invalid_rules", "scheme"),
        ({"regime": True}, 400, "invalid_rules", "regime"),
        ({"name": " "}, 400, "blank", "name"),
        ({"weights": {"alpha": 1}}, 400, "unknown_field", "weights"),
        ({"max_weight": "NaN"}, 400, "invalid", "max_weight"),
    ],
)
def test_a_refusal_names_the_field(
    api: Client, ada: Person, change: dict[str, Any], status: int, code: str, field: str
) -> None:
    answer = post(api, "custom-indices/", {**BODY, **change}, ada.trade_key)
    assert answer.status_code == status, answer.content
    problem = answer.json()
    assert (problem["errors"][0]["code"], problem["errors"][0]["field"]) == (code, field)
    assert CustomIndex.objects.count() == 0


def test_the_plan_limits_how_many(api: Client, ada: Person) -> None:
    post(api, "custom-indices/", BODY, ada.trade_key)
    answer = post(api, "custom-indices/", BODY, ada.trade_key)
    assert (answer.status_code, answer.json()["code"]) == (403, "custom_index_limit")
    assert [plan["custom_indices"] for plan in get(api, "plans/").json()["results"]] == [1, 3, 10, 50]


def test_change_rename_share_archive(api: Client, ada: Person, bob: Person) -> None:
    slug = post(api, "custom-indices/", BODY, ada.trade_key).json()["slug"]
    path = f"custom-indices/{slug}/"
    changed = patch(api, path, {"max_weight": "0.4", "name": "Other"}, ada.trade_key).json()
    assert (changed["name"], changed["version"]) == ("Other", 2)
    assert changed["rulebook"]["weighting"] == {**changed["rulebook"]["weighting"], "max_weight": 0.4}
    assert changed["rulebook"]["universe"]["exclude"] == ["alpha"]
    assert changed["rulebook"]["selection"]["count"] == 3
    assert patch(api, path, {"max_weight": "0.4"}, ada.trade_key).json()["version"] == 2
    assert patch(api, path, {"max_weight": "0.4"}, bob.trade_key).status_code == 404
    token = post(api, f"{path}share/", {}, ada.trade_key).json()["share_token"]
    shared = get(api, f"shared-indices/{token}/").json()
    assert shared.keys() == {"name", "base", "family", "record_since", "rulebook", "rules"}
    assert shared["name"] == "Other"
    assert post(api, f"{path}share/", {}, bob.trade_key).status_code == 404
    withdrawn = api.delete(f"/api/v1/{path}share/", headers=bearer(ada.trade_key)).json()
    assert withdrawn["share_token"] is None
    assert get(api, f"shared-indices/{token}/").status_code == 404
    assert api.delete(f"/api/v1/{path}", headers=bearer(bob.trade_key)).status_code == 404
    assert api.delete(f"/api/v1/{path}", headers=bearer(ada.trade_key)).status_code == 204
    assert get(api, path, ada.read_key).status_code == 404


def test_only_its_owner_invests_in_it(api: Client, rich: Person, bob: Person) -> None:
    slug = post(api, "custom-indices/", BODY, rich.trade_key).json()["slug"]
    order = {"index": slug, "side": "invest", "amount": "50.00"}
    refused = post(api, "orders/", order, bob.trade_key)
    assert (refused.status_code, refused.json()["code"]) == (400, "unknown_index")
    assert post(api, "orders/", order, rich.trade_key).status_code == 202
    assert get(api, f"custom-indices/{slug}/", rich.read_key).json()["in_use"] is True
    answer = api.delete(f"/api/v1/custom-indices/{slug}/", headers=bearer(rich.trade_key))
    assert (answer.status_code, answer.json()["code"]) == (409, "custom_index_in_use")


def test_a_preview_needs_no_key_and_stores_nothing(api: Client, world: None) -> None:
    asked = {"base": "tiny", "exclude": ["alpha"], "count": 3, "max_weight": 0.5}
    answer = post(api, "custom-indices/preview/", asked)
    assert answer.status_code == 200, answer.content
    shown = answer.json()
    assert (shown["kind"], shown["base"]) == ("backtest", "tiny")
    assert "alpha" not in {member["token"] for member in shown["members"]}
    assert sum(member["weight"] for member in shown["members"]) == pytest.approx(1)
    assert shown["levels"][0] == {"date": shown["start"], "level": 1000.0, "base_level": 1000.0}
    last = shown["levels"][-1]
    assert shown["tracking"]["difference"] == pytest.approx((last["level"] - last["base_level"]) / 1000)
    assert shown["tracking"]["error"] is None
    assert answer["Cache-Control"] == "no-store"
    assert CustomIndex.objects.count() == 0


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"base": "no-such"}, "base"),
        ({"count": 1}, "count"),
        ({"exclude": ["alfa"]}, "exclude"),
        ({"start": "yesterday"}, "start"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_a_preview_names_the_field(api: Client, world: None, change: dict[str, Any], field: str) -> None:
    answer = post(api, "custom-indices/preview/", {"base": "tiny", **change})
    assert answer.status_code == 400
    assert field in {error["field"] for error in answer.json()["errors"]}


def test_previews_count_apart_and_allow_less(api: Client, ada: Person) -> None:
    answer = post(api, "custom-indices/preview/", {"base": "no-such"}, ada.read_key)
    assert (answer["RateLimit-Limit"], answer["RateLimit-Remaining"]) == ("60", "59")
    assert get(api, "indices/", ada.read_key)["RateLimit-Remaining"] == "59"
