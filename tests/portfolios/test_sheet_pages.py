"""A sheet on the screen: all of a short section, the beginning and the totals of a long one."""

from django.template.loader import render_to_string

from portfolios.core.sheets import Cell, Column, Row, Section, Sheet
from portfolios.views.sheets import ROWS_SHOWN, tables


def sheet(lines: int) -> Sheet:
    rows = [Row(f"line-{number}", f"Line {number}", (Cell("1", "one"),)) for number in range(lines)]
    total = Row("sum", "All", (Cell("1", "one"),), "total")
    section = Section("long", "Long", "", "Line", (Column("count", "Count"),), (*rows, total))
    return Sheet("k", "Title", "", (section,))


def test_a_long_section_is_cut_and_says_so() -> None:
    page = render_to_string("portfolios/_sheet.html", {"tables": tables(sheet(ROWS_SHOWN + 1200))})
    assert page.count('data-row="line-') == ROWS_SHOWN
    assert 'data-row="sum"' in page
    assert "1,200 more lines in the CSV and the PDF." in page


def test_a_short_one_is_whole() -> None:
    page = render_to_string("portfolios/_sheet.html", {"tables": tables(sheet(ROWS_SHOWN))})
    assert page.count('data-row="line-') == ROWS_SHOWN
    assert "more line" not in page
