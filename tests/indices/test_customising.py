"""What a person may change about an index, within which bounds, and how far the result strays from its base."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indices.core.customising import FREQUENCIES, SCHEMES, Choices, chosen, customised
from indices.core.rulebook import Rulebook, RulebookError
from indices.core.tracking import active_share, tracking

BASE = Rulebook.from_dict(
    {
        "slug": "broad",
        "name": "Broad",
        "family": "market_cap",
        "base": {"level": 1000, "date": "2014-02-01"},
        "universe": {"exclude": ["sai"], "exclude_categories": ["stablecoin", "wrapped"]},
        "screens": {"min_market_cap": {"enter": 1e7, "stay": 8e6}, "min_age_days": 30},
        "selection": {"count": 100, "buffer": 10},
        "weighting": {"max_weight": 0.25},
        "costs": {"fee_bps": 10},
    }
)
START = date(2022, 2, 10)


def build(choices: Choices, base: Rulebook = BASE) -> Rulebook:
    return customised(base, choices, slug="custom-1", name="Mine", summary="From Broad.", start=START)


def test_no_choice_leaves_every_rule_of_the_base() -> None:
    made = build(Choices())
    renamed = replace(
        made,
        slug=BASE.slug,
        name=BASE.name,
        summary=BASE.summary,
        base=replace(made.base, date=BASE.base.date),
    )
    assert renamed == BASE
    assert (made.slug, made.name, made.base.date) == ("custom-1", "Mine", START)


def test_choices_change_their_clauses_and_nothing_else() -> None:
    made = build(
        Choices(
            exclude=("dogecoin", "bitcoin"),
            exclude_categories=("meme",),
            count=20,
            scheme="equal",
            max_weight=Decimal("0.1"),
            min_market_cap=Decimal(50_000_000),
            frequency="monthly",
            drift_band=Decimal("0.005"),
        )
    )
    assert made.universe.exclude == ("bitcoin", "dogecoin", "sai")
    assert made.universe.exclude_categories == ("meme", "stablecoin", "wrapped")
    assert (made.selection.count, made.selection.buffer) == (20, 2)
    assert (made.weighting.scheme, made.weighting.max_weight) == ("equal", 0.1)
    assert made.screens.min_market_cap is not None
    assert (made.screens.min_market_cap.enter, made.screens.min_market_cap.stay) == (5e7, 4e7)
    assert (made.calendar.frequency, made.calendar.weekday) == ("monthly", "sunday")
    assert made.trading.drift_band == 0.005
    assert (made.costs, made.delisting, made.overlay) == (BASE.costs, BASE.delisting, BASE.overlay)
    assert made.screens.min_age_days == 30


@pytest.mark.parametrize(
    ("choices", "clause"),
    [
        (Choices(count=2), "selection.count"),
        (Choices(count=251), "selection.count"),
        (Choices(count=3), "weighting.max_weight"),
        (Choices(max_weight=0.009), "weighting.max_weight"),
        (Choices(max_weight=0.0), "weighting.max_weight"),
        (Choices(max_weight=1.5), "weighting.max_weight"),
        (Choices(min_market_cap=999_999), "screens.min_market_cap"),
        (Choices(min_market_cap=float("nan")), "screens.min_market_cap"),
        (Choices(drift_band=0.06), "trading.drift_band"),
        (Choices(drift_band=-0.01), "trading.drift_band"),
        (Choices(scheme="min_variance"), "weighting.scheme"),
        (Choices(scheme="grade_tilt"), "weighting.scheme"),
        (Choices(frequency="daily"), "calendar.frequency"),
        (Choices(regime=True), "overlay.regime"),
        (Choices(exclude=tuple(f"token-{number}" for number in range(201))), "universe.exclude"),
    ],
)
def test_a_choice_out_of_bounds_names_its_clause(choices: Choices, clause: str) -> None:
    with pytest.raises(RulebookError) as refused:
        build(choices)
    assert refused.value.clause == clause


def test_what_the_base_uses_may_be_kept_and_switched_off() -> None:
    ai = Rulebook.from_dict(
        {
            "slug": "ai",
            "family": "ai",
            "universe": {"categories": ["defi"]},
            "weighting": {"scheme": "grade_tilt"},
            "overlay": {"regime": True},
        }
    )
    assert build(Choices(regime=False), ai).overlay.regime is False
    assert build(Choices(scheme="grade_tilt", regime=True), ai).weighting.scheme == "grade_tilt"
    with pytest.raises(RulebookError, match="defi"):
        build(Choices(exclude_categories=("defi",)), ai)


@given(
    st.builds(
        Choices,
        exclude=st.lists(st.sampled_from(["bitcoin", "ethereum", "dogecoin"]), unique=True).map(
            lambda names: tuple(sorted(names))
        ),
        exclude_categories=st.sampled_from([(), ("meme",), ("gaming", "meme")]),
        count=st.integers(10, 250),
        scheme=st.sampled_from(SCHEMES),
        max_weight=st.floats(0.1, 1.0),
        min_market_cap=st.floats(1e6, 1e12),
        frequency=st.sampled_from(FREQUENCIES),
        drift_band=st.floats(0, 0.05),
        regime=st.just(value=False),
    )
)
def test_choices_come_back_out_of_the_rules_they_made(choices: Choices) -> None:
    made = build(choices)
    assert chosen(BASE, made) == choices
    assert build(chosen(BASE, made)) == made
    assert Rulebook.from_dict(made.to_dict()) == made


def test_tracking_by_hand() -> None:
    level, base = np.array([1000.0, 1100.0, 1210.0]), np.array([1000.0, 1000.0, 1100.0])
    found = tracking(level, base, days=2)
    assert found.difference == pytest.approx(0.21 - 0.10)
    assert (found.days, found.per_year, found.error) == (2, None, None)
    assert found.correlation is None
    days = np.arange(366, dtype=np.float64)
    level, base = np.power(1.001, days), np.power(1.0005, days)
    found = tracking(level, base, days=365)
    assert found.per_year == pytest.approx(1.001**365 - 1.0005**365)
    assert found.error == pytest.approx(0.0, abs=1e-12)


def test_tracking_error_is_the_yearly_deviation_of_differences() -> None:
    random = np.random.default_rng(3)
    one, other = random.normal(0, 0.02, 400), random.normal(0, 0.02, 400)
    level, base = (1000 * np.cumprod(np.concatenate([[1.0], 1 + moves])) for moves in (one, other))
    found = tracking(level, base, days=400)
    assert found.error == pytest.approx((one - other).std(ddof=1) * np.sqrt(365))
    assert found.correlation == pytest.approx(np.corrcoef(one, other)[0, 1])


@given(
    st.dictionaries(st.sampled_from("abcd"), st.floats(0, 1)),
    st.dictionaries(st.sampled_from("abcd"), st.floats(0, 1)),
)
def test_active_share_is_a_distance(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert active_share(one, one) == 0
    assert active_share(one, other) == pytest.approx(active_share(other, one))
    assert active_share({"a": 1.0}, {"b": 1.0}) == 1
    assert active_share({"a": 0.6, "b": 0.4}, {"a": 0.5, "c": 0.5}) == pytest.approx(0.5)
