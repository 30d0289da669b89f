"""Growth and risk of a level series. 365 days make a year: the market never closes."""

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

DAYS_PER_YEAR = 365


def total_return(levels: Array) -> float:
    """Last level / first level - 1."""
    return float(levels[-1] / levels[0] - 1.0)


def cagr(levels: Array, days: int) -> float | None:
    """Compound growth per year over `days` calendar days; None under a year, which would be extrapolation."""
    if days < DAYS_PER_YEAR:
        return None
    return float((levels[-1] / levels[0]) ** (DAYS_PER_YEAR / days) - 1.0)


def daily_returns(levels: Array) -> Array:
    """Simple returns, one fewer than levels; nothing after a level of zero."""
    return levels[1:] / levels[:-1] - 1.0


def volatility_daily(levels: Array) -> float | None:
    """Standard deviation of daily simple returns (ddof 1); None under three levels."""
    return float(daily_returns(levels).std(ddof=1)) if len(levels) >= 3 else None


def volatility(levels: Array) -> float | None:
    """Standard deviation of daily simple returns (ddof 1) x sqrt(365); None under three levels."""
    if len(levels) < 3:
        return None
    return float(daily_returns(levels).std(ddof=1) * np.sqrt(DAYS_PER_YEAR))


def sharpe(levels: Array) -> float | None:
    """Mean / standard deviation of daily simple returns x sqrt(365), risk-free rate 0; None where there is no risk."""
    if len(levels) < 3:
        return None
    returns = daily_returns(levels)
    deviation = returns.std(ddof=1)
    return float(returns.mean() / deviation * np.sqrt(DAYS_PER_YEAR)) if deviation > 0 else None


def drawdowns(levels: Array) -> Array:
    """Level / highest level so far - 1, at most 0."""
    return levels / np.maximum.accumulate(levels) - 1.0


def max_drawdown(levels: Array) -> float:
    """The deepest drawdown, at most 0."""
    return float(drawdowns(levels).min())


def downside_volatility(levels: Array) -> float | None:
    """Root of the mean squared loss (gains count as 0) of daily simple returns x sqrt(365); None under three levels."""
    if len(levels) < 3:
        return None
    losses = np.minimum(daily_returns(levels), 0.0)
    return float(np.sqrt(np.mean(losses**2)) * np.sqrt(DAYS_PER_YEAR))


def sortino(levels: Array) -> float | None:
    """Mean daily simple return x 365 / downside volatility, target 0; None where nothing was ever lost."""
    risk = downside_volatility(levels)
    if risk is None or not risk > 0:
        return None
    return float(daily_returns(levels).mean() * DAYS_PER_YEAR / risk)


def calmar(levels: Array, days: int) -> float | None:
    """Growth per year / the deepest drawdown as a positive number; None under a year or without a drawdown."""
    growth, deepest = cagr(levels, days), max_drawdown(levels)
    return growth / -deepest if growth is not None and deepest < 0 else None


def summary(levels: Array, *, days: int, turnover: Array, costs: Array) -> dict[str, Any]:
    """Every statistic of a backtest over `days` calendar days; None where it cannot be told.

    `turnover` and `costs` are fractions per rebalance. The yearly turnover is one-way (half of buys plus sells) and
    leaves out the first purchase. Whatever is stated per year is None under a year.
    """
    rebalanced = turnover[1:]
    years = days / DAYS_PER_YEAR
    whole_year = days >= DAYS_PER_YEAR
    # Once everything is lost there are no further returns to speak of.
    alive = levels[: int(np.argmax(levels <= 0)) + 1] if (levels <= 0).any() else levels
    return {
        "days": days,
        "total_return": total_return(levels),
        "cagr": cagr(levels, days),
        "volatility": volatility(alive) if whole_year else None,
        "volatility_daily": volatility_daily(alive),
        "sharpe": sharpe(alive) if whole_year else None,
        "sortino": sortino(alive) if whole_year else None,
        "calmar": calmar(levels, days),
        "max_drawdown": max_drawdown(levels),
        "rebalances": len(turnover),
        "turnover_per_year": float(rebalanced.sum() / 2 / years) if whole_year else None,
        "cost_total": float(1.0 - np.prod(1.0 - costs)),
    }
