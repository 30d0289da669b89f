"""Every declared feature over a panel, by blocks of columns that fit the processor's cache, on two threads.

A value at a date is made from rows at or before it; a token's value is missing where its own close of that date is
(unless the feature is shared by all tokens). Days the panel leaves out count as days without data.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
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
    network,  # noqa: F401
    derivatives,  # noqa: F401
    sentiment,  # noqa: F401
)
from signals.core.features.backdrop import Backdrop
from signals.core.features.block import Block, Columns
from signals.core.features.registry import Feature, chosen, declared
from signals.core.panel import FIELDS, Array, Panel, PanelError

THREADS = 2
BLOCK_CELLS = 16_000
"""Cells of one array of a block: about 0.13 MB, so that some of them stay in the cache while they are worked on."""
LAST_CELLS = 60_000
"""The same for one new day, whose arrays are fewer: larger blocks are less work around them."""
BUCKETS = (96, 192, 366, 520, 800)
"""Rows by which features are grouped for one new day: short windows need not pay for long ones."""


@dataclass(frozen=True)
class Part:
    """Features to be made of some columns of a panel, and of those rows that can matter."""

    columns: Columns
    rows: slice
    features: list[Feature]

    def made(self, backdrop: Backdrop, *, last: bool = False) -> Iterator[tuple[Feature, Array, Block]]:
        """The features one after the other with the block; a token's own may be there where its close is not.

        With `last`, only the last row of each is right.
        """
        block = Block(backdrop, self.columns, self.rows, last=last)
        for feature in self.features:
            # Missing rows make divisions by zero and logarithms of NaN on purpose; each ends as NaN.
            with np.errstate(all="ignore"):
                values = feature.make(block)
            yield feature, values, block


def catalogue() -> list[Feature]:
    """Every feature with its formula and source, in the order of the catalogue; `needs` says which want more than
    candles."""
    return list(declared())


def names() -> list[str]:
    """The names of the features that candles alone allow, in the order of the catalogue."""
    return [feature.name for feature in chosen(None)]


def rows_needed(names: Iterable[str] | None = None) -> int:
    """How many rows a panel must have for the last one's features to be what longer history would make them."""
    return max((feature.window for feature in chosen(names)), default=0)


def compute(panel: Panel, names: Iterable[str] | None = None) -> dict[str, pd.DataFrame]:
    """The features `names` (for None all that the panel's data allow) as name -> [date x asset] float64 frame.

    NaN is missing; units are those of the catalogue. A frame's memory runs along its dates. Frames of shared features
    are read-only. Raises UnknownFeature.
    """
    features = chosen(names, panel.observed)
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

    Only the rows that each feature's window needs are read, and only the tokens that have a close on that date. Raises
    UnknownFeature, and ValueError without dates.
    """
    features = chosen(names, panel.observed)
    if not len(panel.dates):
        raise ValueError("panel: has no dates; give it at least one.")
    whole, _ = _every_day(panel.last(max((feature.window for feature in features), default=1)))
    place = {feature.name: number for number, feature in enumerate(features)}
    last = np.full((len(features), len(panel.assets)), np.nan)

    def fill(part: Part, backdrop: Backdrop) -> None:
        for feature, values, _ in part.made(backdrop, last=True):
            last[place[feature.name], part.columns] = values[-1]

    longest = max((feature.window for feature in features), default=1)
    sizes = [*(size for size in BUCKETS if size < longest), longest]
    with ThreadPoolExecutor(THREADS) as pool:
        tasks = []
        for size, shorter in reversed(list(zip(sizes, [0, *sizes], strict=False))):
            members = [feature for feature in features if shorter < feature.window <= size]
            backdrop = Backdrop(whole.last(size))
            living = np.flatnonzero(~np.isnan(backdrop.arrays["close"][-1]))
            shared, own = _split(members)
            if shared:
                tasks.append(pool.submit(fill, _common(backdrop, shared), backdrop))
            tasks += [pool.submit(fill, part, backdrop) for part in _parts(backdrop, own, living, LAST_CELLS)]
        for task in tasks:
            task.result()
    for feature in features:
        if feature.shared:
            last[place[feature.name]] = last[place[feature.name], 0]
    names = [feature.name for feature in features]
    return pd.DataFrame(last.T, index=pd.Index(panel.assets, dtype=object), columns=names, dtype=np.float64)


def sampled(
    panel: Panel,
    dates: pd.DatetimeIndex,
    *,
    assets: Iterable[str] | None = None,
    names: Iterable[str] | None = None,
) -> npt.NDArray[np.float32]:
    """The features of some dates and assets: [date x asset x feature] float32, each equal to that of `compute`.

    What a model is trained on: the whole market is read as far as the windows of these dates reach, but only the cells
    asked for are made and kept. Raises UnknownFeature, and PanelError for an asset or a date that the panel does not
    have.
    """
    features = chosen(names, panel.observed)
    chosen_rows = np.array([panel.row(day) for day in dates], dtype=np.int64)
    wanted = panel.assets if assets is None else list(assets)
    position = {asset: number for number, asset in enumerate(panel.assets)}
    unknown = [asset for asset in wanted if asset not in position]
    if unknown:
        raise PanelError(f"assets: not in the panel: {', '.join(unknown[:5])}.")
    columns = np.array([position[asset] for asset in wanted], dtype=np.int64)
    out = np.full((len(dates), len(columns), len(features)), np.nan, dtype=np.float32)
    if not out.size:
        return out
    whole, rows = _every_day(panel)
    keep = rows[chosen_rows]
    first, last = int(keep.min()), int(keep.max())
    whole = whole.as_of(whole.dates[last])
    if first == last:
        day = compute_last(whole, (feature.name for feature in features))
        with np.errstate(over="ignore"):
            out[:] = day.to_numpy()[columns]
        return out
    whole = whole.last(last - first + max(feature.window for feature in features))
    keep -= last + 1 - len(whole.dates)
    backdrop = Backdrop(whole)
    place = {feature.name: number for number, feature in enumerate(features)}
    targets: dict[int, list[int]] = {}
    for number, column in enumerate(columns):
        targets.setdefault(int(column), []).append(number)

    def fill(part: Part) -> None:
        inside = np.flatnonzero((keep >= part.rows.start) & (keep < part.rows.stop))
        at, here = keep[inside] - part.rows.start, [place[feature.name] for feature in part.features]
        columns = np.arange(len(whole.assets))[part.columns]
        cells = np.full((len(keep), len(columns), len(features)), np.nan, dtype=np.float32)
        for number, (_, values, block) in zip(here, part.made(backdrop), strict=True):
            with np.errstate(over="ignore"):  # what float32 cannot hold is infinite, and ranks as the largest
                cells[inside, :, number] = values[at] + block.close.there.gap(1)[at]
        for number, column in enumerate(columns):
            for target in targets[int(column)]:
                if len(here) == len(own):  # what all tokens share is written over it
                    out[:, target] = cells[:, number]
                else:
                    out[:, target, here] = cells[:, number, here]

    shared, own = _split(features)
    parts = _parts(backdrop, own, np.array(sorted(targets)))
    parts = [part for part in parts if ((keep >= part.rows.start) & (keep < part.rows.stop)).any()]
    with ThreadPoolExecutor(THREADS) as pool:
        tasks = [pool.submit(fill, part) for part in parts]
        common = [(feature.name, values) for feature, values, _ in _common(backdrop, shared).made(backdrop)]
        for task in tasks:
            task.result()
    for name, values in common:
        with np.errstate(over="ignore"):
            out[:, :, place[name]] = values[keep].astype(np.float32)[:, None]
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
    observed = panel.observed.spread(len(dates), rows)
    return replace(panel, dates=dates, observed=observed, **arrays), rows


def _compute(panel: Panel, features: list[Feature]) -> dict[str, Array]:
    days, assets = panel.shape
    backdrop = Backdrop(panel)
    shared, own = _split(features)
    # Dates are neighbours in memory: a block of few tokens and all dates is written in one piece.
    out = {feature.name: np.empty((assets, days)) for feature in own}
    parts = _parts(backdrop, own, np.arange(assets))

    def fill(part: Part) -> None:
        start, stop = part.rows.start, part.rows.stop
        for feature, values, block in part.made(backdrop):
            gap, target = block.close.there.gap(1).T, out[feature.name]
            target[part.columns, :start] = np.nan
            target[part.columns, stop:] = np.nan
            if isinstance(part.columns, slice):
                np.add(values.T, gap, out=target[part.columns, start:stop])
            else:
                target[part.columns, start:stop] = values.T + gap

    filled = {name: np.zeros(assets, dtype=bool) for name in out}
    for part in parts:
        for feature in part.features:
            filled[feature.name][part.columns] = True
    with ThreadPoolExecutor(THREADS) as pool:
        common = pool.submit(
            lambda: {feature.name: values for feature, values, _ in _common(backdrop, shared).made(backdrop)}
        )
        for task in [pool.submit(fill, part) for part in parts]:
            task.result()
        for name, columns in filled.items():
            out[name][~columns] = np.nan
        found = common.result()
    whole = {name: values.T for name, values in out.items()}
    return whole | {name: np.broadcast_to(values[:, None], (days, assets)) for name, values in found.items()}


def _common(backdrop: Backdrop, shared: list[Feature]) -> Part:
    """What all tokens share; its features look at the backdrop, not at a block."""
    return Part(slice(0, 1), slice(0, len(backdrop.dates)), shared)


def _split(features: list[Feature]) -> tuple[list[Feature], list[Feature]]:
    """Those that have one value per date for all tokens, and those that are a token's own."""
    return [one for one in features if one.shared], [one for one in features if not one.shared]


def _parts(
    backdrop: Backdrop, features: list[Feature], columns: npt.NDArray[np.int64], cells: int = BLOCK_CELLS
) -> list[Part]:
    """Which features are made in which blocks, so that every cell of these columns that can be known is in one.

    Tokens that came and went together share a block, which leaves out the rows before and after. Features of
    observations look at all rows: what is observed may be older than the first price.
    """
    work: list[Part] = []
    if not len(backdrop.dates):
        return work
    candles = [feature for feature in features if not feature.needs]
    start, stop = _lives(backdrop, columns)
    order = np.lexsort((columns, stop, start))
    alive = order[stop[order] > start[order]]
    while candles and len(alive):
        first, width = int(start[alive[0]]), 1
        last = int(stop[alive[0]])
        for at in alive[1:]:
            end = max(last, int(stop[at]))
            if (end - first) * (width + 1) > cells:
                break
            width, last = width + 1, end
        work.append(Part(_narrow(columns[alive[:width]]), slice(first, last), candles))
        alive = alive[width:]
    observed = [feature for feature in features if feature.needs]
    width = max(1, cells // max(len(backdrop.dates), 1))
    every = slice(0, len(backdrop.dates))
    starts = range(0, len(columns), width) if observed else ()
    return work + [Part(_narrow(columns[begin : begin + width]), every, observed) for begin in starts]


def _narrow(columns: npt.NDArray[np.int64]) -> Columns:
    """The columns as a slice where they are neighbours: that is read and written without a detour."""
    if (np.diff(columns) == 1).all():
        return slice(int(columns[0]), int(columns[-1]) + 1)
    return columns


def _lives(
    backdrop: Backdrop, columns: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """[column] The first row with anything known of the token, and the row after its last close."""
    known = np.zeros((len(backdrop.dates), len(columns)), dtype=bool)
    for array in backdrop.arrays.values():
        known |= ~np.isnan(array[:, columns])
    close = ~np.isnan(backdrop.arrays["close"][:, columns])
    stop = np.where(close.any(axis=0), len(close) - close[::-1].argmax(axis=0), 0)
    return known.argmax(axis=0), stop
