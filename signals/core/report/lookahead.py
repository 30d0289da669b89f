"""Does anything know the future? Cut the panel, replace its future by noise, and offer it tomorrow's return as bait."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from signals.core.categories import declared
from signals.core.features import compute, compute_last, rows_needed
from signals.core.observations import Observations, Observed
from signals.core.panel import FIELDS, Array, Panel
from signals.core.report.gates import Gate, judged
from signals.core.report.material import Grader, Ints, Material, Scores
from signals.core.report.writing import number
from signals.core.validation import rank_ic

LIMIT = 1e-9
CHUNK = 8
"""Features computed at once over the whole panel: about 0.4 GB of an archive."""
TOO_GOOD = 0.3
"""No honest weekly rank IC over a broad universe comes near this: a mean above it is bait."""
TOKENS = 40

Maker = Callable[[Panel, Ints, Ints], Array]
"""[cell x value] of the cells (row, column) of a panel."""
LastMaker = Callable[[Panel], Array]
"""[asset x value] of the last date of a panel."""


def cells_of(panel: Panel, days: pd.DatetimeIndex, *, tokens: int, seed: int) -> tuple[Ints, Ints]:
    """(row, column) of up to `tokens` tokens with a price, drawn on each of `days`."""
    generator = np.random.default_rng(seed)
    rows, columns = [], []
    for day in days:
        row = panel.row(day)
        priced = np.flatnonzero(~np.isnan(panel.close[row]))
        chosen = generator.permutation(priced)[:tokens]
        rows.append(np.full(len(chosen), row, dtype=np.int64))
        columns.append(np.sort(chosen).astype(np.int64))
    return np.concatenate(rows), np.concatenate(columns)


def differing(panel: Panel, rows: Ints, columns: Ints, *, whole: Maker, last: LastMaker) -> tuple[int, Array]:
    """How many cells differ, and the largest relative difference [value].

    `whole` computes on the whole panel, `last` on the panel cut at the cell's date. A cell differs where any value
    is known on one side only, or the two are further apart than 1e-9 of max(1, size).
    """
    full = whole(panel, rows, columns)
    cut = np.full_like(full, np.nan)
    for row in np.unique(rows):
        here = rows == row
        cut[here] = last(known_by(panel, panel.dates[row]))[columns[here]]
    one_sided = np.isnan(full) != np.isnan(cut)
    both = np.where(np.isnan(full) | np.isnan(cut) | (full == cut), 0.0, full - cut)
    scale = np.maximum(1.0, np.where(np.isfinite(full), np.abs(full), 1.0))
    gap = np.where(one_sided, np.inf, np.abs(both) / scale)
    largest: Array = gap.max(axis=0, initial=0.0)
    return int((gap > LIMIT).any(axis=1).sum()), largest


def known_by(panel: Panel, day: pd.Timestamp) -> Panel:
    """The panel cut at `day`, and without the kinds of token that only a whole price path gives away: what is measured
    over later days is of later days."""
    cut = panel.as_of(day)
    return replace(cut, categories={asset: declared(kinds) for asset, kinds in cut.categories.items()})


def all_features(panel: Panel, rows: Ints, columns: Ints, *, names: list[str]) -> Array:
    """[cell x feature] from the whole panel."""
    out = np.empty((len(rows), len(names)))
    for start in range(0, len(names), CHUNK):
        part = names[start : start + CHUNK]
        for place, frame in enumerate(compute(panel, part).values()):
            out[:, start + place] = frame.to_numpy()[rows, columns]
    return out


def features_gate(panel: Panel, days: pd.DatetimeIndex, names: list[str], *, seed: int) -> Gate:
    """Truncation invariance of every feature in random cells."""
    panel = _around(panel, days, names)
    rows, columns = cells_of(panel, days, tokens=TOKENS, seed=seed)
    count, largest = differing(
        panel,
        rows,
        columns,
        whole=lambda whole, r, c: all_features(whole, r, c, names=names),
        last=lambda cut: compute_last(cut, names).to_numpy(),
    )
    worst = names[int(largest.argmax())] if count else ""
    return judged(
        "truncation_features",
        "Truncation invariance of features",
        f"differing cells of {len(rows):,} (date, token), each with {len(names)} features",
        "0 differences > 1e-9",
        passed=count == 0,
        figure=float(count),
        shown=str(count),
        text=f"Worst: {worst}" if worst else f"{len(days)} dates",
    )


def _around(panel: Panel, days: pd.DatetimeIndex, names: list[str]) -> Panel:
    """The panel from as far before `days` as the longest feature looks, to its end: the past is the same on both sides
    of the comparison, and years that nothing looks at only cost time."""
    first = max(panel.row(days.min()) - rows_needed(names), 0)
    return panel.last(len(panel.dates) - first)


def tomorrow(panel: Panel, rows: Ints, columns: Ints) -> Array:
    """The bait: the return of the next day, NaN on the last."""
    later = np.minimum(rows + 1, len(panel.dates) - 1)
    gained = panel.close[later, columns] / panel.close[rows, columns] - 1.0
    return np.where(rows + 1 < len(panel.dates), gained, np.nan)[:, None]


def canary_gate(panel: Panel, days: pd.DatetimeIndex, material: Material, *, seed: int) -> Gate:
    """Tomorrow's return as a feature must differ in every cell where it is known, and as a score look too good."""
    rows, columns = cells_of(panel, days, tokens=TOKENS, seed=seed)
    known = ~np.isnan(tomorrow(panel, rows, columns)[:, 0])
    rows, columns = rows[known], columns[known]
    assets = np.arange(len(panel.assets))
    caught, _ = differing(
        panel,
        rows,
        columns,
        whole=tomorrow,
        last=lambda cut: tomorrow(cut, np.full(len(assets), len(cut.dates) - 1), assets),
    )
    at = material.weekly
    day, week = material.label(at, lag=0, horizon=1), material.label(at, lag=0)
    bait = np.where(np.isnan(material.scores.trader[at]), np.nan, day)
    found, over_week = (float(np.nanmean(rank_ic(bait, label))) for label in (day, week))
    share = caught / len(rows) if len(rows) else float("nan")
    return judged(
        "canary",
        "Canary",
        "cells in which tomorrow's return, given as a feature, is caught by truncation",
        f"100 %, and as a score its IC is flagged as above {TOO_GOOD:g}",
        passed=share == 1.0 and found > TOO_GOOD,
        figure=share,
        shown=f"{share:.0%} of {len(rows):,}",
        text=f"As a score its mean IC is {number(found, 2)} over its own day and {number(over_week, 2)} over the week",
    )


def plausible_gate(ic: float) -> Gate:
    """The other side of the canary: the model's own IC must not look like bait."""
    return judged(
        "plausible",
        "Too good to be true",
        "mean IC of the trader score",
        f"< {TOO_GOOD:g}",
        passed=ic < TOO_GOOD,
        figure=ic,
        shown=number(ic, 4),
    )


def noisy_after(panel: Panel, day: pd.Timestamp, *, seed: int) -> Panel:
    """The panel with everything after `day` replaced: prices wander at random, volumes and caps are drawn anew, and
    a third of the cells go missing."""
    generator = np.random.default_rng(seed)
    row = panel.row(day) + 1
    shape = (len(panel.dates) - row, len(panel.assets))
    arrays: dict[str, Any] = {}
    level = np.exp(np.cumsum(generator.normal(0.0, 0.2, shape), axis=0).clip(-20, 20))
    gone = generator.random(shape) < 1 / 3
    for name in FIELDS:
        values = getattr(panel, name).copy()
        drawn = (
            level
            * np.exp(generator.normal(0.0, 0.5, shape))
            * (1e6 if name in ("volume", "market_cap") else 1.0)
        )
        values[row:] = np.where(gone, np.nan, drawn)
        values.setflags(write=False)
        arrays[name] = values
    wild = {metric: _wild(each, row, generator) for metric, each in panel.observed.items()}
    return replace(panel, **arrays, observed=Observations(wild))


def _wild(each: Observed, row: int, generator: np.random.Generator) -> Observed:
    values = each.values.copy()
    values[row:] = np.exp(generator.normal(0.0, 3.0, values[row:].shape))
    return Observed(each.columns, values)


def compared(first: Array, second: Array) -> int:
    """In how many cells two rows of scores differ by more than 1e-9, or only one is known."""
    one_sided = np.isnan(first) != np.isnan(second)
    far = np.abs(np.where(np.isnan(first) | np.isnan(second), 0.0, first - second)) > LIMIT
    return int((one_sided | far).sum())


def grades_gates(material: Material, grader: Grader, days: pd.DatetimeIndex, *, seed: int) -> list[Gate]:
    """Scores of the last of `days` with a noisy future, and of every one of them on a panel cut there, unchanged."""
    places = {day: int(material.scores.dates.searchsorted(day)) for day in days}
    cut_count = cells = 0
    for day, place in places.items():
        found = grader(known_by(material.panel, day), pd.DatetimeIndex([day]))
        cut_count += _changed(found, material.scores, place)
        cells += int((~np.isnan(material.scores.trader[place])).sum())
    day = days[0]
    noisy = grader(noisy_after(material.panel, day, seed=seed), pd.DatetimeIndex([day]))
    noise_count = _changed(noisy, material.scores, places[day])
    told = ", ".join(str(day.date()) for day in days)
    return [
        judged(
            "truncation_grades",
            "Truncation invariance of grades",
            f"differing cells of {cells:,}, models trained anew on panels cut at {told}",
            "0 differences > 1e-9",
            passed=cut_count == 0 and cells > 0,
            figure=float(cut_count),
            shown=str(cut_count),
        ),
        judged(
            "future_noise",
            "Future noise",
            f"grades changed at {day.date()} when everything later is replaced by noise",
            "0 changes",
            passed=noise_count == 0,
            figure=float(noise_count),
            shown=str(noise_count),
        ),
    ]


def _changed(found: Scores, reference: Scores, place: int) -> int:
    return sum(
        compared(getattr(found, name)[0], getattr(reference, name)[place]) for name in ("trader", "investor")
    )
