"""Areas over time: weights stacked to the whole, and the share that stands in the market."""

import json
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from signals.core import figures
from signals.core.charting import BOX, day_marks, share

NAMED_FROM = 0.07
"""A layer at least this thick somewhere, as a share of the height, has its name written into it."""
MARGIN = 0.07
"""Names keep this share of the width from the edges, and from one another where they are as near in height."""
REACH = 0.025
"""A name is as wide as twice this share: the layer must be thick all along it."""
TOLD = 0.005


@dataclass(frozen=True)
class Part:
    """One layer to be drawn: its weight at each day. `key` is its class in the style sheet."""

    key: str
    name: str
    weights: list[float]


@dataclass(frozen=True)
class Layer:
    """A drawn layer. `label_left` is empty where it is too thin for its name. `start`, `mean`, `end` are fractions."""

    key: str
    name: str
    path: str
    label_left: str
    label_top: str
    start: float
    mean: float
    end: float


@dataclass(frozen=True)
class StackedChart:
    """Layers from the lower edge up. `points` is JSON as in lines.LinesChart, without places."""

    layers: list[Layer]
    days: list[date]
    first: date
    last: date
    description: str
    points: str


def stacked_chart(days: Sequence[date], parts: Sequence[Part]) -> StackedChart | None:
    """`parts` stacked over `days` (oldest first), the first one at the bottom; None for fewer than two days.

    A weight holds from its day until the next one. Layers that are nowhere above zero are left out. Raises ValueError
    where a part has not one weight per day.
    """
    for part in parts:
        if len(part.weights) != len(days):
            raise ValueError(f"{part.key}: has {len(part.weights)} weights for {len(days)} days.")
    shown = [part for part in parts if max(part.weights, default=0.0) > 0]
    if len(days) < 2 or not shown:
        return None
    span = (days[-1] - days[0]).days
    lefts = [(day - days[0]).days / span for day in days]
    spots = _spots(lefts)
    floor = [0.0] * len(days)
    layers: list[Layer] = []
    taken: list[tuple[float, float]] = []
    for part in shown:
        ceiling = [below + weight for below, weight in zip(floor, part.weights, strict=True)]
        spot = _spot(spots, floor, ceiling, taken)
        taken += [spot] if spot is not None else []
        layers.append(_layer(part, lefts, floor, ceiling, spot))
        floor = ceiling
    return StackedChart(
        layers=layers,
        days=day_marks(days[0], days[-1]),
        first=days[0],
        last=days[-1],
        description=(
            f"Target weights from {days[0]:%-d %B %Y} to {days[-1]:%-d %B %Y}. Last: "
            + ", ".join(f"{layer.name} {figures.percent(layer.end)}" for layer in layers)
            + "."
        ),
        points=json.dumps(
            [
                [f"{day:%-d %b %Y}", _weights_told(shown, number), round(left, 4), []]
                for number, (day, left) in enumerate(zip(days, lefts, strict=True))
            ],
            separators=(",", ":"),
            ensure_ascii=False,
        ),
    )


def step_area(points: Sequence[tuple[date, float]], *, first: date, last: date) -> str:
    """The path of a share in [0, 1] that holds from each day until the next, as an area over [first, last].

    What stood before `first` is carried to it; nothing is drawn before the first point. Empty where nothing is known.
    """
    span = (last - first).days
    known = sorted((day, value) for day, value in points if day <= last)
    if not known or span <= 0:
        return ""
    before = [point for point in known if point[0] <= first]
    steps = [(first, before[-1][1])] if before else []
    steps += [point for point in known if point[0] > first]
    height = BOX - BOX * steps[0][1]
    path = f"M{_left(steps[0][0], first, span)} {BOX}V{height:.1f}"
    standing = steps[0][1]
    for day, value in steps[1:]:
        if value != standing:
            path += f"H{_left(day, first, span)}V{BOX - BOX * value:.1f}"
            standing = value
    return f"{path}H{BOX}V{BOX}Z"


def _left(day: date, first: date, span: int) -> str:
    return f"{(day - first).days / span * BOX:.1f}"


def _layer(
    part: Part, lefts: list[float], floor: list[float], ceiling: list[float], spot: tuple[float, float] | None
) -> Layer:
    across = [f"{left * BOX:.1f}" for left in lefts]
    upper, lower = [[f"{(1 - edge) * BOX:.1f}" for edge in edges] for edges in (ceiling, floor)]
    there = "".join(f"H{x}V{y}" for x, y in zip(across[1:], upper[1:], strict=True))
    back = "".join(f"V{y}H{x}" for x, y in zip(across[-2::-1], lower[-2::-1], strict=True))
    return Layer(
        key=part.key,
        name=part.name,
        path=f"M{across[0]} {upper[0]}{there}V{lower[-1]}{back}Z",
        label_left="" if spot is None else share(spot[0]),
        label_top="" if spot is None else share(1 - spot[1]),
        start=part.weights[0],
        mean=sum(part.weights) / len(part.weights),
        end=part.weights[-1],
    )


def _spots(lefts: list[float]) -> list[tuple[float, int, int]]:
    """Where a name may stand: (left, first and last place along the name's width)."""
    return [
        (left, max(0, bisect_right(lefts, left - REACH) - 1), bisect_right(lefts, left + REACH))
        for left in lefts
        if MARGIN <= left <= 1 - MARGIN
    ]


def _spot(
    spots: list[tuple[float, int, int]],
    floor: list[float],
    ceiling: list[float],
    taken: list[tuple[float, float]],
) -> tuple[float, float] | None:
    """Where the name of a layer fits best, (left, height from below): where it is thickest over the name's width and no
    other name is near; the latest such place, since the eye ends at today. None where there is none."""
    best: tuple[float, float, float] | None = None
    for left, start, end in spots:
        low, high = max(floor[start:end]), min(ceiling[start:end])
        middle = (low + high) / 2
        if high - low < NAMED_FROM or any(
            abs(left - x) < 2 * MARGIN and abs(middle - y) < NAMED_FROM for x, y in taken
        ):
            continue
        if best is None or round(high - low, 2) >= best[0]:
            best = (round(high - low, 2), left, middle)
    return None if best is None else (best[1], best[2])


def _weights_told(parts: Sequence[Part], number: int) -> str:
    told = [(part.weights[number], part.name) for part in parts if part.weights[number] >= TOLD]
    return ", ".join(
        f"{name} {figures.percent(weight, 0)}" for weight, name in sorted(told, key=lambda one: -one[0])
    )
