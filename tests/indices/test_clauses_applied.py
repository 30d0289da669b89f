"""What the newer clauses do to decisions, levels and costs."""

from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indices.core import costs, overlay, weighting
from indices.core.backtest import backtest
from indices.core.rulebook import DecisionError, Holding, Rulebook, decide, lookback_days
from indices.core.rulebook.clauses import Costs
from indices.core.rulebook.deciding import passive
from indices.core.rulebook.terms import Tier
from signals.core.panel import Panel
from tests.indices.markets import panel_of

NAN = float("nan")


def rules(**clauses: object) -> Rulebook:
    plain = {
        "slug": "plain",
        "family": "market_cap",
        "selection": {"count": 5, "buffer": 0},
        "weighting": {"max_weight": 1.0},
        "calendar": {"frequency": "daily", "lag_days": 0},
        "costs": {"fee_bps": 0},
    }
    return Rulebook.from_dict({**plain, **clauses})


def flat(days: int = 6, **caps: float) -> Panel:
    """Prices that do not move, [day x asset]; the supply is one."""
    return panel_of({asset: [cap] * days for asset, cap in caps.items()}, supply=1.0)


def weights_on(book: Rulebook, panel: Panel, day: str, **inputs: Any) -> dict[str, float]:
    return decide(as_of=date.fromisoformat(day), panel=panel, rulebook=book, **inputs).weights


def test_a_dated_exclusion_acts_in_its_time_only() -> None:
    book = rules(
        universe={
            "exclude": [
                {"asset": "b", "from": "2021-01-03", "until": "2021-01-05", "reason": "bridge broken"}
            ]
        }
    )
    panel = flat(a=3, b=1)
    result = backtest(panel, book, start="2021-01-01", end="2021-01-06", record=True)
    assert [sorted(step.weights) for step in result.decisions] == [
        ["a", "b"],
        ["a", "b"],
        ["a"],
        ["a"],
        ["a", "b"],
        ["a", "b"],
    ]
    assert result.decisions[2].reasons["b"] == "left: excluded: bridge broken"
    again = decide(
        as_of=date(2021, 1, 3), panel=panel, rulebook=book, previous=Holding({"a": 0.75, "b": 0.25})
    )
    assert again.input_hash == result.decisions[2].input_hash


def test_free_float_counts_for_rank_and_weight_and_not_for_the_screen() -> None:
    panel = flat(a=100, b=60, c=50)
    clause = {"max_weight": 1.0, "free_float": {"a": 0.5}}
    assert weights_on(rules(weighting=clause), panel, "2021-01-02") == pytest.approx(
        {"a": 50 / 160, "b": 60 / 160, "c": 50 / 160}
    )
    two = rules(weighting=clause, selection={"count": 1, "buffer": 0})
    assert weights_on(two, panel, "2021-01-02") == {"b": 1.0}
    screened = rules(weighting=clause, screens={"min_market_cap": 70})
    assert weights_on(screened, panel, "2021-01-02") == {"a": 1.0}
    roots = rules(weighting={**clause, "scheme": "sqrt_market_cap", "smoothing_days": 3})
    expected = np.sqrt([50.0, 60.0, 50.0]) / np.sqrt([50.0, 60.0, 50.0]).sum()
    assert list(weights_on(roots, panel, "2021-01-04").values()) == pytest.approx(list(expected))
    dated = rules(
        weighting={"max_weight": 1.0, "free_float": {"a": [{"from": "2021-01-04", "fraction": 0.1}]}}
    )
    assert weights_on(dated, panel, "2021-01-03")["a"] == pytest.approx(100 / 210)
    assert weights_on(dated, panel, "2021-01-04")["a"] == pytest.approx(10 / 120)


def test_the_largest_and_the_groups_are_capped_in_a_decision() -> None:
    panel = flat(a=50, b=30, c=10, d=10)
    kinds = {"a": {"layer-1"}, "b": {"defi"}, "c": {"defi", "ai"}, "d": set()}
    frames: Any = {name: panel.frame(name) for name in ("close", "market_cap", "volume")}
    known = Panel.from_frames(**frames, categories=kinds)
    book = rules(weighting={"max_weight": 0.4, "max_weight_largest": 0.45})
    assert weights_on(book, known, "2021-01-02") == pytest.approx(
        {"a": 0.45, "b": 0.33, "c": 0.11, "d": 0.11}
    )
    grouped = rules(weighting={"max_weight": 1.0, "max_weight_groups": {"defi": 0.2, "nothing": 0.1}})
    assert weights_on(grouped, known, "2021-01-02") == pytest.approx(
        {"a": 0.8 * 5 / 6, "b": 0.15, "c": 0.05, "d": 0.8 / 6}
    )
    found = [
        decide(as_of=date(2021, 1, 2), panel=each, rulebook=grouped).input_hash for each in (known, panel)
    ]
    assert found[0] != found[1], "membership is an input"


def test_a_grade_screen_has_two_doors_and_gives_its_reason() -> None:
    panel = flat(a=5, b=4, c=3)
    book = rules(family="ai", screens={"min_grade": {"enter": 50, "stay": 45}})
    grades = {"a": 47.0, "b": 51.0}
    first = decide(as_of=date(2021, 1, 2), panel=panel, rulebook=book, grades=grades)
    assert first.weights == {"b": 1.0}
    both = Holding({"a": 0.5, "b": 0.25, "c": 0.25})
    later = decide(
        as_of=date(2021, 1, 2), panel=panel, rulebook=book, grades={**grades, "b": 44.0}, previous=both
    )
    assert later.weights == {"a": 1.0}
    assert later.reasons == {
        "a": "stayed: rank 1",
        "b": "left: grade 44 below 45",
        "c": "left: no grade",
    }
    with pytest.raises(DecisionError, match=r"^screens.min_grade: needs grades"):
        decide(as_of=date(2021, 1, 2), panel=panel, rulebook=book)


def test_the_passive_rules_are_rules_that_can_be_written_down() -> None:
    book = rules(
        family="ai",
        screens={"min_grade": 50},
        selection={"rank_by": "grade", "count": 5},
        weighting={"scheme": "grade_tilt", "tilt": 3, "max_weight": 1},
        overlay={"regime": True},
    )
    twin = passive(book, grades=True, regime=True)
    assert Rulebook.from_dict(twin.to_dict()) == twin
    assert weights_on(twin, flat(a=3, b=1), "2021-01-01") == {"a": 0.75, "b": 0.25}


@given(
    grades=st.lists(st.floats(0.1, 100), min_size=2, max_size=8),
    tilt=st.sampled_from([0.0, 0.5, 1.0, 1.5, 2.0, 3.5, 8.0]),
)
def test_the_tilt_is_a_power_of_the_grade(grades: list[float], tilt: float) -> None:
    caps = np.linspace(1.0, 2.0, len(grades))
    wanted = caps * (np.array(grades) / 100) ** tilt
    found = weighting.by_grade(caps, np.array(grades), tilt)
    assert found == pytest.approx(wanted / wanted.sum(), rel=1e-12)


@given(
    waiting=st.floats(0.01, 1.0),
    parts=st.lists(st.floats(0.1, 1.0), min_size=1, max_size=4),
    seed=st.integers(0, 15),
    most=st.floats(0.05, 1.0),
)
def test_what_waits_is_placed_up_to_the_cap_and_nothing_is_lost(
    waiting: float, parts: list[float], seed: int, most: float
) -> None:
    shares = np.array(parts) / sum(parts)
    priced = np.array([bool(seed >> place & 1) for place in range(len(parts))])
    found, left = overlay.placed(waiting, shares, priced, most)
    assert found.sum() + left == pytest.approx(waiting, abs=1e-12)
    assert (found <= most + 1e-12).all()
    assert (found[~priced] == 0).all()
    assert left == pytest.approx(max(waiting - most * priced.sum(), 0.0), abs=1e-12)
    below = priced & (found < most - 1e-9)
    if below.sum() > 1:
        assert (found / shares)[below] == pytest.approx((found / shares)[below][0])


def test_the_overlay_spreads_over_what_has_a_price() -> None:
    panel = panel_of(
        {"a": [3.0] * 4, "b": [1.0] * 4, "one": [1.0] * 4, "two": [NAN, NAN, 1.0, 1.0]}, supply=1.0
    )
    book = rules(
        universe={"exclude": ["one", "two"]},
        overlay={"regime": True, "risk_off": ["one", "two", "never"], "max_issuer": 0.4},
    )
    early = decide(as_of=date(2021, 1, 2), panel=panel, rulebook=book, regime=0.5)
    assert early.weights == pytest.approx({"a": 0.45, "b": 0.15, "one": 0.4})
    assert early.notes == ("10.0000% finds no place in never, one, two and stays invested",)
    later = decide(as_of=date(2021, 1, 3), panel=panel, rulebook=book, regime=0.5)
    assert later.weights == pytest.approx({"a": 0.375, "b": 0.125, "one": 0.25, "two": 0.25})
    assert later.notes == ()
    unequal = rules(
        universe={"exclude": ["one", "two"]}, overlay={"regime": True, "risk_off": {"one": 0.75, "two": 0.25}}
    )
    assert weights_on(unequal, panel, "2021-01-03", regime=0.0) == {"one": 0.75, "two": 0.25}


def test_a_basket_without_any_price_holds_the_decision() -> None:
    panel = panel_of({"a": [3.0] * 3, "one": [NAN, NAN, 1.0]}, supply=1.0)
    book = rules(universe={"exclude": ["one"]}, overlay={"regime": True, "risk_off": ["one", "never"]})
    held = decide(
        as_of=date(2021, 1, 2), panel=panel, rulebook=book, regime=0.25, previous=Holding({"a": 1.0})
    )
    assert held.held == "overlay.risk_off: never, one has no price on 2021-01-02"
    assert held.weights == {"a": 1.0}
    invested = decide(as_of=date(2021, 1, 2), panel=panel, rulebook=book, regime=1.0)
    assert invested.weights == {"a": 1.0}
    assert not invested.held, "nothing waits, so nothing needs a price"
    alone = rules(overlay={"regime": True, "risk_off": "absent"})
    assert decide(as_of=date(2021, 1, 2), panel=panel, rulebook=alone, regime=0.0).held.startswith(
        "overlay.risk_off: absent has no price"
    )


def test_each_asset_pays_the_half_spread_of_its_tier() -> None:
    clause = Costs(fee_bps=10, half_spread_bps=50, tiers=(Tier(1e3, 20.0), Tier(1e6, 5.0)))
    volume = np.array([0.0, 999.0, 1e3, 1e6, 1e9, NAN])
    known = np.nan_to_num(volume)
    assert costs.half_spreads(clause, known).tolist() == [50, 50, 20, 5, 5, 50]
    sizes = np.array([0.1, 0.0, 0.2, 0.3, 0.0, 0.1])
    cost = costs.trade_cost(sizes, 0.7, clause, volume)
    assert cost == pytest.approx((0.7 * 10 + 0.1 * 50 + 0.2 * 20 + 0.3 * 5 + 0.1 * 50) / 10_000, abs=1e-15)
    same = Costs(fee_bps=10, half_spread_bps=5, tiers=(Tier(0.0, 5.0),))
    flat_cost = costs.trade_cost(sizes, 0.7, Costs(fee_bps=10, half_spread_bps=5))
    assert costs.trade_cost(sizes, 0.7, same, volume) == pytest.approx(flat_cost, abs=1e-15)


def test_the_tier_is_that_of_the_thirty_days_to_the_trade() -> None:
    days = 60
    close = pd.DataFrame({"a": [1.0] * days}, index=pd.date_range("2021-01-01", periods=days))
    volume = close * 1e3
    volume.iloc[40:] = 1e7
    panel = Panel.from_frames(close=close, market_cap=close * 1e6, volume=volume)
    book = rules(
        costs={
            "half_spread_bps": 40,
            "fee_bps": 0,
            "tiers": [{"min_median_volume": 1e6, "half_spread_bps": 1}],
        }
    )
    # From row 40 on volumes are high; their median over thirty days is from the sixteenth such day on.
    for start, expected in (("2021-02-23", 40e-4), ("2021-02-25", 1e-4)):
        result = backtest(panel, book, start=start, end="2021-03-01")
        assert result.costs.iloc[0] == pytest.approx(expected)
    assert lookback_days(book) == 30
