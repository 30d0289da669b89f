"""Levels out of decisions that were made: each is traded again on a panel, and nothing is decided anew.

On the prices that the published levels were made of, the result has their bits: the steps are the engine's own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from indices.core.events import Event
from indices.core.reenactment import Step
from indices.core.rulebook.clauses import Rulebook
from indices.core.rulebook.deciding import widened
from indices.core.walk import Walk, day_number
from signals.core.panel import Panel


@dataclass(frozen=True)
class Reign:
    """A version of the rules and the last day on which it decided (None: it is in force)."""

    rulebook: Rulebook
    until: date | None


@dataclass(frozen=True)
class Start:
    """A purchase from which levels are replayed: `step` was bought at the close of `bought`, at `level` after cost."""

    step: Step
    bought: date
    level: float


def replayed(
    panel: Panel,
    steps: Sequence[Step],
    *,
    reigns: Sequence[Reign],
    first: date,
    start: Start | None = None,
    events: Sequence[Event] = (),
) -> dict[date, float]:
    """Day -> level from the first purchase (or from `start`) to the last day of `panel`.

    `steps` by effective day, those after `start` where it is given; none is traded before `first`, the day of the first
    level. The panel must hold `first` (or the day of `start`) and reach back from it as far as its rules remember.
    """
    held = (start.step,) if start is not None else ()
    known = widened(panel, frozenset(asset for step in (*held, *steps) for asset in step.weights))
    since = first if start is None else start.bought
    low = int(known.dates.searchsorted(np.datetime64(since, "s")))
    last = len(known.dates) - 1
    if low > last or not (held or steps):
        return {}
    passed = [reign for reign in reigns if reign.until is None or reign.until >= since]
    walk = Walk(known, passed[0].rulebook, first=low, last=last, record=True, events=events)
    if start is not None:
        columns, weights = walk.buyable(*walk.parallel(start.step.weights), low)
        walk.hold(columns, weights, low)
        walk.level[0] = start.level
    by_row = {max(walk.row_from(day_number(step.effective_on)), low): step for step in steps}
    kept: list[np.ndarray[tuple[int], np.dtype[np.float64]]] = []
    for place, reign in enumerate(passed):
        end = last if reign.until is None else walk.row_from(day_number(reign.until) + 1) - 1
        for row in sorted(row for row in by_row if row <= end):
            step = by_row.pop(row)
            walk.execute(row, *walk.parallel(step.weights), step.rulebook.costs)
        if place + 1 < len(passed):
            # What was published under these rules stays, even where the next ones would have held it otherwise.
            walk.extend(end)
            kept.append(walk.level[: end - low + 1].copy())
            walk.rulebook, walk.last_path = passed[place + 1].rulebook, None
    walk.extend(last)
    for part in reversed(kept):
        walk.level[: len(part)] = part
    begun = low if start is not None else (walk.rebalances[0].row if walk.rebalances else last + 1)
    days = known.dates.date[begun : last + 1].tolist()
    return dict(zip(days, walk.level[begun - low :].tolist(), strict=True))
