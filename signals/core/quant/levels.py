"""Support and resistance: prices at which the market turned before, by a method anybody can repeat.

1. A pivot is a day whose high is the highest (low the lowest) of the PIVOT_REACH days on either side: the fractal of
   Williams (1995). It is known only PIVOT_REACH days later, and counts only from then on.
2. The width of a level is the average true range of Wilder (1978) as a share of the close: the mean over ATR_DAYS of
   max(high, close before) − min(low, close before), divided by the close.
3. Pivots are sorted by price; from the lowest on, each level takes all pivots up to (1 + width) times its lowest one.
4. A level is the mean of its pivots' prices, and counts where at least LEAST_TOUCHES pivots made it.
5. Levels under the close are support, those above it resistance; the nearest NEAREST of each are shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt

from signals.core.quant.statistics import Array

PIVOT_REACH = 5
ATR_DAYS = 14
LEAST_TOUCHES = 2
NEAREST = 3
LOOKBACK = 365
"""Days that are searched for pivots."""
METHOD = (
    f"Turning points of the last {LOOKBACK} days: a day’s high (or low) beyond those of the {PIVOT_REACH} days on "
    f"either side. Those closer together than the average true range of {ATR_DAYS} days make one level, at their "
    f"mean price; at least {LEAST_TOUCHES} must agree."
)


@dataclass(frozen=True)
class Level:
    """One price level, USD. `kind` is support or resistance; `distance` is price ÷ close − 1."""

    kind: str
    price: float
    touches: int
    last_touch: date
    distance: float


def levels(
    days: npt.NDArray[np.datetime64],
    close: Array,
    high: Array | None = None,
    low: Array | None = None,
) -> list[Level]:
    """Levels at the last of consecutive days, support before resistance, the nearest first; method: see the module.

    A high or low that is unknown is the close of the day. Empty where the last close is unknown, or where fewer than
    ATR_DAYS of the last days have a range.
    """
    if not len(close) or np.isnan(close[-1]):
        return []
    days, close = days[-LOOKBACK:], close[-LOOKBACK:]
    top = close if high is None else np.where(np.isnan(high[-LOOKBACK:]), close, high[-LOOKBACK:])
    bottom = close if low is None else np.where(np.isnan(low[-LOOKBACK:]), close, low[-LOOKBACK:])
    width = true_range(close, top, bottom)
    if width is None:
        return []
    pivots = sorted(
        [
            *((float(top[row]), row) for row in peaks(top)),
            *((float(bottom[row]), row) for row in peaks(-bottom)),
        ]
    )
    last = float(close[-1])
    made = []
    start = 0
    for end in range(1, len(pivots) + 1):
        if end < len(pivots) and pivots[end][0] <= pivots[start][0] * (1.0 + width):
            continue
        members = pivots[start:end]
        start = end
        if len(members) < LEAST_TOUCHES:
            continue
        price = float(np.mean([value for value, _ in members]))
        latest = max(row for _, row in members)
        kind = "support" if price < last else "resistance"
        day = days[latest].astype("datetime64[D]").item()
        made.append(Level(kind, price, len(members), day, price / last - 1.0))
    nearest = sorted(made, key=lambda level: abs(level.distance))
    return [
        *[level for level in nearest if level.kind == "support"][:NEAREST],
        *[level for level in nearest if level.kind == "resistance"][:NEAREST],
    ]


def true_range(close: Array, high: Array, low: Array) -> float | None:
    """Mean true range of the last ATR_DAYS as a share of the last close; None where one is unknown or all are 0."""
    if len(close) < ATR_DAYS + 1:
        return None
    before = close[-ATR_DAYS - 1 : -1]
    ranges = np.maximum(high[-ATR_DAYS:], before) - np.minimum(low[-ATR_DAYS:], before)
    width = float(ranges.mean() / close[-1])
    return width if width > 0 else None


def peaks(values: Array) -> list[int]:
    """Rows whose value is above all others within PIVOT_REACH rows; a row with an unknown neighbour is none."""
    reach = PIVOT_REACH
    if len(values) < 2 * reach + 1:
        return []
    windows = np.lib.stride_tricks.sliding_window_view(values, 2 * reach + 1)
    middle = windows[:, reach]
    others = np.delete(windows, reach, axis=1)
    above = (middle[:, None] > others).all(axis=1)
    return [int(row) for row in np.flatnonzero(above) + reach]
