"""Rectangles whose areas are weights, as near to squares as they come.

The algorithm is that of Bruls, Huizing and van Wijk, Squarified Treemaps, 2000.
"""

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 200.0, 100.0
"""The proportions for which the rectangles are squarest; the picture itself stretches."""


@dataclass(frozen=True)
class Tile:
    """One rectangle, in percent of the picture."""

    left: float
    top: float
    width: float
    height: float

    @property
    def size(self) -> str:
        """Which words fit: huge (three lines, on a phone too), large (three), middle (two), small (one), tiny (no)."""
        if self.width >= 18 and self.height >= 26:
            return "huge"
        if self.width >= 9 and self.height >= 26:
            return "large"
        if self.width >= 6.5 and self.height >= 16:
            return "middle"
        return "small" if self.width >= 5 and self.height >= 8 else "tiny"


def treemap(weights: Sequence[float]) -> list[Tile]:
    """A tile for each of `weights`, in their order; together they fill the picture. They are squarest with the largest
    first. Raises ValueError for a weight that is not above zero."""
    if any(weight <= 0 for weight in weights):
        raise ValueError("weights: each must be above zero.")
    scale = WIDTH * HEIGHT / sum(weights) if weights else 0.0
    areas = [weight * scale for weight in weights]
    left, top, width, height = 0.0, 0.0, WIDTH, HEIGHT
    tiles: list[Tile] = []
    start = 0
    while start < len(areas):
        side = min(width, height)
        end = start + 1
        while end < len(areas) and _worst(areas[start : end + 1], side) <= _worst(areas[start:end], side):
            end += 1
        row = areas[start:end]
        is_last = end == len(areas)
        if width >= height:
            deep = width if is_last else sum(row) / height
            tiles += _column(row, left, top, deep, height)
            left, width = left + deep, width - deep
        else:
            deep = height if is_last else sum(row) / width
            tiles += _line(row, left, top, width, deep)
            top, height = top + deep, height - deep
        start = end
    return tiles


def _worst(row: Sequence[float], side: float) -> float:
    total = sum(row)
    return max(side * side * max(row) / (total * total), total * total / (side * side * min(row)))


def _column(row: Sequence[float], left: float, top: float, width: float, height: float) -> list[Tile]:
    total, tiles, at = sum(row), [], top
    for area in row:
        tall = height * area / total
        tiles.append(_tile(left, at, width, tall))
        at += tall
    return tiles


def _line(row: Sequence[float], left: float, top: float, width: float, height: float) -> list[Tile]:
    total, tiles, at = sum(row), [], left
    for area in row:
        wide = width * area / total
        tiles.append(_tile(at, top, wide, height))
        at += wide
    return tiles


def _tile(left: float, top: float, width: float, height: float) -> Tile:
    return Tile(left / WIDTH * 100, top / HEIGHT * 100, width / WIDTH * 100, height / HEIGHT * 100)
