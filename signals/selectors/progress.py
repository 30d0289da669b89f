"""How far the first grades of a market are."""

from dataclasses import dataclass
from datetime import date

from django.db import connection

from signals.core.publication import days_wanted
from signals.models import Market, ModelRun
from signals.selectors.grades import graded_days
from signals.selectors.market import last_complete_day, market_active

LEARNING_LOCK = 5_270_004
"""Whoever trains or grades holds this advisory lock of PostgreSQL; the number means nothing else."""

_HELD = """
SELECT EXISTS (
    SELECT FROM pg_locks
    WHERE locktype = 'advisory' AND granted AND classid = 0 AND objid = %s AND objsubid = 1
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
)
"""


@dataclass(frozen=True)
class GradingProgress:
    """`stage` is waiting, training, grading or done; `busy` says whether a process is at it; `text` tells people."""

    stage: str
    days_done: int
    days_wanted: int
    models_done: int
    models_wanted: int
    busy: bool
    text: str


def grading_progress() -> GradingProgress:
    """How many of the days that should have grades have them, and how many of the models they need are trained."""
    from signals.core.model.spec import training_day

    market = market_active()
    last = last_complete_day(market)
    wanted = [] if last is None or market.first_day is None else days_wanted(last, first=market.first_day)
    have = graded_days(wanted, market=market)
    missing = [day for day in wanted if day not in have]
    needed = {training_day(day) for day in wanted}
    trained = needed & _trained(market)
    busy = learning_busy()
    counts = (len(wanted) - len(missing), len(wanted), len(trained), len(needed), busy)
    if last is None:
        return GradingProgress("waiting", *counts, "There are no prices yet.")
    if not missing:
        return GradingProgress("done", *counts, f"Every token that trades enough is graded through {last}.")
    if training_day(last) not in trained:
        if busy:
            return GradingProgress("training", *counts, "The first model is being trained on the past.")
        return GradingProgress("waiting", *counts, "The first model will be trained in a moment.")
    done = f"{counts[0]} of {counts[1]} days"
    text = f"Today is being graded; {done} are." if last in missing else f"Grades of the past year: {done}."
    return GradingProgress("grading", *counts, text)


def learning_busy() -> bool:
    """Whether a process trains or grades at this moment."""
    with connection.cursor() as cursor:
        cursor.execute(_HELD, [LEARNING_LOCK])
        (held,) = cursor.fetchone()
    return bool(held)


def _trained(market: Market) -> set[date]:
    runs = ModelRun.objects.filter(market=market.source)
    return set(runs.order_by().values_list("trained_through", flat=True).distinct())
