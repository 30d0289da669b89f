"""How figures of the report are written: the same in HTML, Markdown and on the terminal."""

from __future__ import annotations

from math import isfinite

from signals.core import figures
from signals.core.report.gates import Cell

UNITS = ("text", "number", "percent", "bp", "count")


def written(value: Cell, unit: str) -> str:
    """A cell as text: `0.12`, `12.3%`, `61 bp`, `1,234`; a dash where there is none."""
    if value is None:
        return figures.DASH
    if isinstance(value, str):
        return value
    if not isfinite(value):
        return figures.DASH
    if unit == "percent":
        return figures.percent(value, 1 if abs(value) >= 0.0995 else 2)
    if unit == "bp":
        return number(value, 0) + " bp"
    if unit == "count":
        return number(value, 0)
    return number(value, 3 if abs(value) < 0.995 else 2)


def number(value: float, places: int) -> str:
    """`1,234.50` with a true minus; no minus before a zero."""
    text = f"{abs(value):,.{places}f}"
    return f"{figures.MINUS}{text}" if value < 0 and text.strip("0.,") else text


def percent(value: float, places: int = 2) -> str:
    """A fraction as a percentage with its sign."""
    return figures.signed_percent(value, places) if isfinite(value) else figures.DASH


def t_value(value: float | None) -> str:
    """`t 2.31`, or that it is not known."""
    return "t not known" if value is None else f"t {number(value, 2)}"
