"""The replay clock's walk: one market day at a time, every daily tick of the timetable in order."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta

from django.db import connection
from django.utils.module_loading import import_string

from config.celery import app
from config.schedule import TIMETABLE
from signals import selectors as signal_selectors
from signals import services as signal_services
from signals.core.clock import end_of_day

# Any two processes that walk the clock must agree on this number; it means nothing else.
REPLAY_LOCK = 5_270_001

DayDone = Callable[[date], None]


class ReplayError(Exception):
    """The clock cannot go where it was told to; the message says why and what to do."""


@contextmanager
def steps_inline() -> Iterator[None]:
    """Steps that a tick fans out run here and now instead of going to the broker, so that order is kept."""
    before = app.conf.task_always_eager, app.conf.task_eager_propagates
    app.conf.task_always_eager = app.conf.task_eager_propagates = True
    try:
        yield
    finally:
        app.conf.task_always_eager, app.conf.task_eager_propagates = before


@contextmanager
def replay_lock() -> Iterator[bool]:
    """True where this process alone may move the clock. The lock goes with the connection, so a kill frees it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [REPLAY_LOCK])
        (held,) = cursor.fetchone()
    try:
        yield held
    finally:
        if held:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [REPLAY_LOCK])


def day_run() -> None:
    """Every daily tick has run once, in timetable order, at the present market time. A second run changes nothing."""
    with steps_inline():
        for tick in TIMETABLE:
            if tick.daily:
                import_string(tick.task)()


def replay_target(days: int) -> date:
    """The day at whose close the clock stands after `days` more days. Raises ReplayError where it cannot get there."""
    if days < 1:
        raise ReplayError(f"days: must be 1 or more, got {days}")
    return target_checked(signal_selectors.last_closed_day() + timedelta(days=days))


def target_checked(target: date) -> date:
    """`target`, if the active market can be replayed to its close; raises ReplayError otherwise."""
    market = signal_selectors.market_active()
    if market.source == market.Source.LIVE:
        raise ReplayError("the market is live: its clock is the wall clock and cannot be advanced")
    if market.source == market.Source.ARCHIVE and market.last_day and target > market.last_day:
        raise ReplayError(
            f"the archive ends on {market.last_day}; {target} lies after it. Ask for fewer days"
        )
    return target


def replay_request(target: date) -> None:
    """The clock is asked to go to the close of `target`; `replay_tick` walks it there in the background."""
    signal_services.replay_until_set(target_checked(target))


def replay_advance(until: date, day_done: DayDone | None = None) -> bool:
    """The clock stands at the close of `until` and every daily tick has run for each day passed.

    Returns False, having done nothing, where another process is walking the clock already. A walk that was cut
    short goes on with the day it was cut short in: ticks are idempotent.
    """
    with replay_lock() as held:
        if not held:
            return False
        while (day := next_day()) <= until:
            if day > signal_selectors.last_closed_day():
                signal_services.clock_set(end_of_day(day))
            day_run()
            signal_services.ticked_through_set(day)
            if day_done:
                day_done(day)
    return True


def next_day() -> date:
    """The first day whose daily ticks have not all run."""
    market = signal_selectors.market_active()
    last_closed = signal_selectors.last_closed_day()
    if market.ticked_through is not None and market.ticked_through < last_closed:
        return last_closed
    return last_closed + timedelta(days=1)
