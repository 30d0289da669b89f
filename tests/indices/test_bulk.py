"""All rebalances at once against one step after another: the same bits, whatever the market."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indices.core import bulk
from indices.core.backtest import Backtest, backtest
from indices.core.eligibility import day_numbers
from indices.core.levels import strikes
from indices.core.rulebook import Rulebook
from signals.core.panel import Panel
from tests.indices.markets import market, panel_of

BASE: dict[str, Any] = {"slug": "plain", "family": "market_cap", "costs": {"fee_bps": 10}}


def rules(**clauses: Any) -> Rulebook:
    return Rulebook.from_dict({**BASE, **clauses})


def both(panel: Panel, rulebook: Rulebook) -> tuple[Backtest, Backtest]:
    """The same backtest at once and step by step (a walk that records its decisions takes the steps)."""
    start, end = panel.dates[min(7, len(panel.dates) - 1)], panel.dates[-1]
    return (
        backtest(panel, rulebook, start=start.date(), end=end.date()),
        backtest(panel, rulebook, start=start.date(), end=end.date(), record=True),
    )


def assert_same_bits(one: Backtest, other: Backtest) -> None:
    assert one.level.to_numpy().tobytes() == other.level.to_numpy().tobytes()
    assert [step.row for step in one.rebalances] == [step.row for step in other.rebalances]
    for mine, theirs in zip(one.rebalances, other.rebalances, strict=True):
        assert mine.columns.tolist() == theirs.columns.tolist()
        assert mine.weights.tobytes() == theirs.weights.tobytes()
        assert (mine.turnover, mine.cost) == (theirs.turnover, theirs.cost)
    assert one.weights.equals(other.weights)


@settings(max_examples=40)
@given(
    seed=st.integers(0, 10_000),
    assets=st.sampled_from([3, 12, 40]),
    gaps=st.sampled_from([0.0, 0.02, 0.2]),
    scheme=st.sampled_from(["market_cap", "sqrt_market_cap", "equal"]),
    count=st.integers(1, 30),
    buffer=st.sampled_from([0, 2, 10]),
    bounds=st.sampled_from([(0.0, 1.0), (0.0, 0.3), (0.0, 0.04), (0.02, 0.3)]),
    frequency=st.sampled_from(["daily", "weekly", "monthly"]),
    lag=st.integers(0, 3),
    stale=st.sampled_from([0, 3]),
    hysteresis=st.booleans(),
    impact=st.sampled_from([0.0, 0.1]),
    missing_days=st.sampled_from([0, 2, 7]),
    lost=st.sampled_from([-1.0, -0.3]),
    reverse=st.booleans(),
)
def test_all_at_once_has_the_bits_of_the_steps(
    seed: int,
    assets: int,
    gaps: float,
    scheme: str,
    count: int,
    buffer: int,
    bounds: tuple[float, float],
    frequency: str,
    lag: int,
    stale: int,
    hysteresis: bool,
    impact: float,
    missing_days: int,
    lost: float,
    reverse: bool,
) -> None:
    panel = market(seed=seed, assets=assets, gaps=gaps, days=150)
    if reverse:
        panel = panel.select(panel.assets[::-1])
    rulebook = rules(
        screens={
            "max_stale_days": stale,
            "min_market_cap": {"enter": 2e8, "stay": 5e7} if hysteresis else None,
        },
        selection={"count": count, "buffer": buffer},
        weighting={"scheme": scheme, "min_weight": bounds[0], "max_weight": bounds[1]},
        calendar={"frequency": frequency, "lag_days": lag},
        costs={"fee_bps": 10, "impact": impact},
        delisting={"after_missing_days": missing_days, "return": lost},
    )
    assert bulk.is_plain(rulebook)
    assert_same_bits(*both(panel, rulebook))


def test_ties_in_rank_go_to_the_lesser_asset_id() -> None:
    panel = panel_of({name: [10.0] * 40 for name in ("d", "b", "a", "c")})
    rulebook = rules(selection={"count": 2, "buffer": 0}, weighting={"max_weight": 1.0})
    one, other = both(panel, rulebook)
    assert list(one.weights.columns) == ["a", "b"]
    assert_same_bits(one, other)


def test_what_is_not_plain_is_left_to_the_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    for clauses in (
        {"trading": {"drift_band": 0.01}},
        {"trading": {"max_turnover": 0.5}},
        {"weighting": {"smoothing_days": 5}},
        {"weighting": {"scheme": "risk_parity"}},
        {"selection": {"rank_by": "smoothed_market_cap"}},
        {"overlay": {"regime": True}},
    ):
        assert not bulk.is_plain(rules(**clauses)), clauses
    plain = rules()
    assert bulk.is_plain(plain)
    body = plain.to_dict()
    monkeypatch.setattr(Rulebook, "to_dict", lambda self: {**body, "screens": {"of_tomorrow": 1}})
    assert not bulk.is_plain(plain)
    monkeypatch.setattr(Rulebook, "to_dict", lambda self: {**body, "tomorrow": {}})
    assert not bulk.is_plain(plain)


def test_a_weight_that_vanishes_is_left_to_the_steps() -> None:
    # A share of 1e-17 is less than the grid can hold: it is dropped, so the next choice hangs on a weight.
    panel = panel_of({"a": [1e9] * 40, "b": [1e-8] * 40, "c": [2e9] * 40})
    rulebook = rules(weighting={"max_weight": 1.0}, selection={"count": 3, "buffer": 1})
    one, other = both(panel, rulebook)
    assert list(one.weights.columns) == ["a", "c"]
    assert_same_bits(one, other)


def test_strikes_are_found_where_a_silence_becomes_too_long() -> None:
    nan = float("nan")
    panel = panel_of(
        {
            "a": [1, nan, nan, nan, 1, 1, nan, nan, nan, nan],
            "b": [nan, nan, nan, nan, nan, 1, nan, nan, 1, 1],
            "c": [1.0] * 10,
        }
    )
    rulebook = rules(delisting={"after_missing_days": 2})
    found = strikes(panel, day_numbers(panel), first=0, last=9, rulebook=rulebook)
    assert found.rows.tolist() == [3, 8]
    assert found.columns.tolist() == [0, 0]
    assert found.between(3, 8).tolist() == [0]
    assert found.between(3, 7).tolist() == []
    assert found.between(2, 9).tolist() == [0, 0]


def test_it_is_really_taken_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    panel, taken = market(), []
    whole = bulk.stretch

    def counted(*given: Any, **named: Any) -> bulk.Stretch | None:
        taken.append(1)
        return whole(*given, **named)

    monkeypatch.setattr(bulk, "stretch", counted)
    one, other = both(panel, rules())
    assert taken == [1]
    assert len(one.rebalances) == 28
    assert np.isfinite(one.level).all()
    assert_same_bits(one, other)
