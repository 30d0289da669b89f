"""Falls from a peak: how deep, how long, and whether they were made good."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from indices.core.metrics.growth import Array


@dataclass(frozen=True)
class Fall:
    """One fall: from the last day at the peak to the first day back at it, None while it lasts.

    `depth` is the lowest level / the peak - 1, reached on `trough`. `days` counts calendar days from the peak to the
    recovery, or to the end of the series where there is none yet.
    """

    depth: float
    peak: date
    trough: date
    recovery: date | None
    days: int


def falls(levels: Array, dates: Sequence[date]) -> list[Fall]:
    """Every fall of the series, the deepest first; ties by day."""
    under = levels < np.maximum.accumulate(levels)
    edges = np.flatnonzero(np.diff(np.concatenate(([False], under, [False])).astype(np.int8)))
    found = []
    for begin, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        peak, trough = begin - 1, begin + int(np.argmin(levels[begin:end]))
        back = dates[end] if end < len(levels) else None
        days = ((back or dates[-1]) - dates[peak]).days
        found.append(Fall(float(levels[trough] / levels[peak] - 1.0), dates[peak], dates[trough], back, days))
    return sorted(found, key=lambda fall: (fall.depth, fall.peak))


def longest_under_water(levels: Array, dates: Sequence[date]) -> int:
    """Calendar days of the longest stretch from a peak until the level was back at it, or to the end; 0 without one."""
    return max((fall.days for fall in falls(levels, dates)), default=0)
