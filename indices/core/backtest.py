"""The history of an index: the live decision function walked over a panel, drifting in between.

Conventions are those of docs/adr/0004-backtest-conventions.md. What is known at a row comes from that row and earlier
ones; the panel is never cut, and a test holds that cutting it changes nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from indices.core import metrics
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
        ever = sorted(
            {int(column) for step in self.rebalances for column in step.columns}, key=self.assets.__getitem__
        )
        place = {column: number for number, column in enumerate(ever)}
        table = np.zeros((len(self.rebalances), len(ever)))
        for line, step in zip(table, self.rebalances, strict=True):
            line[[place[column] for column in step.columns.tolist()]] = step.weights
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


def backtest(
    panel: Panel,
    rulebook: Rulebook,
    *,
    start: date | str,
    end: date | str,
    grades: pd.DataFrame | None = None,
    regime: pd.Series | None = None,
    outlook: Callable[[date], Outlook] | None = None,
    record: bool = False,
) -> Backtest:
    """The index of `rulebook` over the panel's days in [start, end].

    Invested from `start`: a first determination `lag_days` before it, or on the first later day on which something
    passes the screens; until that is traded the level stands at base. `grades` [date x asset] (0 to 100) and `regime`
    [date] (risk share) are read at the latest row at or before each determination; `outlook` is asked at each instead,
    and what it does not know the rules go without. `record` also keeps every decision with reasons and input hash.
    Raises BacktestError, DecisionError or LevelError.
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
    """What came after a standing history: decisions made, and the levels from its last purchase on."""

    decisions: tuple[Decision, ...]
    level: pd.Series


def continued(
    panel: Panel,
    rulebook: Rulebook,
    standing: Standing,
    *,
    through: date,
    outlook: Callable[[date], Outlook] | None = None,
) -> Continuation:
    """The history that stands at `standing`, walked on to `through`; `outlook` as in `backtest`.

    The panel must reach back `memory_days` before the last purchase and `lookback_days` before the last determination.
    Raises BacktestError where it does not hold the day of purchase.
    """
    members = frozenset(standing.weights).union(*(waiting.weights for waiting in standing.waiting))
    known = widened(panel, members)
    last = int(known.dates.searchsorted(pd.Timestamp(through), side="right")) - 1
    first = int(known.dates.searchsorted(pd.Timestamp(standing.bought))) if standing.weights else 0
    if last < first or (standing.weights and known.dates[first] != pd.Timestamp(standing.bought)):
        raise BacktestError(
            f"panel: does not hold {standing.bought}, the day of the last purchase, or ends before it"
        )
    walk = Walk(known, rulebook, first=first, last=last, outlook=outlook, record=True)
    walk.resume(standing)
    start = first if standing.weights else (walk.rebalances[0].row if walk.rebalances else last + 1)
    level = pd.Series(walk.level[start - first :], index=known.dates[start : last + 1], name="level")
    return Continuation(tuple(walk.decisions), level)
