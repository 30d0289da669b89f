"""Two versions of a rulebook, told apart in words."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indices.core.difference import NAMES, difference
from indices.core.rulebook import Rulebook


def rules(**clauses: object) -> Rulebook:
    return Rulebook.from_dict({"slug": "x", "family": "market_cap", **clauses})


def told(before: dict[str, Any], after: dict[str, Any]) -> dict[str, str]:
    return {change.clause: change.text for change in difference(rules(**before), rules(**after))}


def test_the_same_rules_differ_in_nothing() -> None:
    assert difference(rules(), rules(selection={"count": 100, "review": "always"})) == []


def test_every_clause_that_changed_has_its_sentence() -> None:
    found = told(
        {
            "name": "Old",
            "universe": {"categories": ["defi"], "exclude": ["sai", "terra"]},
            "screens": {"min_market_cap": {"enter": 1e7, "stay": 8e6}},
        },
        {
            "name": "New",
            "universe": {"categories": [], "exclude": ["bitclout", "cmc-nano", "terra"]},
            "screens": {"min_market_cap": 2e7, "min_median_volume_30d": 1e5, "min_age_days": 30},
            "selection": {"count": 50, "rank_by": "smoothed_market_cap", "review": "quarterly"},
            "weighting": {
                "scheme": "sqrt_market_cap",
                "max_weight": 0.15,
                "smoothing_days": 1,
                "smoothing": "ewma",
            },
            "calendar": {"frequency": "monthly"},
            "overlay": {"regime": True},
            "trading": {"max_turnover": 0.5, "min_trade_usd": 25000},
            "costs": {"fee_bps": 5},
            "delisting": {"return": -0.5},
        },
    )
    assert found == {
        "name": "The name of the index changes from “Old” to “New”.",
        "universe.categories": "The kinds that may enter: no longer with defi. With none named, every kind may enter.",
        "universe.exclude": "The tokens left out by name: now with bitclout and cmc-nano, no longer with sai.",
        "screens.min_market_cap": "The least market capitalisation changes "
        "from $10.0M to enter and $8.00M to stay to $20.0M.",
        "screens.min_median_volume_30d": "The least median daily volume over 30 days changes "
        "from no condition to $100K.",
        "screens.min_age_days": "The least price history rises from 0 days to 30 days.",
        "selection.rank_by": "The ranking changes from market capitalisation "
        "to market capitalisation, smoothed over several days.",
        "selection.count": "The number of tokens falls from 100 to 50.",
        "selection.review": "The choice of members changes from at every decision to once a quarter.",
        "weighting.scheme": "The weighting changes from in proportion to market capitalisation to in proportion "
        "to the square root of market capitalisation, which leans less on the largest.",
        "weighting.max_weight": "The most that one token may weigh falls from 25% to 15%.",
        "weighting.smoothing_days": "The smoothing of market capitalisation rises from 0 days to 1 day.",
        "weighting.smoothing": "The kind of smoothing changes from a plain mean to an exponentially weighted mean.",
        "calendar.frequency": "The rhythm of decisions changes from every week to the last day of each month.",
        "overlay.regime": "The overlay by market regime changes from off to on.",
        "trading.max_turnover": "The most that is turned over at once changes from unlimited to 50%.",
        "trading.min_trade_usd": "The smallest trade rises from $0.00 to $25.0K.",
        "costs.fee_bps": "The fee falls from 10 basis points to 5 basis points.",
        "delisting.return": "The return of a token that is given up rises from -100% to -50%.",
    }


def test_values_stand_beside_the_words() -> None:
    (change,) = difference(rules(), rules(selection={"count": 30}))
    assert (change.clause, change.before, change.after) == ("selection.count", 100, 30)


CLAUSES: dict[str, st.SearchStrategy[Any]] = {
    "selection": st.fixed_dictionaries({"count": st.integers(1, 9), "buffer": st.integers(0, 9)}),
    "weighting": st.fixed_dictionaries({"max_weight": st.sampled_from([0.5, 0.25, 1])}),
    "universe": st.fixed_dictionaries({"exclude": st.lists(st.sampled_from(["a", "b", "c"]))}),
    "screens": st.fixed_dictionaries({"min_market_cap": st.none() | st.integers(1, 9)}),
    "calendar": st.fixed_dictionaries({"frequency": st.sampled_from(["daily", "weekly", "monthly"])}),
}


@given(before=st.fixed_dictionaries(CLAUSES), after=st.fixed_dictionaries(CLAUSES))
def test_a_difference_is_empty_exactly_where_the_digests_agree_and_turns_round(
    before: dict[str, Any], after: dict[str, Any]
) -> None:
    one, other = rules(**before), rules(**after)
    there, back = difference(one, other), difference(other, one)
    assert (there == []) == (one.digest == other.digest)
    assert [(change.clause, change.before, change.after) for change in there] == [
        (change.clause, change.after, change.before) for change in back
    ]
    assert all(change.text.endswith(".") and change.text[0].isupper() for change in there)


@pytest.mark.parametrize("clause", sorted(NAMES))
def test_every_name_belongs_to_a_clause(clause: str) -> None:
    value: Any = rules().to_dict(whole=True)
    for key in clause.split("."):
        assert key in value
        value = value[key]
