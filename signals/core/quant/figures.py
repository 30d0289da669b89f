"""The table of figures of one token: value, unit, the days it speaks of, formula, or the reason why there is none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from inspect import cleandoc

import numpy as np

from signals.core.quant import statistics
from signals.core.quant.statistics import DAYS_PER_YEAR, Array

MONTHS = {"1m": (30, "1 month"), "3m": (91, "3 months"), "6m": (182, "6 months"), "12m": (365, "12 months")}
"""Window -> calendar days, and in words."""
LEAST_RETURNS = 60
"""Daily returns under which no statistic of their distribution is told."""
LEAST_SHARE = 0.9
"""Share of a window's days that must have a return."""


@dataclass(frozen=True)
class Figure:
    """One figure of one token. `unit` is fraction (0.05 = 5 %) or ratio; `days` is what it was made from.

    `value` is None where it cannot be told, and then `reason` says why, else it is empty.
    """

    name: str
    title: str
    unit: str
    days: int
    value: float | None
    reason: str
    formula: str


# name, title, unit, function of returns, whether it speaks per year, why it may be None
_Made = Callable[[Array], float | None]
_YEAR: tuple[tuple[str, str, str, _Made, bool, str], ...] = (
    ("volatility", "Volatility, per year", "fraction", statistics.volatility, True, ""),
    ("sharpe", "Sharpe ratio", "ratio", statistics.sharpe, True, "Every day returned the same."),
    ("sortino", "Sortino ratio", "ratio", statistics.sortino, True, "No day lost."),
    ("calmar", "Calmar ratio", "ratio", statistics.calmar, True, "It never fell."),
    ("max_drawdown", "Deepest fall, one year", "fraction", statistics.max_drawdown, False, ""),
    ("var_95", "Value at risk, one day, 95%", "fraction", statistics.value_at_risk, False, ""),
    ("cvar_95", "Mean result of the worst 5% of days", "fraction", statistics.expected_shortfall, False, ""),
    ("daily_mean", "Mean result of a day", "fraction", statistics.daily_mean, False, ""),
    ("daily_deviation", "Standard deviation of a day", "fraction", statistics.daily_deviation, False, ""),
    ("skew", "Skew", "ratio", statistics.skew, False, "Every day returned the same."),
    ("kurtosis", "Kurtosis, excess", "ratio", statistics.kurtosis, False, "Every day returned the same."),
    ("tail_ratio", "Tail ratio", "ratio", statistics.tail_ratio, False, "The lower tail is zero."),
    ("profit_factor", "Profit factor", "ratio", statistics.profit_factor, False, "No day lost."),
)


def figure_list(close: Array) -> list[Figure]:
    """Every figure at the last of consecutive days. `close` [date] USD, NaN where unknown, the last one known.

    Returns over 1, 3, 6 and 12 months and since the first close; risk of the last 365 days, or of as many as there
    are. What speaks per year is None under a year: it would be extrapolation. Raises ValueError where the last close
    is unknown.
    """
    if not len(close) or np.isnan(close[-1]):
        raise ValueError("close: the last day has none; cut the series at the last known close.")
    return [*_returns(close), *_risk(close), *_since_first(close)]


def _returns(close: Array) -> list[Figure]:
    found = []
    for key, (days, words) in MONTHS.items():
        before = close[-1 - days] if len(close) > days else np.nan
        known = not np.isnan(before)
        found.append(
            Figure(
                name=f"return_{key}",
                title=f"Return, {words}",
                unit="fraction",
                days=days,
                value=float(close[-1] / before - 1.0) if known else None,
                reason="" if known else f"There is no close {days} days earlier.",
                formula=f"Close ÷ close {days} days earlier − 1.",
            )
        )
    return found


def _risk(close: Array) -> list[Figure]:
    window = close[-1 - DAYS_PER_YEAR :]
    moves = window[1:] / window[:-1] - 1.0
    moves = moves[~np.isnan(moves)]
    whole = len(window) == DAYS_PER_YEAR + 1 and not np.isnan(window[0])
    enough = len(moves) >= LEAST_SHARE * (len(window) - 1)
    found = []
    for name, title, unit, make, yearly, undefined in _YEAR:
        reason = ""
        if len(moves) < LEAST_RETURNS:
            reason = f"Needs {LEAST_RETURNS} daily returns; {len(moves)} are known."
        elif not enough:
            reason = f"Only {len(moves)} of the last {len(window) - 1} days have a return."
        elif yearly and not whole:
            known = int((~np.isnan(window)).sum())
            reason = f"Needs a year of closes; {known} are known. Less would be extrapolated."
        value = None if reason else make(moves)
        found.append(
            Figure(
                name=name,
                title=title,
                unit=unit,
                days=len(moves),
                value=value,
                reason=reason or (undefined if value is None else ""),
                formula=formula(make),
            )
        )
    return found


def _since_first(close: Array) -> list[Figure]:
    first = int(np.argmax(~np.isnan(close)))
    known = close[first:]
    days = len(known) - 1
    # A fall between two known closes counts even where the days between are unknown.
    closes = known[~np.isnan(known)]
    total = float(closes[-1] / closes[0] - 1.0) if days else None
    yearly = (
        float((closes[-1] / closes[0]) ** (DAYS_PER_YEAR / days) - 1.0) if days >= DAYS_PER_YEAR else None
    )
    deepest = statistics.max_drawdown(closes[1:] / closes[:-1] - 1.0) if days else None
    lone = "" if days else "Only one close is known."
    short = "" if yearly is not None else f"Needs a year of closes; they span {days} days."
    rows = (
        ("return_all", "Return since the first close", total, lone, "Close ÷ first close − 1."),
        (
            "cagr",
            "Growth per year since the first close",
            yearly,
            short,
            "(Close ÷ first close)^(365 ÷ days between) − 1.",
        ),
        ("max_drawdown_all", "Deepest fall ever", deepest, lone, formula(statistics.max_drawdown)),
    )
    return [
        Figure(name, title, "fraction", days, value, reason, text)
        for name, title, value, reason, text in rows
    ]


def formula(made: _Made) -> str:
    """The first paragraph of the docstring: how the figure is made."""
    return " ".join(cleandoc(made.__doc__ or "").split("\n\n")[0].split())
