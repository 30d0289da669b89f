"""The factsheet as data: every cell with its raw value and the text that the screen shows."""

from __future__ import annotations

import csv
import io
import re
from datetime import date
from typing import Any

import orjson

from indices.selectors.factsheet import Cell, Factsheet

COLUMNS = ("section", "key", "row", "column", "value", "text", "reason")
_NUMBER = re.compile(r"[+\-\u2212]?\$?[\d.,]+(%|[KMBT])?\*?")


def factsheet_csv(sheet: Factsheet) -> bytes:
    """One line per cell, UTF-8 with a byte order mark so that spreadsheets read the minus signs.

    Text that a spreadsheet would take for a formula gets an apostrophe before it.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for key, value in (("name", sheet.name), ("summary", sheet.summary)):
        writer.writerow(["about", key, "", "", _safe(value), _safe(value), ""])
    for key, day in (("first", sheet.first), ("as_of", sheet.as_of)):
        writer.writerow(["about", key, "", "", day.isoformat(), day.isoformat(), ""])
    for section in sheet.sections:
        for row in section.rows:
            for heading, cell in zip(section.headings, row.cells, strict=True):
                line = [section.key, row.key, row.label, heading]
                line += [_written(cell), cell.text, cell.reason]
                writer.writerow([_safe(part) for part in line])
    return b"\xef\xbb\xbf" + text.getvalue().encode()


def factsheet_json(sheet: Factsheet) -> bytes:
    """The same cells, nested as sections, rows and cells."""
    body: dict[str, Any] = {
        "index": sheet.slug,
        "name": sheet.name,
        "summary": sheet.summary,
        "first": sheet.first,
        "as_of": sheet.as_of,
        "days": sheet.days,
        "sections": [
            {
                "key": section.key,
                "title": section.title,
                "note": section.note,
                "headings": section.headings,
                "rows": [
                    {
                        "key": row.key,
                        "label": row.label,
                        "cells": [
                            {"value": cell.value, "text": cell.text, "reason": cell.reason}
                            for cell in row.cells
                        ],
                    }
                    for row in section.rows
                ],
            }
            for section in sheet.sections
        ],
    }
    return orjson.dumps(body, option=orjson.OPT_INDENT_2)


def _written(cell: Cell) -> str:
    if cell.value is None:
        return ""
    return cell.value.isoformat() if isinstance(cell.value, date) else str(cell.value)


def _safe(text: str) -> str:
    harmless = (
        not text.startswith(("=", "+", "-", "@", "\t", "\r")) or _NUMBER.fullmatch(text) or _is_float(text)
    )
    return text if harmless else f"'{text}"


def _is_float(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
