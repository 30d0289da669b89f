"""How many data points there really are: in the catalogue, per token, and in independent directions."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from signals.core.features import catalogue, compute_last, rows_needed, sampled
from signals.core.features.ranking import ranks
from signals.core.panel import Array, Panel
from signals.core.report.gates import Column, Section, Table, judged
from signals.core.universe import gradable

LEAST_PER_TOKEN = 80
EXPLAINED = 0.95


def coverage(panel: Panel, days: pd.DatetimeIndex) -> Section:
    """Features in total, the fewest any graded token has on the last date, and their effective rank over `days`."""
    features = catalogue()
    own = [feature.name for feature in features if not feature.shared]
    universe = gradable(panel)
    first = max(panel.row(days.min()) - rows_needed(own), 0)
    panel, universe = panel.last(len(panel.dates) - first), universe[first:]
    last = compute_last(panel, own).to_numpy()[universe[-1]]
    number = (~np.isnan(last)).sum(axis=1)
    rows = np.array([panel.row(day) for day in days], dtype=np.int64)
    assets = np.flatnonzero(universe[rows].any(axis=0))
    names = [panel.assets[column] for column in assets]
    values = sampled(panel, days, assets=names, names=own)
    inside = universe[np.ix_(rows, assets)]
    directions, entropy = effective_rank(values, inside)
    least = int(number.min()) if len(number) else 0
    gate = judged(
        "features_per_token",
        "Data points per token",
        "fewest features known for any graded token on the last date",
        f"≥ {LEAST_PER_TOKEN}",
        passed=least >= LEAST_PER_TOKEN,
        figure=float(least),
        shown=str(least),
        text=f"{len(features)} in the catalogue, {len(own)} per token; the median token has "
        f"{int(np.median(number)) if len(number) else 0}; {directions} directions hold 95 % of their variance",
    )
    table = Table(
        "Features",
        [Column("figure", "text"), Column("value", "count")],
        [
            ["in the catalogue", len(features)],
            ["of them per token, the others shared by all", len(own)],
            ["known for the poorest graded token", least],
            ["known for the median graded token", int(np.median(number)) if len(number) else None],
            ["graded tokens on the last date", len(number)],
            ["directions that hold 95 % of the variance of the ranks", directions],
            ["effective rank by entropy", round(entropy) if np.isfinite(entropy) else None],
        ],
        "The public number of data points is the poorest token's, not the catalogue's.",
    )
    return Section(gates=[gate], tables={"features": table})


def effective_rank(values: npt.NDArray[np.float32], inside: npt.NDArray[np.bool_]) -> tuple[int, float]:
    """Of [date x asset x feature] values ranked within each date: how many principal components hold 95 % of the
    variance, and exp of the entropy of their shares (Roy & Vetterli 2007). Missing ranks stand in the middle."""
    parts = []
    for day in range(len(values)):
        x = values[day][inside[day]].astype(np.float64)
        if len(x) < 2:
            continue
        ranked = ranks(np.ascontiguousarray(x.T)).T
        known = (~np.isnan(ranked)).sum(axis=0)
        spread = (ranked - 1.0) / np.maximum(known - 1, 1) - 0.5
        parts.append(np.where(np.isnan(spread), 0.0, spread))
    if not parts:
        return 0, float("nan")
    stacked: Array = np.concatenate(parts)
    scale = stacked.std(axis=0)
    stacked = stacked[:, scale > 0] / scale[scale > 0]
    eigen = np.clip(
        np.linalg.eigvalsh(np.cov(stacked, rowvar=False).reshape(stacked.shape[1], -1)), 0.0, None
    )[::-1]
    share = eigen / eigen.sum()
    entropy = float(np.exp(-(share[share > 0] * np.log(share[share > 0])).sum()))
    return int(np.searchsorted(np.cumsum(share), EXPLAINED - 1e-12) + 1), entropy
