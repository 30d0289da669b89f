"""Files for spreadsheets: every value exactly, and no text that a spreadsheet would run as a formula."""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence

from portfolios.core.sheets import NUMBER, Cell, Column, Sheet

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n")
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")


def harmless(text: str) -> str:
    """The text with an apostrophe before it where a spreadsheet would take it for a formula. Numbers stay."""
    if text.startswith(_DANGEROUS) and not _NUMBER.fullmatch(text):
        return f"'{text}"
    return text


def rows_csv(rows: Iterable[Sequence[str]]) -> Iterator[bytes]:
    """The rows as UTF-8 with a byte order mark, piece by piece as they come."""
    yield BYTE_ORDER_MARK
    for row in rows:
        text = io.StringIO()
        csv.writer(text, lineterminator="\r\n").writerow([harmless(part) for part in row])
        yield text.getvalue().encode()


def sheet_csv(sheet: Sheet) -> bytes:
    """The sheet's sections one below the other, each with its headings; values exactly, why there is none in words."""
    rows: list[list[str]] = [["about", "title", sheet.title], ["about", "subtitle", sheet.subtitle]]
    rows += [["about", key, value] for key, value in sheet.facts.items() if value]
    for section in sheet.sections:
        rows.append([])
        rows.append(
            ["section", "row", section.label, *(column.key for column in section.columns), "flags", "reason"]
        )
        for row in section.rows:
            reasons = " ".join(dict.fromkeys(cell.reason for cell in row.cells if cell.reason))
            rows.append(
                [
                    section.key,
                    row.key,
                    row.label,
                    *_values(section.columns, row.cells),
                    "; ".join(row.flags),
                    reasons,
                ]
            )
    rows += [[], *(["note", "", note] for note in sheet.notes)]
    return b"".join(rows_csv(rows))


def _values(columns: Sequence[Column], cells: Sequence[Cell]) -> list[str]:
    return [
        cell.value if column.kind == NUMBER else cell.text if cell.value else ""
        for column, cell in zip(columns, cells, strict=True)
    ]
