"""decide(): eligibility, buffer, trading rules, schemes, and that it sees neither the future nor the distant past."""

from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indices.core.backtest import backtest
from indices.core.eligibility import day_numbers
from indices.core.levels import drift
from indices.core.rulebook import DecisionError, Holding, Rulebook, decide, lookback_days
from signals.core.panel import Panel
from tests.indices.markets import market, panel_of

SUNDAY = date(2021, 1, 3)


def rules(**clauses: object) -> Rulebook:
    plain = {
        "slug": "plain",
        "family": "market_cap",
        "selection": {"count": 3, "buffer": 1},
        "weighting": {"max_weight": 1.0},
    }
    return Rulebook.from_dict({**plain, **clauses})


def sized(**caps: float) -> Panel:
    """Three days on which each asset has price 1 and the given cap."""
    dates = pd.date_range("2021-01-01", periods=3)
    cap = pd.DataFrame({name: [value] * 3 for name, value in caps.items()}, index=dates, dtype=float)
    return Panel.from_frames(close=cap * 0 + 1, market_cap=cap, volume=cap / 10)


def held(*assets: str) -> Holding:
    return Holding(dict.fromkeys(assets, 1 / len(assets)))


def test_weights_are_in_proportion_to_cap_and_ties_go_to_the_lesser_id() -> None:
    decision = decide(as_of=SUNDAY, panel=sized(d=10, c=20, b=20, a=20, z=60), rulebook=rules())
    assert decision.weights == pytest.approx({"a": 0.2, "b": 0.2, "z": 0.6}, abs=1e-15)
    assert decision.ranks == {"z": 1, "a": 2, "b": 3}
    assert sum(decision.weights.values()) == 1.0
    assert (decision.epoch, decision.effective_on) == ("2020-W53", date(2021, 1, 4))
    assert decision.turnover == pytest.approx(1.0, abs=1e-15)


def test_an_incumbent_stays_within_the_buffer_and_a_newcomer_waits() -> None:
    panel = sized(a=50, b=40, c=30, d=20, e=10)
    decision = decide(as_of=SUNDAY, panel=panel, rulebook=rules(), previous=held("a", "b", "d"))
    assert set(decision.weights) == {"a", "b", "d"}
    assert decision.reasons["d"] == "stayed: rank 4, within the buffer of 1"
    out = decide(as_of=SUNDAY, panel=panel, rulebook=rules(), previous=held("a", "b", "e"))
    assert set(out.weights) == {"a", "b", "c"}
    assert out.reasons == {
        "a": "stayed: rank 1",
        "b": "stayed: rank 2",
        "c": "entered: rank 3",
        "e": "left: rank 5",
    }


def test_the_number_of_members_is_the_count_however_many_incumbents_there_are() -> None:
    panel = sized(a=50, b=40, c=30, d=20, e=10)
    decision = decide(as_of=SUNDAY, panel=panel, rulebook=rules(), previous=held("a", "b", "c", "d"))
    assert set(decision.weights) == {"a", "b", "c"}


def test_entry_and_stay_thresholds() -> None:
    rulebook = rules(screens={"min_market_cap": {"enter": 30, "stay": 20}})
    panel = sized(a=50, b=25, c=25, d=15)
    decision = decide(as_of=SUNDAY, panel=panel, rulebook=rulebook, previous=held("c", "d"))
    assert set(decision.weights) == {"a", "c"}
    assert decision.reasons["d"] == "left: market cap 15 USD below 20"


def test_the_volume_screen_is_a_median_of_thirty_days_in_which_silence_is_zero() -> None:
    dates = pd.date_range("2021-01-01", periods=31)
    ones = pd.DataFrame(1.0, index=dates, columns=["half", "most", "none"])
    volume = ones * 100.0
    volume.loc[dates[1:17], "half"] = np.nan
    volume.loc[dates[1:15], "most"] = np.nan
    volume["none"] = np.nan
    panel = Panel.from_frames(close=ones, market_cap=ones * 1e9, volume=volume)
    rulebook = rules(screens={"min_median_volume_30d": 60})
    assert set(decide(as_of=date(2021, 1, 31), panel=panel, rulebook=rulebook).weights) == {"most"}
    # Exactly half known: the median lies between 0 and 100, and 50 is under 60 but not under 50.
    volume.loc[dates[16], "half"] = 100.0
    panel = Panel.from_frames(close=ones, market_cap=ones * 1e9, volume=volume)
    assert set(decide(as_of=date(2021, 1, 31), panel=panel, rulebook=rulebook).weights) == {"most"}
    lower = rules(screens={"min_median_volume_30d": 50})
    assert set(decide(as_of=date(2021, 1, 31), panel=panel, rulebook=lower).weights) == {"half", "most"}


def test_tomorrows_volume_is_not_seen() -> None:
    dates = pd.date_range("2021-01-01", periods=40)
    ones = pd.DataFrame(1.0, index=dates, columns=["a"])
    volume = ones * 100.0
    # Up to the 30th, fifteen days of thirty are quiet; one busy day more would lift the median over the bar.
    volume.iloc[:15] = 0.0
    panel = Panel.from_frames(close=ones, market_cap=ones * 1e9, volume=volume)
    rulebook = rules(screens={"min_median_volume_30d": 60}, calendar={"frequency": "daily", "lag_days": 0})
    result = backtest(panel, rulebook, start="2021-01-29", end="2021-02-05")
    assert str(result.turnover.index[0])[:10] == "2021-01-31"


def test_age_universe_and_staleness() -> None:
    nan = float("nan")
    panel = panel_of(
        {"new": [nan, nan, 5, 5], "old": [5, 5, 5, 5], "late": [5, 5, 5, nan], "gone": [5, nan, nan, nan]}
    )
    day = date(2021, 1, 4)
    assert set(decide(as_of=day, panel=panel, rulebook=rules()).weights) == {"new", "old"}
    aged = rules(screens={"min_age_days": 2})
    assert set(decide(as_of=day, panel=panel, rulebook=aged).weights) == {"old"}
    patient = rules(screens={"max_stale_days": 1})
    assert set(decide(as_of=day, panel=panel, rulebook=patient).weights) == {"late", "new", "old"}
    named = rules(universe={"exclude": ["old"]})
    assert set(decide(as_of=day, panel=panel, rulebook=named).weights) == {"new"}


def test_categories_include_and_exclude() -> None:
    panel = sized(a=50, b=40, c=30)
    kinds = {"a": ["stablecoin", "defi"], "b": ["defi"], "c": ["meme"]}
    frames: dict[str, Any] = {name: panel.frame(name) for name in ("close", "market_cap", "volume")}
    tagged = Panel.from_frames(**frames, categories=kinds)
    assert set(decide(as_of=SUNDAY, panel=tagged, rulebook=rules()).weights) == {"b", "c"}
    only = rules(universe={"categories": ["defi"], "exclude_categories": []})
    assert set(decide(as_of=SUNDAY, panel=tagged, rulebook=only).weights) == {"a", "b"}


def test_too_few_assets_for_the_cap_are_weighted_equally_and_the_note_says_so() -> None:
    decision = decide(as_of=SUNDAY, panel=sized(a=50, b=1), rulebook=rules(weighting={"max_weight": 0.25}))
    assert decision.weights == {"a": 0.5, "b": 0.5}
    assert decision.notes == ("2 assets cannot fill the index at 0.25 each: equal weights",)


def test_an_empty_universe_is_held_not_an_error() -> None:
    panel = sized(a=50, b=40)
    rulebook = rules(universe={"exclude": ["a", "b"]})
    decision = decide(as_of=SUNDAY, panel=panel, rulebook=rulebook, previous=held("a", "b"))
    assert decision.held == "no asset passes the screens"
    assert decision.weights == {"a": 0.5, "b": 0.5}
    assert decision.turnover == 0.0
    assert decide(as_of=SUNDAY, panel=panel, rulebook=rulebook).weights == {}


def test_an_incumbent_that_the_panel_has_forgotten_leaves() -> None:
    decision = decide(as_of=SUNDAY, panel=sized(a=50, b=40), rulebook=rules(), previous=held("a", "dead"))
    assert set(decision.weights) == {"a", "b"}
    assert decision.reasons["dead"] == "left: no price"


def test_drift_band_turnover_budget_and_smallest_trade() -> None:
    panel = sized(a=60, b=40)
    near = Holding({"a": 0.62, "b": 0.38})
    band = decide(as_of=SUNDAY, panel=panel, rulebook=rules(trading={"drift_band": 0.0201}), previous=near)
    assert band.held == "drift of 2.0000% is within the band of 2.0100%"
    assert not decide(
        as_of=SUNDAY, panel=panel, rulebook=rules(trading={"drift_band": 0.0199}), previous=near
    ).held
    budget = rules(trading={"max_turnover": 0.4})
    halfway = decide(as_of=SUNDAY, panel=panel, rulebook=budget, previous=Holding({"a": 1.0}))
    assert halfway.weights == pytest.approx({"a": 0.8, "b": 0.2}, abs=1e-15)
    assert halfway.turnover == pytest.approx(0.4, abs=1e-15)
    three = sized(a=60, b=39, c=1)
    small = rules(trading={"min_trade_usd": 20_000}, costs={"capital_usd": 1_000_000})
    decision = decide(as_of=SUNDAY, panel=three, rulebook=small, previous=Holding({"a": 0.5, "b": 0.5}))
    assert decision.weights == pytest.approx({"a": 60 / 99, "b": 39 / 99}, abs=1e-15)


def test_schemes() -> None:
    panel = sized(a=90, b=10)
    root = decide(
        as_of=SUNDAY, panel=panel, rulebook=rules(weighting={"scheme": "sqrt_market_cap", "max_weight": 1})
    )
    assert root.weights == pytest.approx({"a": 0.75, "b": 0.25})
    equal = decide(as_of=SUNDAY, panel=panel, rulebook=rules(weighting={"scheme": "equal", "max_weight": 1}))
    assert equal.weights == {"a": 0.5, "b": 0.5}
    tilt = rules(weighting={"scheme": "grade_tilt", "max_weight": 1})
    graded = decide(as_of=SUNDAY, panel=panel, rulebook=tilt, grades={"a": 10, "b": 90})
    assert graded.weights == pytest.approx({"a": 0.5, "b": 0.5})
    with pytest.raises(DecisionError, match=r"^weighting.scheme: grade_tilt needs grades"):
        decide(as_of=SUNDAY, panel=panel, rulebook=tilt)
    with pytest.raises(DecisionError, match=r"^grades: a must be in \[0, 100\]"):
        decide(as_of=SUNDAY, panel=panel, rulebook=tilt, grades={"a": 101})


def test_smoothing_is_the_mean_of_the_last_days() -> None:
    cap = pd.DataFrame(
        {"a": [10.0, 20, 30], "b": [30.0, 30, 30]}, index=pd.date_range("2021-01-01", periods=3)
    )
    panel = Panel.from_frames(close=cap * 0 + 1, market_cap=cap)
    rulebook = rules(weighting={"max_weight": 1, "smoothing_days": 2})
    assert decide(as_of=SUNDAY, panel=panel, rulebook=rulebook).weights == pytest.approx(
        {"a": 25 / 55, "b": 30 / 55}
    )


def test_a_day_that_is_not_in_the_panel_cannot_be_decided_on() -> None:
    with pytest.raises(DecisionError, match="panel: has no closes of 2021-01-10"):
        decide(as_of=date(2021, 1, 10), panel=sized(a=1), rulebook=rules())


SCREENED = {
    "screens": {
        "min_market_cap": {"enter": 1e7, "stay": 8e6},
        "min_median_volume_30d": {"enter": 1e5, "stay": 8e4},
        "min_age_days": 20,
        "max_stale_days": 2,
    }
}
# Bars in the middle of what the small markets trade, so that the screens decide who is in.
BINDING = {
    "screens": {
        "min_median_volume_30d": {"enter": 2e8, "stay": 1e8},
        "min_market_cap": {"enter": 1e9, "stay": 8e8},
    }
}
VARIANTS = [
    {},
    SCREENED,
    BINDING,
    {**SCREENED, "weighting": {"scheme": "sqrt_market_cap", "smoothing_days": 10, "max_weight": 0.4}},
    {**SCREENED, "selection": {"rank_by": "smoothed_market_cap", "count": 4, "buffer": 2}},
    {"weighting": {"scheme": "inverse_volatility", "window_days": 40}},
    {"weighting": {"scheme": "risk_parity", "window_days": 40}},
    {"weighting": {"scheme": "min_variance", "window_days": 40, "max_weight": 0.5}},
    {"trading": {"max_turnover": 0.1, "drift_band": 0.01}},
    {"calendar": {"frequency": "daily", "lag_days": 2}},
    {"calendar": {"frequency": "monthly", "lag_days": 0}},
]


@settings(max_examples=20)
@given(seed=st.integers(0, 10_000), variant=st.sampled_from(VARIANTS), cut=st.integers(60, 150))
def test_live_and_backtest_make_the_same_decision_to_the_last_bit(seed: int, variant: dict, cut: int) -> None:
    panel = market(seed=seed, gaps=0.03)
    rulebook = rules(**variant)
    result = backtest(panel, rulebook, start="2020-02-10", end="2020-07-18", record=True)
    made = [decision for decision in result.decisions if decision.as_of >= panel.dates[cut].date()][:3]
    for decision in made:
        before = [step for step in result.decisions if step.effective_on <= decision.as_of and not step.held]
        if rulebook.calendar.lag_days == 0:
            before = [step for step in before if step.effective_on < decision.as_of]
        previous = None
        if before:
            bought = panel.row(before[-1].effective_on)
            previous = Holding(
                drifted(panel, rulebook, before[-1].weights, bought, panel.row(decision.as_of))
            )
        short = panel.as_of(decision.as_of).last(lookback_days(rulebook))
        live = decide(as_of=decision.as_of, panel=short, rulebook=rulebook, previous=previous)
        if decision is not result.decisions[0]:
            assert live == decision


def drifted(
    panel: Panel, rulebook: Rulebook, weights: dict[str, float], bought: int, row: int
) -> dict[str, float]:
    assets = sorted(weights)
    columns = np.array([panel.assets.index(asset) for asset in assets])
    values = np.array([weights[asset] for asset in assets])
    path = drift(
        panel, day_numbers(panel), columns=columns, weights=values, first=bought, last=row, rulebook=rulebook
    )
    return {
        asset: weight for asset, weight in zip(assets, path.weights(-1).tolist(), strict=True) if weight > 0
    }


@settings(max_examples=25)
@given(seed=st.integers(0, 10_000), variant=st.sampled_from(VARIANTS), cut=st.integers(60, 190))
def test_later_data_changes_no_earlier_decision_or_level(seed: int, variant: dict, cut: int) -> None:
    panel = market(seed=seed, gaps=0.03)
    rulebook = rules(**variant)
    last = panel.dates[cut].date()
    whole = backtest(panel, rulebook, start="2020-02-10", end="2020-07-18", record=True)
    truncated = backtest(panel.as_of(last), rulebook, start="2020-02-10", end=last, record=True)
    assert truncated.decisions == tuple(step for step in whole.decisions if step.as_of <= last)
    assert truncated.level.to_numpy().tolist() == whole.level[: pd.Timestamp(last)].to_numpy().tolist()


def test_the_hash_sees_every_input_that_counts_and_no_other() -> None:
    panel = market(lives=False)
    rulebook = rules(**SCREENED)
    day = panel.dates[100].date()
    base = decide(as_of=day, panel=panel, rulebook=rulebook).input_hash
    volume = panel.frame("volume").copy()
    volume.iloc[100 - 29, 0] = 1.0000001 * panel.volume[100 - 29, 0]
    frames: dict[str, Any] = {name: panel.frame(name) for name in ("close", "market_cap")}
    inside = Panel.from_frames(**frames, volume=volume)
    assert decide(as_of=day, panel=inside, rulebook=rulebook).input_hash != base
    volume = panel.frame("volume").copy()
    volume.iloc[100 - 30, 0] = 2 * panel.volume[100 - 30, 0]
    outside = Panel.from_frames(**frames, volume=volume)
    assert decide(as_of=day, panel=outside, rulebook=rulebook).input_hash == base
    assert decide(as_of=day, panel=panel, rulebook=rules(**SCREENED, summary="other")).input_hash != base
    assert decide(as_of=day, panel=panel, rulebook=rulebook, previous=held("asset-000")).input_hash != base
    assert decide(as_of=day + timedelta(days=1), panel=panel, rulebook=rulebook).input_hash != base
