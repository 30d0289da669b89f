"""The return of the whole market, which no single wrong tick may move."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from signals.core.quant.statistics import Array

SAME_STORY = float(np.log(2.0))
"""Price and cap may differ by a factor of two in a day: no supply doubles overnight, so one of the two is wrong."""


def market_returns(close: Array, market_cap: Array, counted: npt.NDArray[np.bool_]) -> Array:
    """[date] simple return of the `counted` assets, weighted by their caps of the day before; NaN where none is known.

    `close` and `market_cap` are [date x asset] USD on consecutive days. An asset counts on a day where both are known
    on it and on the day before and |ln(close ratio) − ln(cap ratio)| is under SAME_STORY. One wrong tick of a tiny
    token (1e-35 USD, and back) would otherwise be the market's return of that day.
    """
    out = np.full(len(close), np.nan)
    before = market_cap[:-1]
    with np.errstate(divide="ignore", invalid="ignore"):
        move = close[1:] / close[:-1]
        told = np.abs(np.log(move) - np.log(market_cap[1:] / before)) < SAME_STORY
    weight = np.where(told & counted & (before > 0), before, 0.0)
    base = weight.sum(axis=1)
    gained = (weight * np.where(weight > 0, move - 1.0, 0.0)).sum(axis=1)
    known = base > 0
    out[1:][known] = gained[known] / base[known]
    return out
