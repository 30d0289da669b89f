"""A sheet on paper, in the house's look, in whole points. The same sheet gives the same bytes, today and after a
restart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from indices.services.documents import paper
from portfolios.core.sheets import WORDS, Row, Section, Sheet

if TYPE_CHECKING:
    from reportlab.platypus import Flowable

_LONG = 25
"""A table of more rows than this may be broken over pages."""
_ROOM = 110
_WIDE = 6
"""A table of more columns than this is set smaller."""


def sheet_pdf(sheet: Sheet, *, owner: str, footer: str = "") -> bytes:
    """A PDF of the sheet. `owner` names whose it is; text only, nothing in it is markup."""
    parts: list[Flowable] = [
        paper.paragraph(sheet.title, paper.style(19, bold=True)),
        paper.paragraph(owner, paper.style(9)),
        paper.paragraph(sheet.subtitle, paper.style(8, color=paper.FAINT)),
    ]
    for section in sheet.sections:
        parts += _section(section)
    if sheet.notes:
        parts.append(paper.paragraph("Notes", paper.style(11, bold=True, before=11)))
        parts += [paper.paragraph(note, paper.style(7, color=paper.FAINT)) for note in sheet.notes]
    named = f"Bellwether · {sheet.title} · {owner}"
    return paper.document(parts, title=sheet.title, footer=f"{named} · {footer}" if footer else named)


def _section(section: Section) -> list[Flowable]:
    from reportlab.platypus import CondPageBreak, KeepTogether

    head: list[Flowable] = [paper.paragraph(section.title, paper.style(11, bold=True, before=11))]
    if section.note:
        head.append(paper.paragraph(section.note, paper.style(7, color=paper.FAINT)))
    if not section.rows:
        return [KeepTogether([*head, paper.paragraph(section.empty or "Nothing.", paper.style(8))])]
    made = _table(section)
    if len(section.rows) > _LONG:
        return [CondPageBreak(_ROOM), *head, made]
    return [KeepTogether([*head, made])]


def _table(section: Section) -> Flowable:
    from reportlab.lib.colors import HexColor
    from reportlab.platypus import Table, TableStyle

    size = 7 if len(section.columns) <= _WIDE else 6
    left = [True, *(column.kind == WORDS for column in section.columns)]
    heads = [
        paper.paragraph(text, paper.style(size, color=paper.FAINT, right=not aside))
        for text, aside in zip(
            [section.label, *(column.title for column in section.columns)], left, strict=True
        )
    ]
    body = [_line(row, left, size) for row in section.rows]
    made = Table([heads, *body], colWidths=_widths(section), repeatRows=1, hAlign="LEFT")
    rules = [
        ("LINEBELOW", (0, 0), (-1, -1), 1, HexColor(paper.LINE)),
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("TOPPADDING", (0, 0), (-1, -1), 2),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 1),
        ("LEFTPADDING", (0, 0), (-1, -1), 0),
        ("LEFTPADDING", (1, 0), (-1, -1), 5),
        ("RIGHTPADDING", (0, 0), (-1, -1), 0),
    ]
    rules += [
        ("LINEABOVE", (0, place), (-1, place), 1, HexColor(paper.INK))
        for place, row in enumerate(section.rows, start=1)
        if row.kind == "total"
    ]
    made.setStyle(TableStyle(rules))
    return made


def _line(row: Row, left: list[bool], size: int) -> list[Flowable]:
    texts = [
        row.label + (f" ({', '.join(row.flags)})" if row.flags else ""),
        *(cell.text for cell in row.cells),
    ]
    return [
        paper.paragraph(text, paper.style(size, bold=row.kind == "total", right=not aside))
        for text, aside in zip(texts, left, strict=True)
    ]


def _widths(section: Section) -> list[int]:
    """Each column as wide as its longest word or number asks for, the first and wordy ones up to a bound, all of them
    together as wide as the page."""
    texts = [
        [section.label, *(row.label + ", ".join(row.flags) for row in section.rows)],
        *(
            [column.title, *(row.cells[place].text for row in section.rows)]
            for place, column in enumerate(section.columns)
        ),
    ]
    wordy = [True, *(column.kind == WORDS for column in section.columns)]
    wanted = [
        min(max(len(text) for text in column), 30 if loose else 22) + 2
        for column, loose in zip(texts, wordy, strict=True)
    ]
    return [int(paper.width()) * size // sum(wanted) for size in wanted]
