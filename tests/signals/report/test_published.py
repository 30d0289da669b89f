"""Published results rebuilt: each rule by hand."""

from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest

from signals.core.panel import Panel
from signals.core.report.factors import (
    characteristics,
    characteristics_table,
    long_short,
    market_factor,
    market_table,
    next_week,
    week_ends,
    weeks_of,
)
from signals.core.report.rules import (
    averages_table,
    banded,
    ensemble_table,
    ensemble_targets,
    followed,
    moving_average_held,
    regression,
)
from tests.signals.report.panels import market

NAN = np.nan


def test_a_year_has_52_weeks_and_the_last_takes_what_is_left():
    ends = week_ends(date(2019, 1, 1), date(2020, 12, 31))
    assert len(ends) == 104
    assert ends[:2] == [date(2019, 1, 7), date(2019, 1, 14)]
    assert (ends[51] - ends[50]).days == 8
    assert (ends[103] - ends[102]).days == 9  # a leap year
    assert ends[51] == date(2019, 12, 31)


def two_coins() -> Panel:
    """Three weeks: the large coin gains 10 % then 20 %, the small one -10 % then 100 %; a third is under $1 M."""
    days = pd.date_range("2019-01-01", "2019-01-21")
    week = np.repeat([0, 1, 2], 7)
    close = pd.DataFrame(
        {
            "large": np.array([1.0, 1.1, 1.32])[week],
            "small": np.array([1.0, 0.9, 1.8])[week],
            "tiny": np.array([1.0, 9.0, 9.0])[week],
        },
        index=days,
    )
    cap = close * np.array([3e6, 2e6, 1e5])
    return Panel.from_frames(close=close, market_cap=cap, volume=cap)


def test_the_market_factor_weights_by_the_cap_of_the_week_before():
    weeks = weeks_of(two_coins(), first=date(2019, 1, 1), last=date(2019, 12, 31))
    assert next_week(weeks)[0] == pytest.approx([0.1, -0.1, 8.0])
    first = (3e6 * 0.1 - 2e6 * 0.1) / 5e6
    second = (3.3e6 * 0.2 + 1.8e6 * 1.0) / 5.1e6
    assert market_factor(weeks) == pytest.approx([first, second])
    assert market_factor(weeks, least_cap=2.5e6) == pytest.approx([0.1, 0.2])


def test_a_rise_beyond_belief_is_no_return():
    panel = two_coins()
    close = panel.close.copy()
    close[7:, 1] = 5000.0
    wild = Panel.from_frames(
        close=pd.DataFrame(close, index=panel.dates, columns=panel.assets),
        market_cap=panel.frame("market_cap"),
        volume=panel.frame("volume"),
    )
    weeks = weeks_of(wild, first=date(2019, 1, 1), last=date(2019, 12, 31))
    assert np.isnan(next_week(weeks)[0, 1])


def test_characteristics_and_long_short_by_hand():
    generator = np.random.default_rng(1)
    tokens, days = 25, 60
    moves = generator.normal(0, 0.03, (days, tokens))
    panel = market(daily=moves)
    weeks = weeks_of(panel, first=date(2020, 1, 1), last=date(2020, 12, 31))
    found = characteristics(panel, weeks)
    at = 5
    row = weeks.rows[at]
    assert found["r1,0"][at] == pytest.approx(panel.close[row] / panel.close[row - 7] - 1)
    assert found["r4,1"][at] == pytest.approx(panel.close[row - 7] / panel.close[row - 28] - 1)
    assert found["MAXDPRC"][at] == pytest.approx(panel.close[row - 6 : row + 1].max(axis=0))
    assert found["PRCVOL"][at] == pytest.approx(np.log(panel.volume[row - 6 : row + 1].mean(axis=0)))
    spread = long_short(found["MCAP"], weeks, least_cap=0.0)[at]
    order = np.argsort(panel.market_cap[row])
    gained = panel.close[weeks.rows[at + 1]] / panel.close[row] - 1
    legs = [np.average(gained[part], weights=panel.market_cap[row][part]) for part in (order[-5:], order[:5])]
    assert spread == pytest.approx(legs[0] - legs[1])


def test_tables_are_none_where_the_market_does_not_reach():
    panel = market(days=60)
    assert market_table(panel) is None
    assert characteristics_table(panel) is None
    assert averages_table(panel) is None
    assert ensemble_table(panel) is None


def test_a_moving_average_by_hand():
    held = moving_average_held(np.array([1.0, 2.0, 3.0, 1.0, 4.0]), 2)
    assert held[1:].tolist() == [1.0, 1.0, 0.0, 1.0]
    assert np.isnan(held[0])


def test_following_a_decision_earns_the_next_day_and_pays_for_changes():
    close = np.array([1.0, 1.1, 1.21, 1.0, 2.0])
    held = np.array([1.0, 1.0, 0.0, 1.0, 1.0])
    plain = followed(held, close, lag=0, cost=0.0)
    assert plain == pytest.approx([0.0, 0.1, 0.1, 0.0, 1.0])
    late = followed(held, close, lag=1, cost=0.01)
    assert late == pytest.approx([0.0, 0.0, 1.1 * 0.99 - 1, 1.0 / 1.21 - 1, -0.01])


def test_regression_agrees_with_statsmodels():
    api = pytest.importorskip("statsmodels.api")
    generator = np.random.default_rng(3)
    x = generator.normal(size=300)
    y = 0.2 + 0.5 * x + generator.normal(size=300)
    mine = regression(x, y, lags=4)
    theirs = api.OLS(y, api.add_constant(x)).fit(
        cov_type="HAC", cov_kwds={"maxlags": 4, "use_correction": False}
    )
    assert [mine.alpha, mine.slope] == pytest.approx(list(theirs.params))
    assert [mine.alpha_t, mine.t] == pytest.approx(list(theirs.tvalues))


def test_a_band_leaves_small_differences_alone():
    targets = np.array([[0.5], [0.55], [0.7], [0.0]])
    gross, traded = banded(targets, np.zeros((4, 1)), lag=0)
    assert traded == pytest.approx([0.5, 0.0, 0.2, 0.7])
    assert gross == pytest.approx([0.0] * 4)
    _, late = banded(targets, np.zeros((4, 1)), lag=1)
    assert late == pytest.approx([0.0, 0.5, 0.0, 0.2])


def test_the_ensemble_holds_at_most_twice_a_twentieth_each():
    panel = market(tokens=30, days=500)
    weights, moves, names = ensemble_targets(panel)
    assert weights.shape == moves.shape == (500, len(names))
    assert (weights >= 0).all()
    assert weights.max() <= 2.0 / 20 + 1e-12
    assert ((weights > 0).sum(axis=1) <= 20).all()


def test_tables_over_a_market_that_reaches():
    generator = np.random.default_rng(2)
    index = pd.date_range("2014-06-01", "2018-12-31")
    names = ["bitcoin", *(f"coin-{number}" for number in range(29))]
    close = pd.DataFrame(
        np.exp(np.cumsum(generator.normal(0.0005, 0.03, (len(index), 30)), axis=0)),
        index=index,
        columns=names,
    )
    cap = close * 1e9
    panel = Panel.from_frames(close=close, market_cap=cap, volume=cap * 0.1)
    tables: list[Any] = [
        table(panel) for table in (market_table, characteristics_table, averages_table, ensemble_table)
    ]
    for table in tables:
        assert all(len(row) == len(table.columns) for row in table.rows), table.title
    assert [row[0] for row in tables[0].rows][:2] == ["ours, cap ≥ $1 M", "ours, cap ≥ $100 M"]
    assert tables[0].rows[2][1] == 0.0133
    assert len(tables[1].rows) == 10
    assert len(tables[2].rows) == 6  # the time after their end is under a year
    assert len(tables[3].rows) == 6
