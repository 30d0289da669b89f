"""The replay clock's walk: one market day at a time, every daily tick of the timetable in order."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta

from django.db import connection
from django.utils.module_loading import import_string

from config.celery import app
from config.schedule import TIMETABLE
from portfolios import selectors as portfolio_selectors
from signals import selectors as signal_selectors
from signals import services as signal_services

# Any two processes that walk the clock must agree on this number; it means nothing else.
REPLAY_LOCK = 5_270_001

REST_SECONDS = 180.0
"""How long a day waits for its dealing: a venue that lost an order is asked for a minute before it is sent again."""
REST_POLL_SECONDS = 0.5

MOST_DAYS = 3_660
"""Ten years at a time; a replay once asked for goes on until it is done."""

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
    """Every daily tick has run, in timetable order, at the present market time, and all dealing is at rest.

    A second run changes nothing, so the ticks run again while another process still drives a cycle of this day.
    Raises ReplayError where dealing does not come to rest: the day is then not over, and the next run goes on with it.
    """
    patience = time.monotonic() + REST_SECONDS
    while True:
        with steps_inline():
            for tick in TIMETABLE:
                if tick.daily:
                    import_string(tick.task)()
        if portfolio_selectors.dealing_at_rest():
            return
        if time.monotonic() > patience:
            raise ReplayError(
                f"the dealing of {signal_selectors.last_closed_day()} has not come to rest after {REST_SECONDS:.0f} s; "
                "look at the open cycles in the admin console, then try again"
            )
        time.sleep(REST_POLL_SECONDS)


def replay_target(days: int) -> date:
    """The day at whose close the clock stands after `days` more days. Raises ReplayError where it cannot get there."""
    if not 1 <= days <= MOST_DAYS:
        raise ReplayError(f"days: must be 1 to {MOST_DAYS:,}, got {days}")
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
        if signal_selectors.market_active().ticked_through is None:
            # A first walk cut short in its first day must find that day unfinished.
            signal_services.ticked_through_set(signal_selectors.last_closed_day())
        while (day := next_day()) <= until:
            if day > signal_selectors.last_closed_day():
                signal_services.day_close(day)
            day_run()
            signal_services.ticked_through_set(day)
            if day_done:
                day_done(day)
        # Asked for a day that another process had just reached: the walk is over all the same.
        signal_services.ticked_through_set(until)
    return True


def next_day() -> date:
    """The first day whose daily ticks have not all run."""
    market = signal_selectors.market_active()
    last_closed = signal_selectors.last_closed_day()
    if market.ticked_through is not None and market.ticked_through < last_closed:
        return last_closed
    return last_closed + timedelta(days=1)
