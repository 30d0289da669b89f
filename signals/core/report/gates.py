"""A gate, a table, a report: what a validation says, in plain values that JSON can hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from typing import Any

Cell = float | int | str | None


@dataclass(frozen=True)
class Gate:
    """One question with one figure. `passed` is None where it was not run, and `text` then says why.

    `figure` is a number in the unit that `shown` writes out; `limit` is the condition in words and signs, `measures`
    what the figure is.
    """

    key: str
    name: str
    measures: str
    limit: str
    passed: bool | None
    figure: float | None = None
    shown: str = "–"
    text: str = ""

    @property
    def verdict(self) -> str:
        """PASS, FAIL or NOT RUN."""
        return {True: "PASS", False: "FAIL", None: "NOT RUN"}[self.passed]

    def line(self) -> str:
        """The gate in one line of text."""
        said = f"{self.verdict:<7}  {self.name}: {self.measures} {self.shown} (limit {self.limit})"
        return f"{said}. {self.text}" if self.text else said


@dataclass(frozen=True)
class Column:
    """A column of a table; `unit` is text, number, percent (of a fraction), bp or count."""

    name: str
    unit: str = "number"


@dataclass(frozen=True)
class Table:
    """Rows of cells under columns; `note` says how they were made."""

    title: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    note: str = ""


@dataclass(frozen=True)
class Chart:
    """Lines over days: `lines` name -> one value per day, None where unknown."""

    title: str
    days: Sequence[str]
    lines: Mapping[str, Sequence[float | None]]
    note: str = ""
    is_log: bool = False


@dataclass(frozen=True)
class Section:
    """What one part of the validation found."""

    gates: Sequence[Gate] = ()
    tables: Mapping[str, Table] = field(default_factory=dict)
    charts: Mapping[str, Chart] = field(default_factory=dict)


@dataclass(frozen=True)
class Report:
    """All sections together; `made` names what went in, by hash, and `span` the first and the last graded day."""

    made: Mapping[str, Cell]
    span: tuple[str, str]
    gates: Sequence[Gate]
    tables: Mapping[str, Table]
    charts: Mapping[str, Chart]

    def document(self) -> dict[str, Any]:
        """The report as values that JSON can hold; no NaN, no infinity."""
        level = evidence_level(self.gates)
        return {
            "made": dict(self.made),
            "span": list(self.span),
            "evidence": level,
            "wording": WORDING[level],
            "summary": summary(self.gates),
            "gates": [
                {
                    "key": gate.key,
                    "name": gate.name,
                    "measures": gate.measures,
                    "figure": told(gate.figure),
                    "shown": gate.shown,
                    "limit": gate.limit,
                    "passed": gate.passed,
                    "verdict": gate.verdict,
                    "text": gate.text,
                }
                for gate in self.gates
            ],
            "tables": {
                key: {
                    "title": table.title,
                    "note": table.note,
                    "columns": [{"name": column.name, "unit": column.unit} for column in table.columns],
                    "rows": [[told(cell) for cell in row] for row in table.rows],
                }
                for key, table in self.tables.items()
            },
            "charts": {
                key: {
                    "title": chart.title,
                    "note": chart.note,
                    "days": list(chart.days),
                    "lines": {name: [told(value) for value in line] for name, line in chart.lines.items()},
                    "is_log": chart.is_log,
                }
                for key, chart in self.charts.items()
            },
        }


def told(value: Cell) -> Cell:
    """The value, or None for a number that is not finite; NumPy scalars become plain ones."""
    if value is None or isinstance(value, str):
        return value
    plain = value.item() if hasattr(value, "item") else value
    if isinstance(plain, bool):
        return str(plain)
    return plain if isfinite(plain) else None


def judged(
    key: str, name: str, measures: str, limit: str, *, passed: bool, figure: float, shown: str, text: str = ""
) -> Gate:
    """A gate that was run. A figure that is not finite fails: what cannot be told is not passed."""
    known = isfinite(figure)
    return Gate(
        key=key,
        name=name,
        measures=measures,
        limit=limit,
        passed=bool(passed) and known,
        figure=float(figure) if known else None,
        shown=shown if known else "not known",
        text=text,
    )


def not_run(key: str, name: str, measures: str, limit: str, why: str) -> Gate:
    """A gate that was not run, with the reason."""
    return Gate(key=key, name=name, measures=measures, limit=limit, passed=None, text=why)


def summary(gates: Sequence[Gate]) -> dict[str, int]:
    """How many gates passed, failed and were not run."""
    verdicts = [gate.passed for gate in gates]
    return {
        "passed": verdicts.count(True),
        "failed": verdicts.count(False),
        "not_run": verdicts.count(None),
    }


HONEST = frozenset({"truncation_features", "truncation_grades", "canary", "future_noise"})
"""Without these no figure of the report means anything, so every level above the first needs them."""
LESS_FALL = HONEST | {"drawdown"}
OUT_OF_SAMPLE = LESS_FALL | {
    "ic",
    "placebo",
    "residual_ic",
    "top_quintile",
    "cost_break_even",
    "deflated_sharpe",
    "overfitting",
    "superior_ability",
    "trend_overlay",
}
LIVE = OUT_OF_SAMPLE | {"live_record"}
LADDER = (("E3", LIVE), ("E2", OUT_OF_SAMPLE), ("E1", LESS_FALL))
"""Each level needs the gates of the one below."""

WORDING = {
    "E0": "Rules-based. There is no evidence that it outperforms.",
    "E1": "Rules-based, with a lower drawdown in a backtest than the passive index. There is no evidence that it "
    "outperforms.",
    "E2": "Positive out-of-sample evidence in a walk-forward test on past data, after cost. No live evidence yet.",
    "E3": "Live evidence: at least 104 weeks of published grades whose skill is above zero with 95 % confidence.",
}
"""The only sentence about performance that may stand beside the product at each level (docs/validation.md)."""


def evidence_level(gates: Sequence[Gate]) -> str:
    """E0, E1, E2 or E3: the highest level all of whose gates passed. A gate that was not run, or is absent, did not.

    E1: no look-ahead, and a smaller fall at no worse Sharpe ratio. E2: besides, skill out of sample beyond
    volatility, luck, trials, cost, the passive twin and a plain trend rule. E3: besides, a live record.
    """
    passed = {gate.key for gate in gates if gate.passed}
    return next((level for level, needed in LADDER if needed <= passed), "E0")
