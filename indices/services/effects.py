"""Why levels moved as they did: the daily effects of every index against its reference, and the cost of its trades.

Rows are derived from decisions, levels and candles. Where those are not what a row was made from, all rows of that
index are made anew.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pandas as pd
from django.db import transaction
from django.db.models import OuterRef, Q, Subquery

from indices.core.attribution import Stretch, blocks, day_effects
from indices.core.eligibility import VOLUME_DAYS
from indices.core.events import Airdrop, reach_back
from indices.core.levels import memory_days
from indices.core.reenactment import Reenactment, Step, reenacted
from indices.core.rulebook import Rulebook
from indices.core.rulebook.deciding import widened
from indices.models import Decision, Index, IndexEffect, IndexLevel, RebalanceCost
from indices.selectors.events import events_known
from indices.selectors.references import BITCOIN, Reference, reference
from indices.selectors.steps import steps
from signals import selectors as signal_selectors
from signals.core.panel import Panel

_ROWS_AT_ONCE = 256
_HELD = Rulebook.from_dict({"slug": BITCOIN, "family": "market_cap", "costs": {"fee_bps": 0}})

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Need:
    """What extending one index takes: the day after which rows are missing, and the first day of candles it reads."""

    after: date | None
    first: date


def effects_due(*, through: date) -> list[Index]:
    """Every index of which days through `through` are missing, or rest on what is no more."""
    indices = Index.objects.filter(levels__isnull=False).distinct()
    return [index for index in indices if _missing(index, reference(index), through=through)[0]]


def effects_backfill(*, through: date) -> dict[str, int]:
    """Every index with a history has its effects and trade costs through `through`; how many days each one that lacked
    some has gained. Candles are loaded once for all.
    """
    due = effects_due(through=through)
    needs = [need for index in due if (need := _need(index, through=through)) is not None]
    if not needs:
        return {}
    days = (through - min(need.first for need in needs)).days + 1
    panel = signal_selectors.panel(as_of=through, days=days)
    return {index.slug: effects_extend(index, through=through, panel=panel) for index in due}


@transaction.atomic
def effects_extend(index: Index, *, through: date, panel: Panel | None = None) -> int:
    """Effects and trade costs of `index` are stored through `through`, as far as levels go; how many days were new.

    `panel`, where given, must hold every day that is needed through `through`. An index whose reference has no history
    gets trade costs only.
    """
    locked = Index.objects.select_for_update().get(pk=index.pk)
    need = _need(locked, through=through)
    if need is None:
        return 0
    against = reference(locked)
    if need.after is None:
        IndexEffect.objects.filter(index=locked).delete()
        RebalanceCost.objects.filter(decision__index=locked).delete()
    mine, theirs = _steps(locked, against, since=need.after, through=through)
    members = frozenset(asset for step in (*mine, *theirs) for asset in step.weights)
    events = events_known(as_of=through)
    if panel is None:
        days = (through - need.first).days + 1
        wanted = members | {event.into for event in events if isinstance(event, Airdrop) and event.into}
        panel = signal_selectors.panel(as_of=through, days=days, assets=wanted)
    known = widened(panel, members)
    done, other = reenacted(known, mine, events=events), reenacted(known, theirs, events=events)
    _costs_store(known, done)
    levels = _levels(locked, through)
    reference_levels = _reference_levels(against, known, other.stretches, through)
    since = need.after or date.min
    common = [day for day in levels if day in reference_levels and day >= since]
    if len(common) < 2:
        return 0
    rows = _effects(known, done.stretches, other.stretches, common, _shelter([*mine, *theirs]))
    stored = IndexEffect.objects.bulk_create(
        [
            _effect(locked, against, day, before, levels, reference_levels, rows[day])
            for before, day in pairwise(common)
            if day in rows
        ],
        batch_size=2000,
    )
    return len(stored)


def _missing(index: Index, against: Reference, *, through: date) -> tuple[bool, date | None]:
    """Whether days or trades are missing that can be had, and the last day that is there."""
    points = IndexLevel.objects.filter(index=index, date__lte=through).order_by("-date")
    last_level = points.values_list("date", flat=True).first()
    if last_level is None:
        return False, None
    newest = IndexEffect.objects.filter(index=index).order_by("-date").values_list("date", flat=True).first()
    if newest is None or _is_stale(index, against):
        return _has_history(against) or _trades_missing(index, last_level), None
    return newest < last_level, newest


def _has_history(against: Reference) -> bool:
    if against.index is not None:
        return IndexLevel.objects.filter(index=against.index).exists()
    return bool(signal_selectors.assets_by_slug([against.slug]))


def _trades_missing(index: Index, last_level: date) -> bool:
    traded = Decision.objects.filter(index=index, is_held=False, effective_on__lte=last_level)
    newest = traded.order_by("-effective_on").values_list("effective_on", flat=True).first()
    known = RebalanceCost.objects.filter(decision__index=index, traded_on__gte=newest)
    return newest is not None and not known.exists()


def _need(index: Index, *, through: date) -> Need | None:
    """What is missing; None where nothing is, or nothing can be."""
    against = reference(index)
    is_missing, since = _missing(index, against, through=through)
    if not is_missing:
        return None
    made = [step for side in _steps(index, against, since=since, through=through) for step in side]
    if not made:
        return None
    first = min(step.effective_on for step in made)
    back = max([VOLUME_DAYS, *(memory_days(step.rulebook) for step in made)])
    return Need(since, reach_back(events_known(as_of=through), first) - timedelta(days=back))


def _is_stale(index: Index, against: Reference) -> bool:
    """Whether a stored effect rests on a level, or on a reference, that is not the one of now."""
    now = IndexLevel.objects.filter(index=index, date=OuterRef("date")).values("level")
    changed = ~Q(reference=against.slug) | ~Q(level=Subquery(now))
    if against.index is not None:
        other = IndexLevel.objects.filter(index=against.index, date=OuterRef("date")).values("level")
        changed |= ~Q(reference_level=Subquery(other))
    return IndexEffect.objects.filter(changed, index=index).exists()


def _steps(
    index: Index, against: Reference, *, since: date | None, through: date
) -> tuple[list[Step], list[Step]]:
    """The decisions of the index and of what it is measured against, from those in force at `since` on."""
    mine = steps(index, since=since, through=through)
    if not mine:
        return [], []
    first = since or mine[0].effective_on
    if against.index is not None:
        return mine, steps(against.index, since=first, through=through)
    return mine, [Step(0, first, {against.slug: 1.0}, _HELD)]


def _levels(index: Index, through: date) -> dict[date, float]:
    points = IndexLevel.objects.filter(index=index, date__lte=through).order_by("date")
    return dict(points.values_list("date", "level"))


def _reference_levels(
    against: Reference, panel: Panel, held: list[Stretch], through: date
) -> dict[date, float]:
    """Levels of the reference by day; of a single asset its price, the last known one where a day has none."""
    if against.index is not None:
        return _levels(against.index, through)
    if not held:
        return {}
    (only,) = held
    prices = panel.close[only.row, only.columns[0]] * only.values[:, 0]
    return dict(zip(panel.dates.date[only.row :].tolist(), prices.tolist(), strict=True))


def _shelter(made: list[Step]) -> frozenset[str]:
    """Every asset in which one of the two waits when its rules say so."""
    overlays = [step.rulebook.overlay for step in made if step.rulebook.overlay.regime]
    return frozenset(asset for overlay in overlays for asset in overlay.basket)


def _effects(
    panel: Panel,
    mine: list[Stretch],
    theirs: list[Stretch],
    common: list[date],
    shelter: frozenset[str],
) -> dict[date, tuple[float, ...]]:
    """Day -> (gross, reference gross, selection, weighting, overlay, cash) since the common day that is one row before.

    A day without such a day before it is left out.
    """
    is_cash = np.array([asset in shelter for asset in panel.assets])
    place = panel.dates.get_indexer(pd.DatetimeIndex(common))
    common = [day for day, row in zip(common, place.tolist(), strict=True) if row >= 0]
    place = place[place >= 0]
    found: dict[date, tuple[float, ...]] = {}
    for low in range(0, len(common) - 1, _ROWS_AT_ONCE):
        rows = place[low : low + _ROWS_AT_ONCE + 1]
        one, other = blocks(mine, theirs, int(rows[0]), int(rows[-1]))
        made = day_effects(one, other, is_cash[one.columns])
        parts = (made.gross, made.reference_gross, made.selection, made.weighting, made.overlay, made.cash)
        table = np.column_stack(parts).tolist()
        for at, (before, row) in enumerate(pairwise(rows.tolist()), start=low + 1):
            if row == before + 1:
                found[common[at]] = tuple(table[row - rows[0] - 1])
    return found


def _effect(
    index: Index,
    against: Reference,
    day: date,
    before: date,
    levels: dict[date, float],
    reference_levels: dict[date, float],
    row: tuple[float, ...],
) -> IndexEffect:
    gross, reference_gross, selection, weighting, overlay, cash = row
    result = levels[day] / levels[before] - 1.0
    reference_result = reference_levels[day] / reference_levels[before] - 1.0
    own = result - gross
    return IndexEffect(
        index=index,
        date=day,
        reference=against.slug,
        level=levels[day],
        reference_level=reference_levels[day],
        result=result,
        reference_result=reference_result,
        selection=selection,
        weighting=weighting,
        overlay=overlay,
        cost=own - (reference_result - reference_gross),
        own_cost=own,
        cash=cash,
    )


def _costs_store(panel: Panel, done: Reenactment) -> None:
    rows = [
        RebalanceCost(
            decision_id=trade.key,
            traded_on=panel.dates[trade.row].date(),
            turnover=trade.turnover,
            paid=trade.paid,
            fixed=trade.curve.fixed,
            slope=trade.curve.slope,
        )
        for trade in done.trades
    ]
    RebalanceCost.objects.bulk_create(rows, ignore_conflicts=True, batch_size=2000)
