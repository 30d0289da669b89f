"""How closely a rebuilt index follows the published one, and what the rest of the difference is.

Levels are series by day; errors are simple daily returns of the rebuilt index less those of the published one.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from indices.core.metrics import DAYS_PER_YEAR

CONTRADICTION = 0.02
"""A published open this far from the close before it cannot be the same price at the same moment."""

_WEEK = 7


class ReplicationError(ValueError):
    """Two series cannot be compared; the message says why."""


@dataclass(frozen=True)
class Fit:
    """How one series follows another over `days` daily returns; fractions.

    `tracking_error` is the standard deviation of the daily errors (ddof 1) x sqrt(365), `weekly_tracking_error` that of
    the errors over whole weeks x sqrt(365 / 7): an error that the next day undoes is in the first and not in the
    second. `undone` is minus the correlation of an error with the next: 0.5 where every error is a print at another
    moment. `beta` is the slope of rebuilt on published returns, `ahead` the difference of yearly log growth.
    """

    days: int
    correlation: float
    tracking_error: float
    weekly_tracking_error: float
    median_error: float
    undone: float
    beta: float
    ahead: float


def daily_returns(level: pd.Series) -> pd.Series:
    """Simple returns by day, of days whose day before is in the series too."""
    moves = level / level.shift() - 1.0
    steps = pd.DatetimeIndex(level.index).to_series().diff()
    return moves[(steps == pd.Timedelta(days=1)).to_numpy()]


def paired_returns(rebuilt: pd.Series, published: pd.Series) -> pd.DataFrame:
    """Daily returns [day x (rebuilt, published)] of the days that both have. Raises ReplicationError under three."""
    pairs = pd.DataFrame({"rebuilt": daily_returns(rebuilt), "published": daily_returns(published)}).dropna()
    if len(pairs) < 3:
        raise ReplicationError(f"levels: need three common daily returns at least, got {len(pairs)}")
    return pairs


def errors(pairs: pd.DataFrame) -> pd.Series:
    """Rebuilt less published return, by day."""
    return (pairs["rebuilt"] - pairs["published"]).rename("error")


def tracking_error(error: pd.Series) -> float:
    """Standard deviation of daily errors (ddof 1) x sqrt(365)."""
    return float(error.std(ddof=1) * np.sqrt(DAYS_PER_YEAR))


def fit(pairs: pd.DataFrame) -> Fit:
    """Every figure of the comparison. A constant series has no correlation: NaN."""
    error = errors(pairs)
    rebuilt, published = pairs["rebuilt"], pairs["published"]
    spread = float(published.var(ddof=1))
    growth = np.log1p(rebuilt).sum() - np.log1p(published).sum()
    return Fit(
        days=len(pairs),
        correlation=correlation(rebuilt.to_numpy(), published.to_numpy()),
        tracking_error=tracking_error(error),
        weekly_tracking_error=_weekly(pairs),
        median_error=float(error.abs().median()),
        undone=-correlation(error.to_numpy()[1:], error.to_numpy()[:-1]),
        beta=float(rebuilt.cov(published) / spread) if spread > 0 else float("nan"),
        ahead=float(growth / len(pairs) * DAYS_PER_YEAR),
    )


def correlation(one: np.ndarray, other: np.ndarray) -> float:
    """Pearson's; NaN where either is constant."""
    if len(one) < 2 or np.ptp(one) == 0 or np.ptp(other) == 0:
        return float("nan")
    return float(np.corrcoef(one, other)[0, 1])


def by_year(pairs: pd.DataFrame) -> dict[int, float]:
    """Tracking error of each calendar year with thirty days or more."""
    error = errors(pairs)
    years = pd.DatetimeIndex(error.index).year
    return {int(year): tracking_error(part) for year, part in error.groupby(years) if len(part) >= 30}


def contradicted_days(published: pd.DataFrame, tolerance: float = CONTRADICTION) -> dict[pd.Timestamp, str]:
    """Days whose return rests on a close that the publication itself contradicts, each with the reason.

    `published` is [day x (level, open, high, low)]. A market without pauses opens where it closed: where the open of a
    day is more than `tolerance` from the close before, one of the two is no price of that midnight, and both returns at
    that close are doubtful. A row that repeats the one before is a day that was not published.
    """
    found: dict[pd.Timestamp, str] = {}
    days = pd.DatetimeIndex(published.index)
    table = published[["level", "open", "high", "low"]].to_numpy(dtype=float)
    for row in range(1, len(days)):
        if days[row] - days[row - 1] != pd.Timedelta(days=1):
            continue
        before = table[row - 1]
        if (table[row] == before).all():
            for day in days[row : row + 2]:
                found[day] = f"the row of {days[row].date()} repeats that of the day before"
            continue
        gap = table[row, 1] / before[0] - 1.0
        if abs(gap) > tolerance:
            for day in (days[row - 1], days[row]):
                found.setdefault(day, f"opens {gap:+.1%} from the close of {days[row - 1].date()}")
    return found


def share_of_error(error: pd.Series, days: pd.DatetimeIndex) -> float:
    """How much of the sum of squared errors falls on `days`, 0 to 1; 0 where there is no error."""
    squares = error**2
    total = float(squares.sum())
    return float(squares[squares.index.isin(days)].sum()) / total if total > 0 else 0.0


def largest(error: pd.Series, count: int) -> pd.Series:
    """The `count` largest errors by size, the largest first; ties by day."""
    order = np.argsort(-error.abs().to_numpy(), kind="stable")[:count]
    return error.iloc[order]


def _weekly(pairs: pd.DataFrame) -> float:
    whole = len(pairs) // _WEEK * _WEEK
    if whole < 2 * _WEEK:
        return float("nan")
    growth = (1.0 + pairs.iloc[:whole].to_numpy()).reshape(-1, _WEEK, 2).prod(axis=1)
    return float((growth[:, 0] - growth[:, 1]).std(ddof=1) * np.sqrt(DAYS_PER_YEAR / _WEEK))
