"""Tokens and indices: exact bodies, point in time, cached by validator."""

from __future__ import annotations

import pytest
from django.test import Client

from signals.models import Market
from tests.api.conftest import get

pytestmark = pytest.mark.usefixtures("world")


def test_tokens_at_the_last_closed_day(api: Client) -> None:
    answer = get(api, "tokens/")
    assert answer.status_code == 200
    body = answer.json()
    assert (body["as_of"], body["next"]) == ("2022-02-09", None)
    assert [row["id"] for row in body["results"]] == ["alpha", "beta", "gamma"]
    assert body["results"][0] == {
        "id": "alpha",
        "symbol": "ALP",
        "name": "Alpha",
        "categories": ["layer-1"],
        "day": "2022-02-09",
        "price_usd": 139.0,
        "market_cap_usd": 139.0 * 1e9,
        "volume_usd": 1e9,
        "change_1d": pytest.approx(139 / 138 - 1),
        "change_7d": pytest.approx(139 / 132 - 1),
        "change_30d": pytest.approx(139 / 109 - 1),
        "trader_grade": pytest.approx(53.0),
        "investor_grade": 55.0,
        "signal": 1,
        "confidence": 0.4,
        "graded_on": "2022-02-09",
    }


def test_tokens_are_what_was_known_at_as_of(api: Client) -> None:
    row = get(api, "tokens/alpha/?as_of=2022-01-02").json()
    assert (row["as_of"], row["day"], row["price_usd"], row["change_7d"]) == (
        "2022-01-02",
        "2022-01-02",
        101.0,
        None,
    )


def test_pages_of_tokens_follow_the_cursor_pinned_to_its_day(api: Client) -> None:
    seen: list[str] = []
    path = "tokens/?page_size=1&as_of=2022-01-20&order=name"
    while path:
        body = get(api, path).json()
        assert body["as_of"] == "2022-01-20"
        seen += [row["id"] for row in body["results"]]
        path = (body["next"] or "").partition("/api/v1/")[2]
    assert seen == ["alpha", "beta", "gamma"]


def test_prices_of_one_token(api: Client) -> None:
    body = get(api, "tokens/beta/prices/?days=2&as_of=2022-01-03").json()
    assert body == {
        "token": "beta",
        "as_of": "2022-01-03",
        "results": [{"date": "2022-01-02", "close_usd": 10.1}, {"date": "2022-01-03", "close_usd": 10.2}],
    }


def test_indices_and_their_figures(api: Client) -> None:
    body = get(api, "indices/").json()
    assert body["as_of"] == "2022-02-09"
    assert [row["slug"] for row in body["results"]] == ["tiny"]
    row = get(api, "indices/tiny/?as_of=2022-01-17").json()
    assert row["level"] == 1007.0
    assert row["change_1d"] == pytest.approx(1007 / 1006 - 1)
    assert row["change_1y"] is None
    assert row["rulebook"]["version"] == 1
    assert row["rulebook"]["body"]["slug"] == "tiny"


def test_holdings_answer_from_the_decision_in_force(api: Client) -> None:
    early = get(api, "indices/tiny/holdings/?as_of=2022-01-16").json()
    assert {row["token"]: row["weight"] for row in early["results"]} == {
        "alpha": "0.6",
        "beta": "0.4",
    }
    later = get(api, "indices/tiny/holdings/?as_of=2022-01-17").json()
    assert later["decision"] == {
        "as_of": "2022-01-16",
        "effective_on": "2022-01-17",
        "epoch": "2022-W02",
        "rulebook_version": 1,
        "input_hash": "1" * 64,
    }
    assert later["results"][1] == {
        "token": "gamma",
        "symbol": "GAM",
        "name": "Gamma",
        "weight": "0.5",
        "drifted_weight": pytest.approx(0.5),
        "price_usd": 1.16,
        "rank": 2,
        "reason": "entered at rank 2",
    }
    assert get(api, "indices/tiny/holdings/?as_of=2022-01-09").status_code == 404


def test_levels_in_a_range(api: Client) -> None:
    body = get(api, "indices/tiny/levels/?start=2022-01-11&end=2022-01-12").json()
    assert body == {
        "index": "tiny",
        "start": "2022-01-11",
        "end": "2022-01-12",
        "results": [{"date": "2022-01-11", "level": 1001.0}, {"date": "2022-01-12", "level": 1002.0}],
    }
    assert len(get(api, "indices/tiny/levels/").json()["results"]) == 31
    assert get(api, "indices/tiny/levels/?as_of=2022-01-10").json()["results"] == [
        {"date": "2022-01-10", "level": 1000.0}
    ]


def test_rebalances_newest_first_by_cursor(api: Client) -> None:
    first = get(api, "indices/tiny/rebalances/?page_size=1").json()
    (row,) = first["results"]
    assert (row["as_of"], row["effective_on"], row["turnover"]) == ("2022-01-16", "2022-01-17", 1.0)
    assert [move["token"] for move in row["entered"]] == ["gamma"]
    assert row["left"] == [
        {
            "token": "beta",
            "symbol": "BET",
            "name": "Beta",
            "before": "0.4",
            "after": "0",
            "reason": "left the top two",
        }
    ]
    second = get(api, first["next"].partition("/api/v1/")[2]).json()
    assert [row["as_of"] for row in second["results"]] == ["2022-01-09"]
    assert second["next"] is None


@pytest.mark.parametrize(
    ("path", "field", "code"),
    [
        ("tokens/?as_of=2022-02-10", "as_of", "future"),
        ("tokens/?as_of=yesterday", "as_of", "invalid"),
        ("tokens/?asof=2022-01-01", "asof", "unknown_parameter"),
        ("tokens/?order=luck", "order", "invalid_choice"),
        ("tokens/?page_size=201", "page_size", "max_value"),
        ("tokens/?cursor=nonsense", "cursor", "invalid_cursor"),
        ("tokens/alpha/?as_of=2022-02-10", "as_of", "future"),
        ("tokens/alpha/prices/?days=0", "days", "min_value"),
        ("tokens/?signal=2", "signal", "invalid_choice"),
        ("tokens/?min_volume_usd=-1", "min_volume_usd", "min_value"),
        ("tokens/alpha/grades/?as_of=2022-02-10", "as_of", "future"),
        ("tokens/alpha/grades/?end=2022-02-10", "end", "future"),
        ("tokens/alpha/grades/?as_of=2022-01-20&end=2022-01-21", "end", "future"),
        ("tokens/alpha/grades/?start=2022-01-05&end=2022-01-04", "start", "order"),
        ("tokens/alpha/grades/?cursor=nonsense", "cursor", "invalid_cursor"),
        ("tokens/alpha/quant/?as_of=2022-02-10", "as_of", "future"),
        ("tokens/alpha/quant/?days=9", "days", "unknown_parameter"),
        ("tokens/alpha/observations/?known_at=2022-02-10T00:00:01Z", "known_at", "future"),
        ("tokens/alpha/observations/?family=gossip", "family", "invalid_choice"),
        ("tokens/alpha/observations/?days=401", "days", "max_value"),
        ("tokens/alpha/features/?as_of=2022-02-10", "as_of", "future"),
        ("tokens/alpha/features/?known_at=2022-02-09T23:59:59Z", "known_at", "not_yet_known"),
        ("indices/?as_of=2022-02-10", "as_of", "future"),
        ("indices/tiny/?as_of=2022-02-10", "as_of", "future"),
        ("indices/tiny/holdings/?as_of=2022-02-10", "as_of", "future"),
        ("indices/tiny/levels/?end=2022-02-10", "end", "future"),
        ("indices/tiny/levels/?start=2022-01-05&end=2022-01-04", "start", "order"),
        ("indices/tiny/rebalances/?as_of=2022-02-10", "as_of", "future"),
        ("indices/tiny/rebalances/?cursor=nonsense", "cursor", "invalid_cursor"),
    ],
)
def test_a_wrong_parameter_is_named(api: Client, path: str, field: str, code: str) -> None:
    answer = get(api, path)
    assert answer.status_code == 400
    (error,) = answer.json()["errors"]
    assert (error["field"], error["code"]) == (field, code)


@pytest.mark.parametrize(
    "path",
    [
        "tokens/nobody/",
        "tokens/nobody/prices/",
        "tokens/nobody/grades/",
        "tokens/nobody/quant/",
        "tokens/nobody/features/",
        "tokens/nobody/observations/",
        "indices/nobody/",
        "indices/hidden/",
        "indices/hidden/levels/",
    ],
)
def test_what_is_not_there_is_a_404_problem(api: Client, path: str) -> None:
    answer = get(api, path)
    assert answer.status_code == 404
    assert answer["Content-Type"] == "application/problem+json"


def test_an_etag_saves_the_body_until_the_clock_moves(api: Client) -> None:
    first = get(api, "indices/tiny/levels/")
    assert first["Cache-Control"] == "public, max-age=30"
    again = get(api, "indices/tiny/levels/", **{"If-None-Match": first["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert "RateLimit-Remaining" in again
    market = Market.objects.get()
    assert market.time is not None
    Market.objects.update(time=market.time.replace(day=5))
    moved = get(api, "indices/tiny/levels/", **{"If-None-Match": first["ETag"]})
    assert moved.status_code == 200
    assert moved["ETag"] != first["ETag"]


def test_without_a_market_the_answer_is_a_503_problem(api: Client) -> None:
    Market.objects.update(is_active=False)
    answer = get(api, "tokens/")
    assert answer.status_code == 503
    assert answer.json()["code"] == "market_not_loaded"
