"""Clauses that are newer than the first rulebooks: read strictly, canonical, silent where they say nothing."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indices.core.calendar import announcement_day, effective_day
from indices.core.difference import difference
from indices.core.prose import rules as told
from indices.core.rulebook import Rulebook, RulebookError
from indices.core.rulebook.clauses import Calendar
from indices.core.rulebook.terms import Exclusion, FreeFloat, Shares, Tier

ROOT = Path(__file__).resolve().parents[2]
# What was stored under these digests must still be found to be what it was.
DIGESTS = {
    "rulebooks/global-100": "04fc62c0f8a6a32793329a2ed7fd573131e5eeabe4442aaed3a697274c01d8e9",
    "rulebooks/sqrt-30": "7a3f952c7f12dd5e14a645ee07ff8fc352587a6073d2233716ffb6b92f0751ad",
    "rulebooks/top-10": "6d16b99a3a7322782f93b5d3fab1b0fb63eaf4f23e172fdeba93175a764fac2b",
    "replicas/cci30": "d860d89ffab94ac2d73b4b228e9a70d766662e4c56b315341585975b89b8c6f7",
}


def rules(**clauses: object) -> Rulebook:
    return Rulebook.from_dict({"slug": "x", "family": "market_cap", **clauses})


def words(**clauses: object) -> dict[str, str]:
    return {rule.title: rule.text for rule in told(rules(**clauses))}


@pytest.mark.parametrize("name", sorted(DIGESTS))
def test_rulebooks_from_before_these_clauses_keep_their_digests(name: str) -> None:
    assert Rulebook.from_yaml((ROOT / "indices" / f"{name}.yaml").read_text()).digest == DIGESTS[name]


def test_silent_clauses_are_in_the_whole_form_only() -> None:
    book = rules()
    whole, stored = book.to_dict(whole=True), book.to_dict()
    assert whole["fees"] == {"management_bps": 0.0}
    assert whole["tokenized"] is False
    assert whole["weighting"]["tilt"] == 1.0
    assert "fees" not in stored
    assert "tokenized" not in stored
    assert set(whole["weighting"]) - set(stored["weighting"]) == {
        "smoothing",
        "free_float",
        "max_weight_largest",
        "max_weight_groups",
        "tilt",
    }
    assert Rulebook.from_dict(whole) == book
    # Said aloud, a default is still the default.
    assert rules(fees={"management_bps": 0}, tokenized=False, costs={"tiers": []}).digest == book.digest


FULL: dict[str, Any] = {
    "universe": {
        "exclude": [
            "tether",
            {"asset": "terra", "from": "2022-05-13", "until": "2022-06-01", "reason": "halted"},
        ]
    },
    "screens": {"min_grade": {"enter": 50, "stay": 45}},
    "weighting": {
        "scheme": "grade_tilt",
        "tilt": 3.5,
        "max_weight": 0.2,
        "max_weight_largest": 0.35,
        "max_weight_groups": {"defi": 0.3, "ai": 0.5},
        "free_float": {"xrp": [{"from": "2020-01-01", "fraction": 0.5}], "tron": 0.7},
    },
    "calendar": {"frequency": "quarterly", "lag_days": 15, "announce_days": 10},
    "overlay": {"regime": True, "risk_off": ["usd-coin", "tether"], "max_issuer": 0.4},
    "costs": {
        "half_spread_bps": 30,
        "tiers": [
            {"min_median_volume": 1e8, "half_spread_bps": 1},
            {"min_median_volume": 1e6, "half_spread_bps": 10},
        ],
    },
    "fees": {"management_bps": 95},
    "tokenized": True,
}


def test_the_parts_are_read_and_come_back_in_one_form() -> None:
    book = rules(**FULL)
    assert book.universe.exclude == (
        Exclusion("terra", date(2022, 5, 13), date(2022, 6, 1), "halted"),
        "tether",
    )
    assert book.weighting.max_weight_groups == Shares((("ai", 0.5), ("defi", 0.3)))
    assert book.weighting.free_float == FreeFloat(
        (("tron", ((None, 0.7),)), ("xrp", ((date(2020, 1, 1), 0.5),)))
    )
    assert book.costs.tiers == (Tier(1e6, 10.0), Tier(1e8, 1.0))
    assert book.overlay.basket == {"tether": 0.5, "usd-coin": 0.5}
    again = Rulebook.from_dict(json.loads(json.dumps(book.to_dict())))
    assert again == book
    assert again.digest == book.digest
    assert book.to_dict()["overlay"]["risk_off"] == {"tether": 0.5, "usd-coin": 0.5}
    assert book.to_dict()["universe"]["exclude"][0] == {
        "asset": "terra",
        "from": "2022-05-13",
        "until": "2022-06-01",
        "reason": "halted",
    }


def test_two_spellings_of_one_meaning_have_one_digest() -> None:
    assert rules(universe={"exclude": [{"asset": "a"}, "b"]}) == rules(universe={"exclude": ["b", "a"]})
    always = rules(universe={"exclude": ["a", {"asset": "a", "from": "2020-01-01"}]})
    assert always == rules(universe={"exclude": ["a"]})
    assert rules(overlay={"risk_off": {"tether": 1}}) == rules(overlay={"risk_off": "tether"})
    assert rules(overlay={"risk_off": ["usd-coin"]}).digest == rules().digest


@pytest.mark.parametrize(
    ("clauses", "message"),
    [
        ({"universe": {"exclude": [5]}}, "universe.exclude: must be a list of names, got [5]"),
        ({"universe": {"exclude": [{"from": "2020-01-01"}]}}, "universe.exclude[0].asset: is required"),
        (
            {"universe": {"exclude": ["a", {"asset": "b", "to": "2020-01-01"}]}},
            "universe.exclude[1].to: is not a field; use asset, from, until, reason",
        ),
        (
            {"universe": {"exclude": [{"asset": "b", "from": "2020-02-01", "until": "2020-02-01"}]}},
            "universe.exclude[0].until: must be after from (2020-02-01), got 2020-02-01",
        ),
        (
            {"universe": {"exclude": [{"asset": "b", "from": "soon"}]}},
            "universe.exclude[0].from: must be a date such as",
        ),
        ({"weighting": {"free_float": {"a": 1.5}}}, "weighting.free_float.a: must be in (0, 1], got 1.5"),
        ({"weighting": {"free_float": 0.5}}, "weighting.free_float: must be a mapping of ids to fractions"),
        ({"weighting": {"free_float": {"a": []}}}, "weighting.free_float.a: must hold at least one"),
        (
            {"weighting": {"free_float": {"a": [{"fraction": 0.5}]}}},
            "weighting.free_float.a[0].from: is required",
        ),
        (
            {"weighting": {"free_float": {"a": [{"from": "2020-01-01", "fraction": f} for f in (0.5, 0.6)]}}},
            "weighting.free_float.a: two fractions begin on the same day",
        ),
        (
            {"weighting": {"max_weight_largest": 0.2}},
            "weighting.max_weight_largest: must be at least max_weight (0.25), got 0.2",
        ),
        (
            {"weighting": {"scheme": "min_variance", "max_weight_largest": 0.4}},
            "weighting.max_weight_largest: does not go with scheme min_variance",
        ),
        (
            {"weighting": {"max_weight_groups": {"defi": 0}}},
            "weighting.max_weight_groups.defi: must be in (0, 1]",
        ),
        ({"weighting": {"max_weight_groups": ["defi"]}}, "weighting.max_weight_groups: must be a mapping"),
        ({"weighting": {"tilt": 2}}, "weighting.tilt: needs scheme grade_tilt, got market_cap"),
        (
            {"weighting": {"scheme": "grade_tilt", "tilt": 0.3}},
            "weighting.tilt: must be a multiple of 0.5, got 0.3",
        ),
        ({"screens": {"min_grade": 101}}, "screens.min_grade: must be in [0, 100], got 101"),
        (
            {"calendar": {"lag_days": 8}},
            "calendar.lag_days: must be a whole number in [0, 7] where decisions are weekly, got 8",
        ),
        (
            {"calendar": {"announce_days": 2}},
            "calendar.announce_days: must not exceed lag_days (1): nothing is announced before it is decided, got 2",
        ),
        ({"overlay": {"risk_off": []}}, "overlay.risk_off: must be an id, a list of ids or a mapping"),
        ({"overlay": {"risk_off": {"a": 0.5, "b": 0.4}}}, "overlay.risk_off: shares must sum to 1, got 0.9"),
        ({"overlay": {"risk_off": ["No"]}}, "overlay.risk_off[0]: must be lower-case letters"),
        ({"overlay": {"max_issuer": 0}}, "overlay.max_issuer: must be in (0, 1], got 0"),
        ({"costs": {"tiers": [{"min_median_volume": 5}]}}, "costs.tiers[0].half_spread_bps: is required"),
        (
            {"costs": {"tiers": [{"min_median_volume": 5, "half_spread_bps": 9}]}},
            "costs.half_spread_bps: is paid below the lowest tier and must be at least its 9, got 0",
        ),
        (
            {
                "costs": {
                    "half_spread_bps": 9,
                    "tiers": [
                        {"min_median_volume": 5, "half_spread_bps": 1},
                        {"min_median_volume": 9, "half_spread_bps": 2},
                    ],
                }
            },
            "costs.tiers: the tier from 9 USD must not cost more than the one below it (1), got 2",
        ),
        (
            {"costs": {"tiers": [dict.fromkeys(("min_median_volume", "half_spread_bps"), 1)] * 2}},
            "costs.tiers: two",
        ),
        ({"fees": {"management_bps": -1}}, "fees.management_bps: must be in [0, 10000], got -1"),
        ({"fees": {"performance": 1}}, "fees.performance: is not a field of a rulebook; use management_bps"),
        ({"tokenized": "yes"}, "tokenized: must be true or false, got 'yes'"),
    ],
)
def test_errors_name_the_clause(clauses: dict[str, Any], message: str) -> None:
    with pytest.raises(RulebookError) as refused:
        rules(**clauses)
    assert str(refused.value).startswith(message)


def test_the_order_of_days_is_determination_announcement_trade() -> None:
    clause = Calendar(frequency="quarterly", lag_days=15, announce_days=10)
    day = date(2022, 6, 30)
    assert (announcement_day(clause, day), effective_day(clause, day)) == (
        date(2022, 7, 5),
        date(2022, 7, 15),
    )
    assert announcement_day(Calendar(), day) == day
    assert announcement_day(Calendar(announce_days=0), day) == date(2022, 7, 1)


@given(
    first=st.dates(date(2020, 1, 1), date(2020, 12, 31)),
    days=st.integers(1, 60),
    at=st.dates(date(2019, 12, 1), date(2021, 3, 1)),
)
def test_an_exclusion_acts_from_its_first_day_until_before_its_last(first: date, days: int, at: date) -> None:
    until = date.fromordinal(first.toordinal() + days)
    assert Exclusion("a", first, until).acts_on(at) == (first <= at < until)
    assert not Exclusion("a", first, until).acts_on(until)
    assert Exclusion("a", None, until).acts_on(at) == (at < until)
    assert Exclusion("a", first).acts_on(at) == (first <= at)


def test_free_float_steps_begin_on_their_days() -> None:
    book = rules(
        weighting={
            "free_float": {
                "a": [{"from": "2021-01-01", "fraction": 0.5}, {"from": "2020-01-01", "fraction": 0.8}]
            }
        }
    )
    found = [book.weighting.free_float.on(date(year, 1, 1))["a"] for year in (2019, 2020, 2021, 2022)]
    assert found == [1.0, 0.8, 0.5, 0.5]


def test_each_clause_is_told_in_words() -> None:
    found = words(**FULL)
    assert found["What may enter"].endswith(
        "Left out by name: terra from 2022-05-13 on until 2022-06-01 (halted) and tether."
    )
    assert found["What it must show"] == "At least: a grade of 50 to enter, 45 to stay."
    assert found["How much of each"] == (
        "Weighted by market capitalisation, tilted toward higher grades. "
        "The tilt is (grade / 100) to the power of 3.5. "
        "Of these only a part of the capitalisation counts: tron 70% and xrp 50% from 2020-01-01. "
        "The largest token may weigh up to 35%, every other up to 20%; what lies above is spread over the others. "
        "All ai tokens together weigh no more than 50%. All defi tokens together weigh no more than 30%."
    )
    assert found["When the market turns"] == (
        "The risk share of the market regime stays invested; the rest waits in tether (50%) and usd-coin (50%). "
        "The part of one without a price goes to the others. "
        "No more than 40% of the index waits in one of them; what finds no place stays invested."
    )
    assert found["When"].endswith("15 days later. The decision is announced 10 days before the trade.")
    assert found["What trading costs"] == (
        "The published level pays 0.4% of every amount bought or sold. "
        "From a median daily volume of $1.00M on it is 0.2%. From a median daily volume of $100M on it is 0.11%. "
        "The first purchase counts too."
    )
    assert found["What holding costs"].startswith("0.95% a year, day by day.")
    assert found["As a token"] == "The index is also issued as a token on a chain."


def test_each_clause_has_its_sentence_in_a_difference() -> None:
    found = {change.clause: change.text for change in difference(rules(), rules(**FULL))}
    assert found["universe.exclude"] == (
        "The tokens left out by name: now with terra from 2022-05-13 until 2022-06-01 (halted) and tether."
    )
    assert (
        found["screens.min_grade"]
        == "The least grade changes from no condition to 50 to enter and 45 to stay."
    )
    assert found["weighting.free_float"] == (
        "The part of a market capitalisation that counts changes from all of each to 70% of tron and "
        "50% from 2020-01-01 of xrp."
    )
    assert found["weighting.max_weight_groups"] == (
        "The most that the tokens of one kind may weigh together changes from no limit to 50% of ai and 30% of defi."
    )
    assert found["weighting.max_weight_largest"].endswith("changes from no more than any other to 35%.")
    assert found["calendar.announce_days"].endswith("changes from the day of the decision to 10 days.")
    assert found["overlay.risk_off"] == (
        "What the rest waits in changes from usd-coin to 50% of tether and 50% of usd-coin."
    )
    assert found["overlay.max_issuer"].endswith("falls from 100% to 40%.")
    assert found["costs.tiers"] == (
        "The half-spreads by daily volume: now with 1 basis points from $100M on and 10 basis points from $1.00M on."
    )
    assert found["fees.management_bps"] == (
        "The management fee per year rises from 0 basis points to 95 basis points."
    )
    assert found["tokenized"] == "Whether the index is also a token changes from no to yes."
    back = {change.clause for change in difference(rules(**FULL), rules())}
    assert back == set(found)
