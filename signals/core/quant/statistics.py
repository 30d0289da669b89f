"""Statistics of daily simple returns, fractions, none missing. A docstring's first paragraph is the public formula."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

DAYS_PER_YEAR = 365


def daily_mean(returns: Array) -> float:
    """Mean of the daily returns."""
    return float(returns.mean())


def daily_deviation(returns: Array) -> float:
    """Standard deviation of the daily returns (n − 1 in the denominator)."""
    return float(returns.std(ddof=1))


def volatility(returns: Array) -> float:
    """Standard deviation of the daily returns (n − 1 in the denominator) × √365."""
    return float(returns.std(ddof=1) * np.sqrt(DAYS_PER_YEAR))


def sharpe(returns: Array) -> float | None:
    """Mean ÷ standard deviation of the daily returns × √365, with a risk-free rate of 0. Sharpe (1994).

    None where every day returned the same.
    """
    _, second = _centred(returns)
    if not second:
        return None
    return float(returns.mean() / returns.std(ddof=1) * np.sqrt(DAYS_PER_YEAR))


def sortino(returns: Array) -> float | None:
    """Mean of the daily returns ÷ √(mean of min(return, 0)²) × √365. Sortino & van der Meer (1991).

    None where no day lost.
    """
    downside = float(np.sqrt(np.mean(np.minimum(returns, 0.0) ** 2)))
    return float(returns.mean() / downside * np.sqrt(DAYS_PER_YEAR)) if downside > 0 else None


def growth(returns: Array) -> float:
    """Product of (1 + return) − 1."""
    return float(np.prod(1.0 + returns) - 1.0)


def yearly_growth(returns: Array) -> float:
    """Product of (1 + return), to the power of 365 ÷ days, − 1."""
    return float(np.prod(1.0 + returns) ** (DAYS_PER_YEAR / len(returns)) - 1.0)


def max_drawdown(returns: Array) -> float:
    """Smallest of close ÷ highest close before it − 1: the deepest fall from a high, at most 0."""
    levels = np.concatenate([[1.0], np.cumprod(1.0 + returns)])
    return float((levels / np.maximum.accumulate(levels)).min() - 1.0)


def calmar(returns: Array) -> float | None:
    """Growth per year ÷ deepest fall of the same days. Young (1991).

    None where it never fell.
    """
    deepest = max_drawdown(returns)
    return yearly_growth(returns) / -deepest if deepest < 0 else None


def value_at_risk(returns: Array) -> float:
    """The 5th percentile of the daily returns, interpolated: on one day in twenty the result was worse."""
    return float(np.percentile(returns, 5.0))


def expected_shortfall(returns: Array) -> float:
    """Mean of the worst 5% of the daily returns: of the ⌊(n − 1) × 0.05⌋ + 1 lowest. Rockafellar & Uryasev (2000)."""
    count = int((len(returns) - 1) * 0.05) + 1
    return float(np.sort(returns)[:count].mean())


def skew(returns: Array) -> float | None:
    """Mean of (return − mean)³ ÷ (mean of (return − mean)²)^1.5: below 0 the large moves were losses.

    None where every day returned the same.
    """
    spread, second = _centred(returns)
    return float(np.mean(spread**3) / second**1.5) if second > 0 else None


def kurtosis(returns: Array) -> float | None:
    """Mean of (return − mean)⁴ ÷ (mean of (return − mean)²)² − 3: above 0, more extremes than a normal law.

    None where every day returned the same.
    """
    spread, second = _centred(returns)
    return float(np.mean(spread**4) / second**2 - 3.0) if second > 0 else None


def tail_ratio(returns: Array) -> float | None:
    """95th percentile ÷ 5th percentile of the daily returns, without sign: above 1 the good tail was the longer one.

    None where the lower tail is zero.
    """
    low = abs(float(np.percentile(returns, 5.0)))
    return abs(float(np.percentile(returns, 95.0))) / low if low > 0 else None


def profit_factor(returns: Array) -> float | None:
    """Sum of the positive ÷ sum of the negative daily returns, without sign.

    None where no day lost.
    """
    lost = float(-returns[returns < 0].sum())
    return float(returns[returns > 0].sum()) / lost if lost > 0 else None


def _centred(returns: Array) -> tuple[Array, float]:
    spread = returns - returns.mean()
    second = float(np.mean(spread**2))
    # Equal returns differ by the rounding of two prices and of their ratio only.
    still = second <= (8 * np.finfo(np.float64).eps * (1.0 + float(np.abs(returns).max()))) ** 2
    return spread, 0.0 if still else second
