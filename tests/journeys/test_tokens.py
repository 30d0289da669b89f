"""The token list, the page of a token and the model card: with grades, without any, and in every order."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from signals.core.grading.grades import SIGNAL_MEAN
from signals.models import Asset, Candle, Experiment, Market
from tests.grading import SENTENCES, features_make, grades_make, model_run_make
from tests.journeys.reading import read
from tests.journeys.worlds import TODAY, TOKENS

pytestmark = pytest.mark.django_db

GATES = [
    {"name": "Rank IC", "measures": "mean", "shown": "0.08", "limit": ">= 3", "passed": True, "text": ""},
    {
        "name": "Residual IC",
        "measures": "t",
        "shown": "1.4",
        "limit": ">= 2",
        "passed": False,
        "text": "Luck.",
    },
    {
        "name": "Live record",
        "measures": "weeks",
        "shown": "–",
        "limit": ">= 104",
        "passed": None,
        "text": "No.",
    },
]


@pytest.fixture
def graded(world: Market) -> Market:
    """Ten days of grades of three of the five tokens; the features of one."""
    model = model_run_make(market=Market.Source.SIMULATED)
    for back in range(10):
        grades_make(
            model,
            TODAY - timedelta(days=back),
            {
                "alpha": (58.4 - 0.5 * back, 56.0, 1),
                "beta": (50.0, 49.0, 0),
                "gamma": (41.0 + back, 40.0, -1),
            },
        )
    features_make("alpha", TODAY, missing=["vol_90d", "log_mcap"])
    return world


def validation(**more: Any) -> Experiment:
    result = {
        "evidence": "E1",
        "wording": "Rules-based, with a lower drawdown in a backtest than the passive index.",
        "summary": {"passed": 1, "failed": 1, "not_run": 1},
        "span": ["2018-01-07", "2022-12-25"],
        "made": {"data_hash": "f" * 8},
        "gates": GATES,
        **more,
    }
    return Experiment.objects.create(
        kind="validation",
        code_version="c",
        spec={},
        spec_hash="s" * 64,
        data_hash="d" * 64,
        result=result,
        previous="",
        digest="e" * 64,
    )


def listed(client: Client, query: str) -> list[str]:
    links = read(client.get(f"/tokens/?{query}")).links
    found = [match.group(1) for link in links if (match := re.fullmatch(r"/tokens/([a-z]+)/", link))]
    return [slug for slug in found if slug in TOKENS]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["alpha", "beta", "gamma", "delta", "epsilon"]),
        ("sort=-trader_grade", ["alpha", "beta", "gamma", "delta", "epsilon"]),
        ("sort=trader_grade", ["gamma", "beta", "alpha", "delta", "epsilon"]),
        ("sort=investor_grade", ["gamma", "beta", "alpha", "delta", "epsilon"]),
        ("sort=-signal", ["alpha", "beta", "gamma", "delta", "epsilon"]),
        ("sort=price", ["delta", "gamma", "epsilon", "beta", "alpha"]),
        ("sort=-name", ["gamma", "epsilon", "delta", "beta", "alpha"]),
        ("sort=volume", ["epsilon", "delta", "gamma", "beta", "alpha"]),
        ("sort=drop+table", ["alpha", "beta", "gamma", "delta", "epsilon"]),
        ("signal=-1", ["gamma"]),
        ("signal=1&q=alp", ["alpha"]),
        ("volume=1e8", ["alpha", "beta"]),
        ("volume=1e8&sort=price", ["beta", "alpha"]),
        ("category=defi", ["beta"]),
        ("page=2", []),
        ("page=²", ["alpha", "beta", "gamma", "delta", "epsilon"]),
    ],
)
def test_every_column_sorts_and_every_filter_filters(
    client: Client, graded: Market, query: str, expected: list[str]
) -> None:
    Asset.objects.filter(slug="beta").update(categories=["defi", "wrapped", "measured-wrapped"])
    assert listed(client, query) == expected


def test_the_list_without_scripts_and_its_part_are_the_same_table(client: Client, graded: Market) -> None:
    address = "/tokens/?sort=-trader_grade&volume=1e5"
    whole = client.get(address).content.decode()
    part = client.get(address, headers={"HX-Request": "true"}).content.decode()
    table, _, order = part.partition("<select")
    assert table.strip().startswith('<div id="token-table"')
    assert table.strip() in whole
    # The order in the form follows a click on the head of a column.
    assert 'hx-swap-oob="true"' in order
    assert '<option value="-trader_grade" selected>' in order
    assert 'aria-sort="descending"><a href="?volume=1e5&amp;sort=trader_grade"' in whole
    assert "hx-swap-oob" not in whole


def test_the_list_says_what_a_grade_is_and_what_is_known_of_its_worth(client: Client, graded: Market) -> None:
    text = read(client.get("/tokens/")).text
    assert (
        "of the tokens graded like this, 58 in 100 did better than the median token in the next week" in text
    )
    assert "Rules-based. There is no evidence that it outperforms." in text
    assert "▲ Strong" in text
    assert "▼ Weak" in text
    validation()
    assert "with a lower drawdown in a backtest" in read(client.get("/tokens/")).text


def test_categories_are_offered_without_the_marks_of_measured_ones(client: Client, graded: Market) -> None:
    Asset.objects.filter(slug="beta").update(categories=["wrapped", "measured-wrapped"])
    text = read(client.get("/tokens/")).text
    assert "wrapped (1)" in text
    assert "measured-wrapped" not in text + read(client.get("/tokens/beta/")).text


def test_a_token_says_its_grades_why_and_since_when(client: Client, graded: Market) -> None:
    page = read(client.get("/tokens/alpha/"))
    assert page.offences == []
    assert len(page.ids) == len(set(page.ids))
    for said in (
        "58 of 100 tokens graded like this did better than the median token in the next week.",
        "56 of 100 tokens graded like this did better than the median token in the next four weeks.",
        "Since yesterday +0.5 Since last week +3.5",
        "confidence 40%, 90% of the model’s features known",
        *SENTENCES,
        "by a model that read nothing after 31 December 2021",
    ):
        assert said in page.text
    assert re.search(r"ret_28d raises.* vol_28d raises.* amihud_28d lowers", page.text)


def test_the_thresholds_of_the_signal_are_those_of_the_core(client: Client, graded: Market) -> None:
    text = read(client.get("/tokens/alpha/")).text
    assert f"Strong: both grades are above 50 and their mean is at least {SIGNAL_MEAN:.0f}." in text
    assert f"Weak: both are below 50 and their mean is at most {100 - SIGNAL_MEAN:.0f}." in text


def test_a_token_says_what_its_history_says_or_why_not(client: Client, graded: Market) -> None:
    text = read(client.get("/tokens/alpha/")).text
    assert (
        "Return, 1 month 27.27% how? Return, 1 month Close ÷ close 30 days earlier − 1. From 30 days." in text
    )
    assert "Sharpe ratio – how?" in text
    assert "Needs 60 daily returns; 40 are known." in text
    assert "Needs 60 common days; there are 40." in text
    assert "As today 0%" in text
    assert "$56,000" in text


def test_a_token_shows_all_its_features_and_how_many_are_known(client: Client, graded: Market) -> None:
    text = read(client.get("/tokens/alpha/")).text
    assert "128 of 130 known" in text
    assert "Size and valuation 8 of 9 known" in text
    bare = read(client.get("/tokens/beta/")).text
    assert "None are stored for this token in the week up to 10 February 2022." in bare


def test_a_token_that_is_not_graded_says_who_is(client: Client, graded: Market) -> None:
    text = read(client.get("/tokens/delta/")).text
    assert "Not graded Graded are the 300 largest tokens" in text
    assert "at the close of 10 February 2022" in text


def test_without_any_grade_the_pages_say_how_far_it_is(client: Client, world: Market) -> None:
    for address in ("/tokens/", "/tokens/alpha/", "/model/"):
        text = read(client.get(address)).text
        assert "No grades yet. The first model will be trained in a moment." in text, address
        assert re.search(r"0 of \d+ models trained, 0 of \d+ days graded\.", text), address
    assert "What a grade says" not in read(client.get("/tokens/")).text


def test_grades_too_old_to_act_on_are_said_to_be(client: Client, world: Market) -> None:
    model = model_run_make(market=Market.Source.SIMULATED)
    grades_make(model, TODAY - timedelta(days=9), {"alpha": (60.0, 60.0, 1)})
    text = read(client.get("/tokens/")).text
    assert "Grades are not acted on at the moment: the last grades are of 2022-02-01" in text
    assert "▲ Strong 60" not in text


def test_a_token_that_stopped_trading_still_has_a_page(client: Client, world: Market) -> None:
    Candle.objects.filter(asset__slug="gamma", opened_at__date__gt=TODAY - timedelta(days=20)).delete()
    text = read(client.get("/tokens/gamma/")).text
    assert "No price in the last week." in text
    assert "There is no close of 'gamma' in the week up to 2022-02-10." in text


def test_the_model_card_before_anything_was_trained_or_validated(client: Client, world: Market) -> None:
    page = read(client.get("/model/"))
    assert page.offences == []
    assert "Evidence level E0 of E0 to E3: no validation has been run here yet." in page.text
    assert "No model has been trained on this market yet." in page.text
    assert "No validation has been run yet Until one has, nothing is claimed." in page.text


def test_the_model_card_without_a_market(client: Client, db: None) -> None:
    response = client.get("/model/")
    assert response.status_code == 200
    assert "There is no evidence that it outperforms." in read(response).text


def test_the_model_card_publishes_every_gate_the_failed_ones_too(client: Client, graded: Market) -> None:
    validation()
    page = read(client.get("/model/"))
    assert len(page.ids) == len(set(page.ids))
    for said in (
        "Evidence level E1 of E0 to E3, by the validation of",
        "1 passed, 1 failed, 1 not run; graded out of sample from 2018-01-07 to 2022-12-25",
        "✓ passed",
        "✗ failed",
        "not run",
        "Residual IC t Luck. 1.4",
        "Read nothing after 31 December 2021",
        "5" * 64,
        "data hash ffffffff",
        "1 experiment is registered and cannot be deleted",
    ):
        assert said in page.text


@pytest.mark.parametrize(("address", "most"), [("/tokens/", 16), ("/tokens/alpha/", 28), ("/model/", 22)])
def test_pages_cost_a_bounded_number_of_queries(
    client: Client, graded: Market, django_assert_max_num_queries: Any, address: str, most: int
) -> None:
    client.get(address)
    with django_assert_max_num_queries(most):
        client.get(address)
