"""Ranking and selection with a buffer, and the weighting scheme applied to the chosen."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt

from indices.core import calendar, weighting
from indices.core.eligibility import (
    DEFAULT_SMOOTHING_DAYS,
    Mask,
    Readings,
    eligible,
    in_slug_order,
    smoothed_caps,
    where,
    window_start,
)
from indices.core.rulebook.clauses import Rulebook
from indices.core.rulebook.values import Threshold

Array = npt.NDArray[np.float64]
Columns = npt.NDArray[np.intp]

_LONGEST_PERIOD = timedelta(days=100)


@dataclass(frozen=True, eq=False)
class Chosen:
    """The chosen `columns` in slug order, and every eligible column in order of rank."""

    columns: Columns
    ranking: Columns

    def ranks(self, columns: Columns) -> Iterator[tuple[int, int]]:
        """(column, rank from 1) of those of `columns` that were ranked."""
        wanted = set(columns.tolist())
        for place, column in enumerate(self.ranking.tolist()):
            if column in wanted:
                yield column, place + 1


def choose(
    read: Readings, at: int, rulebook: Rulebook, incumbent: Mask | None, grades: Array | None
) -> Chosen:
    """The members at `read.rows[at]`.

    Incumbents that rank within count + buffer stay, the best first where they are too many; the places left go to the
    best newcomers, who therefore rank within count or take a place that no incumbent wants. Ties go to the lesser
    asset id. Between two reviews (selection.review) incumbents that pass the screens stay and nobody enters.
    """
    passes = eligible(read, at, incumbent)
    if grades is not None and needs_grades(rulebook):
        passes = passes & ~np.isnan(grades)
        floor = rulebook.screens.min_grade
        if floor is not None:
            passes = passes & (grades >= _doors(floor, incumbent))
    candidates = where(read, passes)
    score = _score(read, at, rulebook, candidates, grades)
    ranking = candidates[np.argsort(-score, kind="stable")]
    selection = rulebook.selection
    always = selection.review == "always"
    if incumbent is not None and not (
        always or reviewed(rulebook, read.panel.dates[int(read.rows[at])].date())
    ):
        members = ranking[incumbent[ranking]][: selection.count]
    elif incumbent is None or selection.buffer == 0:
        members = ranking[: selection.count]
    else:
        near = ranking[: selection.count + selection.buffer]
        staying = near[incumbent[near]][: selection.count]
        newcomers = ranking[~incumbent[ranking]][: selection.count - len(staying)]
        members = np.concatenate([staying, newcomers])
    return Chosen(in_slug_order(read, members), ranking)


def reviewed(rulebook: Rulebook, day: date) -> bool:
    """Whether members are chosen anew at the determination of `day`: always, or where it is the last of its month or
    quarter by the rulebook's calendar."""
    review = rulebook.selection.review
    if review == "always":
        return True
    following = next(calendar.determination_days(rulebook.calendar, after=day, through=day + _LONGEST_PERIOD))
    months = 1 if review == "monthly" else 3
    return (following.year, (following.month - 1) // months) != (day.year, (day.month - 1) // months)


def needs_grades(rulebook: Rulebook) -> bool:
    """Whether the rulebook ranks, weights or screens by grade."""
    graded = rulebook.selection.rank_by == "grade" or rulebook.weighting.scheme == "grade_tilt"
    return graded or rulebook.screens.min_grade is not None


def basket_columns(read: Readings, at: int, rulebook: Rulebook) -> tuple[Columns, Mask]:
    """The columns of the overlay's basket, in its order, and which of them can be bought at the date."""
    names = list(rulebook.overlay.basket)
    position = {asset: column for column, asset in enumerate(read.panel.assets) if asset in names}
    columns = np.array([position.get(name, -1) for name in names], dtype=np.intp)
    priced = (columns >= 0) & read.priced[at, columns]
    if read.course is not None:
        row = int(read.rows[at])
        priced &= ~(read.course.halted(row) | read.course.ended(row))[columns]
    return columns, priced


def scheme_weights(
    read: Readings, at: int, rulebook: Rulebook, columns: Columns, grades: Array | None
) -> Array:
    """Weights of the chosen `columns` by the rulebook's scheme, before caps and floors; sum 1."""
    clause = rulebook.weighting
    if clause.scheme == "equal":
        return weighting.equal(len(columns))
    if clause.scheme in ("inverse_volatility", "risk_parity", "min_variance"):
        moves, counts = _returns(read, at, clause.window_days, columns)
        if clause.scheme == "inverse_volatility":
            return weighting.by_inverse_volatility(moves, counts)
        sigma = weighting.covariance(moves)
        if clause.scheme == "risk_parity":
            return weighting.risk_parity(sigma)
        return weighting.min_variance(sigma, max_weight=clause.max_weight, min_weight=clause.min_weight)
    caps = read.cap[at].take(columns)
    if clause.smoothing_days:
        caps = smoothed_caps(
            read.panel,
            read.days,
            int(read.rows[at]),
            columns,
            clause.smoothing_days,
            smoothing=clause.smoothing,
        )
    if read.float_factor is not None:
        caps = caps * read.float_factor[at].take(columns)
    if clause.scheme == "sqrt_market_cap":
        return weighting.by_sqrt_market_cap(caps)
    if clause.scheme == "grade_tilt" and grades is not None:
        return weighting.by_grade(caps, grades[columns], clause.tilt)
    return weighting.by_market_cap(caps)


def _doors(threshold: Threshold, incumbent: Mask | None) -> float | Array:
    return threshold.enter if incumbent is None else np.where(incumbent, threshold.stay, threshold.enter)


def _score(read: Readings, at: int, rulebook: Rulebook, columns: Columns, grades: Array | None) -> Array:
    rank_by = rulebook.selection.rank_by
    if rank_by == "grade" and grades is not None:
        return grades[columns]
    caps = read.cap[at].take(columns)
    if rank_by == "smoothed_market_cap":
        window = rulebook.weighting.smoothing_days or DEFAULT_SMOOTHING_DAYS
        smoothed = smoothed_caps(
            read.panel,
            read.days,
            int(read.rows[at]),
            columns,
            window,
            smoothing=rulebook.weighting.smoothing,
        )
        caps = np.where(np.isnan(smoothed), caps, smoothed)
    return caps if read.float_factor is None else caps * read.float_factor[at].take(columns)


def _returns(read: Readings, at: int, window: int, columns: Columns) -> tuple[Array, npt.NDArray[np.int64]]:
    row = int(read.rows[at])
    low = window_start(read.days, row, window + 1)
    closes = (
        read.panel.close[low : row + 1].take(columns, axis=1)
        if read.course is None
        else read.course.closes(low, row, columns)
    )
    # The first row may be before a listing; from its first price on the last one is carried over gaps.
    known = ~np.isnan(closes)
    at_last = np.maximum.accumulate(np.where(known, np.arange(len(closes))[:, None], -1), axis=0)
    filled = np.where(at_last >= 0, np.take_along_axis(closes, np.maximum(at_last, 0), axis=0), np.nan)
    moves = filled[1:] / filled[:-1] - 1.0
    counts = (known[1:] & known[:-1]).sum(axis=0)
    return np.nan_to_num(moves, nan=0.0), counts
