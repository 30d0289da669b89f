"""The history of an index: begun where it begins, extended day by day, the same either way."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import pandas as pd
from django.db import transaction

from indices.core.backtest import BacktestError, backtest, continued
from indices.core.events import Event, EventError, Halt, reach_back
from indices.core.exact import weight_float
from indices.core.guardrails import AT_ONCE, Guard, sane_levels
from indices.core.levels import LevelError, memory_days
from indices.core.receipts import Execution, executions
from indices.core.rulebook import Decision as Decided
from indices.core.rulebook import DecisionError, Rulebook, RulebookError, lookback_days
from indices.core.walk import Standing, Waiting
from indices.models import Decision, Index, IndexLevel
from indices.selectors.beginnings import beginning
from indices.selectors.decisions import decision_in_force, target_weights
from indices.selectors.indices import indices_kept, resolved, version_in_force
from indices.services.events import events_known
from indices.services.outlook import Look, alert_kind, held_alert, outlook_live, passive_alert
from indices.services.receipts import receipts_store
from indices.services.storing import decisions_store, levels_store
from signals import selectors as signal_selectors
from signals import services as signal_services
from signals.core.panel import Panel

GUARD = Guard()
"""What every stored decision is checked against, whoever asked for it; part of what verification computes again."""

MOST_HALTED = 120
"""Purchases that are looked back over for one without a halt: longer than that nothing stays halted and alive."""

ENGINE_ERRORS = (BacktestError, DecisionError, EventError, LevelError, RulebookError)

Progress = Callable[[str, int, int], None]


class IndexNotDue(ValueError):
    """No decision belongs to that day; the message names the index and the day."""


class BrokenHistory(ValueError):
    """What was computed may not be stored; the message names the index, the day and what is wrong."""


@dataclass(frozen=True)
class Advance:
    """How many decisions and levels were written."""

    decisions: int = 0
    levels: int = 0


@dataclass(frozen=True)
class Written:
    """A stretch of history that is to be stored: decisions, (day, level) pairs, and what was traded."""

    decisions: tuple[Decided, ...]
    levels: list[tuple[date, float]]
    executions: tuple[Execution, ...] = ()


def index_decide(index: Index | str, *, as_of: date) -> Decision:
    """The decision of `as_of`, made now unless it is there already. The history up to it is extended on the way.

    Raises IndexNotDue where no decision belongs to that day, and signals.selectors.NotYetKnown where it has not closed.
    """
    found = resolved(index)
    if as_of > signal_selectors.last_closed_day():
        raise signal_selectors.NotYetKnown(f"as_of: {as_of} has not closed; wait for the market clock.")
    stored = Decision.objects.filter(index=found, as_of=as_of).first()
    if stored is None:
        index_advance(found, through=as_of)
        stored = Decision.objects.filter(index=found, as_of=as_of).first()
    if stored is None:
        raise IndexNotDue(f"as_of: {found.slug} makes no decision on {as_of}; see its calendar.")
    return stored


def levels_extend(index: Index | str, *, through: date) -> int:
    """Levels (and the decisions they rest on) are stored through `through`; returns how many levels were new."""
    return index_advance(index, through=through).levels


def index_backfill(index: Index | str, *, through: date, progress: Progress | None = None) -> int:
    """The whole history from the base date through `through` is stored; returns how many decisions were new."""
    found = resolved(index)
    written = index_advance(found, through=through)
    if progress is not None:
        progress(found.slug, 1, 1)
    return written.decisions


def histories_backfill(*, through: date, progress: Progress | None = None) -> dict[str, Advance]:
    """The whole history of every house index and every passive twin that can begin is stored through `through`.

    The panel is loaded once for all. An index that cannot be computed raises an alert and does not keep the others.
    """
    indices = indices_kept()
    due = {index.pk for index in indices if history_due(index, through=through)}
    begun_already = set(Decision.objects.filter(index__in=due).values_list("index", flat=True))
    stamp = signal_selectors.revision_stamp()
    panel = signal_selectors.panel(as_of=through) if due - begun_already else None
    written = {}
    for place, index in enumerate(indices):
        if progress is not None:
            progress(index.slug, place, len(indices))
        # A twin may have become due by what was just done to the index it stands beside.
        late = index.pk in due or (index.twin_of_id in due and history_due(index, through=through))
        written[index.slug] = Advance()
        if late:
            written[index.slug] = index_advance_safely(index, through=through, panel=panel, stamp=stamp)
    if progress is not None:
        progress("done", len(indices), len(indices))
    return written


def index_advance_safely(
    index: Index, *, through: date, panel: Panel | None = None, stamp: int | None = None
) -> Advance:
    """`index_advance`, or where it cannot be done an alert that says why: nothing is stored, the last weights stay."""
    kind = alert_kind("broken", index)
    try:
        written = index_advance(index, through=through, panel=panel, stamp=stamp)
    except (*ENGINE_ERRORS, BrokenHistory) as error:
        signal_services.alert_raise(
            kind,
            as_of=through,
            text=f"{index.slug} could not be computed through {through}: {error}. Nothing was stored, the last weights "
            "and levels stay, and every tick tries again. Look at the candles of that day, or take the index off.",
        )
        return Advance()
    if written.decisions or written.levels:
        signal_services.alert_clear(kind, as_of=through)
    return written


def history_due(index: Index, *, through: date) -> bool:
    """Whether something of the history of `index` through `through` may be missing."""
    last = IndexLevel.objects.filter(index=index).order_by("-date").first()
    if last is not None:
        return last.date < through
    newest = Decision.objects.filter(index=index, is_held=False).order_by("-as_of").first()
    if newest is not None:
        return newest.effective_on <= through
    start = beginning(index, through=through).start
    return start is not None and start <= through


@transaction.atomic
def index_advance(
    index: Index | str, *, through: date, panel: Panel | None = None, stamp: int | None = None
) -> Advance:
    """Decisions and levels of `index` are stored through `through`, as far as candles go; what is there stays as it is.

    The index row is locked, so two callers make one history. `panel`, where given, must hold every day through
    `through`; with `stamp` (signals.selectors.revision_stamp when it was read) it is not used once a candle has been
    corrected since.
    """
    locked = Index.objects.select_for_update().get(pk=resolved(index).pk)
    if not history_due(locked, through=through):
        return Advance()
    if stamp is not None and stamp != signal_selectors.revision_stamp():
        panel = None
    version = version_in_force(locked)
    rulebook = Rulebook.from_dict(version.body)
    events = events_known(as_of=through)
    standing = standing_of(locked, events=events)
    seen = outlook_live(rulebook)
    if standing is None:
        start = beginning(locked, through=through).start or rulebook.base.date
        known = panel or signal_selectors.panel(as_of=through)
        written = begun(known, rulebook, start=start, through=through, outlook=seen, events=events)
    else:
        needed = panel_days(standing, rulebook, through=through, events=events)
        known = panel or signal_selectors.panel(as_of=through, days=needed)
        written = went_on(known, rulebook, standing, through=through, outlook=seen, events=events)
    last = IndexLevel.objects.filter(index=locked).order_by("-date").values_list("date", flat=True).first()
    fresh = [point for point in written.levels if last is None or point[0] > last]
    if not sane_levels([level for _, level in fresh]):
        raise BrokenHistory(f"level: {locked.slug} would have a level that is no number above zero")
    rows = decisions_store(version, written.decisions)
    levels_store(locked, fresh)
    receipts_store(locked, version, rows, written.decisions, written.executions, through=through)
    if written.decisions:
        passive_alert(locked, written.decisions[-1], through=through)
        held_alert(locked, written.decisions[-1], through=through)
    return Advance(len(written.decisions), len(fresh))


def begun(
    panel: Panel,
    rulebook: Rulebook,
    *,
    start: date,
    through: date,
    outlook: Look | None = None,
    events: Sequence[Event] = (),
) -> Written:
    """The history from `start`. Levels begin with the first purchase."""
    reached = bool(len(panel.dates)) and panel.dates[-1].date() >= start and start <= through
    if not reached:
        return Written((), [])
    result = backtest(
        panel,
        rulebook,
        start=start,
        end=through,
        outlook=outlook,
        record=True,
        events=events,
        guard=GUARD,
    )
    if not result.rebalances:
        return Written(result.decisions, [])
    level = result.level[result.turnover.index[0] :]
    traded = executions(result.rebalances, panel.dates, result.assets, result.level)
    return Written(result.decisions, _points(level), tuple(traded))


def went_on(
    panel: Panel,
    rulebook: Rulebook,
    standing: Standing,
    *,
    through: date,
    outlook: Look | None = None,
    events: Sequence[Event] = (),
) -> Written:
    """What follows `standing`, levels from its last purchase on."""
    if not len(panel.dates) or (standing.weights and panel.dates[-1].date() < standing.bought):
        return Written((), [])
    result = continued(
        panel, rulebook, standing, through=through, outlook=outlook, events=events, guard=GUARD
    )
    traded = executions(result.rebalances, result.dates, result.assets, result.level)
    return Written(result.decisions, _points(result.level), tuple(traded))


def standing_of(index: Index, *, before: date | None = None, events: Sequence[Event] = ()) -> Standing | None:
    """Where the stored history of `index` stands, None where it has not begun.

    With `before` only what was decided on earlier days than that is looked at. What was bought while something was
    halted is not what was decided: the history then stands at the last purchase without a halt among `events`, and the
    decisions since then wait to be traded again.
    """
    made = Decision.objects.filter(index=index)
    points = IndexLevel.objects.filter(index=index)
    if before is not None:
        made = made.filter(as_of__lt=before)
        newest = made.order_by("-as_of").first()
        points = points.filter(date__lte=newest.as_of) if newest is not None else points.none()
    newest = made.order_by("-as_of").first()
    if newest is None:
        return None
    last = points.order_by("-date").first()
    halts = [event for event in events if isinstance(event, Halt)]
    weights, bought, level = {}, newest.as_of, 0.0
    waiting = made.filter(is_held=False)
    traded = waiting.none() if last is None else waiting.filter(effective_on__lte=last.date)
    for in_force in traded.order_by("-effective_on", "-as_of")[: MOST_HALTED if halts else 1]:
        # Where the effective day had no candles, the purchase was on the next day that had.
        purchase = points.filter(date__gte=in_force.effective_on).order_by("date").first()
        if purchase is None:
            break
        weights, bought, level = _floats(in_force), purchase.date, purchase.level
        waiting = made.filter(is_held=False, effective_on__gt=in_force.effective_on)
        earlier = decision_in_force(index, as_of=in_force.effective_on - timedelta(days=1)) if halts else None
        held = {*weights, *(_floats(earlier) if earlier is not None else ())}
        if not any(_halted(halt, bought) and halt.asset in held for halt in halts):
            break
    return Standing(
        weights=weights,
        bought=bought,
        level=level,
        waiting=tuple(
            _waiting(step) for step in waiting.select_related("rulebook").order_by("effective_on", "as_of")
        ),
        decided=newest.as_of,
        epoch=newest.epoch,
        spared=AT_ONCE in newest.note or _rules_after(index, newest),
    )


def _rules_after(index: Index, newest: Decision) -> bool:
    """Whether the decision after `newest` is by other rules than it was, or will be."""
    following = Decision.objects.filter(index=index, as_of__gt=newest.as_of).order_by("as_of").first()
    return (following.rulebook_id if following else version_in_force(index).pk) != newest.rulebook_id


def _halted(halt: Halt, day: date) -> bool:
    return halt.from_ <= day and (halt.until is None or day < halt.until)


def panel_days(standing: Standing, rulebook: Rulebook, *, through: date, events: Sequence[Event] = ()) -> int:
    """How many days of panel through `through` a walk on from `standing` looks at."""
    back = max(memory_days(rulebook), lookback_days(rulebook))
    earliest = min(standing.bought, standing.decided) - timedelta(days=back)
    earliest = min(earliest, reach_back(events, standing.bought))
    return (through - earliest).days + 1


def _points(level: pd.Series) -> list[tuple[date, float]]:
    days = pd.DatetimeIndex(level.index).date
    return list(zip(days.tolist(), level.to_numpy(dtype=float).tolist(), strict=True))


def _waiting(decision: Decision) -> Waiting:
    costs = Rulebook.from_dict(decision.rulebook.body).costs
    return Waiting(decision.effective_on, _floats(decision), costs)


def _floats(decision: Decision) -> dict[str, float]:
    return {slug: weight_float(weight) for slug, weight in target_weights(decision).items()}
