"""A rulebook is checked, canonical, and has one digest."""

import json
from datetime import date
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from indices.core.rulebook import Rulebook, RulebookError
from indices.core.rulebook.values import Threshold

FULL = """
slug: global-100
name: Bellwether Global 100
family: market_cap
base: {level: 1000, date: 2018-01-01}
universe:   {categories: [], exclude_categories: [stablecoin, wrapped, staked], exclude: []}
screens:
  min_market_cap: {enter: 1.0e7, stay: 8.0e6}
  min_median_volume_30d: {enter: 1.0e5, stay: 8.0e4}
  min_age_days: 30
selection:  {rank_by: market_cap, count: 100, buffer: 10}
weighting:  {scheme: market_cap, max_weight: 0.25, min_weight: 0, smoothing_days: 0}
calendar:   {frequency: weekly, weekday: sunday, lag_days: 1}
overlay:    {regime: false, risk_off: usd-coin}
trading:    {drift_band: 0, max_turnover: null, min_trade_usd: 0}
costs:      {fee_bps: 10, half_spread_bps: 0, impact: 0}
delisting:  {after_missing_days: 7, return: -1.0}
"""


def minimal(**clauses: object) -> dict[str, object]:
    return {"slug": "some-index", "family": "market_cap", **clauses}


def test_the_full_form_is_read_with_exponents_that_yaml_takes_for_text() -> None:
    rulebook = Rulebook.from_yaml(FULL)
    assert isinstance(yaml.safe_load(FULL)["screens"]["min_market_cap"]["enter"], str)
    assert rulebook.screens.min_market_cap == Threshold(1e7, 8e6)
    assert rulebook.base.date == date(2018, 1, 1)
    assert rulebook.delisting.return_ == -1.0
    assert rulebook.trading.max_turnover is None


def test_everything_but_slug_and_family_has_a_default_and_screens_are_off() -> None:
    rulebook = Rulebook.from_dict(minimal())
    full = Rulebook.from_yaml(FULL)
    assert rulebook.screens.min_market_cap is None
    assert rulebook.screens.min_age_days == 0
    for clause in (
        "base",
        "universe",
        "selection",
        "weighting",
        "calendar",
        "overlay",
        "trading",
        "costs",
        "delisting",
    ):
        assert getattr(rulebook, clause) == getattr(full, clause), clause


@pytest.mark.parametrize(
    ("clauses", "message"),
    [
        ({"weighting": {"max_weight": 1.4}}, "weighting.max_weight: must be in (0, 1], got 1.4"),
        ({"weighting": {"max_weight": 0}}, "weighting.max_weight: must be in (0, 1], got 0"),
        (
            {"weighting": {"scheme": "magic"}},
            "weighting.scheme: must be one of market_cap, sqrt_market_cap, equal,",
        ),
        ({"selection": {"count": 2.5}}, "selection.count: must be a whole number of at least 1, got 2.5"),
        ({"selection": {"count": True}}, "selection.count: must be a whole number of at least 1, got True"),
        ({"selektion": {}}, "selektion: is not a field of a rulebook; use slug, family,"),
        (
            {"selection": {"cout": 5}},
            "selection.cout: is not a field of a rulebook; use rank_by, count, buffer",
        ),
        ({"selection": 5}, "selection: must be a mapping, got 5"),
        (
            {"screens": {"min_market_cap": {"enter": 1, "stay": 2}}},
            "screens.min_market_cap.stay: must not exceed enter",
        ),
        ({"screens": {"min_market_cap": {"stay": 2}}}, "screens.min_market_cap.enter: is required"),
        (
            {"screens": {"min_market_cap": {"enter": 1, "leave": 2}}},
            "screens.min_market_cap.leave: is not a field",
        ),
        (
            {"screens": {"min_market_cap": float("nan")}},
            "screens.min_market_cap: must be a number of at least 0, got nan",
        ),
        ({"calendar": {"weekday": "someday"}}, "calendar.weekday: must be one of monday,"),
        ({"base": {"date": "2018-13-01"}}, "base.date: must be a date such as 2018-01-01, got '2018-13-01'"),
        ({"delisting": {"return": 0.5}}, "delisting.return: must be in [-1, 0], got 0.5"),
        (
            {"weighting": {"min_weight": 0.3}},
            "weighting.min_weight: must not exceed max_weight (0.25), got 0.3",
        ),
        (
            {"weighting": {"min_weight": 0.02}},
            "weighting.min_weight: times selection.count must not exceed 1",
        ),
        ({"overlay": {"regime": "yes"}}, "overlay.regime: must be true or false, got 'yes'"),
        ({"universe": {"exclude": "tether"}}, "universe.exclude: must be a list of names, got 'tether'"),
        ({"family": "other"}, "family: must be one of market_cap, thematic, ai, got 'other'"),
        ({"slug": "No Slug"}, "slug: must be lower-case letters, digits and hyphens, got 'No Slug'"),
    ],
)
def test_a_bad_value_is_refused_by_the_name_of_its_clause(clauses: dict[str, object], message: str) -> None:
    with pytest.raises(RulebookError) as refused:
        Rulebook.from_dict(minimal(**clauses))
    assert str(refused.value).startswith(message)


def test_a_missing_slug_text_that_is_no_yaml_and_a_list_are_refused() -> None:
    with pytest.raises(RulebookError, match=r"^slug: is required"):
        Rulebook.from_dict({"family": "ai"})
    with pytest.raises(RulebookError, match=r"^rulebook: is not YAML"):
        Rulebook.from_yaml("slug: [")
    with pytest.raises(RulebookError, match=r"^rulebook: must be a mapping of clauses, got list"):
        Rulebook.from_yaml("- slug")


def test_a_plain_number_is_both_thresholds_and_null_switches_a_screen_off() -> None:
    rulebook = Rulebook.from_dict(minimal(screens={"min_market_cap": 5, "min_median_volume_30d": None}))
    assert rulebook.screens.min_market_cap == Threshold(5.0, 5.0)
    assert rulebook.screens.min_median_volume_30d is None


def test_the_digest_is_of_the_meaning_not_of_the_spelling() -> None:
    one = Rulebook.from_dict(minimal(universe={"exclude": ["b", "a", "a"]}, selection={"count": 100}))
    other = Rulebook.from_dict(
        {"universe": {"exclude": ["a", "b"]}, "family": "market_cap", "slug": "some-index"}
    )
    assert one.digest == other.digest
    assert one.digest != Rulebook.from_dict(minimal(selection={"count": 99})).digest
    assert len(one.digest) == 64


@given(
    count=st.integers(1, 500),
    cap=st.floats(0.01, 1.0),
    fee=st.floats(0, 100),
    frequency=st.sampled_from(["daily", "weekly", "monthly", "quarterly"]),
    screen=st.none() | st.floats(0, 1e12),
)
def test_the_canonical_form_reads_back_unchanged(
    count: int, cap: float, fee: float, frequency: str, screen: float | None
) -> None:
    rulebook = Rulebook.from_dict(
        minimal(
            selection={"count": count},
            weighting={"max_weight": cap},
            costs={"fee_bps": fee},
            calendar={"frequency": frequency},
            screens={"min_market_cap": screen},
        )
    )
    again = Rulebook.from_dict(json.loads(json.dumps(rulebook.to_dict(), default=vars)))
    assert again == rulebook
    assert again.digest == rulebook.digest


def test_the_published_rulebooks_are_valid_and_bear_the_names_of_their_files() -> None:
    folder = Path(__file__).resolve().parents[2] / "indices" / "rulebooks"
    found = {file.stem: Rulebook.from_yaml(file.read_text()) for file in folder.glob("*.yaml")}
    assert set(found) >= {"global-100", "top-10", "sqrt-30"}
    assert all(rulebook.slug == stem for stem, rulebook in found.items())
    assert all("stablecoin" in rulebook.universe.exclude_categories for rulebook in found.values())
