"""Training through a day, and the walk forward that is nothing but training through one day after the other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from signals.core.labels import LAG, label_reach
from signals.core.model.calibration import Calibration, calibrated
from signals.core.model.drift import reference
from signals.core.model.linear import Moments, linear_scores, moments, prior_weights, ridge_weights
from signals.core.model.samples import Sample, ranks_by_date, sample
from signals.core.model.spec import Spec, training_day
from signals.core.model.targets import beats_median, outcomes, targets
from signals.core.model.trained import Evidence, Model
from signals.core.model.trees import booster_of, grown, tree_scores
from signals.core.panel import Array, Panel
from signals.core.validation import mean_test, rank_ic

SUNDAY = 6
LEAST_WEEKS = 52
"""Weeks with labels before anything is fitted; until then the prior grades."""
CHAIN = 12
"""Quarters whose models, each trained through its end, score the next one out of fold: three years."""
LEAST_EVIDENCE = 8
"""Out-of-fold dates before a t statistic is told."""

Progress = Callable[[int, int, str], None]
"""Called with (done, of, what)."""


@dataclass(frozen=True, eq=False)
class Parts:
    """What one fit gives, before anything is known of how well it does."""

    form: str
    weeks: int
    rows: int
    weights: Array | None
    linear_scale: float
    trees: str | None
    tree_scale: float

    def scores(self, ranks: np.ndarray) -> Array:
        """[row] as `Model.scores`, of rows of ranks."""
        out: list[Array] = []
        if self.weights is not None:
            out.append(linear_scores(ranks, self.weights) / self.linear_scale)
        if self.trees is not None:
            out.append(tree_scores(self._booster, ranks) / self.tree_scale)
        total = sum(out, np.zeros(len(ranks)))
        return total / len(out)

    @cached_property
    def _booster(self) -> Any:
        return booster_of(self.trees or "")


def training_dates(panel: Panel, *, through: date | None = None) -> pd.DatetimeIndex:
    """The Sundays of the panel up to `through`: a calendar that no reader's start or end moves."""
    days = panel.dates if through is None else panel.as_of(through).dates
    return days[days.day_of_week == SUNDAY]


@dataclass(eq=False)
class Trainer:
    """Models of one spec through any day, from one sample of Sundays; each fit is made once.

    What a model through a day is made of ends at that day, so a longer sample changes none of it.
    """

    spec: Spec
    sample: Sample
    returns: Array
    _target: Array = field(init=False, repr=False)
    _moments: Moments | None = field(init=False, repr=False, default=None)
    _fits: dict[date, Parts] = field(init=False, repr=False, default_factory=dict)
    _following: dict[date, tuple[np.ndarray, Array]] = field(init=False, repr=False, default_factory=dict)

    def __post_init__(self) -> None:
        """Cuts the sample to the spec's features and makes its targets."""
        self.sample = self.sample.features(self.spec.names)
        self._target = targets(self.returns, self.sample.row, len(self.sample.dates), kind=self.spec.target)

    def fit(self, through: date) -> Parts:
        """What the rows up to `through` less label and embargo give; the prior where they are too few."""
        if through not in self._fits:
            self._fits[through] = self._fit(through)
        return self._fits[through]

    def model(self, through: date) -> Model:
        """The model through `through`, with its calibration and evidence from scores that were not trained on."""
        parts = self.fit(through)
        calibration, evidence = self._judged(through)
        known = self.sample.between(None, pd.Timestamp(through))
        return Model(
            spec=self.spec,
            trained_through=through,
            form=parts.form,
            weeks=parts.weeks,
            rows=parts.rows,
            weights=parts.weights,
            linear_scale=parts.linear_scale,
            trees=parts.trees,
            tree_scale=parts.tree_scale,
            calibration=calibration,
            evidence=evidence,
            reference=reference(known),
        )

    def _fit(self, through: date) -> Parts:
        last = pd.Timestamp(through) - pd.Timedelta(days=self.spec.gap)
        dates = np.asarray(self.sample.dates <= last)
        counted = dates & self._counted
        rows = counted[self.sample.row] & ~np.isnan(self._target)
        weeks, number = int(counted.sum()), int(rows.sum())
        prior = prior_weights(self.spec.names)
        early = weeks < LEAST_WEEKS
        ranks = self.sample.ranks[rows]
        weights: Array | None = None
        if early or self.spec.kind == "prior":
            weights = prior
        elif self.spec.kind in ("ridge", "ensemble"):
            weights = ridge_weights(self._sums, counted, prior=prior, penalty=self.spec.penalty)
        trees = None
        if not early and self.spec.kind in ("trees", "ensemble"):
            trees = grown(ranks, self._target[rows], self.sample.row[rows], self.spec)
        return Parts(
            form="prior" if early else self.spec.kind,
            weeks=weeks,
            rows=number,
            weights=weights,
            linear_scale=1.0 if weights is None else _scale(linear_scores(ranks, weights)),
            trees=trees,
            tree_scale=1.0 if trees is None else _scale(tree_scores(booster_of(trees), ranks)),
        )

    @property
    def _counted(self) -> np.ndarray:
        known = np.bincount(self.sample.row[~np.isnan(self._target)], minlength=len(self.sample.dates))
        return known > 0

    @property
    def _sums(self) -> Moments:
        if self._moments is None:
            self._moments = moments(self.sample, self._target)
        return self._moments

    def _judged(self, through: date) -> tuple[Calibration, Evidence]:
        """Calibration and evidence from the last CHAIN quarters, each scored by the model trained through its start."""
        reach = label_reach(horizon=self.spec.horizon, lag=LAG)
        known_by = pd.Timestamp(through) - pd.Timedelta(days=reach)
        start, pieces = through, []
        for _ in range(CHAIN):
            start = training_day(start - timedelta(days=1))
            rows, scores = self._out_of_fold(start)
            known = np.asarray(self.sample.dates <= known_by)[self.sample.row[rows]]
            if known.any():
                pieces.append((rows[known], scores[known]))
        if not pieces:
            return calibrated(np.zeros(0), np.zeros(0), np.zeros(0)), Evidence(0.0, 0.0, 0)
        rows = np.concatenate([rows for rows, _ in reversed(pieces)])
        scores = np.concatenate([scores for _, scores in reversed(pieces)])
        return _calibration(self.sample, self.returns, rows, scores), _evidence(
            self.sample, self.returns, rows, scores, overlap=-(-self.spec.horizon // 7)
        )

    def _out_of_fold(self, start: date) -> tuple[np.ndarray, Array]:
        """Rows of the quarter after `start`, and their scores by what was fitted through `start`."""
        if start not in self._following:
            after, through = pd.Timestamp(start), pd.Timestamp(_next_training_day(start))
            dates = np.asarray((self.sample.dates > after) & (self.sample.dates <= through))
            rows = np.flatnonzero(dates[self.sample.row])
            scores = self.fit(start).scores(self.sample.ranks[rows]) if len(rows) else np.zeros(0)
            self._following[start] = rows, scores
        return self._following[start]


def _next_training_day(day: date) -> date:
    return training_day(day + timedelta(days=93))


def trainer(panel: Panel, spec: Spec, *, taken: Sample | None = None) -> Trainer:
    """A trainer from the Sundays of the panel; `taken` is a sample that has them, else it is made."""
    sundays = training_dates(panel)
    have = sample(panel, sundays, names=spec.names) if taken is None else taken.at(sundays)
    return Trainer(spec, have, outcomes(panel, have, horizon=spec.horizon))


def train(panel: Panel, spec: Spec, *, through: date) -> Model:
    """The model of `spec` through `through`: the panel is cut there, so nothing after it is read.

    Rows end a label and an embargo before `through`. The same panel and spec give the same bytes.
    """
    return trainer(panel.as_of(through), spec).model(through)


def scores_walk_forward(
    panel: Panel, dates: pd.DatetimeIndex, spec: Spec, *, progress: Progress | None = None
) -> Array:
    """[date x asset] scores of `spec` on `dates`, each by the fit through its training day; NaN where not graded."""
    index = pd.DatetimeIndex(dates)
    taken = sample(
        panel.as_of(index[-1]), index.union(training_dates(panel, through=index[-1])), names=spec.names
    )
    work = trainer(panel.as_of(index[-1]), spec, taken=taken)
    wanted = taken.at(index)
    days = [training_day(day.date()) for day in index]
    out = np.full(wanted.shape, np.nan)
    for number, day in enumerate(sorted(set(days)), start=1):
        if progress:
            progress(number, len(set(days)), f"{spec.name} through {day}")
        places = np.array([place for place, own in enumerate(days) if own == day])
        part = wanted.at(index[places])
        out[places] = part.spread(work.fit(day).scores(part.ranks))
    return out


def _scale(scores: Array) -> float:
    spread = float(scores.std()) if len(scores) else 0.0
    return round(spread, 10) or 1.0


def _calibration(sample: Sample, returns: Array, rows: np.ndarray, scores: Array) -> Calibration:
    row = sample.row[rows]
    hits = beats_median(returns[rows], row, len(sample.dates))
    places = ranks_by_date(scores[:, None], row, len(sample.dates))[:, 0].astype(np.float64)
    known = ~np.isnan(hits)
    counts = np.bincount(row[known], minlength=len(sample.dates))
    return calibrated(places[known], hits[known], 1.0 / counts[row[known]])


def _evidence(sample: Sample, returns: Array, rows: np.ndarray, scores: Array, *, overlap: int) -> Evidence:
    first, last = int(sample.row[rows[0]]), int(sample.row[rows[-1]]) + 1
    shape = (last - first, sample.shape[1])
    placed, label = np.full(shape, np.nan), np.full(shape, np.nan)
    placed[sample.row[rows] - first, sample.column[rows]] = scores
    label[sample.row[rows] - first, sample.column[rows]] = returns[rows]
    ic = rank_ic(placed, label)
    ic = ic[~np.isnan(ic)]
    if len(ic) < LEAST_EVIDENCE:
        return Evidence(0.0, 0.0, len(ic))
    test = mean_test(ic, overlap=overlap)
    return Evidence(round(test.mean, 8), round(test.t or 0.0, 6), test.count)
