"""Every declared feature over a panel, by blocks of columns that fit the processor's cache, on two threads.

A value at a date is made from rows at or before it; a token's value is missing where its own close of that date is
(unless the feature is shared by all tokens). Days the panel leaves out count as days without data.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import groupby
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

# Imported for what they declare, in the order of the catalogue.
from signals.core.features import (  # isort: skip
    momentum,  # noqa: F401
    trend,  # noqa: F401
    volatility,  # noqa: F401
    liquidity,  # noqa: F401
    valuation,  # noqa: F401
    market,  # noqa: F401
    seasonality,  # noqa: F401
)
from signals.core.features.backdrop import Backdrop
from signals.core.features.block import Block, Columns
from signals.core.features.registry import Feature, chosen, declared
from signals.core.panel import FIELDS, Array, Panel, PanelError

THREADS = 2
BLOCK_CELLS = 30_000
"""Cells of one array of a block: about 0.24 MB, so that a few of them stay in the cache while they are worked on."""
BUCKETS = (64, 128, 256, 400, 800)
"""Rows by which features are grouped for one new day: short windows need not pay for long ones."""


def catalogue() -> list[Feature]:
    """Every feature with its formula and source, in the order of the catalogue."""
    return list(declared())


def names() -> list[str]:
    """The names of all features, in the order of the catalogue."""
    return [feature.name for feature in declared()]


def rows_needed(names: Iterable[str] | None = None) -> int:
    """How many rows a panel must have for the last one's features to be what longer history would make them."""
    return max((feature.window for feature in chosen(names)), default=0)


def compute(panel: Panel, names: Iterable[str] | None = None) -> dict[str, pd.DataFrame]:
    """The features `names` (all for None) as name -> [date x asset] float64 frame, NaN where missing.

    Units are those of the catalogue. Frames of shared features are read-only. Raises UnknownFeature.
    """
    features = chosen(names)
    whole, rows = _every_day(panel)
    arrays = _compute(whole, features)
    frames = {}
    for feature in features:
        values = arrays[feature.name]
        if len(rows) != len(whole.dates):
            values = values[rows]
        frames[feature.name] = pd.DataFrame(values, index=panel.dates, columns=panel.assets, copy=False)
    return frames


def compute_last(panel: Panel, names: Iterable[str] | None = None) -> pd.DataFrame:
    """The features of the panel's last date: [asset x feature] float64, equal to the last row of `compute`.

    Only the rows that each feature's window needs are read. Raises UnknownFeature, and ValueError without dates.
    """
    features = chosen(names)
    if not len(panel.dates):
        raise ValueError("panel: has no dates; give it at least one.")
    whole, _ = _every_day(panel.last(rows_needed(feature.name for feature in features)))
    longest = max((feature.window for feature in features), default=0)
    sizes = [*(size for size in BUCKETS if size < longest), longest]

    def size(feature: Feature) -> int:
        return next(size for size in sizes if feature.window <= size)

    def bucket(rows: int, members: list[Feature]) -> dict[str, Array]:
        return {name: values[-1] for name, values in _made(Backdrop(whole.last(rows)), members)}

    groups = [(rows, list(members)) for rows, members in groupby(sorted(features, key=size), key=size)]
    with ThreadPoolExecutor(THREADS) as pool:
        parts = list(pool.map(lambda group: bucket(*group), reversed(groups)))
    last = {name: values for part in parts for name, values in part.items()}
    ordered = {feature.name: last[feature.name] for feature in features}
    return pd.DataFrame(ordered, index=pd.Index(panel.assets, dtype=object), dtype=np.float64)


def sampled(
    panel: Panel,
    dates: pd.DatetimeIndex,
    *,
    assets: Iterable[str] | None = None,
    names: Iterable[str] | None = None,
) -> npt.NDArray[np.float32]:
    """The features of some dates and assets: [date x asset x feature] float32, each equal to that of `compute`.

    What a model is trained on: the whole market is read, but only the cells asked for are kept. Raises UnknownFeature,
    and PanelError for an asset or a date that the panel does not have.
    """
    features = chosen(names)
    chosen_rows = np.array([panel.row(day) for day in dates], dtype=np.int64)
    wanted = panel.assets if assets is None else list(assets)
    position = {asset: number for number, asset in enumerate(panel.assets)}
    unknown = [asset for asset in wanted if asset not in position]
    if unknown:
        raise PanelError(f"assets: not in the panel: {', '.join(unknown[:5])}.")
    columns = np.array([position[asset] for asset in wanted], dtype=np.int64)
    whole, rows = _every_day(panel)
    keep = rows[chosen_rows]
    backdrop = Backdrop(whole)
    out = np.empty((len(keep), len(columns), len(features)), dtype=np.float32)
    place = {feature.name: number for number, feature in enumerate(features)}
    width = max(1, BLOCK_CELLS // max(len(whole.dates), 1))

    def fill(start: int) -> None:
        part = columns[start : start + width]
        for name, values in _made(backdrop, features, part):
            with np.errstate(over="ignore"):  # what float32 cannot hold is infinite, and ranks as the largest
                out[:, start : start + width, place[name]] = values[keep]

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(fill, range(0, len(columns), width)))
    return out


def _every_day(panel: Panel) -> tuple[Panel, npt.NDArray[np.int64]]:
    """The panel with a row for every day from first to last, and where its own rows are in it."""
    days = panel.dates.to_numpy().astype("datetime64[D]").astype(np.int64)
    rows = days - days[0] if len(days) else days
    if not len(days) or rows[-1] + 1 == len(days):
        return panel, np.arange(len(days))
    arrays: dict[str, Any] = {}
    for name in FIELDS:
        arrays[name] = np.full((rows[-1] + 1, len(panel.assets)), np.nan)
        arrays[name][rows] = getattr(panel, name)
    dates = pd.date_range(panel.dates[0], panel.dates[-1], freq="D", unit="s")
    return replace(panel, dates=dates, **arrays), rows


def _compute(panel: Panel, features: list[Feature]) -> dict[str, Array]:
    days, assets = panel.shape
    backdrop = Backdrop(panel)
    common = [feature for feature in features if feature.shared]
    own = [feature for feature in features if not feature.shared]
    out = {feature.name: np.empty((days, assets)) for feature in own}
    width = max(1, BLOCK_CELLS // max(days, 1))
    blocks = [slice(start, min(start + width, assets)) for start in range(0, assets, width)]

    def fill(columns: slice) -> None:
        for name, values in _made(backdrop, own, columns):
            out[name][:, columns] = values

    with ThreadPoolExecutor(THREADS) as pool:
        # The shared ones first: they need the most memory, and the rest is not yet filled.
        shared = pool.submit(lambda: dict(_made(backdrop, common)))
        for task in [pool.submit(fill, columns) for columns in blocks] if own else []:
            task.result()
        return out | shared.result()


def _made(
    backdrop: Backdrop, features: list[Feature], columns: Columns | None = None
) -> Iterator[tuple[str, Array]]:
    """The features of some columns (all for None), one after the other: name and [date x column]."""
    columns = slice(0, len(backdrop.assets)) if columns is None else columns
    for _, members in groupby(features, key=lambda feature: feature.category):
        # What one category kept is seldom of use to the next: its memory is worth more.
        block = Block(backdrop, columns)
        for feature in members:
            # Missing rows make divisions by zero and logarithms of NaN on purpose; each ends as NaN.
            with np.errstate(all="ignore"):
                values = feature.make(block)
            if feature.shared:
                shape = block.close.x.shape
                yield feature.name, np.broadcast_to(values[:, None], shape)
            else:
                yield feature.name, np.where(block.close.known, values, np.nan)
