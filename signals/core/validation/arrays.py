"""What every statistic asks of its input before it counts anything."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from signals.core.panel import Array

Ints = npt.NDArray[np.int64]


class ValidationError(ValueError):
    """A statistic cannot be told; the message names the argument, what was wrong and what to do."""


def pair(scores: Array, labels: Array) -> tuple[Array, Array]:
    """Scores and labels with NaN wherever either is unknown. Raises ValidationError where the shapes differ."""
    if scores.ndim != 2 or scores.shape != labels.shape:
        raise ValidationError(
            f"scores are {scores.shape} and labels {labels.shape}: give two [date x asset] arrays of one shape"
        )
    unknown = np.isnan(scores) | np.isnan(labels)
    return np.where(unknown, np.nan, scores), np.where(unknown, np.nan, labels)


def complete(values: Array, *, name: str, dimensions: int = 1, least: int = 2) -> Array:
    """`values` as float64, all finite. Raises ValidationError for gaps, other dimensions or too few rows."""
    out = np.asarray(values, dtype=np.float64)
    if out.ndim != dimensions:
        raise ValidationError(f"{name} has {out.ndim} dimensions: give {dimensions}")
    if len(out) < least:
        raise ValidationError(f"{name} has {len(out)} rows: at least {least} are needed")
    if not np.isfinite(out).all():
        raise ValidationError(f"{name} has values that are not finite: drop or fill those periods first")
    return out


def row_correlation(a: Array, b: Array, *, min_count: int) -> Array:
    """[date] Pearson correlation of each row over columns known in both; NaN under `min_count` or where one is flat.

    `a` and `b` are unknown (NaN) in the same places.
    """
    known = ~np.isnan(a)
    count = known.sum(axis=1)
    centred = []
    for values in (a, b):
        filled = np.where(known, values, 0.0)
        mean = filled.sum(axis=1) / np.maximum(count, 1)
        centred.append(np.where(known, values - mean[:, None], 0.0))
    left, right = centred
    scale = np.sqrt((left**2).sum(axis=1) * (right**2).sum(axis=1))
    out = np.full(len(a), np.nan)
    told = (count >= max(min_count, 2)) & (scale > 0)
    out[told] = np.clip((left * right).sum(axis=1)[told] / scale[told], -1.0, 1.0)
    return out
