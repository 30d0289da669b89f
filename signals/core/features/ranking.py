"""Ranks across the tokens of each date."""

from __future__ import annotations

import numpy as np
import pandas as pd

from signals.core.panel import Array


def ranks(x: Array) -> Array:
    """[date x asset] 1 for the smallest known value of each row; equals share the mean of their ranks; NaN stays."""
    if x.size == 0:
        return x.copy()
    order = np.argsort(x, axis=1)  # NaN goes last
    ordered = np.take_along_axis(x, order, axis=1)
    place = np.arange(x.shape[1])
    if not (ordered[:, 1:] == ordered[:, :-1]).any():
        out = np.empty(x.shape)
        np.put_along_axis(out, order, (place + 1.0)[None, :], axis=1)
        out[np.isnan(x)] = np.nan
        return out
    starts = np.ones(x.shape, dtype=bool)
    starts[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    ends = np.ones(x.shape, dtype=bool)
    ends[:, :-1] = starts[:, 1:]
    first = np.maximum.accumulate(np.where(starts, place, 0), axis=1)
    last = np.minimum.accumulate(np.where(ends, place, x.shape[1])[:, ::-1], axis=1)[:, ::-1]
    out = np.empty(x.shape)
    np.put_along_axis(out, order, (first + last) / 2 + 1, axis=1)
    out[np.isnan(x)] = np.nan
    return out


def ranked(frame: pd.DataFrame) -> pd.DataFrame:
    """[date x asset] ranks within each date, spread evenly over [−0.5, 0.5]; a lone value is 0, missing stays missing.

    Equals share the mean of their ranks, so a value that all tokens share is 0 for all.
    """
    values = frame.to_numpy(dtype=np.float64)
    number = (~np.isnan(values)).sum(axis=1, keepdims=True)
    spread = (ranks(values) - 1) / np.maximum(number - 1, 1) - np.where(number > 1, 0.5, 0.0)
    return pd.DataFrame(spread, index=frame.index, columns=frame.columns)
