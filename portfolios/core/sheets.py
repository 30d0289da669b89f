"""A sheet: what a report says, cell by cell, before anybody decides how it looks.

Screen, CSV, PDF and API are written from one sheet, so none of them can say anything else. A cell has its exact `value`
as text for programs and the `text` that people read.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

NUMBER, WORDS = "number", "words"


@dataclass(frozen=True)
class Column:
    """`key` for programs, `title` for people; a `number` stands to the right."""

    key: str
    title: str
    kind: str = NUMBER


@dataclass(frozen=True)
class Cell:
    """`value` exactly, without rounding or signs of currency; `text` as shown; `reason` says why there is no value."""

    value: str
    text: str
    reason: str = ""


@dataclass(frozen=True)
class Row:
    """One line of a section. `kind` is `line`, or `total` for a sum of the lines above it."""

    key: str
    label: str
    cells: tuple[Cell, ...]
    kind: str = "line"
    flags: tuple[str, ...] = ()


@dataclass(frozen=True)
class Section:
    """A table with a sentence on how to read it. `label` heads the first column."""

    key: str
    title: str
    note: str
    label: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...] = ()
    empty: str = ""

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row.cells) != len(self.columns):
                raise ValueError(
                    f"section {self.key}: row {row.key} has {len(row.cells)} cells for {len(self.columns)} columns"
                )


@dataclass(frozen=True)
class Sheet:
    """A whole report. `notes` are sentences that belong under it."""

    key: str
    title: str
    subtitle: str
    sections: tuple[Section, ...]
    facts: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def section(self, key: str) -> Section:
        """The section with this key. Raises KeyError where there is none."""
        for section in self.sections:
            if section.key == key:
                return section
        raise KeyError(f"sheet {self.key}: no section {key}")

    def value(self, section: str, row: str, column: str) -> str:
        """The exact value of one cell. Raises KeyError where there is no such cell."""
        table = self.section(section)
        place = [column.key for column in table.columns].index(column)
        for line in table.rows:
            if line.key == row:
                return line.cells[place].value
        raise KeyError(f"sheet {self.key}: no row {row} in {section}")


def to_body(sheet: Sheet) -> dict[str, Any]:
    """The sheet as plain lists and mappings of text, fit for JSON."""
    body = asdict(sheet)
    body["facts"] = dict(sheet.facts)
    return _listed(body)


def from_body(body: Mapping[str, Any]) -> Sheet:
    """The sheet that `to_body` was made of."""
    return Sheet(
        key=body["key"],
        title=body["title"],
        subtitle=body["subtitle"],
        facts=dict(body["facts"]),
        notes=tuple(body["notes"]),
        sections=tuple(
            Section(
                key=section["key"],
                title=section["title"],
                note=section["note"],
                label=section["label"],
                empty=section["empty"],
                columns=tuple(Column(**column) for column in section["columns"]),
                rows=tuple(
                    Row(
                        key=row["key"],
                        label=row["label"],
                        cells=tuple(Cell(**cell) for cell in row["cells"]),
                        kind=row["kind"],
                        flags=tuple(row["flags"]),
                    )
                    for row in section["rows"]
                ),
            )
            for section in body["sections"]
        ),
    )


def digest(body: Mapping[str, Any]) -> str:
    """SHA-256 of a body in its one canonical form: sorted keys, no spaces, UTF-8."""
    text = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _listed(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _listed(part) for key, part in value.items()}
    return [_listed(part) for part in value] if isinstance(value, list | tuple) else value
