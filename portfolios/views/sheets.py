"""Sheets on the screen and as files."""

from collections.abc import Iterable
from typing import Any

from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import patch_cache_control

from portfolios.core.sheets import NUMBER, Row, Section, Sheet

CSV, PDF = "text/csv; charset=utf-8", "application/pdf"


ROWS_SHOWN = 250
"""Lines of a section on a page; the files have all of them."""


def tables(sheet: Sheet) -> list[dict[str, Any]]:
    """The sheet's sections for `portfolios/_sheet.html`: each cell with whether it is a number and its heading, and how
    many lines a long section leaves to the files (`hidden`). Totals are always there."""
    return [
        {
            "section": section,
            "columns": [(column.title, column.kind == NUMBER) for column in section.columns],
            "rows": [
                {
                    "row": row,
                    "cells": [
                        {"cell": cell, "is_number": column.kind == NUMBER, "title": column.title}
                        for column, cell in zip(section.columns, row.cells, strict=True)
                    ],
                }
                for row in shown(section)
            ],
            "hidden": len(section.rows) - len(shown(section)),
        }
        for section in sheet.sections
    ]


def shown(section: Section) -> list[Row]:
    """The first lines of the section and every total."""
    return [row for place, row in enumerate(section.rows) if place < ROWS_SHOWN or row.kind == "total"]


def file(body: bytes, kind: str, name: str) -> HttpResponse:
    """A file for its owner alone."""
    response = HttpResponse(body, content_type=kind)
    _private(response, name)
    return response


def stream(parts: Iterable[bytes], kind: str, name: str) -> StreamingHttpResponse:
    """A file sent as it is made, for its owner alone."""
    response = StreamingHttpResponse(parts, content_type=kind)
    _private(response, name)
    return response


def _private(response: HttpResponseBase, name: str) -> None:
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    patch_cache_control(response, private=True, no_store=True)
