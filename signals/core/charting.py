"""Geometry of the line charts: series in, SVG coordinates and labels out. Drawn by templates/components/chart.html.

The plot is stretched to the width of the page, so paths use a 1000 x 1000 box and everything with words in it is
placed by percentages.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from math import ceil, floor, log, log10
from typing import SupportsFloat

from signals.core import figures

BOX = 1000
POINTS_DRAWN = 480
CLEARANCE = 0.1
"""A grid label nearer than this share of the height to the label of the last value gives way to it."""
SHORT_LABEL = 8
LOG_FROM_RATIO = 8.0
"""A series whose high is this many times its low is drawn on a logarithmic scale, and the chart says so."""

Series = Sequence[tuple[date, SupportsFloat]]


@dataclass(frozen=True)
class Tick:
    """One horizontal line of the grid: its place from the top, in percent, and its label."""

    top: str
    label: str


@dataclass(frozen=True)
class LineChart:
    """Everything that the template draws. `is_wide` where its labels are long.

    `points` is JSON: [[day, value as written, left, top], ...], left and top as fractions of the plot.
    """

    path: str
    ticks: list[Tick]
    days: list[date]
    first: date
    last: date
    end_top: str
    end_label_top: str
    end_label: str
    is_log: bool
    is_wide: bool
    description: str
    points: str


def line_chart(series: Series, *, write: Callable[[float], str] = figures.level) -> LineChart | None:
    """The chart of a series of (day, value > 0), oldest first; None for fewer than two points.

    `write` turns a value into its label.
    """
    values = [(day, float(value)) for day, value in series]
    if len(values) < 2:
        return None
    low, high = min(value for _, value in values), max(value for _, value in values)
    is_log = low > 0 and high / low >= LOG_FROM_RATIO
    marks = log_marks(low, high) if is_log else linear_marks(low, high)
    bottom, top = min(low, marks[0]), max(high, marks[-1])
    place = vertical(bottom, top, is_log=is_log)
    first, last = values[0][0], values[-1][0]
    span = (last - first).days
    drawn = [(day, value, (day - first).days / span, place(value)) for day, value in thinned(values)]
    end = drawn[-1][3]
    return LineChart(
        path="M" + "L".join(f"{left * BOX:.1f} {down * BOX:.1f}" for _, _, left, down in drawn),
        ticks=[
            Tick(share(place(mark)), label)
            for mark, label in zip(marks, without_zeros([write(mark) for mark in marks]), strict=True)
            if abs(place(mark) - end) > CLEARANCE
        ],
        days=day_marks(first, last),
        first=first,
        last=last,
        end_top=share(end),
        end_label_top=share(min(max(end, 0.02), 0.98)),
        end_label=write(values[-1][1]),
        is_log=is_log,
        is_wide=len(write(values[-1][1])) > SHORT_LABEL,
        description=(
            f"From {write(values[0][1])} on {first:%-d %B %Y} to {write(values[-1][1])} on {last:%-d %B %Y}. "
            f"Lowest {write(low)}, highest {write(high)}."
        ),
        points=json.dumps(
            [
                [f"{day:%-d %b %Y}", write(value), round(left, 4), round(down, 4)]
                for day, value, left, down in drawn
            ],
            separators=(",", ":"),
        ),
    )


def sparkline(series: Sequence[SupportsFloat]) -> str:
    """The path of a sparkline in a 100 x 30 box; empty for fewer than two values. Log scale where the range is wide."""
    values = [float(value) for value in series]
    if len(values) < 2:
        return ""
    low, high = min(values), max(values)
    place = vertical(low, high, is_log=low > 0 and high / low >= LOG_FROM_RATIO)
    step = max(1, len(values) // 120)
    end = len(values) - 1
    kept = [*range(0, end, step), end]
    return "M" + "L".join(f"{index / end * 100:.1f} {1 + place(values[index]) * 28:.1f}" for index in kept)


def vertical(bottom: float, top: float, *, is_log: bool) -> Callable[[float], float]:
    """Value -> distance from the upper edge as a fraction of the height."""
    if top == bottom:
        return lambda value: 0.5
    if is_log:
        return lambda value: 1 - log(value / bottom) / log(top / bottom)
    return lambda value: 1 - (value - bottom) / (top - bottom)


def linear_marks(low: float, high: float) -> list[float]:
    """Three to six round values that enclose [low, high]."""
    if low == high:
        low, high = low * 0.99, high * 1.01
    rough = (high - low) / 4
    power = 10.0 ** floor(log10(rough))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= rough * 0.999)
    return [number * step for number in range(floor(low / step), ceil(high / step) + 1)]


def log_marks(low: float, high: float) -> list[float]:
    """Values 1, 2, 5 times a power of ten (or powers only, where there are many) around [low, high], four to eight."""
    factors = (1.0, 2.0, 5.0) if high / low < 200 else (1.0,)
    every = [
        factor * 10.0**power
        for power in range(floor(log10(low)), ceil(log10(high)) + 1)
        for factor in factors
    ]
    below = [mark for mark in every if mark <= low]
    above = [mark for mark in every if mark >= high]
    inside = [mark for mark in every if low < mark < high]
    return below[-1:] + inside + above[:1]


def without_zeros(labels: list[str]) -> list[str]:
    """`1,000.00` and `500.00` become `1,000` and `500`, unless one of the labels needs its decimals."""
    if all(label.endswith(".00") or "." not in label for label in labels):
        return [label.removesuffix(".00") for label in labels]
    return labels


def day_marks(first: date, last: date) -> list[date]:
    """Four days at equal distances, the first and the last among them."""
    span = last - first
    return [first, first + span / 3, first + span * 2 / 3, last] if span.days >= 9 else [first, last]


def thinned(values: list[tuple[date, float]]) -> list[tuple[date, float]]:
    """At most POINTS_DRAWN points that keep the first, the last, and the extremes of every stretch between."""
    if len(values) <= POINTS_DRAWN:
        return values
    size = ceil(len(values) / (POINTS_DRAWN // 2))
    kept: list[tuple[date, float]] = []
    for start in range(0, len(values), size):
        stretch = values[start : start + size]
        lowest = min(stretch, key=lambda point: point[1])
        highest = max(stretch, key=lambda point: point[1])
        kept.extend(sorted({lowest, highest}))
    ends = [values[0], *kept, values[-1]]
    return sorted(set(ends))


def share(fraction: float) -> str:
    """0.1234 -> `12.3%`, for SVG attributes."""
    return f"{fraction * 100:.1f}%"
