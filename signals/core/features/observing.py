"""Observations beside the candles, as features read them: made of the few tokens that are observed, over all rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import wraps

import numpy as np
import numpy.typing as npt

from signals.core.features.block import Block
from signals.core.features.registry import declare
from signals.core.features.rolling import Series
from signals.core.panel import Array

Make = Callable[..., Array]


def observed_feature(
    category: str,
    name: str,
    *,
    inputs: str,
    needs: str,
    window: int | Callable[..., int],
    unit: str,
    each: Iterable[object] = (),
) -> Callable[[Make], Make]:
    """Declares a token's own feature of observations: missing, at no cost, for tokens that are not observed."""
    metrics = needs.split()

    def add(function: Make) -> Make:
        @wraps(function)
        def make(block: Block, *values: object) -> Array:
            out = np.full(block.close.x.shape, np.nan)
            places = _observed_places(block, metrics)
            if len(places):
                inner = _observed_block(block, places)
                out[:, places] = function(inner, *values)[block.rows]
            return out

        declare(category, name, inputs=inputs, window=window, unit=unit, each=each, needs=needs)(make)
        return function

    return add


def of_tokens(block: Block, metric: str) -> Series:
    """[date x token of the block] What is known of each token at each date, NaN where nothing is."""

    def make() -> Series:
        found = block.market.observed[metric]
        out = np.full((len(block.market.dates), len(_columns(block))), np.nan)
        for column, at in enumerate(_columns(block)):
            place = found.place.get(block.market.assets[at])
            if place is not None:
                out[:, column] = found.values[:, place]
        return Series(out)

    return block.once(("observed", metric), make)


def positive_of_tokens(block: Block, metric: str) -> Series:
    """Like `of_tokens`, zero counting as not known: for what is divided by, or read as a logarithm."""

    def make() -> Series:
        values = of_tokens(block, metric).x
        return Series(np.where(values > 0, values, np.nan))

    return block.once(("observed above zero", metric), make)


def of_market(block: Block, metric: str) -> Array:
    """[date] What is known of the whole market at each date; missing throughout where it is not observed."""
    found = block.market.observed.get(metric)
    return np.full(len(block.market.dates), np.nan) if found is None else found.values[:, 0]


def _columns(block: Block) -> npt.NDArray[np.int64]:
    return np.arange(len(block.market.assets))[block.columns]


def _observed_places(block: Block, metrics: list[str]) -> npt.NDArray[np.int64]:
    """Which columns of the block are tokens that every one of the metrics is observed of."""
    found = [block.market.observed.get(metric) for metric in metrics]
    if any(each is None for each in found):
        return np.empty(0, dtype=np.int64)
    own = [each for each in found if each is not None and each.columns is not None]

    def make() -> npt.NDArray[np.int64]:
        names = (block.market.assets[at] for at in _columns(block))
        return np.array(
            [number for number, name in enumerate(names) if all(name in each.place for each in own)],
            dtype=np.int64,
        )

    return block.once(("observed places", *metrics), make)


def _observed_block(block: Block, places: npt.NDArray[np.int64]) -> Block:
    """Those columns over all rows: a chain is there before its token has a price, which is where a block may begin."""
    columns = _columns(block)[places]
    return block.once(("observed block", columns.tobytes()), lambda: Block(block.market, columns))
