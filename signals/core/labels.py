"""What a score is judged by: the return that follows, relative to the universe."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from signals.core.panel import Array

Mask = npt.NDArray[np.bool_]

TRADER_HORIZON = 7
"""Days ahead that the trader grade speaks of: the next week."""
INVESTOR_HORIZON = 28
"""Days ahead that the investor grade speaks of: the next month, in whole weeks."""
LAG = 1
"""Days between the close a score is computed from and the close it can be traded at."""


class LabelError(ValueError):
    """A label was asked for that cannot exist; the message names the argument, what was wrong and what to do."""


def forward_return(
    close: Array,
    *,
    horizon: int,
    lag: int = LAG,
    delisting_return: float | None = None,
    after_missing_days: int = 7,
) -> Array:
    """[date x asset] simple return, a fraction, from the close of t + lag to that of t + lag + horizon, in row t.

    `close` is [date x asset] USD on consecutive days, NaN where unknown. The label is NaN where the entry price or
    the exit price is unknown, so always in the last lag + horizon rows. Where `delisting_return` is given, a price
    missing at the exit is the last one known until it has been missing for `after_missing_days`, and from then on
    that price x (1 + delisting_return): the rule of the rulebook, and the reason a dead coin is not dropped
    silently. No price after the exit day is read. Raises LabelError for a horizon under 1, a negative lag or wait,
    or a return below -1.
    """
    _check(horizon=horizon, lag=lag)
    if after_missing_days < 1:
        raise LabelError(f"after_missing_days is {after_missing_days}: give at least 1 day")
    if delisting_return is not None and not delisting_return >= -1.0:
        raise LabelError(
            f"delisting_return is {delisting_return}: nothing falls by more than all of it, give -1 or more"
        )
    exits = close if delisting_return is None else _held(close, delisting_return, after_missing_days)
    out = np.full(close.shape, np.nan)
    known = len(close) - lag - horizon
    if known > 0:
        out[:known] = exits[lag + horizon :] / close[lag : lag + known] - 1.0
    return out


def relative_return(
    close: Array,
    *,
    horizon: int,
    lag: int = LAG,
    universe: Mask | None = None,
    min_count: int = 2,
    delisting_return: float | None = None,
    after_missing_days: int = 7,
) -> Array:
    """[date x asset] `forward_return` less its equal-weighted mean over the universe of row t; the label of the model.

    `universe` [date x asset] says who belonged at t, with what was known at t; everybody where it is left out. NaN
    outside the universe, where the return is unknown, and on dates with fewer than `min_count` known returns. Every
    known row sums to zero. Raises LabelError as `forward_return` does, and for a universe of another shape.
    """
    returns = forward_return(
        close,
        horizon=horizon,
        lag=lag,
        delisting_return=delisting_return,
        after_missing_days=after_missing_days,
    )
    if universe is not None:
        if universe.shape != close.shape:
            raise LabelError(
                f"universe is {universe.shape} but close is {close.shape}: give one flag per price"
            )
        returns = np.where(universe, returns, np.nan)
    return relative_to_mean(returns, min_count=min_count)


def relative_to_mean(values: Array, *, min_count: int = 2) -> Array:
    """[date x asset] values less the mean of the known ones of their date; NaN on dates with fewer than `min_count`."""
    known = ~np.isnan(values)
    count = known.sum(axis=1, keepdims=True)
    mean = np.where(known, values, 0.0).sum(axis=1, keepdims=True) / np.maximum(count, 1)
    return np.where(count >= max(min_count, 1), values - mean, np.nan)


def label_reach(*, horizon: int, lag: int = LAG) -> int:
    """Days after t until the label of t is known: lag + horizon. Training must stop that long before a test begins."""
    _check(horizon=horizon, lag=lag)
    return lag + horizon


def _check(*, horizon: int, lag: int) -> None:
    if horizon < 1:
        raise LabelError(f"horizon is {horizon}: give at least 1 day")
    if lag < 0:
        raise LabelError(f"lag is {lag}: a price before the score cannot be traded at, give 0 or more")


def _held(close: Array, delisting_return: float, after_missing_days: int) -> Array:
    """What a position is worth per coin: the close, the last close while it may return, then what delisting leaves."""
    known = ~np.isnan(close)
    row = np.arange(len(close))[:, None]
    last = np.maximum.accumulate(np.where(known, row, -1), axis=0)
    held = np.take_along_axis(close, np.maximum(last, 0), axis=0)
    held = np.where(last >= 0, held, np.nan)
    return np.where(row - last >= after_missing_days, held * (1.0 + delisting_return), held)
