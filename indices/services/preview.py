"""What a changed rule would have done, within half a second: one panel per process, and a backtest of just these years.

The panel is read from the store once for a market day and kept by every process that is asked (indices.services.shelf).
What a preview says is a backtest: nothing is stored.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import pandas as pd

from indices.core import metrics, tracking
from indices.core.backtest import Backtest, backtest, continued
from indices.core.calendar import determination_days
from indices.core.customising import uses_signals
from indices.core.difference import Change, difference
from indices.core.events import Event
from indices.core.rulebook import Decision, Outlook, Rulebook
from indices.core.rulebook.choosing import needs_grades
from indices.core.walk import Standing, first_panel_day
from indices.services.events import events_known
from indices.services.history import GUARD
from indices.services.outlook import outlook_live
from indices.services.shelf import YEARS, Shelf, shelf_at
from signals import selectors as signal_selectors
from signals.core.panel import Panel

_BACKTESTS_KEPT = 24

Look = Callable[[date], Outlook]


class PreviewError(ValueError):
    """Nothing can be shown; the message says why and what to do."""


@dataclass(frozen=True)
class Member:
    """One token at the last decision. `base_weight` is None where the base does not hold it; weights are fractions."""

    slug: str
    weight: float
    base_weight: float | None
    rank: int | None
    reason: str

    @property
    def change(self) -> float:
        """The weight less that in the base."""
        return self.weight - (self.base_weight or 0.0)


@dataclass(frozen=True, eq=False)
class Preview:
    """A backtest of changed rules beside one of the base over the same days, both 1,000 at the close of the first
    purchase, its cost paid.

    `level` and `base_level` are (day, level at its close) pairs. `metrics` and `base_metrics` are those of Backtest.
    `members` are of the last decision, the largest first; `left_out` are (asset id, weight) that only the base holds.
    `notes` say what the backtest had to go without, which bound could not be kept, or why the last decision is held.
    """

    rulebook: Rulebook
    base: Rulebook
    start: date
    end: date
    level: list[tuple[date, float]] = field(repr=False)
    base_level: list[tuple[date, float]] = field(repr=False)
    metrics: dict[str, Any]
    base_metrics: dict[str, Any]
    tracking: tracking.Tracking
    active_share: float
    decided_on: date | None
    members: list[Member] = field(repr=False)
    left_out: list[tuple[str, float]] = field(repr=False)
    changes: list[Change]
    notes: tuple[str, ...]


def preview(rulebook: Rulebook, base: Rulebook, *, as_of: date, start: date | None = None) -> Preview:
    """What `rulebook` would have done from `start` (default: five years back, the most there is) through `as_of`,
    beside `base`.

    Raises PreviewError where there are fewer than two days of levels, and signals.selectors.NotYetKnown.
    """
    shelf = shelf_at(as_of)
    panel = shelf.panel
    if not len(panel.dates):
        raise PreviewError("There are no prices yet, so nothing can be computed.")
    end = panel.dates[-1].date()
    earliest = max(end - timedelta(days=365 * YEARS), panel.dates[0].date())
    begin = earliest if start is None else max(start, earliest)
    result, told, blind = _run(shelf, rulebook, begin, end, remembered=False)
    base_result, base_told, _ = _run(shelf, base, begin, end, remembered=True)
    if not result.rebalances:
        raise PreviewError("No token passes these rules on any day, so the index would hold nothing.")
    if not base_result.rebalances:
        raise PreviewError("The index that this is built on has held nothing in these years.")
    common = max(result.turnover.index[0], base_result.turnover.index[0])
    level, base_level = _set_out(result.level[common:]), _set_out(base_result.level[common:])
    if len(level) < 2:
        raise PreviewError("There are fewer than two days to show; choose an earlier start.")
    days = int((level.index[-1] - level.index[0]).days)
    newest, base_newest = _newest(told), _newest(base_told)
    weights = newest.weights if newest is not None else {}
    base_weights = base_newest.weights if base_newest is not None else {}
    return Preview(
        rulebook=rulebook,
        base=base,
        start=level.index[0].date(),
        end=end,
        level=_points(level),
        base_level=_points(base_level),
        metrics=_metrics(result, level, days),
        base_metrics=_metrics(base_result, base_level, days),
        tracking=tracking.tracking(level.to_numpy(), base_level.to_numpy(), days=days),
        active_share=tracking.active_share(weights, base_weights),
        decided_on=None if newest is None else newest.as_of,
        members=_members(newest, base_weights),
        left_out=sorted(
            ((slug, weight) for slug, weight in base_weights.items() if slug not in weights),
            key=lambda pair: (-pair[1], pair[0]),
        ),
        changes=changes(base, rulebook),
        notes=(*blind, *_notes(told)),
    )


def changes(base: Rulebook, rulebook: Rulebook) -> list[Change]:
    """What `rulebook` changes against `base`, in words; that it goes by another name is left out."""
    own = ("slug", "name", "summary", "base.level", "base.date")
    return [change for change in difference(base, rulebook) if change.clause not in own]


def _run(
    shelf: Shelf, rulebook: Rulebook, start: date, end: date, *, remembered: bool
) -> tuple[Backtest, tuple[Decision, ...], tuple[str, ...]]:
    """The backtest, its last decisions, and what it had to go without."""
    seen, standing = _outlook(shelf, rulebook, start, end)
    events = events_known(as_of=end)
    key = (rulebook.digest, start, standing, repr(events))
    result = shelf.backtests.get(key)
    if result is None:
        result = backtest(
            shelf.panel, rulebook, start=start, end=end, outlook=seen, events=events, guard=GUARD
        )
        if remembered:
            while len(shelf.backtests) >= _BACKTESTS_KEPT:
                shelf.backtests.pop(next(iter(shelf.backtests)), None)
            shelf.backtests[key] = result
    told = _last_decisions(shelf.panel, rulebook, result, end, seen, events)
    return result, told, _blind(rulebook, seen, start, end)


def _last_decisions(
    panel: Panel,
    rulebook: Rulebook,
    result: Backtest,
    end: date,
    seen: Look | None,
    events: tuple[Event, ...],
) -> tuple[Decision, ...]:
    """The last determinations in full. A backtest that keeps every reason takes many times as long, so the walk is
    resumed at the last purchase but one and only its end is recorded."""
    if len(result.rebalances) < 2:
        start = result.level.index[0].date()
        return backtest(
            panel,
            rulebook,
            start=start,
            end=end,
            outlook=seen,
            record=True,
            events=events,
            guard=GUARD,
        ).decisions
    before = result.rebalances[-2]
    bought = panel.dates[before.row].date()
    standing = Standing(
        weights={
            panel.assets[column]: weight
            for column, weight in zip(before.columns.tolist(), before.weights.tolist(), strict=True)
        },
        bought=bought,
        level=float(result.level.loc[panel.dates[before.row]]),
        waiting=(),
        decided=bought - timedelta(days=rulebook.calendar.lag_days),
        epoch="",
    )
    return continued(
        panel, rulebook, standing, through=end, outlook=seen, events=events, guard=GUARD
    ).decisions


def _outlook(shelf: Shelf, rulebook: Rulebook, start: date, end: date) -> tuple[Look | None, Any]:
    """How grades and regime are looked up, each day once per process, and what they stand on: grades that are
    published later make another one."""
    live = outlook_live(rulebook)
    if live is None or not uses_signals(rulebook):
        return live, None
    first = first_panel_day(rulebook, start)
    days = [*determination_days(rulebook.calendar, after=first, through=end), start]
    graded = signal_selectors.graded_days(days)
    regimes = signal_selectors.regime_day(as_of=end)
    wanted = (rulebook.overlay.regime, rulebook.selection.rank_by, rulebook.weighting.scheme)
    standing = (wanted, frozenset(graded), None if regimes is None else regimes.day)
    known = shelf.outlooks.setdefault(standing, {})

    def look(day: date) -> Outlook:
        if day not in known:
            known[day] = live(day)
        return known[day]

    return look, standing


def _blind(rulebook: Rulebook, seen: Look | None, start: date, end: date) -> tuple[str, ...]:
    """Over how many determinations grades or the regime were not there, in words; the rules went without them."""
    if seen is None:
        return ()
    outlooks = [seen(day) for day in determination_days(rulebook.calendar, after=start, through=end)]
    missing = {
        "Grades were": sum(look.grades is None for look in outlooks) if needs_grades(rulebook) else 0,
        "The market regime was": sum(look.regime is None for look in outlooks)
        if rulebook.overlay.regime
        else 0,
    }
    return tuple(
        f"{what} not there for {count} of {len(outlooks)} decisions, which went without."
        for what, count in missing.items()
        if count
    )


def _newest(decisions: tuple[Decision, ...]) -> Decision | None:
    return decisions[-1] if decisions else None


def _members(decision: Decision | None, base_weights: dict[str, float]) -> list[Member]:
    if decision is None:
        return []
    found = [
        Member(slug, weight, base_weights.get(slug), decision.ranks.get(slug), decision.reasons.get(slug, ""))
        for slug, weight in decision.weights.items()
    ]
    # Caps and equal weights differ in their last bits only: then the rank says who comes first.
    return sorted(
        found, key=lambda member: (-round(member.weight, 9), member.rank or len(found) + 1, member.slug)
    )


def _notes(decisions: tuple[Decision, ...]) -> tuple[str, ...]:
    newest = _newest(decisions)
    if newest is None:
        return ()
    return (*newest.notes, *((f"The last weights stay: {newest.held}",) if newest.held else ()))


def _set_out(level: pd.Series) -> pd.Series:
    """`level` from 1,000 on, which makes two of them comparable."""
    return level / float(level.iloc[0]) * 1000.0 if len(level) else level


def _metrics(result: Backtest, level: pd.Series, days: int) -> dict[str, Any]:
    """The statistics of what is shown, so that every figure agrees with the lines."""
    first = level.index[0]
    return metrics.summary(
        level.to_numpy(),
        days=days,
        turnover=result.turnover[first:].to_numpy(),
        costs=result.costs[first:].to_numpy(),
    )


def _points(level: pd.Series) -> list[tuple[date, float]]:
    days = pd.DatetimeIndex(level.index).date
    return list(zip(days.tolist(), level.to_numpy(dtype=float).tolist(), strict=True))
