"""Geometry of the regime page: the gauge of five steps, and the history with two lines and a band."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from math import cos, pi, sin

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

STEPS = (0, 25, 50, 75, 100)
BASE = 1000.0
GAP = 0.035
"""Half of the gap between two steps of the gauge, radians."""
RADIUS, MIDDLE_X, MIDDLE_Y = 100.0, 130.0, 122.0


@dataclass(frozen=True)
class Step:
    """One of the five steps: its arc, where its label stands, and whether the share has reached it or stands on it."""

    percent: int
    path: str
    label_x: str
    label_y: str
    is_reached: bool
    is_here: bool


@dataclass(frozen=True)
class Gauge:
    """Five arcs over a half circle from the left, and the tip of the needle."""

    steps: list[Step]
    needle_x: str
    needle_y: str


@dataclass(frozen=True)
class Point:
    """A day of the history: risk share in percent, and what 1 had become in the market and with the regime."""

    day: date
    risk_share: int
    passive: float
    followed: float


@dataclass(frozen=True)
class Curve:
    """A line, and where its name stands."""

    name: str
    path: str
    end_top: str
    label_top: str
    value: str


@dataclass(frozen=True)
class HistoryChart:
    """Two lines that begin at 1,000, and under them the risk share as an area. `points` as in charting.LineChart."""

    market: Curve
    regime: Curve
    band: str
    ticks: list[Tick]
    days: list[date]
    first: date
    last: date
    is_log: bool
    description: str
    points: str


def gauge(percent: int) -> Gauge:
    """The gauge at a risk share of `percent`, one of STEPS, in a box of 260 x 140."""
    wide = pi / len(STEPS)
    steps = []
    for place, step in enumerate(STEPS):
        begin, end = pi - place * wide - GAP, pi - (place + 1) * wide + GAP
        middle = (begin + end) / 2
        x1, y1 = _at(begin, RADIUS)
        x2, y2 = _at(end, RADIUS)
        label_x, label_y = _at(middle, RADIUS + 20)
        steps.append(
            Step(
                percent=step,
                path=f"M{x1} {y1}A{RADIUS:.0f} {RADIUS:.0f} 0 0 1 {x2} {y2}",
                label_x=label_x,
                label_y=label_y,
                is_reached=step <= percent,
                is_here=step == percent,
            )
        )
    needle_x, needle_y = _at(pi - (STEPS.index(percent) + 0.5) * wide, RADIUS - 18)
    return Gauge(steps, needle_x, needle_y)


def history_chart(points: Sequence[Point]) -> HistoryChart | None:
    """The history of `points`, oldest first; None for fewer than two. Both lines are 1,000 on the first day."""
    if len(points) < 2 or points[0].passive <= 0 or points[0].followed <= 0:
        return None
    first, last = points[0], points[-1]
    market = [(point.day, BASE * point.passive / first.passive) for point in points]
    followed = [(point.day, BASE * point.followed / first.followed) for point in points]
    every = [value for _, value in market + followed]
    low, high = min(every), max(every)
    is_log = low > 0 and high / low >= LOG_FROM_RATIO
    marks = log_marks(low, high) if is_log else linear_marks(low, high)
    place = vertical(min(low, marks[0]), max(high, marks[-1]), is_log=is_log)
    span = (last.day - first.day).days
    ends = place(market[-1][1]), place(followed[-1][1])
    labels = _apart(*ends)
    shares = {point.day: point.risk_share for point in points}
    beside = dict(market)
    return HistoryChart(
        market=_curve("Market", market, ends[0], labels[0], place, first.day, span),
        regime=_curve("Regime", followed, ends[1], labels[1], place, first.day, span),
        band=_band(points, first.day, span),
        ticks=[
            Tick(share(place(mark)), label)
            for mark, label in zip(marks, without_zeros([figures.level(mark) for mark in marks]), strict=True)
            if min(abs(place(mark) - at) for at in labels) > CLEARANCE
        ],
        days=day_marks(first.day, last.day),
        first=first.day,
        last=last.day,
        is_log=is_log,
        description=(
            f"1,000 on {first.day:%-d %B %Y} became {_whole(market[-1][1])} in the market and "
            f"{_whole(followed[-1][1])} with the regime by {last.day:%-d %B %Y}. The risk share was "
            f"{first.risk_share}% then and is {last.risk_share}% now; its average is "
            f"{sum(shares.values()) / len(shares):.0f}%."
        ),
        points=json.dumps(
            [
                [
                    f"{day:%-d %b %Y}",
                    f"regime {_whole(value)}, market {_whole(beside[day])}, {shares[day]}% in",
                    round((day - first.day).days / span, 4),
                    round(place(value), 4),
                ]
                for day, value in thinned(followed)
            ],
            separators=(",", ":"),
        ),
    )


def _curve(
    name: str,
    values: list[tuple[date, float]],
    end: float,
    label: float,
    place: Callable[[float], float],
    first: date,
    span: int,
) -> Curve:
    path = "M" + "L".join(
        f"{(day - first).days / span * BOX:.1f} {place(value) * BOX:.1f}" for day, value in thinned(values)
    )
    return Curve(name, path, share(end), share(label), _whole(values[-1][1]))


def _band(points: Sequence[Point], first: date, span: int) -> str:
    # A step area: along each share until the day it changes.
    path, standing = f"M0 {BOX}L0 {_height(points[0])}", points[0]
    for point in points[1:]:
        if point.risk_share != standing.risk_share:
            left = f"{(point.day - first).days / span * BOX:.1f}"
            path += f"H{left}V{_height(point)}"
            standing = point
    return f"{path}H{BOX}V{BOX}Z"


def _height(point: Point) -> int:
    return BOX - BOX * point.risk_share // 100


def _apart(one: float, other: float) -> tuple[float, float]:
    # Names of two lines that end close together are pushed apart, and stay within the plot.
    middle = (one + other) / 2
    if abs(one - other) < CLEARANCE:
        middle = min(max(middle, CLEARANCE / 2 + 0.02), 0.98 - CLEARANCE / 2)
        half = CLEARANCE / 2 if one >= other else -CLEARANCE / 2
        return middle + half, middle - half
    return min(max(one, 0.02), 0.98), min(max(other, 0.02), 0.98)


def _at(angle: float, radius: float) -> tuple[str, str]:
    return f"{MIDDLE_X + radius * cos(angle):.1f}", f"{MIDDLE_Y - radius * sin(angle):.1f}"


def _whole(value: float) -> str:
    return f"{value:,.0f}"
