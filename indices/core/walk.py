"""The walk of one index through a panel: determine, trade, drift, again and again.

A walk begins at an index's first day or resumes where a stored history stands; both run the same steps on the same
numbers, so a history that was extended day by day has the bits of one that was computed at once.
"""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt
import pandas as pd

from indices.core import bulk, calendar, costs
from indices.core.eligibility import Readings, day_numbers, readings
from indices.core.events.courses import course
from indices.core.events.kinds import Event
from indices.core.guardrails import AT_ONCE, Guard, determined
from indices.core.levels import Drift, Rebalance, buyable, drift, memory_days, trade_volumes
from indices.core.rulebook.clauses import Costs, Rulebook
from indices.core.rulebook.deciding import (
    Decision,
    DecisionError,
    Outcome,
    Outlook,
    decision,
    graded,
    lookback_days,
    passive,
)
from signals.core.panel import Panel

Array = npt.NDArray[np.float64]
Columns = npt.NDArray[np.intp]

# How many determinations x assets are read at once: enough to vectorise, few enough for a daily calendar's memory.
_CELLS = 262_144
_EPOCH = date(1970, 1, 1).toordinal()


@dataclass(frozen=True)
class Waiting:
    """A decision that is still to be traded at the close of `effective_on`, at the costs of its own rulebook."""

    effective_on: date
    weights: Mapping[str, float]
    costs: Costs


@dataclass(frozen=True)
class Standing:
    """Where a stored history stands.

    `weights` were bought at the close of `bought`, at whose close the index, cost paid, was at `level`; `waiting`
    decisions are not traded yet; the last determination was made at `decided`, for `epoch`.
    Before the first purchase `weights` are empty and `bought` and `level` mean nothing. `spared` says that the next
    decision may trade as much as it wants (indices.core.guardrails).
    """

    weights: Mapping[str, float]
    bought: date
    level: float
    waiting: tuple[Waiting, ...]
    decided: date
    epoch: str
    spared: bool = False


class Walk:
    """The state of one walk over rows `first` to `last`: what is held since which row, and the levels so far.

    `level` is [row] from `first` on; `grades` [date x asset] and `regime` [date] are read at the latest row at or
    before each determination. `outlook`, where given, is asked at each determination instead, and what it does not
    know the rules go without. `events` act from their days on. What `guard` refuses is held.
    """

    def __init__(  # noqa: PLR0913 - each is one input of a walk
        self,
        panel: Panel,
        rulebook: Rulebook,
        *,
        first: int,
        last: int,
        grades: pd.DataFrame | None = None,
        regime: pd.Series | None = None,
        outlook: Callable[[date], Outlook] | None = None,
        record: bool = False,
        events: Sequence[Event] = (),
        guard: Guard | None = None,
    ) -> None:
        self.guard, self.spared = guard, False
        self.course = course(panel, events, rulebook)
        if self.course is not None:
            panel = self.course.panel
        self.panel, self.rulebook, self.first, self.last, self.record = panel, rulebook, first, last, record
        self.grades, self.regime, self.outlook = grades, regime, outlook
        self.position = {asset: column for column, asset in enumerate(panel.assets)}
        self.days = day_numbers(panel)
        self.day_list: list[int] = self.days.tolist()
        self.level = np.full(last - first + 1, rulebook.base.level)
        self.columns = np.empty(0, dtype=np.intp)
        self.weights = np.empty(0)
        self.bought = first
        self.last_path: Drift | None = None
        self.waiting: list[tuple[int, Columns, Array, Costs]] = []
        self.rebalances: list[Rebalance] = []
        self.decisions: list[Decision] = []

    def begin(self, start: date) -> None:
        """Invested from `start` and walked to the last row."""
        row = self.invest(start)
        if row is None:
            return
        after = self.panel.dates[row].date()
        if not self.leap(after=after):
            self.go_on(after=after, epoch="")

    def resume(self, standing: Standing) -> None:
        """Walked from `standing` to the last row. `first` must be the row of `standing.bought` once it is invested."""
        if standing.weights:
            columns, weights = self.buyable(*self.parallel(standing.weights), self.first)
            if self.course is not None:
                columns, weights = self.course.tradable(
                    columns, weights, self.drifted(self.first), self.first
                )
            self.hold(columns, weights, self.first)
            self.level[0] = standing.level
        self.spared = standing.spared
        for waiting in standing.waiting:
            row = self.row_from(day_number(waiting.effective_on))
            self.waiting.append((row, *self.parallel(waiting.weights), waiting.costs))
        self.go_on(after=standing.decided, epoch=standing.epoch)

    def go_on(self, *, after: date, epoch: str) -> None:
        """Every determination later than `after` has been made, traded where its day has come, and levels are known."""
        for read, at, name in self.determinations(after=after, epoch=epoch):
            row = int(read.rows[at])
            self.execute_through(row)
            self.determine(read, at, name)
            # Without a lag the decision is traded at the very close it was made from.
            self.execute_through(row)
        self.execute_through(self.last)
        self.extend(self.last)

    def leap(self, *, after: date) -> bool:
        """Under plain rules: what `go_on` does after the first purchase, all rebalances at once. Whether it was."""
        if (
            self.record
            or self.outlook is not None
            or self.guard is not None
            or self.course is not None
            or not bulk.is_plain(self.rulebook)
        ):
            return False
        row, columns, weights, _ = self.waiting[0]
        found = bulk.stretch(
            self.panel,
            self.rulebook,
            days=self.days,
            first=self.first,
            last=self.last,
            begun=(row, columns, weights),
            reads=(read for read, _ in self.batches(after=after, epoch="")),
            effective=self.effective_rows,
        )
        if found is None:
            return False
        self.rebalances, self.level = found.rebalances, found.level
        return True

    def invest(self, start: date) -> int | None:
        """The row of the first determination that yields weights: `lag_days` before `start`, or on a later day."""
        wanted = day_number(start) - self.rulebook.calendar.lag_days
        row = max(bisect_right(self.day_list, wanted) - 1, 0)
        for candidate in range(row, self.last + 1):
            read = readings(self.panel, np.array([candidate]), self.rulebook, self.course)
            before = len(self.decisions)
            if self.determine(
                read, 0, calendar.epoch(self.rulebook.calendar, self.panel.dates[candidate].date())
            ):
                return candidate
            del self.decisions[before:]
        return None

    def determinations(self, *, after: date, epoch: str) -> Iterator[tuple[Readings, int, str]]:
        """The calendar's determinations later than `after` and not of `epoch`: readings, place in them, epoch."""
        for read, ends in self.batches(after=after, epoch=epoch):
            for at, day in enumerate(ends):
                yield read, at, calendar.epoch(self.rulebook.calendar, day)

    def batches(self, *, after: date, epoch: str) -> Iterator[tuple[Readings, list[date]]]:
        """The same determinations, as many as are read at once: readings, and the days that end their periods."""
        clause = self.rulebook.calendar
        found: list[tuple[int, date]] = []
        earliest = bisect_right(self.day_list, day_number(after))
        for day in calendar.determination_days(
            clause, after=after, through=self.panel.dates[self.last].date()
        ):
            # A panel without that day decides on the last day it has, and not twice on the same.
            row = bisect_right(self.day_list, day_number(day)) - 1
            if row >= earliest and (not epoch or calendar.epoch(clause, day) != epoch):
                found.append((row, day))
                earliest = row + 1
        size = max(_CELLS // max(len(self.panel.assets), 1), 1)
        for low in range(0, len(found), size):
            batch = found[low : low + size]
            rows = np.array([row for row, _ in batch], dtype=np.intp)
            read = readings(self.panel, rows, self.rulebook, self.course)
            yield read, [day for _, day in batch]

    def determine(self, read: Readings, at: int, epoch: str) -> bool:
        """One determination, from what is held at its close; whether it is to be traded."""
        row = int(read.rows[at])
        drifted = self.drifted(row)
        rulebook = self.rulebook
        notes: tuple[str, ...] = ()
        if self.outlook is None:
            grades, regime = self.grades_at(row), self.regime_at(row)
        else:
            seen = self.outlook(self.panel.dates[row].date())
            grades = (
                None if seen.grades is None else graded(seen.grades, self.position, len(self.panel.assets))
            )
            regime, notes = seen.regime, seen.notes
            rulebook = passive(rulebook, grades=grades is None, regime=regime is None)
        outcome = determined(
            self.guard,
            read,
            at,
            rulebook,
            drifted=drifted,
            grades=grades,
            regime=regime,
            spared=self.spared,
        )
        self.spared = outcome.held.startswith(AT_ONCE)
        outcome = replace(outcome, notes=(*notes, *outcome.notes))
        if self.record:
            self.decisions.append(
                decision(
                    read,
                    at,
                    self.rulebook,
                    outcome,
                    drifted=drifted,
                    grades=grades,
                    regime=regime,
                    epoch=epoch,
                )
            )
        if outcome.held:
            return False
        self.wait(self.day_list[row] + self.rulebook.calendar.lag_days, outcome)
        return True

    def wait(self, effective: int, outcome: Outcome) -> None:
        """`outcome` is traded at the first row at or after day `effective`, instead of an older one for that row."""
        row = max(self.row_from(effective), self.first)
        self.waiting = [step for step in self.waiting if step[0] != row]
        self.waiting.append((row, outcome.columns, outcome.weights, self.rulebook.costs))

    def effective_rows(self, rows: Columns) -> Columns:
        """The row that each decision made at `rows` is traded at, as `wait` has it."""
        traded = np.searchsorted(self.days, self.days[rows] + self.rulebook.calendar.lag_days)
        return np.maximum(traded, self.first)

    def execute_through(self, row: int) -> None:
        """Every waiting decision whose row has come by `row` is traded."""
        while self.waiting and self.waiting[0][0] <= row:
            self.execute(*self.waiting.pop(0))

    def execute(self, row: int, columns: Columns, weights: Array, clause: Costs) -> None:
        """`weights` of `columns` are held from the close of `row` on, paid for at that close."""
        self.extend(row)
        columns, weights = self.buyable(columns, weights, row)
        if not len(columns):
            return
        before = self.drifted(row)
        if self.course is not None:
            columns, weights = self.course.tradable(columns, weights, before, row)
            if not len(columns):
                return
        target = np.zeros(len(before))
        target[columns] = weights
        change = target - before
        touched = np.flatnonzero(change)
        sizes = np.abs(change[touched])
        turnover = math.fsum(sizes.tolist())
        volume = trade_volumes(self.panel, self.days, row, touched) if clause.needs_volume else None
        cost = costs.trade_cost(sizes, turnover, clause, volume)
        self.level[row - self.first] *= 1.0 - cost
        self.hold(columns, weights, row)
        kept = before if self.record else None
        self.rebalances.append(Rebalance(row, columns, weights, turnover, cost, kept))

    def hold(self, columns: Columns, weights: Array, row: int) -> None:
        """`weights` of `columns` are what is held from the close of `row` on."""
        self.columns, self.weights, self.bought, self.last_path = columns, weights, row, None

    def extend(self, row: int) -> None:
        """The levels after the last purchase are known through `row`."""
        if len(self.columns) and row > self.bought:
            low = self.bought - self.first
            totals = self.path(row).totals[1 : row - self.bought + 1]
            self.level[low + 1 : row - self.first + 1] = self.level[low] * totals

    def drifted(self, row: int) -> Array:
        """What is held at the close of `row` before any trade there, [asset] weights; zero where nothing is held."""
        weights = np.zeros(len(self.panel.assets))
        if len(self.columns):
            weights[self.columns] = self.path(row).weights(row - self.bought)
        return weights

    def path(self, row: int) -> Drift:
        """What is held, from its purchase through `row` at least."""
        length = row - self.bought + 1
        if self.last_path is None or len(self.last_path.values) < length:
            # A determination's close is looked at first, the close it is traded at next: one reading serves both.
            ahead = min(row + self.rulebook.calendar.lag_days, self.last)
            self.last_path = drift(
                self.panel,
                self.days,
                columns=self.columns,
                weights=self.weights,
                first=self.bought,
                last=ahead,
                rulebook=self.rulebook,
                course=self.course,
            )
        return self.last_path

    def buyable(self, columns: Columns, weights: Array, row: int) -> tuple[Columns, Array]:
        """`weights` of `columns` without what has died before it could be bought at the close of `row`."""
        return buyable(
            self.panel, self.days, columns=columns, weights=weights, row=row, rulebook=self.rulebook
        )

    def parallel(self, weights: Mapping[str, float]) -> tuple[Columns, Array]:
        """`weights` as (columns in slug order, weights)."""
        assets = sorted(weights)
        columns = np.array([self.position[asset] for asset in assets], dtype=np.intp)
        return columns, np.array([weights[asset] for asset in assets], dtype=np.float64)

    def row_from(self, day: int) -> int:
        """The first row at or after `day`, in days since 1970-01-01."""
        return bisect_left(self.day_list, day)

    def grades_at(self, row: int) -> Array | None:
        """The latest grades at or before `row`, [asset]."""
        if self.grades is None:
            return None
        place = int(self.grades.index.searchsorted(self.panel.dates[row], side="right")) - 1
        known: dict[str, float] = {}
        if place >= 0:
            known = {str(asset): float(grade) for asset, grade in self.grades.iloc[place].dropna().items()}
        return graded(known, self.position, len(self.panel.assets))

    def regime_at(self, row: int) -> float | None:
        """The latest risk share at or before `row`."""
        if self.regime is None:
            return None
        place = int(self.regime.index.searchsorted(self.panel.dates[row], side="right")) - 1
        if place < 0:
            raise DecisionError(
                f"overlay.regime: there is no regime at or before {self.panel.dates[row].date()}"
            )
        return float(self.regime.iloc[place])


def day_number(day: date) -> int:
    """`day` as days since 1970-01-01."""
    return day.toordinal() - _EPOCH


def first_panel_day(rulebook: Rulebook, start: date) -> date:
    """The first day that a walk beginning at `start` may look at."""
    back = max(memory_days(rulebook), lookback_days(rulebook)) + rulebook.calendar.lag_days
    return start - timedelta(days=back)
