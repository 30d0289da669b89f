"""Is what the model reads today like what it was trained on?"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from signals.core.model.samples import Sample
from signals.core.panel import Array

PSI_LIMIT = 0.25
"""Population stability index from which a feature counts as changed: the customary limit (Siddiqi 2006)."""
MISSING_LIMIT = 0.10
"""Share of the model's features that may be missing or changed before its grades are not used."""
PARTS = 10
REFERENCE_DATES = 52
_FLOOR = 1e-4


@dataclass(frozen=True, eq=False)
class Reference:
    """How each feature was spread over tokens in the last REFERENCE_DATES dates before training ended.

    `edges` [feature x PARTS - 1] cut the standardised values into parts, `shares` [feature x PARTS] are what fell into
    each, `missing` [feature] the share that was missing. Fractions. `usual` [feature] is the largest stability index
    that one of those dates had by itself: a single day is never spread like a year.
    """

    edges: Array
    shares: Array
    missing: Array
    usual: Array

    @property
    def limits(self) -> Array:
        """[feature] the index from which a feature counts as changed: PSI_LIMIT, or `usual` if that is more."""
        return np.maximum(self.usual, PSI_LIMIT)


def standardised(sample: Sample) -> Array:
    """[row x feature] distance from the median of the date in interquartile ranges; NaN where missing.

    The model reads ranks, which level and unit do not touch. What can change under it is the shape of a cross-section:
    so the shape is what is compared. Where all are nearly equal only the sign of the distance is told.
    """
    out = np.full(sample.raw.shape, np.nan)
    for start, stop in itertools.pairwise(sample.bounds()):
        values = sample.raw[start:stop].astype(np.float64)
        values[np.isinf(values)] = np.nan
        low, middle, high = _quartiles(values)
        distance, width = values - middle, high - low
        out[start:stop] = np.where(width > 0, distance / np.where(width > 0, width, 1.0), np.sign(distance))
    return out


def _quartiles(values: Array) -> tuple[Array, Array, Array]:
    """[feature] the quartiles of the known values of each column, interpolated; NaN where none is known."""
    if not len(values):
        unknown = np.full(values.shape[1], np.nan)
        return unknown, unknown, unknown
    ordered = np.sort(values, axis=0)  # NaN goes last
    count = (~np.isnan(values)).sum(axis=0)
    column = np.arange(values.shape[1])
    out = []
    for part in (0.25, 0.5, 0.75):
        place = part * np.maximum(count - 1, 0)
        under = np.floor(place).astype(np.int64)
        over = np.minimum(under + 1, np.maximum(count - 1, 0))
        low, high = ordered[under, column], ordered[over, column]
        out.append(low + (place - under) * (high - low))
    return out[0], out[1], out[2]


def reference(sample: Sample) -> Reference:
    """The reference of the last REFERENCE_DATES dates of `sample` that grade anyone."""
    graded = np.unique(sample.row)[-REFERENCE_DATES:]
    recent = sample.at(sample.dates[graded])
    values = standardised(recent)
    width = len(sample.names)
    edges = np.zeros((width, PARTS - 1))
    shares = np.zeros((width, PARTS))
    cuts = np.linspace(0.0, 1.0, PARTS + 1)[1:-1]
    for at in range(width):
        known = values[~np.isnan(values[:, at]), at]
        if len(known):
            edges[at] = np.round(np.quantile(known, cuts), 8)
            shares[at] = np.round(_shares(known, edges[at]), 8)
    missing = np.round(np.isnan(values).mean(axis=0), 8) if len(values) else np.ones(width)
    usual = np.zeros(width)
    for start, stop in itertools.pairwise(recent.bounds()):
        usual = np.fmax(usual, _indices(edges, shares, values[start:stop]))
    return Reference(edges=edges, shares=shares, missing=missing, usual=np.round(usual, 8))


def psi(reference: Reference, sample: Sample) -> Array:
    """[feature] population stability index of all rows of `sample` against the reference, less what chance adds.

    sum over parts of (current - reference) x ln(current / reference), shares at least 1e-4. n values drawn from the
    reference itself give (PARTS - 1) / n on average, which is taken off. NaN where either knows nothing.
    """
    return _indices(reference.edges, reference.shares, standardised(sample))


def _indices(edges: Array, shares: Array, values: Array) -> Array:
    out = np.full(values.shape[1], np.nan)
    for at in range(len(out)):
        known = values[~np.isnan(values[:, at]), at]
        if not len(known) or not shares[at].any():
            continue
        expected = np.maximum(shares[at], _FLOOR)
        current = np.maximum(_shares(known, edges[at]), _FLOOR)
        raw = float(((current - expected) * np.log(current / expected)).sum())
        out[at] = max(raw - (PARTS - 1) / len(known), 0.0)
    return out


def _shares(values: Array, edges: Array) -> Array:
    counts = np.bincount(np.searchsorted(edges, values, side="right"), minlength=PARTS)
    shares: Array = counts / len(values)
    return shares
