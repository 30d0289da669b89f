"""The engine against a second one that was written from the words of the rulebook: at any rule, at any cost."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indices.core.backtest import Backtest, backtest
from indices.core.rulebook import Rulebook
from signals.core.panel import Panel
from tests.indices.markets import market
from tests.indices.reference import History, reference

START, END = date(2020, 1, 20), date(2020, 6, 28)


@st.composite
def rulebooks(draw: st.DrawFn) -> Rulebook:
    """Any rulebook of the clauses that need nothing but the market."""
    low, high = draw(st.sampled_from([(0.0, 1.0), (0.0, 0.3), (0.0, 0.08), (0.03, 0.4), (0.05, 0.25)]))
    count = draw(st.integers(1, 10))
    return Rulebook.from_dict(
        {
            "slug": "any",
            "family": "market_cap",
            "screens": {
                "min_market_cap": draw(st.sampled_from([None, {"enter": 4e8, "stay": 1e8}])),
                "min_median_volume_30d": draw(st.sampled_from([None, {"enter": 1e7, "stay": 2e6}])),
                "min_age_days": draw(st.sampled_from([0, 15])),
                "max_stale_days": draw(st.sampled_from([0, 2])),
            },
            "selection": {"count": count, "buffer": draw(st.sampled_from([0, 3]))},
            "weighting": {
                "scheme": draw(
                    st.sampled_from(["market_cap", "sqrt_market_cap", "equal", "inverse_volatility"])
                ),
                "min_weight": low,
                "max_weight": high,
                "window_days": 30,
            },
            "calendar": {
                "frequency": draw(st.sampled_from(["daily", "weekly", "monthly", "quarterly"])),
                "weekday": draw(st.sampled_from(["sunday", "wednesday"])),
                "lag_days": draw(st.integers(0, 3)),
            },
            "trading": draw(
                st.sampled_from([{}, {"drift_band": 0.04}, {"max_turnover": 0.15}, {"min_trade_usd": 8000}])
            ),
            "costs": {
                "fee_bps": draw(st.sampled_from([0, 10, 150])),
                "half_spread_bps": draw(st.sampled_from([0, 5])),
                "impact": draw(st.sampled_from([0.0, 0.1])),
            },
            "delisting": {
                "after_missing_days": draw(st.sampled_from([1, 7])),
                "return": draw(st.sampled_from([-1.0, -0.4])),
            },
        }
    )


def assert_agree(result: Backtest, expected: History) -> None:
    assert [stamp.date() for stamp in result.turnover.index] == list(expected.turnover)
    assert result.level.to_numpy() == pytest.approx(list(expected.level.values()), rel=1e-9)
    assert result.turnover.to_numpy() == pytest.approx(list(expected.turnover.values()), abs=1e-9)
    assert result.costs.to_numpy() == pytest.approx(list(expected.cost.values()), abs=1e-9)
    for (_, line), target in zip(result.weights.iterrows(), expected.weights.values(), strict=True):
        assert line[line > 1e-12].to_dict() == pytest.approx(
            {asset: weight for asset, weight in target.items() if weight > 1e-12}, abs=1e-9
        )


@settings(max_examples=40)
@given(rulebook=rulebooks(), seed=st.integers(0, 10_000), gaps=st.sampled_from([0.0, 0.03, 0.15]))
def test_the_engine_says_what_the_words_say(rulebook: Rulebook, seed: int, gaps: float) -> None:
    panel: Panel = market(days=180, assets=11, seed=seed, gaps=gaps)
    result = backtest(panel, rulebook, start=START, end=END)
    rules: dict[str, Any] = rulebook.to_dict(whole=True)
    assert_agree(result, reference(panel, rules, start=START, end=END))
