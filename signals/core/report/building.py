"""All sections in order: from a panel and a grader to the report."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from signals.core.features import catalogue
from signals.core.panel import FIELDS, Panel
from signals.core.report import factors, rules
from signals.core.report.calibrating import calibration
from signals.core.report.drawdown import drawdown
from signals.core.report.features import coverage
from signals.core.report.gates import Cell, Chart, Gate, Report, Section, Table, not_run
from signals.core.report.holdings import books, comparison, quantiles
from signals.core.report.lookahead import canary_gate, features_gate, grades_gates, plausible_gate
from signals.core.report.luck import (
    best_token,
    best_weeks,
    configurations,
    overfitting,
    paths,
    random_portfolios,
)
from signals.core.report.luck import trials_counted as deflated
from signals.core.report.material import SUNDAY, Grader, Material, ReportError
from signals.core.report.origins import origins
from signals.core.report.skill import information, shuffled, steadiness, timing
from signals.core.validation import rank_ic

Progress = Callable[[str, int, int], None]
SEED = 20180101
LEAST_WEEKS = 52


@dataclass(frozen=True)
class Depth:
    """How much is drawn: dates and tokens of truncation, dates whose grades are made anew, shuffles, bootstraps."""

    days: int = 25
    grade_days: int = 2
    placebos: int = 200
    draws: int = 5_000
    portfolios: int = 200
    neighbours: bool = True


FULL = Depth()
QUICK = Depth(days=4, grade_days=1, placebos=50, draws=500, portfolios=50, neighbours=False)


def build(
    panel: Panel,
    grader: Grader,
    *,
    start: pd.Timestamp,
    end: pd.Timestamp,
    trials: int,
    made: Mapping[str, Cell],
    depth: Depth = FULL,
    progress: Progress = lambda what, done, whole: None,
) -> Report:
    """The report on the scores that `grader` gives the days from `start` to `end`; deterministic.

    `trials` are the experiments registered so far, `made` what went in. Raises ReportError for a span of under a year
    of weeks that can be judged.
    """
    days = graded_days(panel.dates[(panel.dates >= start) & (panel.dates <= end)])
    steps = _Steps(progress)
    steps.begin("grading")
    material = Material(panel, grader(panel, days))
    weeks = len(material.weekly)
    if weeks < LEAST_WEEKS:
        raise ReportError(
            f"start, end: {start.date()} to {end.date()} has {weeks} weeks to judge: give {LEAST_WEEKS}"
        )
    steps.begin("looking for look-ahead")
    found = [_lookahead(material, grader, depth)]
    steps.begin("skill")
    found += [information(material), shuffled(material, trials=depth.placebos, seed=SEED), timing(material)]
    found += [calibration(material), Section(tables={"steadiness": steadiness(material)})]
    steps.begin("portfolios")
    found += [quantiles(material), _money(material, trials, depth)]
    steps.begin("where it comes from")
    found.append(origins(material))
    steps.begin("drawdown")
    found.append(drawdown(panel, start=start, end=end, neighbours=depth.neighbours))
    steps.begin("data points")
    found.append(coverage(panel, days[days.day_of_week == SUNDAY][-104::8]))
    steps.begin("published results")
    found.append(_published(panel))
    found.append(Section(gates=[live_gate()]))
    return _report(material, found, made)


def graded_days(days: pd.DatetimeIndex) -> pd.DatetimeIndex:
    """Every Sunday, and the other weekdays of every second week: enough to start the week on any of them."""
    weeks = (days - pd.Timestamp(1970, 1, 4)).days // 7
    chosen: pd.DatetimeIndex = days[(days.day_of_week == SUNDAY) | (weeks % 2 == 0)]
    return chosen


def _lookahead(material: Material, grader: Grader, depth: Depth) -> Section:
    at = material.weekly
    dates = material.scores.dates[at]
    generator = np.random.default_rng(SEED)
    some = dates[np.sort(generator.permutation(len(dates))[: depth.days])]
    # One date at 40 % of the span and one at 75 %: models of different age, panels that are quick to cut.
    anew = dates[[int(len(dates) * share) for share in (0.4, 0.75)][: depth.grade_days]]
    mean = float(np.nanmean(rank_ic(material.scores.trader[at], material.label(at))))
    gates = [
        features_gate(material.panel, some, [feature.name for feature in catalogue()], seed=SEED),
        canary_gate(material.panel, some, material, seed=SEED),
        plausible_gate(mean),
        *grades_gates(material, grader, anew, seed=SEED),
    ]
    return Section(gates=gates)


def _money(material: Material, trials: int, depth: Depth) -> Section:
    runs = books(material)
    near = configurations(material)
    side = comparison(material, runs)
    chosen = overfitting(runs, near, draws=depth.draws, seed=SEED)
    gates: list[Gate] = [
        *side.gates,
        deflated(runs, near, trials=trials),
        *chosen.gates,
        best_weeks(runs),
        best_token(material, runs),
        random_portfolios(material, runs, count=depth.portfolios, seed=SEED),
        paths(runs),
    ]
    return Section(gates=gates, tables={**side.tables, **chosen.tables}, charts=side.charts)


def _published(panel: Panel) -> Section:
    made = {
        "r1": factors.market_table(panel),
        "r5": factors.characteristics_table(panel),
        "r12": rules.averages_table(panel),
        "r13": rules.ensemble_table(panel),
    }
    return Section(tables={key: table for key, table in made.items() if table is not None})


def live_gate() -> Gate:
    """The gate that no backtest can pass."""
    return not_run(
        "live_record",
        "Live record",
        "lower end of the 95 % interval of the live IR",
        "> 0 after ≥ 104 live weeks",
        "a backtest has no live weeks",
    )


def _report(material: Material, found: list[Section], made: Mapping[str, Cell]) -> Report:
    tables: dict[str, Table] = {}
    charts: dict[str, Chart] = {}
    for section in found:
        tables.update(section.tables)
        charts.update(section.charts)
    dates = material.scores.dates[material.weekly]
    return Report(
        made={**made, "weeks": len(dates)},
        span=(str(dates[0].date()), str(dates[-1].date())),
        gates=[gate for section in found for gate in section.gates],
        tables=tables,
        charts=charts,
    )


def panel_hash(panel: Panel) -> str:
    """SHA-256 of the days, the assets and every array of the panel."""
    digest = hashlib.sha256()
    digest.update(panel.dates.to_numpy().astype("datetime64[D]").tobytes())
    digest.update("\n".join(panel.assets).encode())
    for name in FIELDS:
        digest.update(np.ascontiguousarray(getattr(panel, name)).tobytes())
    for metric, each in panel.observed.items():
        digest.update(metric.encode() + "\n".join(each.columns or ()).encode())
        digest.update(np.ascontiguousarray(each.values).tobytes())
    return digest.hexdigest()


class _Steps:
    """Says which of the steps begins."""

    COUNT = 8

    def __init__(self, progress: Progress) -> None:
        self._progress, self._done = progress, 0

    def begin(self, what: str) -> None:
        self._progress(what, self._done, self.COUNT)
        self._done += 1
