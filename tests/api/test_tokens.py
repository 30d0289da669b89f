"""Grades, features and quant figures of a token: exact bodies, point in time, and missing where missing."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from django.core.cache import cache
from django.test import Client

from signals.core.features import catalogue
from signals.models import Asset, Candle, Market, Observation
from signals.selectors import backdrop
from tests.api.conftest import LAST, get
from tests.grading import CONTRIBUTIONS, SENTENCES, features_make, grades_make, model_run_make

pytestmark = pytest.mark.usefixtures("world")


def ids(api: Client, query: str) -> list[str]:
    return [row["id"] for row in get(api, f"tokens/?{query}").json()["results"]]


def test_tokens_by_grade_and_signal_with_the_ungraded_last(api: Client) -> None:
    assert ids(api, "order=-trader_grade") == ["alpha", "beta", "gamma"]
    assert ids(api, "order=trader_grade") == ["beta", "alpha", "gamma"]
    assert ids(api, "order=-investor_grade") == ["alpha", "beta", "gamma"]
    assert ids(api, "order=signal") == ["beta", "alpha", "gamma"]
    assert ids(api, "signal=-1") == ["beta"]
    assert ids(api, "signal=0") == []
    gamma = get(api, "tokens/gamma/").json()
    assert [gamma[name] for name in ("trader_grade", "investor_grade", "signal", "graded_on")] == [None] * 4


def test_tokens_by_least_volume(api: Client) -> None:
    Candle.objects.filter(asset__slug="beta").update(volume=4e8)
    assert ids(api, "min_volume_usd=400000001") == ["alpha", "gamma"]
    assert ids(api, "min_volume_usd=400000000") == ["alpha", "beta", "gamma"]


def test_the_list_is_of_the_grades_in_force_then(api: Client) -> None:
    assert get(api, "tokens/alpha/?as_of=2022-01-12").json()["trader_grade"] == pytest.approx(50.2)
    assert get(api, "tokens/alpha/?as_of=2022-01-09").json()["trader_grade"] is None


def test_marks_of_measured_kinds_are_not_shown(api: Client) -> None:
    Asset.objects.filter(slug="beta").update(categories=["defi", "wrapped", "measured-wrapped"])
    assert get(api, "tokens/beta/").json()["categories"] == ["defi", "wrapped"]


def test_grades_in_force_say_why_and_since_when(api: Client) -> None:
    body = get(api, "tokens/alpha/grades/?page_size=2").json()
    assert body["token"] == "alpha"
    assert body["grades"] == {
        "day": "2022-02-09",
        "trader_grade": 53.0,
        "investor_grade": 55.0,
        "signal": 1,
        "confidence": 0.4,
        "coverage": 0.9,
        "trader_grade_change_1d": pytest.approx(0.1),
        "trader_grade_change_7d": pytest.approx(0.7),
        "investor_grade_change_1d": 0.0,
        "investor_grade_change_7d": 0.0,
        "sentences": SENTENCES,
        "contributions": [
            {"feature": name, "rank": rank, "contribution": part} for name, rank, part in CONTRIBUTIONS
        ],
        "trained_through": "2021-12-31",
    }
    assert body["results"][0] == {
        "day": "2022-02-09",
        "trader_grade": 53.0,
        "investor_grade": 55.0,
        "signal": 1,
        "confidence": 0.4,
    }


def test_the_history_of_grades_comes_newest_first_by_cursor(api: Client) -> None:
    path = "tokens/alpha/grades/?page_size=4&start=2022-01-12&end=2022-01-20"
    pages = []
    while path:
        body = get(api, path).json()
        pages.append([row["day"] for row in body["results"]])
        assert body["as_of"] == "2022-02-09"
        path = (body["next"] or "").partition("/api/v1/")[2]
    days = [day for page in pages for day in page]
    assert [len(page) for page in pages] == [4, 4, 1]
    assert days == [f"2022-01-{number}" for number in range(20, 11, -1)]


def test_grades_at_a_day_know_nothing_of_later_ones(api: Client) -> None:
    body = get(api, "tokens/alpha/grades/?as_of=2022-01-11").json()
    assert [row["day"] for row in body["results"]] == ["2022-01-11", "2022-01-10"]
    assert body["grades"]["trader_grade_change_7d"] is None
    early = get(api, "tokens/alpha/grades/?as_of=2022-01-05").json()
    assert (early["grades"], early["results"]) == (None, [])
    assert get(api, "tokens/gamma/grades/").json()["grades"] is None


def test_grades_of_another_market_are_not_told(api: Client) -> None:
    other = model_run_make(market=Market.Source.SIMULATED)
    grades_make(other, LAST, {"gamma": (70.0, 70.0, 1)})
    assert get(api, "tokens/gamma/grades/").json()["grades"] is None
    assert get(api, "tokens/gamma/").json()["trader_grade"] is None


def test_features_with_their_coverage_and_what_is_missing(api: Client) -> None:
    body = get(api, "tokens/alpha/features/").json()
    own = [feature for feature in catalogue() if not feature.shared and not feature.needs]
    assert (body["as_of"], body["day"]) == ("2022-02-09", "2022-02-09")
    assert (body["coverage"]["known"], body["coverage"]["possible"]) == (len(own) - 1, len(own))
    assert body["coverage"]["share"] == pytest.approx((len(own) - 1) / len(own))
    values = {row["name"]: row["value"] for row in body["results"]}
    assert set(values) == {feature.name for feature in catalogue()}
    assert values["vol_90d"] is None
    assert values[catalogue()[1].name] == 0.5
    assert body["results"][0] == {
        "name": "ret_1d",
        "category": "momentum",
        "unit": "fraction",
        "shared": False,
        "value": 0.0,
    }


def test_features_that_are_not_stored_say_from_when_on_they_are(api: Client) -> None:
    answer = get(api, "tokens/alpha/features/?as_of=2022-02-08")
    assert answer.status_code == 404
    assert answer.json()["detail"] == (
        "No features of 'alpha' are stored for the week up to 2022-02-08; the first day that has any is 2022-02-09."
    )
    assert get(api, "tokens/beta/features/").status_code == 404


def test_what_was_known_at_a_later_moment_is_the_same(api: Client) -> None:
    plain = get(api, "tokens/alpha/features/").json()
    assert get(api, "tokens/alpha/features/?known_at=2022-02-10T00:00:00Z").json() == plain
    features_make("alpha", date(2022, 2, 3))
    old = get(api, "tokens/alpha/features/?as_of=2022-02-08&known_at=2022-02-09T12:00:00Z").json()
    assert old["day"] == "2022-02-03"


def test_quant_figures_with_reasons_for_what_cannot_be_told(api: Client) -> None:
    body = get(api, "tokens/alpha/quant/").json()
    figures = {figure["name"]: figure for figure in body["figures"]}
    assert (body["day"], body["first_day"], body["price_usd"]) == ("2022-02-09", "2022-01-01", 139.0)
    assert figures["return_1m"]["value"] == pytest.approx(139 / 109 - 1)
    assert figures["return_1m"]["formula"] == "Close ÷ close 30 days earlier − 1."
    assert figures["return_3m"]["value"] is None
    assert figures["return_3m"]["reason"] == "There is no close 91 days earlier."
    assert figures["sharpe"]["reason"] == "Needs 60 daily returns; 39 are known."
    assert figures["return_all"]["value"] == pytest.approx(0.39)
    # No bitcoin here: the largest tokens stand for it, and a token is not compared with itself.
    assert [relation["name"] for relation in body["relations"]] == ["market", "beta"]
    assert body["relations"][0]["reason"] == "Needs 60 common days; there are 39."
    assert body["falls_of"] == "alpha"


def test_scenarios_share_the_market_as_today(api: Client) -> None:
    rows = get(api, "tokens/beta/quant/").json()["scenarios"]
    assert [row["title"] for row in rows][3:5] == ["As today", "High of the last year"]
    today = rows[3]
    assert today["total_market_cap_usd"] == pytest.approx((139 + 13.9 + 1.39) * 1e9)
    assert [today[f"price_at_{name}_share_usd"] for name in ("half", "same", "double")] == pytest.approx(
        [6.95, 13.9, 27.8]
    )
    Asset.objects.filter(slug="beta").update(categories=["stablecoin"])
    pegged = get(api, "tokens/beta/quant/?as_of=2022-02-08").json()
    assert pegged["scenarios"] == []
    assert pegged["scenarios_reason"].startswith("It stands for something else")


def test_quant_knows_nothing_after_its_day(api: Client) -> None:
    before = get(api, "tokens/alpha/quant/?as_of=2022-01-20").json()
    Candle.objects.filter(opened_at__date__gt=date(2022, 1, 20)).update(close=5.0)
    cache.clear()
    assert get(api, "tokens/alpha/quant/?as_of=2022-01-20").json() == before


def test_a_token_that_stopped_trading_has_no_quant_page(api: Client) -> None:
    Candle.objects.filter(asset__slug="gamma", opened_at__date__gt=date(2022, 2, 2)).delete()
    answer = get(api, "tokens/gamma/quant/")
    assert answer.status_code == 404
    assert answer.json()["detail"] == "There is no close of 'gamma' in the week up to 2022-02-09."
    kept = get(api, "tokens/gamma/quant/?as_of=2022-02-08").json()
    assert (kept["day"], kept["as_of"]) == ("2022-02-02", "2022-02-08")


def test_the_backdrop_is_read_once_and_carried_from_day_to_day(
    api: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    spans: list[int] = []
    read = backdrop._read

    def counted(market: Market, as_of: date, days: int) -> backdrop.MarketYear:
        spans.append(days)
        return read(market, as_of, days)

    whole = backdrop._read(Market.objects.get(), date(2022, 2, 8), 365)
    monkeypatch.setattr(backdrop, "_read", counted)
    for day in ("2022-02-06", "2022-02-06", "2022-02-08"):
        get(api, f"tokens/alpha/quant/?as_of={day}")
    assert spans == [365, 2]
    assert backdrop.market_year(as_of=date(2022, 2, 8)) == whole


def test_observations_are_those_known_at_the_moment(api: Client) -> None:
    asset = Asset.objects.get(slug="alpha")

    def said(day: int, known_at: datetime, value: float) -> None:
        Observation.objects.create(
            asset=asset,
            family="onchain",
            day=date(2022, 1, day),
            source="archive",
            known_at=known_at,
            values={"active_addresses": value},
        )

    said(20, datetime(2022, 1, 21, tzinfo=UTC), 100.0)
    said(20, datetime(2022, 1, 25, tzinfo=UTC), 130.0)
    said(19, datetime(2022, 1, 20, tzinfo=UTC), 90.0)
    path = "tokens/alpha/observations/?as_of=2022-01-20&days=2"
    rows = get(api, path).json()["results"]
    assert [(row["day"], row["values"]["active_addresses"]) for row in rows] == [
        ("2022-01-19", 90.0),
        ("2022-01-20", 100.0),
    ]
    assert rows[1]["known_at"] == "2022-01-21T00:00:00Z"
    later = get(api, f"{path}&known_at=2022-01-25T00:00:00Z").json()["results"]
    assert later[1]["values"] == {"active_addresses": 130.0}
    before = get(api, f"{path}&known_at=2022-01-20T12:00:00Z").json()["results"]
    assert [row["day"] for row in before] == ["2022-01-19"]
    assert get(api, f"{path}&family=sentiment").json()["results"] == []
    assert get(api, "tokens/beta/observations/?as_of=2022-01-20").json()["results"] == []
