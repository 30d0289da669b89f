"""The history of an index: begun from its base date, extended day by day, the same either way."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

import pandas as pd
from django.db import transaction

from indices.core.backtest import backtest, continued
from indices.core.exact import weight_float
from indices.core.levels import memory_days
from indices.core.rulebook import Decision as Decided
from indices.core.rulebook import Rulebook, lookback_days
from indices.core.walk import Standing, Waiting
from indices.models import Decision, Index, IndexLevel, RulebookVersion
from indices.selectors.decisions import decision_in_force, target_weights
from indices.selectors.indices import index_list, resolved, version_in_force
from indices.services.outlook import Look, outlook_live, passive_alert
from indices.services.storing import decisions_store, levels_store
from signals import selectors as signal_selectors
from signals.core.panel import Panel

Progress = Callable[[str, int, int], None]


class IndexNotDue(ValueError):
    """No decision belongs to that day; the message names the index and the day."""


@dataclass(frozen=True)
class Advance:
    """How many decisions and levels were written."""

    decisions: int = 0
    levels: int = 0


@dataclass(frozen=True)
class Written:
    """A stretch of history that is to be stored: decisions, and (day, level) pairs."""

    decisions: tuple[Decided, ...]
    levels: list[tuple[date, float]]


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
    """The whole history of every published index is stored through `through`; the panel is loaded once for all."""
    indices = index_list()
    if not any(history_due(index, through=through) for index in indices):
        return {index.slug: Advance() for index in indices}
    begun = Decision.objects.filter(index__in=indices).values("index").distinct().count()
    panel = signal_selectors.panel(as_of=through) if begun < len(indices) else None
    written = {}
    for place, index in enumerate(indices):
        if progress is not None:
            progress(index.slug, place, len(indices))
        written[index.slug] = index_advance(index, through=through, panel=panel)
    if progress is not None:
        progress("done", len(indices), len(indices))
    return written


def history_due(index: Index, *, through: date) -> bool:
    """Whether something of the history of `index` through `through` may be missing."""
    last = IndexLevel.objects.filter(index=index).order_by("-date").first()
    if last is not None:
        return last.date < through
    newest = Decision.objects.filter(index=index, is_held=False).order_by("-as_of").first()
    if newest is not None:
        return newest.effective_on <= through
    base = Rulebook.from_dict(version_in_force(index).body).base.date
    return base <= through


@transaction.atomic
def index_advance(index: Index | str, *, through: date, panel: Panel | None = None) -> Advance:
    """Decisions and levels of `index` are stored through `through`, as far as candles go; what is there stays as it is.

    The index row is locked, so two callers make one history. `panel`, where given, must hold every day through
    `through`.
    """
    locked = Index.objects.select_for_update().get(pk=resolved(index).pk)
    if not history_due(locked, through=through):
        return Advance()
    version = version_in_force(locked)
    rulebook = Rulebook.from_dict(version.body)
    standing = standing_of(locked)
    seen = outlook_live(rulebook)
    if standing is None:
        written = begun(
            panel or signal_selectors.panel(as_of=through), rulebook, through=through, outlook=seen
        )
    else:
        needed = panel_days(standing, rulebook, through=through)
        known = panel or signal_selectors.panel(as_of=through, days=needed)
        written = went_on(known, rulebook, standing, through=through, outlook=seen)
    last = IndexLevel.objects.filter(index=locked).order_by("-date").values_list("date", flat=True).first()
    fresh = [point for point in written.levels if last is None or point[0] > last]
    decisions_store(version, written.decisions)
    levels_store(locked, fresh)
    if written.decisions:
        passive_alert(locked, written.decisions[-1], through=through)
    return Advance(len(written.decisions), len(fresh))


def begun(panel: Panel, rulebook: Rulebook, *, through: date, outlook: Look | None = None) -> Written:
    """The history from the rulebook's base date. Levels begin with the first purchase."""
    reached = (
        bool(len(panel.dates))
        and panel.dates[-1].date() >= rulebook.base.date
        and rulebook.base.date <= through
    )
    if not reached:
        return Written((), [])
    result = backtest(panel, rulebook, start=rulebook.base.date, end=through, outlook=outlook, record=True)
    if not result.rebalances:
        return Written(result.decisions, [])
    level = result.level[result.turnover.index[0] :]
    return Written(result.decisions, _points(level))


def went_on(
    panel: Panel, rulebook: Rulebook, standing: Standing, *, through: date, outlook: Look | None = None
) -> Written:
    """What follows `standing`, levels from its last purchase on."""
    if not len(panel.dates) or (standing.weights and panel.dates[-1].date() < standing.bought):
        return Written((), [])
    result = continued(panel, rulebook, standing, through=through, outlook=outlook)
    return Written(result.decisions, _points(result.level))


def standing_of(index: Index, *, before: RulebookVersion | None = None) -> Standing | None:
    """Where the stored history of `index` stands, None where it has not begun.

    With `before` only what earlier versions than that decided is looked at.
    """
    made = Decision.objects.filter(index=index)
    points = IndexLevel.objects.filter(index=index)
    if before is not None:
        made = made.filter(rulebook__version__lt=before.version)
        newest = made.order_by("-as_of").first()
        points = points.filter(date__lte=newest.as_of) if newest is not None else points.none()
    newest = made.order_by("-as_of").first()
    if newest is None:
        return None
    last = points.order_by("-date").first()
    in_force = None if last is None else decision_in_force(index, as_of=last.date)
    if in_force is None or last is None:
        weights, bought, level = {}, newest.as_of, 0.0
    else:
        # Where the effective day had no candles, the purchase was on the next day that had.
        purchase = points.filter(date__gte=in_force.effective_on).order_by("date").first()
        bought, level = (purchase.date, purchase.level) if purchase is not None else (last.date, last.level)
        weights = _floats(in_force)
    waiting = made.filter(is_held=False)
    if last is not None:
        waiting = waiting.filter(effective_on__gt=last.date)
    return Standing(
        weights=weights,
        bought=bought,
        level=level,
        waiting=tuple(
            _waiting(step) for step in waiting.select_related("rulebook").order_by("effective_on", "as_of")
        ),
        decided=newest.as_of,
        epoch=newest.epoch,
    )


def panel_days(standing: Standing, rulebook: Rulebook, *, through: date) -> int:
    """How many days of panel through `through` a walk on from `standing` looks at."""
    back = max(memory_days(rulebook), lookback_days(rulebook))
    earliest = min(standing.bought, standing.decided) - timedelta(days=back)
    return (through - earliest).days + 1


def _points(level: pd.Series) -> list[tuple[date, float]]:
    days = pd.DatetimeIndex(level.index).date
    return list(zip(days.tolist(), level.to_numpy(dtype=float).tolist(), strict=True))


def _waiting(decision: Decision) -> Waiting:
    costs = Rulebook.from_dict(decision.rulebook.body).costs
    return Waiting(decision.effective_on, _floats(decision), costs)


def _floats(decision: Decision) -> dict[str, float]:
    return {slug: weight_float(weight) for slug, weight in target_weights(decision).items()}
