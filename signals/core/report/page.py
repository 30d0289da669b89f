"""A stored report as words and pictures: what the HTML template and the Markdown file are made from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from signals.core.report.plots import bar_plot, line_plot
from signals.core.report.writing import written

PARTS = (
    ("Skill", ("ic", "ic_by_year", "ic_residual", "ic_decay", "quantiles", "calibration", "steadiness")),
    ("Timing", ("delay", "week_start")),
    ("What it earns", ("portfolios", "baselines", "by_year", "configurations")),
    ("Where it comes from", ("origins", "origin_shares", "survivorship", "survivor_marks")),
    ("Drawdown", ("regime",)),
    ("Data points", ("features",)),
    ("Published results, rebuilt", ("r1", "r5", "r12", "r13")),
)
CHARTS = {"Skill": ("ic",), "What it earns": ("value",), "Drawdown": ("regime",)}
BARS = {"ic_by_year": (0, 1, False), "week_start": (0, 3, True)}
"""Table -> columns of names and of values that are drawn as bars, and whether those are fractions."""


def page(document: Mapping[str, Any]) -> dict[str, Any]:
    """`parts` with written tables and SVG plots beside the document itself; tables of no known part come last."""
    tables, charts = document["tables"], document["charts"]
    known = {key for _, keys in PARTS for key in keys}
    rest = tuple(key for key in tables if key not in known)
    parts = []
    for title, keys in (*PARTS, ("More", rest)):
        drawn = [_chart(charts[key]) for key in CHARTS.get(title, ()) if key in charts]
        shown = [{**_table(tables[key]), "plot": _bars(key, tables[key])} for key in keys if key in tables]
        if drawn or shown:
            parts.append({"title": title, "charts": drawn, "tables": shown})
    return {"report": document, "parts": parts}


def _table(table: Mapping[str, Any]) -> dict[str, Any]:
    units = [column["unit"] for column in table["columns"]]
    return {
        "title": table["title"],
        "note": table["note"],
        "columns": table["columns"],
        "rows": [
            [{"text": written(cell, unit), "unit": unit} for cell, unit in zip(row, units, strict=True)]
            for row in table["rows"]
        ],
    }


def _chart(chart: Mapping[str, Any]) -> dict[str, str]:
    svg = line_plot(chart["title"], chart["days"], chart["lines"], is_log=chart["is_log"])
    return {"title": chart["title"], "note": chart["note"], "svg": svg}


def _bars(key: str, table: Mapping[str, Any]) -> str:
    if key not in BARS:
        return ""
    names, values, percent = BARS[key]
    rows = table["rows"]
    return bar_plot(
        table["title"], [str(row[names]) for row in rows], [row[values] for row in rows], percent=percent
    )


def markdown(document: Mapping[str, Any]) -> str:
    """The report as one Markdown page: every gate and every table, no plots."""
    counted = document["summary"]
    first, last = document["span"]
    lines = [
        "# Validation of the grades",
        "",
        f"Walk-forward from {first} to {last}. Evidence level **{document['evidence']}**: {document['wording']}",
        "",
        f"{counted['passed']} gates passed, {counted['failed']} failed, {counted['not_run']} were not run.",
        "A failed gate is a result and stays here.",
        "",
        "| gate | figure | limit | verdict | |",
        "| --- | --- | --- | --- | --- |",
        *(
            f"| {gate['name']}: {gate['measures']} | {gate['shown']} | {gate['limit']} | **{gate['verdict']}** | "
            f"{gate['text'].replace('|', '/')} |"
            for gate in document["gates"]
        ),
    ]
    for part in page(document)["parts"]:
        lines += ["", f"## {part['title']}"]
        for table in part["tables"]:
            lines += ["", f"### {table['title']}", ""]
            if table["note"]:
                lines += [table["note"], ""]
            lines.append("| " + " | ".join(column["name"] for column in table["columns"]) + " |")
            lines.append("|" + "|".join(_rule(column["unit"]) for column in table["columns"]) + "|")
            lines += ["| " + " | ".join(cell["text"] for cell in row) + " |" for row in table["rows"]]
    lines += ["", "## What went in", "", "| | |", "| --- | --- |"]
    lines += [f"| {name} | `{value}` |" for name, value in document["made"].items()]
    return "\n".join(lines) + "\n"


def _rule(unit: str) -> str:
    return " --- " if unit == "text" else " ---: "
