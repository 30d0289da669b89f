"""Cells of a sheet: the raw value and the text that every edition shows for it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date

from indices.core.formulas import FORMULAS
from indices.core.formulas.terms import COUNT, DAYS, LEVEL, PERCENT, POINTS, RATIO, SIGNED, USD
from indices.core.metrics import Figure
from signals.core import figures

Value = float | int | str | date | None

_FINE = {"volatility_daily", "best_day", "worst_day", "var_95", "var_99", "cvar_95", "cvar_99"}
"""Figures of one day, which want a second decimal."""


@dataclass(frozen=True)
class Cell:
    """`value` as computed, `text` as shown; `reason` says why there is no value."""

    value: Value
    text: str
    reason: str = ""


EMPTY = Cell(None, "")


def figure_cell(figure: Figure) -> Cell:
    """A figure in the unit of its formula."""
    return value_cell(figure.key, figure.value, figure.reason)


def value_cell(key: str, value: float | None, reason: str = "") -> Cell:
    """`value` in the unit of the formula `key`; a dash with the reason where there is none."""
    if value is None:
        return Cell(None, figures.DASH, reason)
    places = 2 if key in _FINE else 1
    unit = FORMULAS[key].unit
    if unit == DAYS:
        return Cell(int(value), f"{int(value):,} day{'' if value == 1 else 's'}")
    if unit == COUNT:
        return Cell(int(value), f"{int(value):,}")
    text = {
        SIGNED: lambda: figures.signed_percent(value, places),
        PERCENT: lambda: figures.percent(value, places),
        RATIO: lambda: figures.ratio(value),
        LEVEL: lambda: figures.level(value),
        POINTS: lambda: figures.points(value, 2),
        USD: lambda: figures.compact_usd(value),
    }[unit]()
    return Cell(float(value), text)


def usd_cell(value: float) -> Cell:
    """A size in USD, which may be infinite."""
    if math.isinf(value):
        return Cell(None, "any size", "no size reaches this cost")
    return Cell(value, figures.compact_usd(value) if value else "$0")


def percent_cell(value: float | None, places: int = 2, reason: str = "") -> Cell:
    """A share."""
    if value is None:
        return Cell(None, figures.DASH, reason)
    return Cell(float(value), figures.percent(value, places))


def signed_cell(value: float, places: int = 1, mark: str = "") -> Cell:
    """A return; `mark` follows its text."""
    return Cell(float(value), figures.signed_percent(value, places) + mark)


def date_cell(day: date | None, absent: str = "not yet") -> Cell:
    """A day."""
    return Cell(day, day_text(day)) if day is not None else Cell(None, absent, absent)


def day_text(day: date) -> str:
    """`3 Feb 2026`."""
    return f"{day:%-d %b %Y}"
