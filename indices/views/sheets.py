"""The figures of a factsheet as the page shows them: the sections of the one sheet, with shades and bars beside."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from indices.core.charting.shades import Bar, bars, shade
from indices.core.formulas import FORMULAS
from indices.models import Index
from indices.selectors.factsheet import Cell, Factsheet, Row, Section, factsheet

COLUMNS = (("performance", "relative"), ("risk",))
"""Which tables stand under one another: the two columns come out equally long."""
BESIDE = ("cost_share", "cash_share")
"""Rows of the attribution that are no part of the difference."""
FORMULA_OF = {
    "falls": "fall",
    "months": "month",
    "contributions": "contribution",
    "attribution": "attribution",
    "capacity": "capacity",
}


@dataclass(frozen=True)
class Shaded:
    """A cell with the class of its shade."""

    cell: Cell
    shade: str


@dataclass(frozen=True)
class Barred:
    """A row with the bar of its first cell."""

    row: Row
    bar: Bar


def sheet_context(index: Index, *, day: date) -> dict[str, Any]:
    """The sections of the sheet of `index` over its whole history; `sheet` is None without two levels."""
    sheet = factsheet(index, as_of=day)
    if sheet is None:
        return {"sheet": None}
    attribution, contributions = sheet.section("attribution"), sheet.section("contributions")
    return {
        "sheet": sheet,
        "tables": [
            [section for section in map(sheet.section, keys) if section is not None] for keys in COLUMNS
        ],
        "make_up": sheet.section("composition"),
        "falls_table": sheet.section("falls"),
        "months": months(sheet),
        "month_headings": headings_of(sheet.section("months")),
        "attribution": attribution,
        "attribution_bars": barred(parts_of(attribution)),
        "attribution_beside": [row for row in attribution.rows if row.key in BESIDE] if attribution else [],
        "attribution_years": sheet.section("attribution_years"),
        "contributions": contributions,
        "contribution_bars": barred(contributions.rows[:-1] if contributions else ()),
        "capacity": sheet.section("capacity"),
        "formula_of": {key: formula for key, formula in FORMULA_OF.items() if formula in FORMULAS},
    }


def months(sheet: Factsheet) -> list[tuple[str, list[Shaded]]]:
    """(year, a shaded cell for each month and for the year), newest first."""
    section = sheet.section("months")
    return [
        (row.label, [Shaded(cell, shade(number(cell))) for cell in row.cells]) for row in rows_of(section)
    ]


def parts_of(section: Section | None) -> tuple[Row, ...]:
    """The rows of an attribution that add up to its first one, without it."""
    return tuple(row for row in rows_of(section)[1:] if row.key not in BESIDE)


def barred(rows: tuple[Row, ...]) -> tuple[str, list[Barred]]:
    """The place of zero, and the rows with the bars of their first cells on one scale."""
    axis, drawn = bars([number(row.cells[0]) or 0.0 for row in rows])
    return axis, [Barred(row, bar) for row, bar in zip(rows, drawn, strict=True)]


def rows_of(section: Section | None) -> tuple[Row, ...]:
    """The rows of a section that may not be there."""
    return () if section is None else section.rows


def headings_of(section: Section | None) -> tuple[str, ...]:
    """The headings of a section that may not be there."""
    return () if section is None else section.headings


def number(cell: Cell) -> float | None:
    """The value of a cell as a number, None where it is none."""
    return float(cell.value) if isinstance(cell.value, int | float) else None
