"""Statistics of a level series: growth and risk, falls, tails, periods, windows, and one series against another."""

from indices.core.metrics.falls import Fall, falls, longest_under_water
from indices.core.metrics.figures import Figure, growth_figures, relative_figures
from indices.core.metrics.growth import (
    DAYS_PER_YEAR,
    Array,
    cagr,
    calmar,
    daily_returns,
    downside_volatility,
    drawdowns,
    max_drawdown,
    sharpe,
    sortino,
    summary,
    total_return,
    volatility,
    volatility_daily,
)
from indices.core.metrics.holding import active_share, effective_names, top_share, turnover_per_year
from indices.core.metrics.periods import Period, months, years
from indices.core.metrics.rolling import WINDOWS, Rolling, rolling

__all__ = [
    "DAYS_PER_YEAR",
    "WINDOWS",
    "Array",
    "Fall",
    "Figure",
    "Period",
    "Rolling",
    "active_share",
    "cagr",
    "calmar",
    "daily_returns",
    "downside_volatility",
    "drawdowns",
    "effective_names",
    "falls",
    "growth_figures",
    "longest_under_water",
    "max_drawdown",
    "months",
    "relative_figures",
    "rolling",
    "sharpe",
    "sortino",
    "summary",
    "top_share",
    "total_return",
    "turnover_per_year",
    "volatility",
    "volatility_daily",
    "years",
]
