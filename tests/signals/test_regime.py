"""The regime: what it reads, when it moves, what its ledger says, and that it never sees a day ahead."""

from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from signals.core.panel import Array, Panel
from signals.core.regime import RegimeError, RegimeRules, ledger, regime
from signals.core.regime.deciding import first_of_week, shares, wish
from signals.core.regime.market import (
    above_mean,
    capped,
    leader_return,
    leaders,
    market_return,
    members,
    moves,
)
from tests.markets import panel_make

RULES = RegimeRules()
SMALL = replace(RULES, breadth_least=3)


def made(
    close: dict[str, Array], caps: dict[str, Array], categories: dict[str, list[str]] | None = None
) -> Panel:
    """A panel of these lines from 1 January 2022 on, a tenth of each cap traded a day."""
    index = days_from("2022-01-01", len(next(iter(close.values()))))
    cap = pd.DataFrame(caps, index=index)
    return Panel.from_frames(
        close=pd.DataFrame(close, index=index), market_cap=cap, volume=cap * 0.1, categories=categories
    )


def market(days: int, *, seed: int = 7, tokens: int = 15) -> Panel:
    """A seeded market with a boom and a bust in it, a stablecoin and days that are missing."""
    draw = np.random.default_rng(seed)
    wave = 0.004 * np.sin(np.arange(days) / 60)
    common = wave + draw.normal(0, 0.02, days)
    own = draw.normal(0, 0.02, (days, tokens))
    close = {f"token-{n}": 10 * np.exp(np.cumsum(common + own[:, n])) for n in range(tokens)}
    close["token-3"][90:95] = np.nan
    close["dollar"] = np.ones(days)
    caps = {slug: line * 1e6 * (n + 1) for n, (slug, line) in enumerate(close.items())}
    return made(close, caps, {"dollar": ["stablecoin"]})


def days_from(first: str, count: int) -> pd.DatetimeIndex:
    return pd.date_range(first, periods=count, freq="D")


def state(**columns: list[float]) -> pd.DataFrame:
    rows = len(columns["volatility"])
    means = [f"{line}_{days}" for line in ("trend", "leader") for days in RULES.trend_days]
    blank = {name: [np.nan] * rows for name in [*means, "breadth"]}
    return pd.DataFrame(blank | columns, index=days_from("2022-01-02", rows))


def test_weights_follow_the_cap_and_the_excess_goes_to_the_others() -> None:
    weights = capped(np.array([[60.0, 20.0, 10.0, 10.0], [30.0, 10.0, 0.0, 0.0], [0.0] * 4]), 0.4)
    assert weights[0] == pytest.approx([0.4, 0.3, 0.15, 0.15])
    assert weights[1] == pytest.approx([0.5, 0.5, 0.0, 0.0])
    assert weights[2].tolist() == [0.0] * 4


@given(
    st.lists(st.floats(min_value=1, max_value=1e12), min_size=4, max_size=20),
    st.sampled_from([0.25, 0.3, 0.5, 1.0]),
)
def test_weights_sum_to_one_keep_the_limit_and_the_order(caps: list[float], limit: float) -> None:
    ordered = np.array([sorted(caps, reverse=True)])
    weights = capped(ordered, limit)[0]
    assert weights.sum() == pytest.approx(1.0)
    assert weights.max() <= limit * (1 + 1e-9)
    assert (np.diff(weights) <= 1e-12).all()


def saw(rows: int) -> list[float]:
    """A price that moves too much to be pegged to anything."""
    return [1.0 if row % 2 == 0 else 1.1 for row in range(rows)]


def test_the_universe_is_the_largest_liquid_tokens_without_pegged_ones() -> None:
    caps = {"big": 3e9, "mid": 2e9, "small": 1e9, "invented": 9e9, "dollar": 8e9, "wrapped-big": 7e9}
    panel = panel_make(
        {slug: saw(40) for slug in caps},
        market_cap={slug: [cap] * 40 for slug, cap in caps.items()},
        volume={slug: [9e4 if slug == "invented" else 1e6] * 40 for slug in caps},
        categories={"dollar": ["stablecoin"], "wrapped-big": ["wrapped"]},
    )
    held = members(panel, replace(RULES, count=2, max_weight=1.0))
    assert [panel.assets[at] for at in held.columns[-1]] == ["big", "mid"]
    assert held.weights[-1] == pytest.approx([0.6, 0.4])
    assert held.weights[:30].sum() == 0  # a token counts from its thirtieth day on
    assert leaders(panel, held)[["2022-01-30", "2022-01-31"]].tolist() == ["", "big"]


def test_the_places_are_as_many_as_the_rules_say_whatever_the_panel_holds() -> None:
    few = panel_make({"one": saw(40), "two": saw(40)}, volume={"one": [1e6] * 40, "two": [1e6] * 40})
    held = members(few, RULES)
    assert held.columns.shape == held.weights.shape == (40, 100)
    assert np.count_nonzero(held.weights[-1]) == 2


def test_a_kind_that_only_hindsight_knows_does_not_count() -> None:
    slugs = ("one", "two")
    panel = panel_make(
        {slug: saw(40) for slug in slugs},
        volume={slug: [1e6] * 40 for slug in slugs},
        categories={"one": ["wrapped", "measured-wrapped"]},
    )
    assert np.count_nonzero(members(panel, RULES).weights[-1]) == 2


def test_the_market_moves_by_yesterdays_weights_and_the_leader_alone() -> None:
    close = {"up": [*saw(32), 1.21, 1.21], "down": [*saw(32), 0.88, np.nan]}
    panel = panel_make(
        close, market_cap={"up": [3e9] * 34, "down": [1e9] * 34}, volume=dict.fromkeys(close, [1e6] * 34)
    )
    held = members(panel, replace(RULES, max_weight=1.0))
    moved = market_return(panel, held)
    assert moved[32] == pytest.approx(0.75 * 0.1 - 0.25 * 0.2)
    assert moved[33] == 0.0
    assert np.isnan(moved[30])
    assert leader_return(panel, held)[32:] == pytest.approx([0.1, 0.0])


def test_a_print_that_the_market_cap_does_not_know_of_moves_nothing() -> None:
    close = {"bad": [*saw(38), 4e4, 1.0], "split": [*saw(38), 1000.0, 1000.0], "true": [*saw(38), 4.4, 4.4]}
    caps = {"bad": [3e9] * 40, "split": [2e9] * 38 + [2e9, np.nan], "true": [1e9] * 38 + [4e9, 4e9]}
    panel = panel_make(close, market_cap=caps, volume=dict.fromkeys(close, [1e6] * 40))
    moved = moves(panel)
    assert moved[38].tolist() == [0.0, 0.0, pytest.approx(3.0)]
    assert moved[39].tolist() == [pytest.approx(1 / 4e4 - 1), 0.0, 0.0]  # a fall always counts
    unknown = panel_make(close, market_cap=dict.fromkeys(close, [np.nan] * 40), volume=caps)
    assert moves(unknown)[38].tolist() == [0.0, 0.0, pytest.approx(3.0)]


def test_a_level_above_its_mean_follows_from_its_returns() -> None:
    returns = np.array([np.nan, 0.1, -0.2, 0.5, np.nan])
    level = np.array([1.1, 1.1 * 0.8, 1.1 * 0.8 * 1.5])
    got = above_mean(returns, 3)
    assert got[3] == pytest.approx(level[-1] / level.mean() - 1)
    assert np.isnan(got[:3]).all()  # two of three days are too few
    assert np.isnan(got[4])
    assert above_mean(np.array([np.nan, 0.1, -0.2, 0.5, np.nan, 0.25]), 4)[5] == pytest.approx(
        1.25 / np.mean([1.0, 1.25, 1 / 1.5]) - 1
    )
    assert above_mean(np.array([0.1, 0.1, -1.0]), 2)[2] == -1.0  # all is lost
    assert above_mean(np.array([]), 3).size == 0


def test_the_wish_is_the_share_of_votes_times_the_volatility_scale() -> None:
    read = state(
        trend_50=[0.1, 0.1, -0.1, 0.1],
        trend_100=[0.1, -0.1, -0.1, np.nan],
        trend_200=[0.1, -0.1, -0.1, np.nan],
        breadth=[0.6, 0.5, 0.4, np.nan],
        volatility=[0.3, 0.8, 0.8, 0.3],
    )
    wanted = wish(read, RULES)
    assert wanted[:3] == pytest.approx([1.0, 0.25 * 0.5 / 0.8, 0.0])
    assert np.isnan(wanted[3])  # one vote decides nothing
    led = read.assign(leader_50=[-0.1] * 4, leader_100=[-0.1] * 4, leader_200=[0.1] * 4)
    assert wish(led, RULES) == pytest.approx([5 / 7, 2 / 7 * 0.5 / 0.8, 1 / 7 * 0.5 / 0.8, 0.5])
    unsure = state(trend_50=[0.1], trend_100=[-0.1], volatility=[0.3])
    assert wish(unsure, RULES) == pytest.approx([0.5])  # of the votes that are known
    assert np.isnan(wish(unsure.assign(volatility=np.nan), RULES)[0])


def test_a_share_moves_on_sundays_only_and_with_hysteresis() -> None:
    dates = days_from("2022-01-01", 30)  # a Saturday
    sundays = [1, 8, 15, 22, 29]
    wanted = np.zeros(30)
    wanted[sundays] = [0.6, 0.72, 0.75, np.nan, 0.52]
    assert shares(dates, wanted, RULES)[0][[0, *sundays]].tolist() == [1.0, 0.5, 0.5, 0.75, 0.75, 0.5]
    standing, moved = shares(dates, wanted, RULES)
    assert np.isnat(moved[0])
    assert moved[[1, 14, 15]].astype("datetime64[D]").tolist() == [
        date(2022, 1, 2),
        date(2022, 1, 2),
        date(2022, 1, 16),
    ]
    assert set(np.flatnonzero(np.diff(standing)) + 1) == {1, 15, 29}


def test_a_missing_sunday_is_decided_on_the_next_day_and_the_week_after_keeps_its_distance() -> None:
    dates = days_from("2022-01-01", 20).delete(1)  # no 2 January
    wanted = np.where(dates < pd.Timestamp(2022, 1, 9), 0.0, 1.0)
    standing = pd.Series(shares(dates, wanted, RULES)[0], index=dates)
    assert standing["2022-01-03"] == 0.0
    assert standing["2022-01-09"] == 0.0  # six days after the move
    assert standing["2022-01-16"] == 1.0


@given(st.lists(st.floats(min_value=0, max_value=1), min_size=30, max_size=90), st.integers(0, 6))
def test_every_share_is_a_step_and_stands_at_least_a_week(wanted: list[float], weekday: int) -> None:
    standing = shares(
        days_from("2022-01-01", len(wanted)), np.array(wanted), replace(RULES, weekday=weekday)
    )[0]
    assert set(standing) <= {0.0, 0.25, 0.5, 0.75, 1.0}
    assert (np.diff(np.flatnonzero(np.diff(standing))) >= 7).all()


def test_weeks_begin_on_the_weekday() -> None:
    days = days_from("2022-01-01", 21).to_numpy().astype("datetime64[D]").astype(np.int64)
    assert np.flatnonzero(first_of_week(days, 6)).tolist() == [1, 8, 15]
    assert np.flatnonzero(first_of_week(days, 5)).tolist() == [0, 7, 14]
    monday = days[2:3]
    assert first_of_week(monday, 6, after=int(days[0])).tolist() == [True]  # Sunday has no row
    assert first_of_week(monday, 6, after=int(days[1])).tolist() == [False]
    assert first_of_week(monday, 6).tolist() == [False]


def test_the_ledger_adds_up_to_hand_made_figures() -> None:
    dates = days_from("2022-01-01", 6)
    share = pd.Series([1.0, 1.0, 0.5, 0.5, 0.5, 0.5], index=dates)
    moved = pd.Series([np.nan, 0.1, 0.2, -0.5, -0.2, 0.1], index=dates)
    book = ledger(share, moved, RULES)
    # Decided on the third day, traded on the fourth, felt from the fifth.
    last = book.iloc[-1]
    assert last["passive"] == pytest.approx(1.1 * 1.2 * 0.5 * 0.8 * 1.1)
    assert last["followed"] == pytest.approx(1.1 * 1.2 * 0.5 * (1 - 0.1 - 0.003 * 0.5) * 1.05)
    assert last["passive_drawdown"] == pytest.approx(0.5 * 0.8 - 1)
    assert last["followed_drawdown"] == pytest.approx(0.5 * 0.8985 - 1)
    assert last["drawdown_avoided"] == pytest.approx(0.5 * 0.0985)
    assert last["loss_avoided"] == pytest.approx(0.1 / 0.7)
    assert last["upside_missed"] == pytest.approx(0.05 / 0.4)
    assert last["cash"] == pytest.approx(1 / 6)
    assert (last["switches"], last["cost"]) == (1.0, pytest.approx(0.0015))
    assert book["switches"].tolist() == [0, 0, 1, 1, 1, 1]


@pytest.mark.parametrize("cut", [0, 1, 40, 171, 333])
def test_a_longer_panel_changes_nothing_before_its_end(cut: int) -> None:
    whole = market(400)
    day = whole.dates[cut]
    full, part = regime(whole, SMALL), regime(whole.as_of(day), SMALL)
    assert len(set(full.risk_share)) >= 3
    assert part.risk_share.equals(full.risk_share[:day])
    assert part.wanted.equals(full.wanted[:day])
    pd.testing.assert_frame_equal(part.readings, full.readings[:day], check_exact=True)
    pd.testing.assert_frame_equal(part.ledger, full.ledger[:day], check_exact=True)


def test_noise_after_a_day_changes_nothing_before_it() -> None:
    whole, cut = market(400), 250
    close = whole.frame("close").copy()
    close.iloc[cut + 1 :] *= np.exp(np.random.default_rng(1).normal(0, 1, (149, close.shape[1])))
    noisy = Panel.from_frames(
        close=close,
        market_cap=pd.concat([whole.frame("market_cap")[: cut + 1], close[cut + 1 :] * 1e7]),
        volume=whole.frame("volume"),
        categories=whole.categories,
    )
    one, other = regime(whole, SMALL), regime(noisy, SMALL)
    day = whole.dates[cut]
    assert one.risk_share[:day].equals(other.risk_share[:day])
    assert one.wanted[:day].equals(other.wanted[:day])
    pd.testing.assert_frame_equal(one.readings[:day], other.readings[:day], check_exact=True)
    assert not one.wanted.equals(other.wanted)


def test_the_same_panel_gives_the_same_bits() -> None:
    first, second = regime(market(300), SMALL), regime(market(300), SMALL)
    assert first.ledger.equals(second.ledger)
    assert first.risk_share.equals(second.risk_share)


def test_a_bust_ends_in_cash_and_a_calm_boom_fully_invested() -> None:
    drift = np.r_[np.full(250, 0.003), np.full(150, -0.004)] + np.tile([0.005, -0.005], 200)
    line = 10 * np.exp(np.cumsum(drift))
    close = {f"token-{n}": line * (n + 1) for n in range(12)}
    share = regime(made(close, {slug: price * 1e6 for slug, price in close.items()})).risk_share
    assert share.iloc[249] == 1.0
    assert share.iloc[-1] == 0.0


def test_before_anything_is_known_the_share_is_that_of_the_passive_index() -> None:
    history = regime(market(400).as_of(date(2022, 1, 20)), SMALL)
    assert set(history.risk_share) == {1.0}
    assert history.wanted.isna().all()
    assert regime(market(20).as_of(date(2021, 1, 1)), SMALL).risk_share.empty


def test_a_panel_without_caps_or_volume_is_refused_by_name() -> None:
    close = pd.DataFrame({"a": [1.0, 2.0]}, index=days_from("2022-01-01", 2))
    with pytest.raises(RegimeError, match="market_cap: the panel has none"):
        regime(Panel.from_frames(close=close, volume=close))
    with pytest.raises(RegimeError, match="volume: the panel has none"):
        regime(Panel.from_frames(close=close, market_cap=close))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("move_at", 0.3),
        ("move_at", 0.1),
        ("volatility_target", 0.0),
        ("weekday", 7),
        ("max_weight", 0.0),
        ("trend_days", ()),
        ("lag_days", -1),
        ("breadth_days", 0),
    ],
)
def test_rules_out_of_range_are_refused_by_name(field: str, value: Any) -> None:
    with pytest.raises(ValueError, match=field):
        replace(RULES, **{field: value})
