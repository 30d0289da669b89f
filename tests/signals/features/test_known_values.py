"""Values that can be checked by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from signals.core.features import compute
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
