"""Every figure of a level series under its key, with the reason where there is none."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from indices.core.metrics import growth, relative, tails
from indices.core.metrics.falls import longest_under_water
from indices.core.metrics.growth import DAYS_PER_YEAR, Array
from indices.core.metrics.periods import months


@dataclass(frozen=True)
class Figure:
    """One number under the key of its formula (indices.core.formulas); `reason` says why there is none."""

    key: str
    value: float | None
    reason: str = ""


def growth_figures(levels: Array, dates: Sequence[date]) -> dict[str, Figure]:
    """Return and risk of the series, by key, in the order in which they are shown.

    `levels` [day] are positive, `dates` ascending. Nothing is stated per year under 365 days.
    """
    days = (dates[-1] - dates[0]).days
    returns = growth.daily_returns(levels)
    whole = [period.value for period in months(levels, dates) if period.is_whole]
    year = "" if days >= DAYS_PER_YEAR else f"{_days(days)} of history; nothing is stated per year under 365"
    few = "" if len(returns) >= 2 else "fewer than two daily returns"
    shape = _fewer(len(returns), tails.FEWEST_FOR_SHAPE)
    tail = _fewer(len(returns), tails.FEWEST_FOR_TAILS)
    no_month = "" if whole else "no whole calendar month yet"
    calm = "nothing was lost on any day"
    still = "the level never moved"
    at_peak = "" if (returns < 0).any() else "the level never fell"
    found = [
        _figure("total_return", growth.total_return(levels)),
        _figure("cagr", growth.cagr(levels, days), year),
        _figure("best_day", returns.max() if len(returns) else None, few),
        _figure("worst_day", returns.min() if len(returns) else None, few),
        _figure("best_month", max(whole, default=None), no_month),
        _figure("worst_month", min(whole, default=None), no_month),
        _figure(
            "positive_months",
            sum(value > 0 for value in whole) / len(whole) if whole else None,
            no_month,
        ),
        _figure("volatility_daily", growth.volatility_daily(levels), few),
        _figure("volatility", growth.volatility(levels), year or few),
        _figure("downside_volatility", growth.downside_volatility(levels), year or few),
        _figure("sharpe", growth.sharpe(levels), year or few, still),
        _figure("sortino", growth.sortino(levels), year or few, calm),
        _figure("calmar", growth.calmar(levels, days), year, at_peak),
        _figure("max_drawdown", growth.max_drawdown(levels)),
        _figure("current_drawdown", growth.drawdowns(levels)[-1]),
        _figure("longest_under_water", longest_under_water(levels, dates)),
    ]
    for percent in (95, 99):
        share = percent / 100
        worst = None if tail else tails.value_at_risk(returns, share)
        mean = None if tail else tails.expected_shortfall(returns, share)
        found += [_figure(f"var_{percent}", worst, tail), _figure(f"cvar_{percent}", mean, tail)]
    found += [
        _figure("skewness", None if shape else tails.skewness(returns), shape, still),
        _figure("excess_kurtosis", None if shape else tails.excess_kurtosis(returns), shape, still),
    ]
    return {figure.key: figure for figure in found}


def relative_figures(levels: Array, reference: Array, dates: Sequence[date]) -> dict[str, Figure]:
    """The series against `reference` over the same `dates`, by key, in the order in which they are shown."""
    days = (dates[-1] - dates[0]).days
    mine, theirs = growth.daily_returns(levels), growth.daily_returns(reference)
    year = "" if days >= DAYS_PER_YEAR else f"{_days(days)} of history; nothing is stated per year under 365"
    shape = _fewer(len(mine), tails.FEWEST_FOR_SHAPE)
    pairs = [
        (one.value, other.value)
        for one, other in zip(months(levels, dates), months(reference, dates), strict=True)
        if one.is_whole
    ]
    short = "" if len(pairs) >= relative.FEWEST_MONTHS else f"{len(pairs)} whole months; twelve are needed"
    by_month = np.array(pairs).reshape(-1, 2).T
    same = "the two never differ"
    still = "one of the two never moved"
    found = [
        _figure("active_return", growth.total_return(levels) - growth.total_return(reference)),
        _figure("beta", None if shape else relative.beta(mine, theirs), shape, still),
        _figure("correlation", None if shape else relative.correlation(mine, theirs), shape, still),
        _figure("tracking_error", None if year else relative.tracking_error(mine, theirs), year),
        _figure("information_ratio", None if year else relative.information_ratio(mine, theirs), year, same),
        _figure(
            "up_capture",
            None if short else relative.capture(*by_month, up=True),
            short,
            "the reference never rose in a month",
        ),
        _figure(
            "down_capture",
            None if short else relative.capture(*by_month, up=False),
            short,
            "the reference never fell in a month",
        ),
    ]
    return {figure.key: figure for figure in found}


def _figure(key: str, value: float | None, reason: str = "", undefined: str = "") -> Figure:
    if reason or value is None:
        return Figure(key, None, reason or undefined)
    return Figure(key, float(value))


def _fewer(count: int, needed: int) -> str:
    return "" if count >= needed else f"{count} daily return{'' if count == 1 else 's'}; {needed} are needed"


def _days(count: int) -> str:
    return f"{count} day{'' if count == 1 else 's'}"
