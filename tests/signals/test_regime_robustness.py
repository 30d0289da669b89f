"""The judge of the regime: the twin, performance, neighbours, bootstrap and tails."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from signals.core.regime import RegimeRules
from signals.core.regime.market import members
from signals.core.regime.robustness import bootstrap, neighbourhood, performance, study, tails
from signals.core.regime.twin import twin_return
from tests.markets import panel_make
from tests.signals.test_regime import SMALL, days_from, market, saw


def test_the_twin_buys_after_the_lag_drifts_and_pays_for_what_it_trades() -> None:
    # A token counts from 31 January on; the first Sunday after is 6 February, traded on Monday the 7th.
    close = {"up": [*saw(38), *[2.2] * 8], "flat": [*saw(38), *[1.1] * 8]}
    panel = panel_make(
        close,
        market_cap={slug: [1e9] * 46 for slug in close},
        volume={slug: [1e6] * 46 for slug in close},
    )
    rules = replace(RegimeRules(), max_weight=1.0)
    net = twin_return(panel, members(panel, rules), rules)
    assert net[:"2022-02-06"].isna().all()
    assert net["2022-02-07"] == pytest.approx(-0.003)
    assert net["2022-02-08"] == pytest.approx(0.5)
    assert net["2022-02-09":"2022-02-13"].tolist() == [0.0] * 5
    assert net["2022-02-14"] == pytest.approx(-0.003 * (2 / 3 - 1 / 2) * 2)


def test_performance_of_hand_made_weeks() -> None:
    dates = days_from("2022-01-03", 14)  # two whole weeks, Monday to Sunday
    returns = pd.Series([0.5, -0.2, *[0.0] * 5, -0.1, *[0.0] * 6], index=dates)
    got = performance(returns)
    weeks = np.array([0.2, -0.1])
    assert got.sharpe == pytest.approx(0.05 / weeks.std(ddof=1) * np.sqrt(365.25 / 7))
    assert got.drawdown == pytest.approx(0.8 * 0.9 - 1)
    assert got.weekly_drawdown == pytest.approx(-0.1)
    assert got.growth == pytest.approx((1.2 * 0.9) ** (365.25 / 14) - 1)
    assert performance(pd.Series(0.0, index=dates)).sharpe == 0.0


def test_the_neighbours_change_each_number_both_ways() -> None:
    found = dict(neighbourhood(RegimeRules()))
    assert len(found) == 24
    assert RegimeRules() not in found.values()
    assert found["trend 100 -20%"].trend_days == (50, 80, 200)
    assert found["all windows +20%"].trend_days == (60, 120, 240)
    assert found["volatility target +20%"].volatility_target == pytest.approx(0.6)
    assert found["move at -20%"].move_at == pytest.approx(0.18)
    assert found["move at +20%"].move_at == 0.25  # a step is the most
    assert found["decided on Wed"].weekday == 2


def test_the_bootstrap_of_a_series_against_itself_is_zero_and_seeded() -> None:
    draw = np.random.default_rng(3)
    twin = pd.Series(draw.normal(0, 0.03, 700), index=days_from("2020-01-06", 700))
    assert {(i.low, i.high) for i in bootstrap(twin, twin).values()} == {(0.0, 0.0)}
    half = bootstrap(twin, 0.5 * twin)
    assert half == bootstrap(twin, 0.5 * twin)
    assert half != bootstrap(twin, 0.5 * twin, seed=1)
    assert half["weekly_drawdown"].low > 0
    better = bootstrap(twin, twin + 0.001)
    assert better["sharpe"].low > 0
    assert better["growth"].low > 0


def test_tails_tell_what_was_held_on_the_extreme_days() -> None:
    dates = days_from("2022-01-01", 40)
    moved = pd.Series(np.r_[np.full(10, 0.1), np.full(20, 0.01), np.full(10, -0.1)], index=dates)
    held = pd.Series(np.r_[np.full(10, 0.25), np.full(20, 1.0), np.full(10, 0.5)], index=dates)
    got = tails(held, moved)
    assert (got["exposure_best_days"], got["exposure_worst_days"]) == (0.25, 0.5)
    assert got["upside_missed"] == pytest.approx(0.75 / 1.2)
    assert got["loss_avoided"] == pytest.approx(0.5)


def test_a_study_has_every_row_and_is_the_same_twice() -> None:
    panel = market(800)
    first, last = panel.dates[200], panel.dates[-1]
    one = study(panel, start=first, end=last, rules=SMALL)
    assert list(one.rows) == ["twin", "twin x SMA100", "twin x regime", "twin x as much cash"]
    assert one.rows["twin x as much cash"].cash == pytest.approx(one.rows["twin x regime"].cash)
    assert one.rows["twin"].cash == 0.0
    assert one.rows["twin x regime"].switches > 0
    assert list(one.periods) == ["2022", "2023", "2024"]
    assert len(one.neighbours) == 24
    assert 0 <= one.passing <= 1
    assert one == study(panel, start=first, end=last, rules=SMALL)
    with pytest.raises(ValueError, match="under a year"):
        study(panel, start=panel.dates[600], end=last, rules=SMALL)
