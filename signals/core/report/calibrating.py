"""Do the grades keep their word? A grade of 60 says that six in ten such tokens beat the median token."""

from __future__ import annotations

import numpy as np

from signals.core.labels import INVESTOR_HORIZON, TRADER_HORIZON
from signals.core.panel import Array
from signals.core.report.gates import Cell, Column, Gate, Section, Table, judged, not_run
from signals.core.report.material import SUNDAY, Material
from signals.core.report.writing import number

BUCKETS = 10
MOST_GAP = 5.0
"""Points between a grade and what came of it."""
LEAST_CELLS = 500
"""Token-weeks that make a bucket worth judging."""


def calibration(material: Material) -> Section:
    """Deciles of the grades beside the rate at which their tokens beat the median of the universe."""
    arguments = (
        "calibration",
        "Calibration",
        "largest gap between grade and hit rate over deciles, in points",
    )
    limit = f"≤ {MOST_GAP:g}"
    if not material.scores.are_grades:
        return Section(gates=[not_run(*arguments, limit, "the scores are no grades")])
    rows: list[list[Cell]] = []
    gaps: list[float] = []
    for name, scores, horizon in (
        ("trader", material.scores.trader, TRADER_HORIZON),
        ("investor", material.scores.investor, INVESTOR_HORIZON),
    ):
        at = material.on_weekday(SUNDAY, horizon=horizon)
        for grade, rate, cells in reliability(scores[at], material.label(at, horizon=horizon)):
            rows.append([name, grade, rate, grade - rate, cells])
            if cells >= LEAST_CELLS:
                gaps.append(abs(grade - rate))
    columns = [
        Column("grade", "text"),
        Column("mean grade of the decile"),
        Column("hit rate, %"),
        Column("gap, points"),
        Column("token-weeks", "count"),
    ]
    note = "Hit: the token beat the median of the graded tokens over 7 (28) days, a day after the grade."
    return Section(
        gates=[_gate(arguments, limit, gaps)],
        tables={"calibration": Table("Grades and what came of them", columns, rows, note)},
    )


def _gate(arguments: tuple[str, str, str], limit: str, gaps: list[float]) -> Gate:
    if not gaps:
        return not_run(*arguments, limit, f"no decile has {LEAST_CELLS} token-weeks")
    return judged(
        *arguments, limit, passed=max(gaps) <= MOST_GAP, figure=max(gaps), shown=number(max(gaps), 2)
    )


def reliability(scores: Array, labels: Array, *, buckets: int = BUCKETS) -> list[tuple[float, float, int]]:
    """(mean score, hit rate in percent, cells) of equally filled buckets of the score over all dates, lowest first.

    A cell counts where score and label are known; it is a hit above its date's median label, half a one at it.
    """
    known = ~np.isnan(scores) & ~np.isnan(labels)
    judged_rows = known.sum(axis=1) >= 2
    middle = np.full(len(scores), np.nan)
    middle[judged_rows] = np.nanmedian(np.where(known, labels, np.nan)[judged_rows], axis=1)
    hits = np.where(labels > middle[:, None], 1.0, np.where(labels == middle[:, None], 0.5, 0.0))
    chosen = known & judged_rows[:, None]
    values, came = scores[chosen], hits[chosen]
    order = np.argsort(values, kind="stable")
    return [
        (float(values[part].mean()), 100.0 * float(came[part].mean()), len(part))
        for part in np.array_split(order, buckets)
        if len(part)
    ]
