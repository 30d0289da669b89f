"""The factsheet: page, CSV, JSON and PDF say the same, cell by cell, and the files are the same bytes each time."""

from __future__ import annotations

import csv
import html
import io
import json
import re
from collections import Counter
from datetime import date

import pypdf
import pytest
from django.test import Client

from indices import services
from indices.core.formulas import FORMULAS
from indices.models import Index, IndexLevel
from indices.selectors.factsheet import Cell, Factsheet, Row, Section, factsheet
from indices.selectors.factsheet import sheet as sheets
from indices.services import documents
from indices.services.effects import effects_backfill
from signals.core.clock import end_of_day
from tests.indices.test_effects import TWIN
from tests.indices.test_history import BODY, MIDDLE, PANEL, index_of
from tests.markets import market_store

SHEET = Factsheet(
    "made-up",
    "Made Up",
    "=cmd()",
    date(2020, 1, 1),
    date(2021, 1, 1),
    366,
    (
        Section(
            "risk",
            "Risk",
            "",
            ("Made Up",),
            (
                Row("sharpe", "Sharpe ratio", (Cell(-0.5, "−0.50"),)),
                Row("", "@import (X)", (Cell(None, "–", "too few"),)),
                Row("", "-5% Coin", (Cell(-0.25, "-25.0%"),)),
            ),
        ),
    ),
)


@pytest.fixture
def pair(db: None) -> Index:
    market_store(PANEL, clock_at=end_of_day(MIDDLE))
    index = index_of(BODY)
    twin = index_of(TWIN)
    Index.objects.filter(pk=twin.pk).update(kind=Index.Kind.TWIN, twin_of=index)
    for each in (index, twin):
        services.index_backfill(each, through=MIDDLE)
    effects_backfill(through=MIDDLE)
    return index


def cells(sheet: Factsheet) -> list[tuple[str, str, str, str, Cell]]:
    return [
        (section.key, row.key, row.label, heading, cell)
        for section in sheet.sections
        for row in section.rows
        for heading, cell in zip(section.headings, row.cells, strict=True)
    ]


def read_csv(body: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(body.decode("utf-8-sig"))))


def test_every_section_is_there_and_its_cells_fit(pair: Index) -> None:
    sheet = factsheet(pair, as_of=MIDDLE)
    assert sheet is not None
    assert [section.key for section in sheet.sections] == [
        "performance",
        "risk",
        "relative",
        "composition",
        "attribution",
        "attribution_years",
        "contributions",
        "capacity",
        "falls",
        "months",
        "holdings",
    ]
    for section in sheet.sections:
        assert all(len(row.cells) == len(section.headings) for row in section.rows)
        assert all(row.key in FORMULAS or row.key == "" for row in section.rows)
    assert all(cell.text or cell.value is None for *_, cell in cells(sheet))
    assert all(cell.reason for *_, cell in cells(sheet) if cell.text == "–" and cell.value is None)
    performance = sheet.section("performance")
    assert performance is not None
    assert performance.headings == ("Small Five", "Twin")
    assert sheet.section("nothing") is None
    assert sheet.span == "10 Jan 2020 to 1 Apr 2020, 82 days"


def test_the_files_hold_every_cell_of_the_sheet(pair: Index, client: Client) -> None:
    sheet = factsheet(pair, as_of=MIDDLE)
    assert sheet is not None
    lines = read_csv(client.get("/indices/small-5/export.csv").content)
    assert lines[0] == ["section", "key", "row", "column", "value", "text", "reason"]
    expected = cells(sheet)
    assert len(lines) == 1 + 4 + len(expected)
    for line, (section, key, label, heading, cell) in zip(lines[5:], expected, strict=True):
        assert line[:4] == [section, key, label, heading]
        assert line[5:] == [cell.text, cell.reason]
        if isinstance(cell.value, float | int):
            assert float(line[4]) == cell.value
        else:
            assert line[4] == ("" if cell.value is None else str(cell.value))

    body = json.loads(client.get("/indices/small-5/export.json").content)
    told = [
        (section["key"], row["key"], row["label"], heading, cell)
        for section in body["sections"]
        for row in section["rows"]
        for heading, cell in zip(section["headings"], row["cells"], strict=True)
    ]
    for (*place, cell), (*where, written) in zip(expected, told, strict=True):
        assert place == where
        assert (written["text"], written["reason"]) == (cell.text, cell.reason)
        value = cell.value.isoformat() if isinstance(cell.value, date) else cell.value
        assert written["value"] == value


def test_the_pdf_shows_the_texts_of_the_sheet(pair: Index, client: Client) -> None:
    sheet = factsheet(pair, as_of=MIDDLE)
    assert sheet is not None
    written = pdf_words(client.get("/indices/small-5/export.pdf").content)
    for section, _, label, _, cell in cells(sheet):
        for text in (label, cell.text):
            assert written[text.replace(" ", "")] or text == "", (section, label, text)
    # Each number is there at least as often as the sheet has it.
    wanted = Counter(cell.text.replace(" ", "") for *_, cell in cells(sheet))
    assert {text: count for text, count in wanted.items() if text and written[text] < count} == {}


def pdf_words(body: bytes) -> Counter[str]:
    """Every paragraph of a PDF without its spaces, and how often it is there."""
    reader = pypdf.PdfReader(io.BytesIO(body))
    found: Counter[str] = Counter()
    for page in reader.pages:
        pieces: list[str] = []
        page.extract_text(visitor_text=lambda text, *_, pieces=pieces: pieces.append(text))
        found.update("".join(piece.split()) for piece in pieces)
    return found


def test_the_page_shows_the_texts_of_the_sheet(pair: Index, client: Client) -> None:
    sheet = factsheet(pair, as_of=MIDDLE)
    assert sheet is not None
    shown = re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", page(client))))
    missing = [
        (section, label, cell.text)
        for section, _, label, _, cell in cells(sheet)
        if section != "holdings" and cell.text not in shown
    ]
    assert missing == []


def page(client: Client) -> str:
    answer = client.get("/indices/small-5/")
    assert answer.status_code == 200
    return answer.content.decode()


def test_a_kept_sheet_is_made_anew_when_something_under_it_changes(
    pair: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[date] = []
    original = sheets._made

    def counted(found: Index, as_of: date, start: date | None) -> Factsheet | None:
        made.append(as_of)
        return original(found, as_of, start)

    monkeypatch.setattr(sheets, "_made", counted)
    first = factsheet(pair, as_of=MIDDLE)
    assert factsheet(pair, as_of=MIDDLE) == first
    assert len(made) == 1
    factsheet(pair, as_of=MIDDLE, start=date(2020, 2, 1))
    assert len(made) == 2
    for twin in (pair, pair.twin):
        point = IndexLevel.objects.get(index=twin, date=date(2020, 2, 20))
        IndexLevel.objects.filter(pk=point.pk).update(level=point.level * 1.001)
        assert factsheet(pair, as_of=MIDDLE) != first
    assert len(made) == 4


def test_files_are_the_same_bytes_each_time(pair: Index, client: Client) -> None:
    for form in ("csv", "json", "pdf"):
        one = client.get(f"/indices/small-5/export.{form}")
        assert one.status_code == 200
        assert one.content == client.get(f"/indices/small-5/export.{form}").content
        assert one["Content-Disposition"] == f'attachment; filename="small-5-2020-04-01.{form}"'
    earlier = client.get("/indices/small-5/export.pdf?as_of=2020-03-01").content
    assert earlier != client.get("/indices/small-5/export.pdf").content
    method = client.get("/indices/small-5/method.pdf")
    assert method.content.startswith(b"%PDF-")
    assert method.content == client.get("/indices/small-5/method.pdf").content


def test_a_span_is_obeyed_and_a_bad_one_refused(pair: Index, client: Client) -> None:
    body = json.loads(client.get("/indices/small-5/export.json?start=2020-02-01&as_of=2020-03-01").content)
    assert (body["first"], body["as_of"], body["days"]) == ("2020-02-01", "2020-03-01", 29)
    for query, name in (
        ("as_of=soon", "as_of"),
        ("as_of=2020-04-02", "as_of"),
        ("start=2020-04-01", "start"),
    ):
        answer = client.get(f"/indices/small-5/export.csv?{query}")
        assert answer.status_code == 400
        assert answer.content.decode().startswith(f"{name}: ")
    assert client.get("/indices/small-5/export.csv?as_of=2020-01-10").status_code == 404
    assert client.get("/indices/nothing/export.pdf").status_code == 404
    assert client.get("/indices/nothing/method.pdf").status_code == 404
    assert client.get("/indices/small-5-twin/export.csv").status_code == 200


def test_a_spreadsheet_is_given_no_formula() -> None:
    lines = read_csv(documents.factsheet_csv(SHEET))
    assert ["about", "summary", "", "", "'=cmd()", "'=cmd()", ""] in lines
    assert lines[-3:] == [
        ["risk", "sharpe", "Sharpe ratio", "Made Up", "-0.5", "−0.50", ""],
        ["risk", "", "'@import (X)", "Made Up", "", "–", "too few"],
        ["risk", "", "'-5% Coin", "Made Up", "-0.25", "-25.0%", ""],
    ]


@pytest.mark.django_db
def test_the_page_of_formulas_has_an_anchor_for_each(client: Client) -> None:
    page = client.get("/indices/formulas/").content.decode()
    for key, formula in FORMULAS.items():
        assert f'id="{key}"' in page
        assert formula.symbols.replace("’", "’") in page.replace("&lt;", "<").replace("&gt;", ">")
