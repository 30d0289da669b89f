"""The report as a page: well-formed, complete, and nothing from elsewhere."""

import re
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest
from django.template.loader import render_to_string

from signals.core.report import Chart, Column, Gate, Report, Table
from signals.core.report.page import markdown, page
from signals.core.report.plots import bar_plot, line_plot
from signals.core.report.writing import number, percent, t_value, written

VOID = {"meta", "br", "line", "path", "rect"}


class Balanced(HTMLParser):
    """Fails where an element is closed that is not open."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture
def document():
    gates = [
        Gate("ic", "IC", "t", "≥ 3", True, 4.0, "4.00", "A <b>bold</b> | word"),
        Gate("turnover", "Turnover", "one way", "≤ 25%", False, 0.4, "40%"),
        Gate("live_record", "Live", "ir", "> 0", None, text="no live weeks"),
    ]
    days = [f"2022-01-{day:02}" for day in range(1, 31)]
    return Report(
        made={"data": "abc"},
        span=("2022-01-01", "2022-01-30"),
        gates=gates,
        tables={
            "ic_by_year": Table(
                "By year", [Column("year", "text"), Column("IC")], [["2021", 0.1], ["2022", -0.05]]
            ),
            "unheard_of": Table(
                "Else", [Column("what", "text"), Column("share", "percent")], [["x", None]], "A note."
            ),
        },
        charts={"ic": Chart("Sum of IC", days, {"a": list(range(30)), "b": [None] * 15 + [1.5] * 15})},
    ).document()


def test_the_page_is_balanced_and_shows_every_gate_and_table(document):
    html = render_to_string("signals/validation_report.html", page(document))
    parser = Balanced()
    parser.feed(html)
    assert parser.open == []
    for word in (
        "PASS",
        "FAIL",
        "NOT RUN",
        "Evidence level E0",
        "By year",
        "Else",
        "A note.",
        "no live weeks",
    ):
        assert word in html
    assert "<b>bold</b>" not in html
    assert html.count("<svg") >= 2


def test_the_page_needs_nothing_from_elsewhere(document):
    html = render_to_string("signals/validation_report.html", page(document))
    assert not re.search(r"https?://|<script|<link|url\(|@import|\bsrc=|\son\w+=", html)


def test_markdown_has_every_gate_and_no_broken_row(document):
    text = markdown(document)
    gates = [
        line
        for line in text.splitlines()
        if "**PASS**" in line or "**FAIL**" in line or "**NOT RUN**" in line
    ]
    assert len(gates) == 3
    assert all(line.count("|") == 6 for line in gates)
    assert "| 2021 | 0.100 |" in text
    assert "| x | – |" in text
    assert "Evidence level **E0**" in text


def test_plots_are_well_formed_and_leave_gaps():
    days = ["2022-01-01", "2022-01-02", "2022-01-03", "2022-01-04"]
    drawn = line_plot("A & B", days, {"x": [1.0, None, 3.0, 4.0]})
    svg = ElementTree.fromstring(drawn[: drawn.index("</svg>") + 6])
    path = next(part for part in svg if part.tag == "path" and part.get("fill") == "none")
    assert path.get("d", "").count("M") == 2
    assert svg.get("aria-label") == "A & B"
    ElementTree.fromstring(bar_plot("Bars", ["a", "b"], [0.1, -0.2], percent=True))


def test_a_logarithmic_plot_of_doublings_is_a_straight_line():
    drawn = line_plot("x", ["a", "b", "c"], {"x": [1.0, 10.0, 100.0]}, is_log=True)
    ys = [float(y) for y in re.findall(r"[ML][\d.]+ ([\d.]+)", drawn)]
    assert ys[0] - ys[1] == pytest.approx(ys[1] - ys[2], abs=0.11)


def test_nothing_to_draw_is_nothing():
    assert line_plot("x", ["a"], {"x": [1.0]}) == ""
    assert line_plot("x", ["a", "b"], {"x": [None, None]}) == ""
    assert bar_plot("x", ["a"], [None]) == ""


def test_a_flat_line_and_zero_bars_can_be_drawn():
    assert "<path" in line_plot("x", ["a", "b"], {"x": [2.0, 2.0]}, is_log=True)
    assert "<path" in line_plot("x", ["a", "b"], {"x": [0.0, 0.0]})
    assert "<rect" in bar_plot("x", ["a"], [0.0])


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.1234, "percent", "12.3%"),
        (-0.0123, "percent", "−1.23%"),
        (0.1234, "number", "0.123"),
        (-12.345, "number", "−12.35"),
        (61.4, "bp", "61 bp"),
        (12870, "count", "12,870"),
        (None, "number", "–"),
        (float("nan"), "number", "–"),
        ("word", "percent", "word"),
    ],
)
def test_cells_are_written_by_unit(value, unit, text):
    assert written(value, unit) == text


def test_signs():
    assert percent(0.0037) == "+0.37%"
    assert number(-0.001, 2) == "0.00"
    assert (t_value(None), t_value(-1.234)) == ("t not known", "t −1.23")
