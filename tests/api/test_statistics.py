"""Figures of an index over the API: exact bodies, and refusals that name the parameter."""

from __future__ import annotations

import pytest
from django.test import Client

from tests.api.conftest import get

pytestmark = pytest.mark.usefixtures("world")


def test_statistics_of_thirty_days(api: Client) -> None:
    body = get(api, "indices/tiny/statistics/").json()
    assert (body["index"], body["first"], body["as_of"], body["days"]) == (
        "tiny",
        "2022-01-10",
        "2022-02-09",
        30,
    )
    (column,) = body["columns"]
    assert (column["kind"], column["slug"], column["against"]) == ("index", "tiny", [])
    figures = {row["key"]: row for row in column["figures"]}
    assert figures["total_return"] == {
        "key": "total_return",
        "name": "Total return",
        "unit": "percent",
        "value": pytest.approx(0.03),
        "reason": "",
        "formula": "/indices/formulas/#total_return",
    }
    assert figures["volatility"]["value"] is None
    assert figures["volatility"]["reason"] == "30 days of history; nothing is stated per year under 365"
    composition = {row["key"]: row["value"] for row in body["composition"]}
    assert composition == {
        "names": 2,
        "effective_names": pytest.approx(2),
        "top10_share": pytest.approx(1),
        "active_share": pytest.approx(1),
        "rebalances": 1,
        "turnover_one_sided": None,
        "turnover_two_sided": None,
    }
    assert body["capacity"] == []


def test_a_span_counts_from_the_close_of_its_start(api: Client) -> None:
    body = get(api, "indices/tiny/statistics/?start=2022-01-15&as_of=2022-01-20").json()
    figures = {row["key"]: row["value"] for row in body["columns"][0]["figures"]}
    assert figures["total_return"] == pytest.approx(1010 / 1005 - 1)
    answer = get(api, "indices/tiny/statistics/?start=2022-01-20&as_of=2022-01-20")
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "start"
    assert get(api, "indices/tiny/statistics/?start=2022-02-08&as_of=2022-02-09").status_code == 200
    assert get(api, "indices/tiny/statistics/?as_of=2022-01-10").status_code == 404
    assert get(api, "indices/tiny/drawdowns/?begin=2022-01-10").status_code == 400
    assert get(api, "indices/hidden/statistics/").status_code == 404


def test_months_falls_and_attribution(api: Client) -> None:
    months = get(api, "indices/tiny/monthly/").json()
    assert months["months"] == [
        {"year": 2022, "month": 1, "value": pytest.approx(0.021), "is_whole": False},
        {"year": 2022, "month": 2, "value": pytest.approx(1030 / 1021 - 1), "is_whole": False},
    ]
    assert months["years"] == [{"year": 2022, "month": None, "value": pytest.approx(0.03), "is_whole": False}]
    assert get(api, "indices/tiny/drawdowns/").json()["results"] == []
    body = get(api, "indices/tiny/attribution/").json()
    assert (body["reference"], body["reference_kind"]) == ("bitcoin", "asset")
    assert body["whole"] == {
        "total": pytest.approx(0.03),
        "reference": 0.0,
        "active": pytest.approx(0.03),
        "selection": pytest.approx(0.03),
        "weighting": 0.0,
        "overlay": 0.0,
        "cost": 0.0,
    }
    assert [row["year"] for row in body["years"]] == [2022]
    assert get(api, "indices/tiny/attribution/?as_of=2022-01-09").status_code == 404
