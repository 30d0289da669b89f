"""Ticks and the step of the indices. A tick finds what is due; the step extends one index."""

from celery import shared_task

from indices.core.rulebook import Rulebook
from indices.models import Index
from indices.selectors.indices import version_in_force
from indices.services import grades_awaited, history_due, index_advance
from signals import selectors as signal_selectors


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
def index_advance_step(index_id: int) -> None:
    """One index is extended to the last day whose candles are all in the store."""
    through = signal_selectors.last_complete_day()
    if through is not None:
        index_advance(Index.objects.get(pk=index_id), through=through)


def _advance_due() -> int:
    if signal_selectors.market_active_or_none() is None:
        return 0
    through = signal_selectors.last_complete_day()
    if through is None:
        return 0
    due = [
        index
        for index in Index.objects.filter(versions__isnull=False).distinct()
        if history_due(index, through=through)
        and not grades_awaited(Rulebook.from_dict(version_in_force(index).body), through=through)
    ]
    for index in due:
        index_advance_step.delay(index.pk)
    return len(due)
