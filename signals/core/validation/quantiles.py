"""What the best-scored tokens earn over the worst, how much they trade for it, and the cost that eats it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from signals.core.features.ranking import ranks
from signals.core.panel import Array
from signals.core.validation.arrays import ValidationError
from signals.core.validation.ic import MIN_COUNT
from signals.core.validation.newey_west import MeanTest, mean_test

BASIS_POINTS = 10_000.0


@dataclass(frozen=True)
class Leg:
    """One way to hold the score: its gross returns [date] and what trading it took.

    `traded` [date] is the sum of absolute weight changes from the holdings of the date before, buys and sells both;
    NaN on the first. `turnover` is the mean one-way turnover, traded / 2, of a leg with weights that sum to one.
    `break_even_bp` is the cost in basis points of the amount traded at which the mean return is zero: None where
    nothing is traded.
    """

    returns: Array
    traded: Array
    test: MeanTest
    turnover: float | None
    break_even_bp: float | None


@dataclass(frozen=True)
class QuantileReport:
    """Equal-weighted quantiles of a score.

    `means` [date x quantile] are mean labels, lowest scores first, NaN where no label of the quantile is known;
    `average` [quantile] are their means over dates. `spread` is highest less lowest; `top` is the highest less the
    mean of all scored tokens: what an investor who cannot go short earns over the universe.
    """

    means: Array
    average: Array
    spread: Leg
    top: Leg


def quantile_report(
    scores: Array, labels: Array, *, quantiles: int = 5, min_count: int = MIN_COUNT, lags: int | None = None
) -> QuantileReport:
    """Quantile returns (Fama & French 1992's sorts, equal-weighted, formed anew on every row) and their costs.

    A token with average rank r of n belongs to quantile ceil(r x quantiles / n): equal scores stay together, and the
    label has no say, so a token whose label is unknown is held but not counted. Rows are rebalances and labels must
    not overlap between them; weights do not drift. A date with fewer than `min_count` scores, or without a known
    label in the lowest or the highest quantile, is left out, and its neighbours trade with each other. Break-even is
    mean return / mean traded, both over the dates that rebalance from an earlier one: the first purchase is left
    out. t by `mean_test` with `lags`. Raises ValidationError for other shapes, fewer than two quantiles, fewer
    tokens than quantiles, or under two dates.
    """
    if scores.ndim != 2 or scores.shape != labels.shape:
        raise ValidationError(
            f"scores are {scores.shape} and labels {labels.shape}: give two [date x asset] arrays of one shape"
        )
    if quantiles < 2 or min_count < quantiles:
        raise ValidationError(
            f"quantiles is {quantiles} and min_count {min_count}: give 2 or more, and as many tokens"
        )
    ranked = ranks(scores)
    count = (~np.isnan(scores)).sum(axis=1, keepdims=True)
    # The small shift keeps r x q / n, a whole number in exact arithmetic, from being rounded up past itself.
    member = np.ceil(ranked * quantiles / np.maximum(count, 1) - 1e-9) - 1.0
    means = np.column_stack([_mean_where(labels, member == place) for place in range(quantiles)])
    usable = (count[:, 0] >= min_count) & ~np.isnan(means[:, [0, -1]]).any(axis=1)
    means[~usable] = np.nan
    if usable.sum() < 2:
        raise ValidationError(f"{int(usable.sum())} dates have enough scores: at least 2 are needed")
    everybody = _mean_where(labels, ~np.isnan(scores))
    high, low = (_equal_weights(member == place) for place in (quantiles - 1, 0))
    counted = (~np.isnan(means)).sum(axis=0)
    return QuantileReport(
        means=means,
        average=np.where(counted > 0, np.nansum(means, axis=0) / np.maximum(counted, 1), np.nan),
        spread=_leg(means[:, -1] - means[:, 0], high - low, usable, lags, sides=2),
        top=_leg(means[:, -1] - everybody, high, usable, lags, sides=1),
    )


def _mean_where(labels: Array, chosen: np.ndarray) -> Array:
    known = chosen & ~np.isnan(labels)
    count = known.sum(axis=1)
    total = np.where(known, labels, 0.0).sum(axis=1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _equal_weights(chosen: np.ndarray) -> Array:
    weights: Array = chosen / np.maximum(chosen.sum(axis=1, keepdims=True), 1)
    return weights


def _leg(returns: Array, weights: Array, usable: np.ndarray, lags: int | None, *, sides: int) -> Leg:
    """A leg of weights [date x asset] whose absolute values sum to `sides` on every usable date."""
    traded = np.full(len(returns), np.nan)
    rows = np.flatnonzero(usable)
    traded[rows[1:]] = np.abs(np.diff(weights[rows], axis=0)).sum(axis=1)
    mean_traded = float(traded[rows[1:]].mean())
    return Leg(
        returns=returns,
        traded=traded,
        test=mean_test(returns[rows], lags=lags),
        turnover=mean_traded / (2.0 * sides),
        break_even_bp=(
            float(returns[rows[1:]].mean()) / mean_traded * BASIS_POINTS if mean_traded > 0 else None
        ),
    )
