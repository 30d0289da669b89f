"""Ticks and the step of the indices. A tick finds what is due; the step extends one index."""

from typing import Any

from celery import shared_task
from django.db.models import QuerySet

from indices.core.rulebook import Rulebook
from indices.models import Index
from indices.selectors.indices import version_in_force
from indices.selectors.twins import twin
from indices.services import grades_awaited, history_due, index_advance_safely, prices_watch
from indices.services.effects import effects_due, effects_extend
from indices.services.restatement import restatement_preview
from indices.services.sweep import sweep_block
from signals import selectors as signal_selectors

BEGINNING_EXPIRES = 50
"""Seconds after which a beginning that nobody took is forgotten: the tick of the next minute asks again."""


@shared_task
def decisions_tick() -> int:
    """Every index has made the decisions due at the last complete day; returns how many indices were behind."""
    return _advance_due()


@shared_task
def levels_tick() -> int:
    """Every index has a level for each closed day. Decisions and levels come out of one walk, so this finds work only
    where the tick before it was lost."""
    return _advance_due()


@shared_task
def statistics_tick() -> int:
    """Every index has the effects of each day it has a level for; returns how many indices were behind."""
    if signal_selectors.market_active_or_none() is None:
        return 0
    through = signal_selectors.last_complete_day()
    due = effects_due(through=through) if through is not None else []
    for index in due:
        effects_step.delay(index.pk)
    return len(due)


@shared_task
def effects_step(index_id: int) -> None:
    """The daily effects and trade costs of one index are stored through the last complete day."""
    through = signal_selectors.last_complete_day()
    if through is not None:
        effects_extend(Index.objects.get(pk=index_id), through=through)


@shared_task(ignore_result=True)
def beginnings_tick() -> int:
    """Every index whose history can begin now has one: an index of the AI as soon as the past is graded.

    Returns how many begin.
    """
    if signal_selectors.market_active_or_none() is None:
        return 0
    through = signal_selectors.last_complete_day()
    waiting = _kept().filter(decisions__isnull=True)
    due = [] if through is None else [index for index in waiting if history_due(index, through=through)]
    for index in due:
        index_advance_step.apply_async((index.pk,), expires=BEGINNING_EXPIRES)
    return len(due)


@shared_task
def index_advance_step(index_id: int) -> None:
    """One index, and the passive twin beside it, is extended to the last day whose candles are all in the store."""
    through = signal_selectors.last_complete_day()
    if through is None:
        return
    index = Index.objects.get(pk=index_id)
    beside = twin(index)
    # Two histories that begin read the whole market: once for both.
    panel = None
    if beside is not None and not index.decisions.exists() and history_due(index, through=through):
        panel = signal_selectors.panel(as_of=through)
    index_advance_safely(index, through=through, panel=panel)
    if beside is not None and history_due(beside, through=through):
        # They begin together: a reader never finds the one without the other.
        index_advance_safely(beside, through=through, panel=panel)


@shared_task
def restatement_preview_step(restatement_id: int) -> None:
    """What a proposed correction would change is stored beside it, for the one who decides."""
    restatement_preview(restatement_id)


@shared_task
def sweep_step(block: dict[str, Any]) -> list[dict[str, Any]]:
    """What the variants of one block of a sweep would have done (indices.services.sweep)."""
    return sweep_block(block)


def _kept() -> QuerySet[Index]:
    return Index.objects.filter(versions__isnull=False, retired_at__isnull=True).distinct()


def _advance_due() -> int:
    if signal_selectors.market_active_or_none() is None:
        return 0
    through = signal_selectors.last_complete_day()
    if through is None:
        return 0
    prices_watch(through=through)
    due = [
        index
        for index in _kept()
        if history_due(index, through=through)
        and not grades_awaited(Rulebook.from_dict(version_in_force(index).body), through=through)
    ]
    for index in due:
        index_advance_step.delay(index.pk)
    return len(due)
