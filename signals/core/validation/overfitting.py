"""Does the best configuration in sample stay above the middle out of sample?"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt

from signals.core.features.ranking import ranks
from signals.core.panel import Array
from signals.core.validation.arrays import Ints, ValidationError, complete

_CHUNK = 1_000


@dataclass(frozen=True)
class Overfitting:
    """Combinatorially symmetric cross-validation, one entry per split in each array.

    `probability` is the share of splits, 0 to 1, whose in-sample winner ranks at or below the middle out of sample.
    `logits` are ln(w / (1 - w)) of its relative rank w; `in_sample` and `out_of_sample` its Sharpe ratios per period
    in the two halves; `slope` that of the second on the first (None where the first never varies); `loss_share` how
    often the second is below zero.
    """

    probability: float
    logits: Array
    in_sample: Array
    out_of_sample: Array
    slope: float | None
    loss_share: float


def backtest_overfitting(returns: Array, *, blocks: int = 16) -> Overfitting:
    """The probability of backtest overfitting (Bailey, Borwein, Lopez de Prado & Zhu 2015), judged by the Sharpe ratio.

    `returns` [period x configuration] are cut into `blocks` runs of nearly equal length; every choice of half of
    them is in sample once (16 blocks: 12,870 splits), the rest out of sample. Rank w = r / (N + 1), r from 1 for the
    worst, ties sharing their mean; ties in sample go to the first column. A configuration without risk in a half has
    ratio 0 there. Raises ValidationError for gaps, fewer than two configurations, an odd number of blocks, or under
    two periods per block.
    """
    values = complete(returns, name="returns", dimensions=2)
    periods, configurations = values.shape
    if configurations < 2:
        raise ValidationError(
            "returns has one configuration: the best of one is not a choice, give every one tried"
        )
    if blocks < 2 or blocks % 2 or periods < 2 * blocks:
        raise ValidationError(
            f"blocks is {blocks} with {periods} periods: give an even number, at most half of them"
        )
    parts = np.array_split(values, blocks)
    lengths = np.array([len(part) for part in parts], dtype=np.float64)
    means = np.array([part.mean(axis=0) for part in parts])
    squares = np.array([((part - part.mean(axis=0)) ** 2).sum(axis=0) for part in parts])
    chosen = np.array(list(combinations(range(blocks), blocks // 2)), dtype=np.int64)
    pieces = [
        _judge(chosen[start : start + _CHUNK], lengths, means, squares)
        for start in range(0, len(chosen), _CHUNK)
    ]
    inside, outside, relative = (np.concatenate(column) for column in zip(*pieces, strict=True))
    logits = np.log(relative / (1.0 - relative))
    spread = inside - inside.mean()
    return Overfitting(
        # At the middle exactly the logarithm may miss zero by a rounding error.
        probability=float((relative <= 0.5).mean()),
        logits=logits,
        in_sample=inside,
        out_of_sample=outside,
        slope=float(spread @ outside / (spread @ spread)) if np.ptp(inside) > 0 else None,
        loss_share=float((outside < 0).mean()),
    )


def _judge(chosen: Ints, lengths: Array, means: Array, squares: Array) -> tuple[Array, Array, Array]:
    """The winner's ratio in sample, out of sample, and its relative rank there, one per row of `chosen`."""
    selected = np.zeros((len(chosen), len(lengths)), dtype=bool)
    np.put_along_axis(selected, chosen, values=True, axis=1)
    inside = _sharpes(selected, lengths, means, squares)
    outside = _sharpes(~selected, lengths, means, squares)
    row = np.arange(len(chosen))
    winner = inside.argmax(axis=1)
    relative = ranks(outside)[row, winner] / (means.shape[1] + 1.0)
    return inside[row, winner], outside[row, winner], relative


def _sharpes(selected: npt.NDArray[np.bool_], lengths: Array, means: Array, squares: Array) -> Array:
    """[split x configuration] Sharpe ratios from the means and squared deviations of the selected blocks."""
    share = selected * lengths
    count = share.sum(axis=1, keepdims=True)
    mean = share @ means / count
    # Deviations from the block means plus those of the block means: no difference of large numbers.
    between = np.zeros_like(mean)
    for block in range(len(lengths)):
        between += share[:, block : block + 1] * (means[block] - mean) ** 2
    deviation = np.sqrt((selected.astype(np.float64) @ squares + between) / (count - 1.0))
    risky = deviation > 1e-12 * np.abs(mean)
    return np.where(risky, mean / np.where(risky, deviation, 1.0), 0.0)
