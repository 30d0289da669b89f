"""The history of an index: the live decision function walked over a panel, drifting in between.

Conventions are those of docs/adr/0004-backtest-conventions.md. What is known at a row comes from that row and earlier
ones; the panel is never cut, and a test holds that cutting it changes nothing.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from indices.core import metrics
from indices.core.events import Event
from indices.core.guardrails import Guard
from indices.core.rulebook.clauses import Rulebook
from indices.core.rulebook.deciding import Decision, Outlook, widened
from indices.core.walk import Rebalance, Standing, Walk
from signals.core.panel import Panel


class BacktestError(ValueError):
    """A backtest cannot be run; the message names the argument."""


@dataclass(frozen=True, eq=False)
class Backtest:
    """What a rulebook would have done. `level` is a series by day; `weights` a frame [effective day x asset] of target
    weights (0 where not held); `turnover` and `costs` series by effective day, fractions of the index.

    `decisions` holds every decision in full, held ones too, where the backtest was asked to record them.
    """

    rulebook: Rulebook
    level: pd.Series
    turnover: pd.Series
    costs: pd.Series
    rebalances: tuple[Rebalance, ...] = field(repr=False)
    assets: tuple[str, ...] = field(repr=False)
    decisions: tuple[Decision, ...] = field(repr=False, default=())

    @cached_property
    def weights(self) -> pd.DataFrame:
        """Target weights [effective day x asset], assets ever held only, by asset id."""
        if not self.rebalances:
            return pd.DataFrame(index=self.turnover.index)
        columns = np.concatenate([step.columns for step in self.rebalances])
        held = np.zeros(len(self.assets), dtype=bool)
        held[columns] = True
        ever = sorted(np.flatnonzero(held).tolist(), key=self.assets.__getitem__)
        place = np.zeros(len(self.assets), dtype=np.intp)
        place[ever] = np.arange(len(ever))
        table = np.zeros((len(self.rebalances), len(ever)))
        rows = np.repeat(np.arange(len(table)), [len(step.columns) for step in self.rebalances])
        table[rows, place[columns]] = np.concatenate([step.weights for step in self.rebalances])
        return pd.DataFrame(
            table, index=self.turnover.index, columns=[self.assets[column] for column in ever]
        )

    @cached_property
    def metrics(self) -> dict[str, Any]:
        """Return, growth per year, volatility, Sharpe ratio, drawdown, turnover and cost; see indices.core.metrics."""
        days = int((self.level.index[-1] - self.level.index[0]).days)
        return metrics.summary(
            self.level.to_numpy(), days=days, turnover=self.turnover.to_numpy(), costs=self.costs.to_numpy()
        )


def backtest(  # noqa: PLR0913 - each is one input of a walk
    panel: Panel,
    rulebook: Rulebook,
    *,
    start: date | str,
    end: date | str,
    grades: pd.DataFrame | None = None,
    regime: pd.Series | None = None,
    outlook: Callable[[date], Outlook] | None = None,
    record: bool = False,
    events: Sequence[Event] = (),
    guard: Guard | None = None,
) -> Backtest:
    """The index of `rulebook` over the panel's days in [start, end].

    Invested from `start`: a first determination `lag_days` before it, or on the first later day on which something
    passes the screens; until that is traded the level stands at base. `grades` [date x asset] (0 to 100) and `regime`
    [date] (risk share) are read at the latest row at or before each determination; `outlook` is asked at each instead,
    and what it does not know the rules go without. `events` (indices.core.events) act from their days on. A decision
    that `guard` refuses is held; without one only the rules speak.
    `record` also keeps every decision with reasons and input hash. Raises BacktestError, DecisionError, LevelError or
    EventError.
    """
    first_day, last_day = pd.Timestamp(start), pd.Timestamp(end)
    if first_day > last_day:
        raise BacktestError(f"start: must not be after end, got {first_day.date()} and {last_day.date()}")
    first = int(panel.dates.searchsorted(first_day))
    last = int(panel.dates.searchsorted(last_day, side="right")) - 1
    if first > last:
        raise BacktestError(f"start: the panel has no day between {first_day.date()} and {last_day.date()}")
    walk = Walk(
        panel,
        rulebook,
        first=first,
        last=last,
        grades=grades,
        regime=regime,
        outlook=outlook,
        record=record,
        events=events,
        guard=guard,
    )
    walk.begin(first_day.date())
    index = panel.dates[[step.row for step in walk.rebalances]]
    return Backtest(
        rulebook=rulebook,
        level=pd.Series(walk.level, index=panel.dates[first : last + 1], name="level"),
        turnover=pd.Series(
            [step.turnover for step in walk.rebalances], index=index, dtype=float, name="turnover"
        ),
        costs=pd.Series([step.cost for step in walk.rebalances], index=index, dtype=float, name="costs"),
        rebalances=tuple(walk.rebalances),
        assets=tuple(panel.assets),
        decisions=tuple(walk.decisions),
    )


@dataclass(frozen=True, eq=False)
class Continuation:
    """What came after a standing history: decisions made, the levels from its last purchase on, and what was traded:
    the rows of `rebalances` are places in `dates`, their columns places in `assets`."""

    decisions: tuple[Decision, ...]
    level: pd.Series
    rebalances: tuple[Rebalance, ...] = field(repr=False, default=())
    dates: pd.DatetimeIndex = field(repr=False, default_factory=lambda: pd.DatetimeIndex([]))
    assets: tuple[str, ...] = field(repr=False, default=())


def continued(
    panel: Panel,
    rulebook: Rulebook,
    standing: Standing,
    *,
    through: date,
    outlook: Callable[[date], Outlook] | None = None,
    events: Sequence[Event] = (),
    guard: Guard | None = None,
) -> Continuation:
    """The history that stands at `standing`, walked on to `through`; `outlook` as in `backtest`.

    The panel must reach back `memory_days` before the last purchase and `lookback_days` before the last determination;
    with `events` as far as `events.reach_back` says, and `standing` must be from a purchase at which nothing that was
    held or wanted was halted (later decisions are then among its waiting ones). Raises BacktestError where it does not
    hold the day of purchase.
    """
    members = frozenset(standing.weights).union(*(waiting.weights for waiting in standing.waiting))
    known = widened(panel, members)
    last = int(known.dates.searchsorted(pd.Timestamp(through), side="right")) - 1
    first = int(known.dates.searchsorted(pd.Timestamp(standing.bought))) if standing.weights else 0
    if last < first or (standing.weights and known.dates[first] != pd.Timestamp(standing.bought)):
        raise BacktestError(
            f"panel: does not hold {standing.bought}, the day of the last purchase, or ends before it"
        )
    walk = Walk(
        known, rulebook, first=first, last=last, outlook=outlook, record=True, events=events, guard=guard
    )
    walk.resume(standing)
    start = first if standing.weights else (walk.rebalances[0].row if walk.rebalances else last + 1)
    level = pd.Series(walk.level[start - first :], index=known.dates[start : last + 1], name="level")
    return Continuation(
        tuple(walk.decisions), level, tuple(walk.rebalances), known.dates, tuple(known.assets)
    )
