"""The factsheet on paper: the sections of the screen, cell by cell."""

from __future__ import annotations

from typing import TYPE_CHECKING

from indices.selectors.factsheet import Factsheet, Section
from indices.services.documents import paper

if TYPE_CHECKING:
    from reportlab.platypus import Flowable

_LABEL = 0.34
_LONG = 25
"""A table of more rows than this may be broken over pages."""
_SOME_ROWS = 120
_NARROW = {"months": 0.07, "falls": 0.07, "attribution_years": 0.2}


def factsheet_pdf(sheet: Factsheet) -> bytes:
    """A PDF of the sheet; the same sheet gives the same bytes."""
    parts = [
        paper.paragraph(sheet.name, paper.style(19, bold=True)),
        paper.paragraph(sheet.summary, paper.style(9)),
        paper.paragraph(sheet.span, paper.style(8, color=paper.FAINT)),
    ]
    for section in sheet.sections:
        parts += _section(section)
    footer = f"Bellwether · {sheet.name} · {sheet.span}"
    return paper.document(parts, title=f"{sheet.name}: factsheet", footer=footer)


def _section(section: Section) -> list[Flowable]:
    from reportlab.platypus import CondPageBreak, KeepTogether

    rows = [("", *section.headings)]
    rows += [(row.label, *(cell.text for cell in row.cells)) for row in section.rows]
    whole = paper.width()
    label = whole * _NARROW.get(section.key, _LABEL)
    widths = [label, *[(whole - label) / len(section.headings)] * len(section.headings)]
    size = 5.8 if section.key == "months" else 7.5
    head = [paper.paragraph(section.title, paper.style(11, bold=True, before=11))]
    if section.note:
        head.append(paper.paragraph(section.note, paper.style(7, color=paper.FAINT)))
    made = paper.table(rows, widths, size=size)
    if len(section.rows) > _LONG:
        return [CondPageBreak(_SOME_ROWS), *head, made]
    return [KeepTogether([*head, made])]
