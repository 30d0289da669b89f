"""Decisions that were made, traded once more: what was held on each day, and what each trade cost.

The engine's own steps (indices.core.walk) are taken with the stored weights instead of the rules, so holdings, deaths,
halts and costs are those that the published level was made of.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from indices.core.attribution import Stretch
from indices.core.capacity import CostCurve, cost_curve
from indices.core.events import Event
from indices.core.levels import Rebalance, trade_volumes
from indices.core.rulebook.clauses import Rulebook
from indices.core.walk import Walk, day_number
from signals.core.panel import Panel


@dataclass(frozen=True)
class Step:
    """One decision: `weights` by asset, traded at the first close at or after `effective_on`, under its own rules."""

    key: int
    effective_on: date
    weights: Mapping[str, float]
    rulebook: Rulebook


@dataclass(frozen=True)
class Traded:
    """What the trade of step `key` at the close of `row` was: fractions of the index, and its cost at other sizes."""

    key: int
    row: int
    turnover: float
    paid: float
    curve: CostCurve


@dataclass(frozen=True, eq=False)
class Reenactment:
    """`stretches` of holding, oldest first, and what was traded between them."""

    stretches: list[Stretch]
    trades: list[Traded]


def reenacted(panel: Panel, steps: Sequence[Step], *, events: Sequence[Event] = ()) -> Reenactment:
    """`steps` (by effective day) traded one after the other on `panel`, and held to its last day.

    The panel must know every asset of `steps` and reach back `memory_days` before the first of them. A step after its
    last day is left out.
    """
    last = len(panel.dates) - 1
    found = Reenactment([], [])
    if not steps or last < 0:
        return found
    walk = Walk(panel, steps[0].rulebook, first=0, last=last, record=True, events=events)
    by_row = {walk.row_from(day_number(step.effective_on)): step for step in steps}
    for row, step in by_row.items():
        if row > last:
            break
        held = _stretch(walk, row)
        made = len(walk.rebalances)
        walk.rulebook = step.rulebook
        walk.execute(row, *walk.parallel(step.weights), step.rulebook.costs)
        if len(walk.rebalances) == made:
            continue
        if held is not None:
            found.stretches.append(held)
        found.trades.append(_traded(walk, walk.rebalances[-1], step))
    held = _stretch(walk, last)
    if held is not None:
        found.stretches.append(held)
    return found


def _stretch(walk: Walk, row: int) -> Stretch | None:
    if not len(walk.columns):
        return None
    return Stretch(walk.bought, walk.columns, walk.path(row).values[: row - walk.bought + 1])


def _traded(walk: Walk, done: Rebalance, step: Step) -> Traded:
    change = np.zeros(len(walk.panel.assets))
    change[done.columns] = done.weights
    if done.before is not None:
        change -= done.before
    touched = np.flatnonzero(change)
    sizes = np.abs(change[touched])
    curve = cost_curve(sizes, trade_volumes(walk.panel, walk.days, done.row, touched), step.rulebook.costs)
    return Traded(step.key, done.row, math.fsum(sizes.tolist()), done.cost, curve)
