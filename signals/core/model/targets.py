"""What a model is fitted to: how a token did against the others graded on the same date."""

from __future__ import annotations

import itertools

import numpy as np
import numpy.typing as npt

from signals.core.features.ranking import ranks
from signals.core.labels import LAG, forward_return
from signals.core.model.samples import Ints, Sample
from signals.core.model.spec import SpecError
from signals.core.panel import Array, Panel

LEAST_TOKENS = 10
"""A date with fewer known returns says too little about ranks to be learned from."""
CLIPPED = (-3.0, 5.0)
"""Limits of the clipped target, in robust standard deviations of the date: the long tail is on the side of gains."""
_MAD_TO_SD = 1.4826
_RANK_SD = 1.0 / np.sqrt(12.0)
_CLIPPED_SD = 1.3
"""About the standard deviation of the clipped target before scaling, so that both halves of the blend weigh alike."""


def outcomes(panel: Panel, sample: Sample, *, horizon: int) -> Array:
    """[row] return from the close of t + 1 to that of t + 1 + horizon, a fraction, NaN where either is unknown."""
    if not len(sample.row):
        return np.zeros(0)
    returns = forward_return(_daily_close(panel), horizon=horizon, lag=LAG)
    days = (sample.dates - panel.dates[0]).days.to_numpy()
    out: Array = returns[days[sample.row], sample.column]
    return out


def _daily_close(panel: Panel) -> Array:
    """The close with a row for every day from first to last, so that rows are days."""
    days = (panel.dates - panel.dates[0]).days.to_numpy()
    if days[-1] + 1 == len(days):
        return panel.close
    close = np.full((days[-1] + 1, panel.shape[1]), np.nan)
    close[days] = panel.close
    return close


def targets(returns: Array, row: Ints, dates: int, *, kind: str) -> Array:
    """[row] the target of each row from the `returns` of its date; NaN where unknown or under LEAST_TOKENS are known.

    `rank` is the rank over [-0.5, 0.5]; `clipped` the distance from the mean in robust standard deviations (1.4826 x
    median absolute deviation), cut to CLIPPED, centred and scaled like a rank; `blend` the mean of both: the rank is
    what a hit rate counts, the clipped return is what a holder gets.
    """
    out = np.full(len(returns), np.nan)
    bounds = np.searchsorted(row, np.arange(dates + 1))
    for start, stop in itertools.pairwise(bounds):
        here = returns[start:stop]
        known = ~np.isnan(here)
        if known.sum() < LEAST_TOKENS:
            continue
        out[start:stop][known] = _of_date(here[known], kind)
    return out


def _of_date(values: Array, kind: str) -> Array:
    if kind == "rank":
        return _ranked(values)
    if kind == "clipped":
        return _clipped(values)
    if kind == "blend":
        return (_ranked(values) + _clipped(values)) / 2.0
    raise SpecError(f"target: {kind!r} is none; use rank, clipped or blend")


def _ranked(values: Array) -> Array:
    spread: Array = (ranks(values[None, :])[0] - 1.0) / (len(values) - 1.0) - 0.5
    return spread


def _clipped(values: Array) -> Array:
    centred = values - values.mean()
    scale = _MAD_TO_SD * float(np.median(np.abs(centred - np.median(centred))))
    if scale == 0:
        return np.zeros(len(values))
    cut = np.clip(centred / scale, *CLIPPED) * (_RANK_SD / _CLIPPED_SD)
    out: Array = cut - cut.mean()
    return out


def beats_median(returns: Array, row: Ints, dates: int) -> npt.NDArray[np.float64]:
    """[row] 1 where the return is over the median of its date, 0.5 at it, 0 under it; NaN where unknown."""
    ranked = targets(returns, row, dates, kind="rank")
    return np.where(np.isnan(ranked), np.nan, (np.sign(np.round(ranked, 12)) + 1.0) / 2.0)
