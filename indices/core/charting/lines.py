"""Several lines over one time axis: levels, drawdowns, rolling windows. Drawn by templates/indices/_lines.html.

Paths use the stretched 1000 x 1000 box of signals.core.charting; words are placed by percentages.
"""

import json
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from signals.core import figures
from signals.core.charting import (
    BOX,
    CLEARANCE,
    LOG_FROM_RATIO,
    Tick,
    day_marks,
    linear_marks,
    log_marks,
    share,
    thinned,
    vertical,
    without_zeros,
)

SCALES = ("auto", "linear", "log")
LABEL_GAP = 0.075
"""Two labels at the right edge stand at least this share of the height apart."""
EDGE = 0.02
LOG_MARGIN = 0.04
TABLE_ROWS = 24
STOPS = 400

Values = list[tuple[date, float]]
Write = Callable[[float], str]


@dataclass(frozen=True)
class Named:
    """A series to draw, oldest first. `key` is its class in the style sheet: main, twin, other."""

    key: str
    name: str
    values: Values


@dataclass(frozen=True)
class Line:
    """A drawn series: its path, where it ends, where its name stands, and its last value as written."""

    key: str
    name: str
    path: str
    end_top: str
    label_top: str
    value: str


@dataclass(frozen=True)
class LinesChart:
    """Everything that the template draws; the first line is the one that the chart is about.

    `area` is what lies between the first line and the upper edge. `points` is JSON: [[day, text, left, [top, ...]],
    ...]; `rows` is the same as a table: (day, value of each line as written), month by month or coarser.
    """

    lines: list[Line]
    ticks: list[Tick]
    days: list[date]
    first: date
    last: date
    is_log: bool
    area: str
    description: str
    points: str
    rows: list[tuple[date, list[str]]]


def lines_chart(
    series: Sequence[Named], *, scale: str = "auto", write: Write = figures.level
) -> LinesChart | None:
    """The chart of `series`, the first one leading; None where it has fewer than two points.

    Others are left out where nothing of them lies in the first one's days. `scale` auto is logarithmic from a ratio of
    8 between the highest and the lowest value, and so is log, where every value is above zero. Raises ValueError for an
    unknown scale.
    """
    if scale not in SCALES:
        raise ValueError(f"scale: must be one of {', '.join(SCALES)}, got {scale!r}.")
    if not series or len(series[0].values) < 2:
        return None
    first, last = series[0].values[0][0], series[0].values[-1][0]
    drawn = [series[0]]
    for other in series[1:]:
        inside = [point for point in other.values if first <= point[0] <= last]
        if len(inside) > 1:
            drawn.append(Named(other.key, other.name, inside))
    every = [value for one in drawn for _, value in one.values]
    low, high = min(every), max(every)
    is_log = low > 0 and (scale == "log" or (scale == "auto" and high / low >= LOG_FROM_RATIO))
    marks, bottom, top = _scale(low, high, is_log=is_log)
    place = vertical(bottom, top, is_log=is_log)
    span = (last - first).days
    ends = [place(one.values[-1][1]) for one in drawn]
    labels = apart(ends, gap=LABEL_GAP)
    shown = [thinned(one.values) for one in drawn]
    lines = [
        Line(
            one.key,
            one.name,
            _path(values, first, span, place),
            share(end),
            share(label),
            write(one.values[-1][1]),
        )
        for one, values, end, label in zip(drawn, shown, ends, labels, strict=True)
    ]
    return LinesChart(
        lines=lines,
        ticks=[
            Tick(share(place(mark)), label)
            for mark, label in zip(marks, without_zeros([write(mark) for mark in marks]), strict=True)
            if min(abs(place(mark) - at) for at in labels) > CLEARANCE * 0.85
        ],
        days=day_marks(first, last),
        first=first,
        last=last,
        is_log=is_log,
        area=f"{lines[0].path}V0H0Z",
        description=" ".join(_told(one, write) for one in drawn),
        points=_points(drawn, shown[0], first, span, place, write),
        rows=_rows(drawn, write),
    )


def rebased(values: Values, *, onto: Values) -> Values:
    """`values` scaled to meet `onto` on the first day that both have; empty where there is none, or it is 0 then."""
    levels = dict(onto)
    for number, (day, value) in enumerate(values):
        if day in levels:
            if value <= 0:
                return []
            return [(later, level * levels[day] / value) for later, level in values[number:]]
    return []


def drawdowns(values: Values) -> Values:
    """Each day's fall from the highest value so far: value / highest - 1, at most 0."""
    fallen, top = [], float("-inf")
    for day, value in values:
        top = max(top, value)
        fallen.append((day, value / top - 1.0))
    return fallen


def apart(tops: Sequence[float], *, gap: float) -> list[float]:
    """Places near `tops` (0 is the upper edge), at least `gap` from one another and within the plot; the order is kept.

    Where they do not fit at all they stand at equal distances.
    """
    order = sorted(range(len(tops)), key=lambda number: tops[number])
    room = 1 - 2 * EDGE
    wide = min(gap, room / max(len(tops) - 1, 1))
    placed = [min(max(tops[number], EDGE), 1 - EDGE) for number in order]
    for at in range(1, len(placed)):
        placed[at] = max(placed[at], placed[at - 1] + wide)
    ceiling = 1 - EDGE
    for at in range(len(placed) - 1, -1, -1):
        placed[at] = min(placed[at], ceiling)
        ceiling = placed[at] - wide
    result = [0.0] * len(tops)
    for at, number in enumerate(order):
        result[number] = placed[at]
    return result


def _scale(low: float, high: float, *, is_log: bool) -> tuple[list[float], float, float]:
    """Marks, lower and upper end. A logarithmic scale ends near the data: the next power may lie far beyond it."""
    if not is_log:
        marks = linear_marks(low, high) if low != high or low else [-0.01, 0.0]
        return marks, min(low, marks[0]), max(high, marks[-1])
    if low == high:
        return [low], low * 0.9, high * 1.1
    margin = (high / low) ** LOG_MARGIN
    inside = [mark for mark in log_marks(low, high) if low <= mark <= high]
    if len(inside) < 2:
        inside = [mark for mark in linear_marks(low, high) if low <= mark <= high]
    return inside, low / margin, high * margin


def _path(values: Values, first: date, span: int, place: Callable[[float], float]) -> str:
    return "M" + "L".join(
        f"{(day - first).days / span * BOX:.1f} {place(value) * BOX:.1f}" for day, value in values
    )


def _points(
    drawn: Sequence[Named],
    shown: Values,
    first: date,
    span: int,
    place: Callable[[float], float],
    write: Write,
) -> str:
    known = [dict(one.values) for one in drawn]
    # A crosshair that stops every third pixel is fine enough, and half of the page's weight.
    stops = shown if len(shown) <= STOPS else [*shown[:-1:2], shown[-1]]
    points = []
    for day, _ in stops:
        there = [(one.name, values[day]) for one, values in zip(drawn, known, strict=True) if day in values]
        text = (
            ", ".join(f"{name} {write(value)}" for name, value in there)
            if len(drawn) > 1
            else write(there[0][1])
        )
        points.append(
            [
                f"{day:%-d %b %Y}",
                text,
                round((day - first).days / span, 4),
                [round(place(value), 4) for _, value in there],
            ]
        )
    return json.dumps(points, separators=(",", ":"), ensure_ascii=False)


def _told(one: Named, write: Write) -> str:
    lowest = min(one.values, key=lambda point: point[1])
    highest = max(one.values, key=lambda point: point[1])
    (first, begun), (last, ended) = one.values[0], one.values[-1]
    return (
        f"{one.name}: from {write(begun)} on {first:%-d %B %Y} to {write(ended)} on {last:%-d %B %Y}; "
        f"lowest {write(lowest[1])} on {lowest[0]:%-d %B %Y}, highest {write(highest[1])} on {highest[0]:%-d %B %Y}."
    )


def _rows(drawn: Sequence[Named], write: Write) -> list[tuple[date, list[str]]]:
    kept = _table_days([day for day, _ in drawn[0].values])
    columns = [([day for day, _ in one.values], one.values) for one in drawn]
    return [(day, [_standing(days, values, day, write) for days, values in columns]) for day in kept]


def _standing(days: list[date], values: Values, day: date, write: Write) -> str:
    at = bisect_right(days, day) - 1
    return figures.DASH if at < 0 else write(values[at][1])


def _table_days(days: list[date]) -> list[date]:
    # The last day of each month; thinner where that makes more than TABLE_ROWS, every so many days where it makes none.
    ends = [day for day, later in pairwise(days) if (day.year, day.month) != (later.year, later.month)]
    inner = ends if len(ends) > 2 else days[1:-1]
    step = max(1, -(-len(inner) // TABLE_ROWS))
    return sorted({days[0], *inner[::-1][::step], days[-1]})
