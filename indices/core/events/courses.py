"""Events laid over a panel: what one unit is worth from close to close, and what can be traded at which."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from indices.core.events.kinds import Airdrop, Delisting, Event, EventError, Halt, Redenomination
from signals.core.panel import Panel

if TYPE_CHECKING:
    from indices.core.rulebook.clauses import Rulebook

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Columns = npt.NDArray[np.intp]

# A price this many days before a halt is looked for; an asset silent for longer had none to hold.
_LAST_PRICE_DAYS = 31


@dataclass(frozen=True, eq=False)
class Course:
    """Events laid over a panel. `panel` has the closes that hold: the last one before it all through a halt, and the
    end value from a delisting on. `changes` are (row, column, factor on the units held), `halts` (column, first row,
    row after the last), `ends` the row of each column that ended."""

    panel: Panel
    changes: tuple[tuple[int, int, float], ...]
    halts: tuple[tuple[int, int, int], ...]
    ends: Mapping[int, int]

    def closes(self, low: int, last: int, columns: Columns) -> Array:
        """What one unit held at the close of row `low` is worth, [row x column], USD; NaN where no price is known."""
        block = self.panel.close[low : last + 1].take(columns, axis=1)
        for row, column, factor in self.changes:
            if low < row <= last:
                block[row - low :, columns == column] *= factor
        return block

    def halted(self, row: int) -> Mask:
        """Which assets cannot be traded at the close of `row`, [asset]."""
        mask = np.zeros(len(self.panel.assets), dtype=bool)
        mask[[column for column, first, after in self.halts if first <= row < after]] = True
        return mask & ~self.ended(row)

    def ended(self, row: int) -> Mask:
        """Which assets have ended by the close of `row`, [asset]."""
        mask = np.zeros(len(self.panel.assets), dtype=bool)
        mask[[column for column, first in self.ends.items() if first <= row]] = True
        return mask

    def tradable(self, columns: Columns, weights: Array, drifted: Array, row: int) -> tuple[Columns, Array]:
        """`weights` of `columns` (in order of asset ids) as far as they can be traded at the close of `row`, where
        `drifted` [asset] is held before: what has ended is left out, what is halted keeps its drifted weight, and the
        others are scaled to the rest. Nothing where no trade is possible."""
        target = np.zeros(len(drifted))
        target[columns] = weights
        ended = self.ended(row)
        stopped = self.halted(row) & ((target > 0) | (drifted > 0))
        if not stopped.any() and not ended[columns].any():
            return columns, weights
        target[ended] = 0.0
        target = frozen(target, drifted, stopped)
        kept = np.flatnonzero(target > 0)
        if not len(kept):
            return kept, target[kept]
        order = sorted(kept.tolist(), key=self.panel.assets.__getitem__)
        return np.array(order, dtype=np.intp), target[order]

    def evidence(self, low: int, row: int, columns: Columns) -> str:
        """What of the events touches `columns` at `row`, or the closes since `low`: part of a decision's input hash."""
        place = {column: self.panel.assets[column] for column in columns.tolist()}
        stopped, ended = self.halted(row), self.ended(row)
        told = [f"halted {asset}" for column, asset in place.items() if stopped[column]]
        told += [f"ended {asset}" for column, asset in place.items() if ended[column]]
        days = self.panel.dates
        told += [
            f"{days[at].date()} {place[column]} {factor!r}"
            for at, column, factor in self.changes
            if low < at <= row and column in place
        ]
        return "\n".join(sorted(told))


def frozen(target: Array, drifted: Array, halted: Mask) -> Array:
    """[asset] `target` weights where what is `halted` keeps its `drifted` weight and the others are scaled to the rest;
    all zero where there are no others or nothing is left for them."""
    fixed, others = np.where(halted, drifted, 0.0), np.where(halted, 0.0, target)
    # Summed exactly: a short panel has fewer columns than a long one, and the weights must have the same bits.
    rest, wanted = 1.0 - math.fsum(fixed[fixed > 0].tolist()), math.fsum(others[others > 0].tolist())
    if not wanted > 0 or not rest > 0:
        return np.zeros(len(target))
    return fixed + others * (rest / wanted)


def reach_back(events: Sequence[Event], day: date) -> date:
    """How far back a panel must reach so that the prices held through the halts that are on at `day` are in it."""
    begun = [
        event.from_
        for event in events
        if isinstance(event, Halt) and event.from_ <= day and (event.until is None or day < event.until)
    ]
    return min([day, *(first - timedelta(days=_LAST_PRICE_DAYS) for first in begun)])


def course(panel: Panel, events: Sequence[Event], rulebook: Rulebook) -> Course | None:
    """`events` laid over `panel`; None where none of them concerns it. Events of assets that it has not, and days
    after its last, are left aside. Raises EventError for an airdrop whose worth the panel does not know."""
    position = {asset: column for column, asset in enumerate(panel.assets)}
    concern = [
        event
        for event in events
        if event.asset in position
        and len(panel.dates)
        and _stamp(event.day) <= panel.dates[-1].to_datetime64()
    ]
    if not concern:
        return None
    laid = _Laying(panel, position)
    for event in sorted(concern, key=lambda event: (event.day, event.asset)):
        laid.lay(event, rulebook)
    return laid.course()


class _Laying:
    """The course in the making: rows of `close` are filled as events are laid in order of day."""

    def __init__(self, panel: Panel, position: Mapping[str, int]) -> None:
        self.panel, self.position = panel, position
        self.days = panel.dates.to_numpy()
        self.close: Array | None = None
        self.changes: list[tuple[int, int, float]] = []
        self.halts: list[tuple[int, int, int]] = []
        self.ends: dict[int, int] = {}
        self.units: list[tuple[int, int, float]] = []

    def row(self, day: date) -> int:
        """The first row at or after `day`."""
        return int(np.searchsorted(self.days, _stamp(day)))

    def prices(self) -> Array:
        """The closes as filled so far."""
        return self.panel.close if self.close is None else self.close

    def lay(self, event: Event, rulebook: Rulebook) -> None:
        """`event` acts on the rows from its day on. One from before the first row is in the prices already."""
        column, row = self.position[event.asset], self.row(event.day)
        if isinstance(event, Halt):
            after = len(self.days) if event.until is None else self.row(event.until)
            self.halts.append((column, row, after))
            self.fill(column, row, after)
        elif isinstance(event, Delisting):
            self.ends[column] = row
            end = rulebook.delisting.return_ if event.return_ is None else event.return_
            self.fill(column, row, len(self.days), 1.0 + end)
        elif row > 0 and isinstance(event, Redenomination):
            self.changes.append((row, column, event.ratio))
            self.units.append((row, column, event.ratio))
            for place, first, after in self.halts:
                if place == column and first <= row < after:
                    self.fill(column, row, after)
        elif row > 0 and isinstance(event, Airdrop):
            self.changes.append((row, column, 1.0 + self.worth(event, column, row)))

    def fill(self, column: int, row: int, after: int, factor: float = 1.0) -> None:
        """The closes in [row, after) are the last known one before `row`, in units of `row`, times `factor`."""
        known = np.flatnonzero(~np.isnan(self.prices()[:row, column]))
        if not len(known) or row >= after:
            return
        if self.close is None:
            self.close = self.panel.close.copy()
        price = self.close[known[-1], column] * factor
        for at, place, ratio in self.units:
            if place == column and known[-1] < at <= row:
                price /= ratio
        self.close[row:after, column] = price

    def worth(self, event: Airdrop, column: int, row: int) -> float:
        """What one unit receives at `row`, as a fraction of its close."""
        if event.value_fraction:
            return event.value_fraction
        own = self.prices()[row, column]
        other = self.position.get(event.into)
        price = np.nan if other is None else self.prices()[row, other]
        if np.isnan(own) or np.isnan(price):
            missing = event.asset if np.isnan(own) else event.into
            raise EventError(
                f"airdrop of {event.asset} on {event.day}: {missing} has no price that day; give "
                "value_fraction, or the first day on which both have one"
            )
        return float(event.units_per_unit * price / own)

    def course(self) -> Course:
        """What was laid."""
        panel = self.panel
        if self.close is not None:
            self.close.setflags(write=False)
            panel = replace(panel, close=self.close)
        return Course(panel, tuple(sorted(self.changes)), tuple(self.halts), self.ends)


def _stamp(day: date) -> np.datetime64:
    return np.datetime64(day, "D")
