"""What happened to a token in the falls of the market that it has lived through."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt

from signals.core.quant.statistics import Array

Days = npt.NDArray[np.datetime64]

DEPTH = 0.3
"""A fall counts from this loss on."""
RECOVERY = 0.3
"""A fall is over once the price has risen by this much from its low."""
DEEPEST = 6
METHOD = (
    f"The reference’s falls of {DEPTH:.0%} or more from a high, each until its lowest close before a rise of "
    f"{RECOVERY:.0%}; the token’s return is over the same days."
)


@dataclass(frozen=True)
class Fall:
    """One fall of the reference from the close of `start` to that of `end`; changes are fractions.

    `own` is the token's change, None with a `reason` where it had no price. `is_open` where it may go deeper yet.
    """

    start: date
    end: date
    reference: float
    own: float | None
    reason: str
    is_open: bool


def market_falls(close: Array) -> list[tuple[int, int, bool]]:
    """(row of the high, row of the low, still open) of every fall of DEPTH or more, oldest first.

    Walks forward once: a high is followed until the close is DEPTH under it; the low until the close is RECOVERY above
    it. Rows after the last known close do not matter; unknown closes are passed over.
    """
    found: list[tuple[int, int, bool]] = []
    high = low = -1
    falling = False
    for row in np.flatnonzero(~np.isnan(close)).tolist():
        value = close[row]
        if not falling:
            if high < 0 or value >= close[high]:
                high = row
            elif value <= close[high] * (1.0 - DEPTH):
                falling, low = True, row
        elif value <= close[low]:
            low = row
        elif value >= close[low] * (1.0 + RECOVERY):
            found.append((high, low, False))
            falling, high = False, row
    if falling:
        found.append((high, low, True))
    return found


def shared_falls(days: Days, reference: Array, own: Array) -> list[Fall]:
    """The reference's DEEPEST falls, oldest first, and what the token did from high to low on the same days.

    `reference` and `own` [date] are closes on consecutive days, NaN where unknown.
    """
    made = []
    for start, end, is_open in market_falls(reference):
        known = not (np.isnan(own[start]) or np.isnan(own[end]))
        reason = ""
        if not known:
            reason = "It had no price yet." if np.isnan(own[: start + 1]).all() else "A close is missing."
        made.append(
            Fall(
                start=days[start].astype("datetime64[D]").item(),
                end=days[end].astype("datetime64[D]").item(),
                reference=float(reference[end] / reference[start] - 1.0),
                own=float(own[end] / own[start] - 1.0) if known else None,
                reason=reason,
                is_open=is_open,
            )
        )
    deepest = sorted(made, key=lambda fall: fall.reference)[:DEEPEST]
    return sorted(deepest, key=lambda fall: fall.start)
