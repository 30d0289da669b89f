"""Grades from scores: literal hit rates, a signal, how sure they are, and why."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from signals.core.grading.sentences import Themes
from signals.core.model import (
    INVESTOR,
    TRADER,
    Model,
    Sample,
    Spec,
    sample,
    trainer,
    training_dates,
    training_day,
)
from signals.core.model.samples import ranks_by_date
from signals.core.model.training import Progress
from signals.core.panel import Array, Panel

COLUMNS = (
    "date",
    "asset",
    "trader_grade",
    "investor_grade",
    "signal",
    "confidence",
    "coverage",
    "contributions",
    "sentences",
)
SIGNAL_MEAN = 55.0
"""Mean of both grades from which the signal is +1; -1 at 100 - SIGNAL_MEAN; and both grades on that side of 50."""
TOLD = 8
"""Contributions that are kept per grade, the largest first."""
FULL_EVIDENCE = 5.0
"""t of the out-of-fold rank IC at which past evidence counts in full."""
LEAST_EVIDENCE = 0.1


@dataclass(frozen=True, eq=False)
class _Judged:
    """One model's view of the rows of a sample."""

    grade: Array
    agreement: Array
    evidence: float


def grades(sample: Sample, trader: Model, investor: Model, *, explain: bool = True) -> pd.DataFrame:
    """One row per graded (date, asset), by date and slug, with COLUMNS.

    `trader_grade` and `investor_grade` are 100 x the calibrated rate at which tokens with such a score beat the median
    token over the next 7 and 28 days. `signal` is +1 or -1 where both grades lie on one side of 50 and their mean is
    SIGNAL_MEAN or its mirror, else 0. `coverage` is the share of the models' features that are known. `confidence` =
    coverage x agreement x evidence: agreement is 1 less the distance between the ranks that the linear part and the
    trees give, evidence the t of the out-of-fold IC over FULL_EVIDENCE, from LEAST_EVIDENCE to 1; each the mean of
    both models. `contributions` are [feature, rank, share]: signed shares of the absolute sum, the TOLD largest;
    `sentences` two plain ones. Without `explain` both are empty.
    """
    short, long = _judged(sample, trader), _judged(sample, investor)
    coverage = (~np.isnan(sample.features(trader.spec.names).raw)).mean(axis=1)
    mean = (short.grade + long.grade) / 2.0
    up = (mean >= SIGNAL_MEAN) & (np.minimum(short.grade, long.grade) > 50.0)
    down = (mean <= 100.0 - SIGNAL_MEAN) & (np.maximum(short.grade, long.grade) < 50.0)
    agreement = (short.agreement + long.agreement) / 2.0
    told, words = _explained(sample, trader, investor, mean >= 50.0) if explain else _silent(len(mean))
    return pd.DataFrame(
        {
            "date": sample.dates[sample.row],
            "asset": np.array(sample.assets, dtype=object)[sample.column],
            "trader_grade": short.grade,
            "investor_grade": long.grade,
            "signal": up.astype(np.int64) - down.astype(np.int64),
            "confidence": coverage * agreement * (short.evidence + long.evidence) / 2.0,
            "coverage": coverage,
            "contributions": told,
            "sentences": words,
        },
        columns=list(COLUMNS),
    )


def walk_forward(
    panel: Panel,
    dates: pd.DatetimeIndex,
    progress: Progress | None = None,
    *,
    specs: tuple[Spec, Spec] = (TRADER, INVESTOR),
    explain: bool = True,
) -> pd.DataFrame:
    """`grades` of `dates`, which rise, each by the models trained through its `training_day`.

    Nothing after a date is read for it, so what other dates are asked for, or what the panel holds later, changes no
    row. `explain=False` leaves contributions and sentences empty and saves their time. Raises PanelError for a date
    that the panel does not have.
    """
    index = pd.DatetimeIndex(dates)
    if not len(index):
        return pd.DataFrame(columns=list(COLUMNS))
    known = panel.as_of(index[-1])
    names = tuple(dict.fromkeys(name for spec in specs for name in spec.names))
    taken = sample(known, index.union(training_dates(known)), names=names)
    trainers = [trainer(known, spec, taken=taken) for spec in specs]
    wanted = taken.at(index)
    days = [training_day(day.date()) for day in index]
    turns = sorted(set(days))
    frames = []
    for number, day in enumerate(turns, start=1):
        if progress:
            progress(number, len(turns), f"grades by the models through {day}")
        places = [place for place, own in enumerate(days) if own == day]
        trader, investor = (work.model(day) for work in trainers)
        frames.append(grades(wanted.at(index[places]), trader, investor, explain=explain))
    return pd.concat(frames, ignore_index=True)


def _judged(sample: Sample, model: Model) -> _Judged:
    parts = list(model.parts(sample).values())
    total = sum(parts, np.zeros(len(sample.row))) / len(parts)
    places = [_places(part, sample) for part in parts]
    apart = np.abs(places[0] - places[-1])
    evidence = min(max(model.evidence.t / FULL_EVIDENCE, LEAST_EVIDENCE), 1.0)
    return _Judged(100.0 * model.calibration.hit_rate(_places(total, sample)), 1.0 - apart, evidence)


def _places(scores: Array, sample: Sample) -> Array:
    """[row] rank of the score within its date over [-0.5, 0.5]."""
    return ranks_by_date(scores[:, None], sample.row, len(sample.dates))[:, 0].astype(np.float64)


def _silent(rows: int) -> tuple[list[list[object]], list[list[str]]]:
    return [[] for _ in range(rows)], [[] for _ in range(rows)]


def _explained(
    sample: Sample, trader: Model, investor: Model, up: np.ndarray
) -> tuple[list[list[object]], list[list[str]]]:
    names = trader.spec.names
    ranks = sample.features(names).ranks
    added = trader.contributions(sample)
    if investor.spec.names == names:
        added = (added + investor.contributions(sample)) / 2.0
    themes = Themes(names)
    absolute = np.abs(added)
    shares = added / np.maximum(absolute.sum(axis=1, keepdims=True), 1e-12)
    largest = np.argsort(-absolute, axis=1, kind="stable")[:, :TOLD]
    told: list[list[object]] = []
    words: list[list[str]] = []
    for row in range(len(added)):
        told.append(
            [
                [names[at], round(float(ranks[row, at]), 4), round(float(shares[row, at]), 4)]
                for at in largest[row]
            ]
        )
        words.append(themes.sentences(added[row], ranks[row], up=bool(up[row])))
    return told, words
