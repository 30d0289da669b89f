"""Values that can be checked by hand."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from signals.core.features import compute
from signals.core.features.backdrop import Backdrop
from signals.core.panel import Panel
from tests.markets import panel_make


def _one(name: str, closes: list[float]) -> float:
    return float(compute(panel_make({"bitcoin": closes}), [name])[name].to_numpy()[-1, 0])


def test_returns_and_averages_of_a_short_series() -> None:
    closes = [100.0, 110.0, 121.0, 60.5, 121.0]
    assert _one("ret_1d", closes) == pytest.approx(1.0)
    assert _one("ret_3d", closes) == pytest.approx(0.1)
    assert _one("px_sma_5", closes) == pytest.approx(121 / 102.5 - 1)
    assert _one("maxdprc_7", [*closes, 1.0]) == 121.0
    assert _one("age_days", closes) == 4.0


def test_a_window_is_known_from_three_quarters_of_its_rows_on() -> None:
    frame = compute(panel_make({"bitcoin": [1.0, 2.0, 3.0, 4.0, 5.0]}), ["px_sma_5"])["px_sma_5"]
    np.testing.assert_allclose(frame["bitcoin"], [np.nan] * 3 + [4 / 2.5 - 1, 5 / 3 - 1])


def test_falls_and_highs() -> None:
    closes = [float(day) for day in range(1, 301)] + [150.0]
    assert _one("mdd_90", closes) == pytest.approx(-0.5)
    assert _one("drawdown_now", closes) == pytest.approx(-0.5)
    assert _one("days_since_high_364", closes) == 1.0
    assert _one("donchian_ensemble", closes[:-1]) == 1.0
    assert _one("donchian_ensemble", [*closes, 1.0]) == 0.0


def test_a_straight_line_has_no_residual_and_a_flat_one_no_slope() -> None:
    growing = [float(np.exp(0.01 * day)) for day in range(100)]
    assert _one("trend_r2_90", growing) == pytest.approx(1.0)
    assert np.isnan(_one("slope_t_90", growing))
    assert np.isnan(_one("trend_r2_90", [5.0] * 100))
    assert np.isnan(_one("rsi_14", [5.0] * 100))
    assert _one("rsi_14", growing) == 100.0
    assert _one("zero_ret_share_30", [5.0] * 100) == 1.0


def test_exponential_means_agree_with_those_of_pandas_to_their_weights_left_out() -> None:
    random = np.random.default_rng(2)
    close = pd.Series(np.exp(np.cumsum(random.normal(0, 0.04, 900))))
    ema = {span: close.ewm(span=span).mean().iloc[-1] for span in (12, 26)}
    assert _one("macd", close.tolist()) == pytest.approx((ema[12] - ema[26]) / close.iloc[-1], abs=1e-8)
    step = close.diff()
    up, down = (
        side.ewm(alpha=1 / 14).mean().iloc[-1] for side in (step.clip(lower=0)[1:], -step.clip(upper=0)[1:])
    )
    assert _one("rsi_14", close.tolist()) == pytest.approx(100 * up / (up + down), abs=1e-5)


def test_weekdays_and_months_look_at_tomorrow() -> None:
    # A rise of a tenth on every Monday (2022-01-03 was one) and nothing on other days.
    closes = [1.1 ** ((day + 5) // 7) for day in range(700)]
    frame = compute(panel_make({"bitcoin": closes}), ["dow_mean_104w", "turn_of_month", "month_mean_hist"])
    means = frame["dow_mean_104w"]["bitcoin"].dropna()
    weekdays = pd.DatetimeIndex(means.index).day_of_week
    np.testing.assert_allclose(means[weekdays == 6], np.log(1.1))
    np.testing.assert_allclose(means[weekdays != 6], 0.0, atol=1e-12)
    turn = frame["turn_of_month"]["bitcoin"]
    assert turn["2022-01-27":"2022-02-04"].tolist() == [0.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.0, 0.0]


def test_a_kind_measured_in_hindsight_does_not_change_the_past() -> None:
    panel = panel_make({"bitcoin": [10.0, 11.0], "twin": [10.0, 20.0]})
    marked = replace(
        panel, categories={**panel.categories, "twin": frozenset({"tracking", "measured-tracking"})}
    )
    assert Backdrop(marked).counted.tolist() == [True, True]
    wrapped = replace(panel, categories={**panel.categories, "twin": frozenset({"wrapped"})})
    assert Backdrop(wrapped).counted.tolist() == [True, False]


def _market_moves(cap_of_tick: float) -> list[float]:
    """Two tokens of equal cap for four days: one stands still, the price of the other is a hundredfold on the third."""
    dates = pd.date_range("2022-01-01", periods=4)
    close = pd.DataFrame({"bitcoin": [10.0] * 4, "tiny": [1.0, 1.0, 100.0, 1.0]}, index=dates)
    cap = pd.DataFrame({"bitcoin": [1e9] * 4, "tiny": [1e9, 1e9, cap_of_tick, 1e9]}, index=dates)
    panel = Panel.from_frames(close=close, market_cap=cap)
    return np.expm1(Backdrop(panel).index_return[1:]).tolist()


def test_a_price_that_the_cap_does_not_bear_out_is_not_the_market() -> None:
    assert _market_moves(1e9) == pytest.approx([0.0, 0.0, 0.0])
    # Without a cap that day nothing bears the move out either, and the day after has no weight for it.
    assert _market_moves(np.nan) == pytest.approx([0.0, 0.0, 0.0])


def test_a_move_that_the_cap_shows_as_well_is_the_market() -> None:
    assert _market_moves(1e11) == pytest.approx([0.0, 99 / 2, -0.99 * 1e11 / 1.01e11])


@pytest.mark.parametrize("listed", ["2014-02-14", "2014-02-01", "2014-01-31"])
def test_the_month_to_come_remembers_the_first_month_of_a_series_four_years_later(listed: str) -> None:
    dates = pd.date_range(listed, periods=1_500)
    close = pd.Series(np.exp(np.random.default_rng(4).normal(0, 0.05, 1_500).cumsum()), index=dates)
    panel = Panel.from_frames(close=close.to_frame("dash"))
    found = compute(panel, ["month_mean_hist"])["month_mean_hist"]["dash"]
    returns = close.map(math.log).diff()
    for row in range(1_400, 1_500):
        month = (dates[row] + pd.Timedelta(days=1)).month
        window = returns.iloc[max(row - 1_459, 0) : row + 1]
        part = window[pd.DatetimeIndex(window.index).month == month].dropna()
        expected = part.mean() if len(part) >= 28 else np.nan
        assert found.iloc[row] == pytest.approx(expected, rel=1e-9, nan_ok=True), dates[row]
