"""Statistics over a moving window of days."""

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from indices.core.metrics.growth import DAYS_PER_YEAR, Array, daily_returns

WINDOWS = (30, 90, 365)


@dataclass(frozen=True, eq=False)
class Rolling:
    """Each array has one value per window, the first of which ends at row `window` of the levels.

    `total_return` and `drawdown` (the deepest within the window) are fractions. `volatility` and `sharpe` are per year
    where `is_annualised`, and per day for windows shorter than a year. A Sharpe ratio without risk is NaN.
    """

    window: int
    is_annualised: bool
    total_return: Array
    volatility: Array
    sharpe: Array
    drawdown: Array


def rolling(levels: Array, window: int) -> Rolling | None:
    """Over every `window` consecutive daily returns; None where the series is shorter."""
    if len(levels) <= window:
        return None
    spans = sliding_window_view(levels, window + 1)
    moves = sliding_window_view(daily_returns(levels), window)
    deviation = moves.std(axis=1, ddof=1)
    mean = moves.mean(axis=1)
    annual = window >= DAYS_PER_YEAR
    scale = float(np.sqrt(DAYS_PER_YEAR)) if annual else 1.0
    ratio = np.divide(mean, deviation, out=np.full(len(mean), np.nan), where=deviation > 0)
    return Rolling(
        window=window,
        is_annualised=annual,
        total_return=spans[:, -1] / spans[:, 0] - 1.0,
        volatility=deviation * scale,
        sharpe=ratio * scale,
        drawdown=(spans / np.maximum.accumulate(spans, axis=1)).min(axis=1) - 1.0,
    )
