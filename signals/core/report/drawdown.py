"""The gate on the fall: does the regime's risk share make it smaller, at no worse a Sharpe ratio, and robustly?"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from signals.core.panel import Panel
from signals.core.regime import RegimeRules, regime
from signals.core.regime.ledger import overlaid
from signals.core.regime.market import members
from signals.core.regime.robustness import Performance, performance, study
from signals.core.regime.twin import twin_return
from signals.core.report.gates import Cell, Chart, Column, Gate, Section, Table, judged

MOST_FALL, MOST_SWITCHES, LEAST_NEIGHBOURS = 0.6, 12.0, 0.8


@dataclass(frozen=True)
class Followed:
    """The passive twin, the twin with the regime, and the share of neighbouring rules within the goals, if judged."""

    twin: Performance
    regime: Performance
    switches: float
    neighbours: float | None


def drawdown(panel: Panel, *, start: pd.Timestamp, end: pd.Timestamp, neighbours: bool) -> Section:
    """The regime's figures over the span, beside the twin's, with the gate of evidence level E1."""
    rules = RegimeRules()
    twin = twin_return(panel, members(panel, rules), rules)
    share = regime(panel, rules).risk_share
    net, _ = overlaid(share, twin, rules)
    base, mine = (series.loc[start:end].fillna(0.0) for series in (twin, net))
    inside = share.loc[start:end]
    found = Followed(
        twin=performance(base),
        regime=performance(mine),
        switches=float((inside.diff().abs() > 0).sum()) / (len(inside) / 365.25),
        neighbours=study(panel, start=start, end=end).passing if neighbours else None,
    )
    rows: list[list[Cell]] = [
        ["passive twin", found.twin.sharpe, found.twin.drawdown, found.twin.growth, 0.0, 0.0],
        [
            "twin x regime",
            found.regime.sharpe,
            found.regime.drawdown,
            found.regime.growth,
            found.switches,
            float(1.0 - inside.mean()),
        ],
    ]
    columns = [
        Column("portfolio", "text"),
        Column("Sharpe"),
        Column("max drawdown", "percent"),
        Column("CAGR", "percent"),
        Column("moves a year"),
        Column("time in cash", "percent"),
    ]
    ends = pd.DatetimeIndex(inside.index).day_of_week == 6
    chart = Chart(
        "Fall from the highest value so far",
        [str(day.date()) for day in pd.DatetimeIndex(inside.index)[ends]],
        {
            name: list(_falls(series)[ends])
            for name, series in (("passive twin", base), ("twin x regime", mine))
        },
    )
    note = "The gate of the lower-drawdown wording. It is the regime's, not the grades'; see docs/regime.md."
    return Section(
        gates=[drawdown_gate(found)],
        tables={"regime": Table("The regime beside the passive twin", columns, rows, note)},
        charts={"regime": chart},
    )


def _falls(returns: pd.Series) -> np.ndarray:
    value = (1.0 + returns).to_numpy().cumprod()
    return np.asarray(value / np.maximum(np.maximum.accumulate(value), 1.0) - 1.0)


def drawdown_gate(found: Followed) -> Gate:
    """Fall at most 60 % of the twin's, Sharpe no lower, at most 12 moves a year, 80 % of neighbours alike."""
    share = found.regime.drawdown / found.twin.drawdown if found.twin.drawdown < 0 else float("nan")
    robust = found.neighbours is not None and found.neighbours >= LEAST_NEIGHBOURS
    known = "judged in the full run only" if found.neighbours is None else f"{found.neighbours:.0%}"
    gate = judged(
        "drawdown",
        "Drawdown of the regime",
        "worst fall as a share of the passive twin's",
        f"≤ {MOST_FALL:.0%}, Sharpe no lower, ≤ {MOST_SWITCHES:.0f} moves a year; {LEAST_NEIGHBOURS:.0%} of neighbours",
        passed=share <= MOST_FALL
        and found.regime.sharpe >= found.twin.sharpe
        and found.switches <= MOST_SWITCHES
        and robust,
        figure=share,
        shown=f"{share:.0%}",
        text=f"Sharpe {found.regime.sharpe:.2f} against {found.twin.sharpe:.2f}; {found.switches:.1f} moves a year; "
        f"neighbours within the goals: {known}",
    )
    # Half a judgement is none: one good row proves nothing about its neighbours.
    return replace(gate, passed=None) if found.neighbours is None else gate
