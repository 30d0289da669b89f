"""Exponentially weighted market caps, members reviewed now and then, and that older rulebooks do not notice."""

import hashlib
import json
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indices.core import prose
from indices.core.backtest import backtest
from indices.core.eligibility import cap_days, day_numbers, smoothed_caps
from indices.core.rulebook import Holding, Rulebook, RulebookError, decide, lookback_days
from indices.core.rulebook.choosing import reviewed
from signals.core.panel import Panel
from tests.indices.markets import market

EWMA = {"scheme": "sqrt_market_cap", "smoothing": "ewma", "smoothing_days": 5, "max_weight": 1}


def rules(**clauses: object) -> Rulebook:
    return Rulebook.from_dict(
        {"slug": "x", "family": "market_cap", "selection": {"count": 3, "buffer": 0}, **clauses}
    )


def of_caps(caps: dict[str, list[float]], first: str = "2021-01-01") -> Panel:
    days = pd.date_range(first, periods=len(next(iter(caps.values()))))
    frame = pd.DataFrame(caps, index=days, dtype=float)
    return Panel.from_frames(close=frame * 0 + 1, market_cap=frame)


def smoothed(panel: Panel, row: int, span: int) -> list[float]:
    columns = np.arange(len(panel.assets))
    return smoothed_caps(panel, day_numbers(panel), row, columns, span, smoothing="ewma").tolist()


def test_by_hand() -> None:
    # Span 3: every day back has half the weight.
    panel = of_caps({"a": [8.0, 16.0, 32.0], "b": [np.nan, 10.0, np.nan], "c": [np.nan] * 3})
    assert smoothed(panel, 2, 3)[:2] == [(32 + 16 / 2 + 8 / 4) / (1 + 1 / 2 + 1 / 4), 10.0]
    assert np.isnan(smoothed(panel, 2, 3)[2])


def test_a_day_that_the_panel_lacks_ages_what_is_known() -> None:
    frame = pd.DataFrame({"a": [8.0, 32.0]}, index=pd.to_datetime(["2021-01-01", "2021-01-03"]))
    panel = Panel.from_frames(close=frame, market_cap=frame)
    assert smoothed(panel, 1, 3) == [(32 + 8 / 4) / (1 + 1 / 4)]


def test_weights_are_the_square_roots_of_it() -> None:
    panel = of_caps({"a": [8.0, 16.0, 32.0], "b": [2.0, 2.0, 2.0]})
    book = rules(weighting={**EWMA, "smoothing_days": 3})
    decision = decide(as_of=date(2021, 1, 3), panel=panel, rulebook=book)
    roots = [24**0.5, 2**0.5]
    assert decision.weights == pytest.approx({"a": roots[0] / sum(roots), "b": roots[1] / sum(roots)})


@settings(max_examples=40)
@given(seed=st.integers(0, 10_000), span=st.integers(1, 12), row=st.integers(0, 90))
def test_it_is_what_pandas_says_of_the_same_window(seed: int, span: int, row: int) -> None:
    random = np.random.default_rng(seed)
    caps = np.where(random.random((91, 4)) < 0.3, np.nan, random.uniform(1, 1e9, (91, 4)))
    frame = pd.DataFrame(caps, index=pd.date_range("2020-01-01", periods=91), columns=list("abcd"))
    panel = Panel.from_frames(close=frame, market_cap=frame)
    window = frame.iloc[max(0, row - 4 * span + 1) : row + 1]
    # Of a single day pandas knows no decay; ours has all weight on the last day as well.
    expected = window.ewm(span=span, adjust=True, ignore_na=False).mean().iloc[-1]
    if span == 1:
        expected = window.iloc[-1]
    assert smoothed(panel, row, span) == pytest.approx(expected.tolist(), rel=1e-12, nan_ok=True)


@settings(max_examples=10)
@given(seed=st.integers(0, 10_000), frequency=st.sampled_from(["weekly", "monthly"]))
def test_live_and_backtest_make_the_same_decision_to_the_last_bit(seed: int, frequency: str) -> None:
    panel = market(seed=seed, gaps=0.03)
    book = rules(
        selection={"count": 4, "rank_by": "smoothed_market_cap", "review": "quarterly"},
        weighting=EWMA,
        calendar={"frequency": frequency, "lag_days": 0},
        trading={},
    )
    made = backtest(panel, book, start="2020-02-10", end="2020-07-18", record=True).decisions
    short = panel.as_of(made[0].as_of).last(lookback_days(book))
    assert decide(as_of=made[0].as_of, panel=short, rulebook=book).weights == made[0].weights
    cut = panel.as_of(made[-2].as_of)
    again = backtest(cut, book, start="2020-02-10", end=made[-2].as_of, record=True).decisions
    assert again == made[:-1]


def test_what_is_seen_is_what_is_looked_back_at() -> None:
    assert cap_days(rules()) == 0
    assert cap_days(rules(weighting={"smoothing_days": 10})) == 10
    assert cap_days(rules(weighting=EWMA)) == 20
    ranked = rules(selection={"rank_by": "smoothed_market_cap"}, weighting={"smoothing": "ewma"})
    assert cap_days(ranked) == lookback_days(ranked) == 120


def test_ewma_without_days_is_refused() -> None:
    with pytest.raises(
        RulebookError, match=r"^weighting.smoothing: ewma needs weighting.smoothing_days above 0"
    ):
        rules(weighting={"smoothing": "ewma"})
    with pytest.raises(RulebookError, match=r"^weighting.smoothing: must be one of mean, ewma"):
        rules(weighting={"smoothing": "median"})


def test_between_reviews_members_stay_and_nobody_enters() -> None:
    panel = of_caps({"a": [50.0] * 40, "b": [40.0] * 40, "c": [30.0] * 40, "d": [60.0] * 40}, "2021-03-01")
    book = rules(
        selection={"count": 3, "buffer": 0, "review": "quarterly"},
        weighting={"max_weight": 1},
        calendar={"frequency": "monthly", "lag_days": 0},
    )
    holding = Holding({"a": 0.25, "b": 0.25, "c": 0.5})
    march, february = date(2021, 3, 31), date(2021, 2, 28)
    anew = decide(as_of=march, panel=panel, rulebook=book, previous=holding)
    assert set(anew.weights) == {"a", "b", "d"}
    earlier = of_caps({"a": [50.0], "b": [40.0], "c": [30.0], "d": [60.0]}, "2021-02-28")
    kept = decide(as_of=february, panel=earlier, rulebook=book, previous=holding)
    assert kept.weights == pytest.approx({"a": 50 / 120, "b": 40 / 120, "c": 30 / 120})
    assert kept.reasons["c"] == "stayed: rank 4, until the quarterly review"
    first = decide(as_of=february, panel=earlier, rulebook=book)
    assert set(first.weights) == {"a", "b", "d"}


@pytest.mark.parametrize(
    ("frequency", "review", "days"),
    [
        ("monthly", "quarterly", ["2021-03-31", "2021-06-30"]),
        ("weekly", "monthly", ["2021-01-31", "2021-02-28", "2021-03-28", "2021-04-25", "2021-05-30"]),
        ("weekly", "quarterly", ["2021-03-28", "2021-06-27"]),
        ("quarterly", "monthly", ["2021-03-31", "2021-06-30"]),
    ],
)
def test_the_review_is_the_last_determination_of_its_period(
    frequency: str, review: str, days: list[str]
) -> None:
    book = rules(selection={"review": review}, calendar={"frequency": frequency})
    step = {"weekly": "W-SUN", "monthly": "ME", "quarterly": "QE"}[frequency]
    determined = pd.date_range("2021-01-01", "2021-06-30", freq=step)
    found = [day.date().isoformat() for day in determined if reviewed(book, day.date())]
    assert found[: len(days)] == days


@pytest.mark.parametrize(("days_back", "seen"), [(19, True), (20, False)])
def test_the_hash_of_the_inputs_is_of_what_the_smoothing_sees(days_back: int, seen: bool) -> None:
    caps = {"a": [50.0] * 40, "b": [40.0] * 40}
    last, book = date(2021, 2, 9), rules(weighting=EWMA)
    one = decide(as_of=last, panel=of_caps(caps), rulebook=book)
    caps["a"] = [*caps["a"]]
    caps["a"][39 - days_back] = 51.0
    other = decide(as_of=last, panel=of_caps(caps), rulebook=book)
    assert (one.input_hash != other.input_hash) == seen
    assert (one.weights != other.weights) == seen


def test_older_rulebooks_keep_their_digest() -> None:
    body: dict[str, Any] = rules().to_dict()
    assert "smoothing" not in body["weighting"]
    assert "review" not in body["selection"]
    canonical = json.dumps(body, sort_keys=True, separators=(",", ":"))
    assert rules().digest == hashlib.sha256(canonical.encode()).hexdigest()
    # Taken from the engine before it knew these clauses.
    assert rules().digest == "701ba4f582d94b29384ae64d215aed396a4724a1e17d9f1e7a13257ef22bc822"
    new = rules(selection={"review": "monthly"}, weighting={**EWMA})
    assert new.to_dict()["selection"]["review"] == "monthly"
    assert Rulebook.from_dict(new.to_dict()) == new
    assert new.to_dict(whole=True)["weighting"]["smoothing"] == "ewma"
    assert rules().to_dict(whole=True)["weighting"]["smoothing"] == "mean"


def test_in_words() -> None:
    book = rules(selection={"count": 30, "buffer": 0, "review": "quarterly"}, weighting=EWMA)
    found = {rule.title: rule.text for rule in prose.rules(book)}
    assert found["How many"] == (
        "The top 30 by market capitalisation. Members are chosen anew once a quarter; "
        "in between they are only weighted anew."
    )
    assert found["How much of each"].endswith(
        "Market capitalisation is the exponentially weighted mean of 5 days."
    )
