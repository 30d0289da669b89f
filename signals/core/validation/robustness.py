"""What remains when the luckiest weeks are taken away."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from signals.core.panel import Array
from signals.core.validation.arrays import Ints, ValidationError, complete
from signals.core.validation.sharpe import sharpe


@dataclass(frozen=True)
class WithoutBest:
    """Figures per period of all returns and of those without the `dropped` rows, best first.

    Ratios are None without risk; totals are compounded, fractions. `sign_kept` says whether the mean keeps its sign.
    """

    dropped: Ints
    mean: float
    mean_without: float
    ratio: float | None
    ratio_without: float | None
    total: float
    total_without: float
    sign_kept: bool


def drop_best(returns: Array, *, count: int = 5) -> WithoutBest:
    """`returns` with and without their `count` highest periods; of equals the earlier goes first.

    Give returns over the twin to learn whether a few weeks made the difference, plain returns to learn what missing
    them costs. Raises ValidationError for gaps, a negative count, or fewer than two periods left.
    """
    values = complete(returns, name="returns")
    if count < 0 or len(values) - count < 2:
        raise ValidationError(f"count is {count} with {len(values)} returns: leave at least 2")
    dropped = np.argsort(-values, kind="stable")[:count].astype(np.int64)
    rest = np.delete(values, dropped)
    mean, without = float(values.mean()), float(rest.mean())
    return WithoutBest(
        dropped=dropped,
        mean=mean,
        mean_without=without,
        ratio=sharpe(values),
        ratio_without=sharpe(rest),
        total=float(np.prod(1.0 + values) - 1.0),
        total_without=float(np.prod(1.0 + rest) - 1.0),
        sign_kept=bool(np.sign(mean) == np.sign(without)),
    )
