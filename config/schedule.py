"""THE timetable: everything that happens on its own, in the order in which it happens within a market day."""

from dataclasses import dataclass

from celery.schedules import crontab, schedule


@dataclass(frozen=True)
class Tick:
    """One line of the timetable.

    `daily` ticks belong to a closed market day: the replay runs them, in this order, for every day it passes.
    The others are housekeeping on the wall clock. Every tick finds its due rows itself, so an extra one is harmless.
    """

    task: str
    when: crontab | schedule
    daily: bool = False


TIMETABLE: tuple[Tick, ...] = (
    Tick("signals.tasks.candles_tick", crontab(minute="5,20,50"), daily=True),
    Tick("signals.tasks.observations_tick", crontab(minute="5,20,35,50"), daily=True),
    Tick("signals.tasks.regime_tick", crontab(minute="*"), daily=True),
    Tick("signals.tasks.features_tick", crontab(minute="7,22,52"), daily=True),
    Tick("signals.tasks.training_tick", crontab(minute="*"), daily=True),
    Tick("signals.tasks.grades_tick", crontab(minute="*"), daily=True),
    Tick("indices.tasks.decisions_tick", crontab(minute="10,25,55"), daily=True),
    Tick("indices.tasks.levels_tick", crontab(minute="12,27,57"), daily=True),
    Tick("portfolios.tasks.rebalances_tick", crontab(minute="*"), daily=True),
    Tick("portfolios.tasks.recurring_tick", crontab(minute="*"), daily=True),
    Tick("portfolios.tasks.dealing_tick", schedule(5.0), daily=True),
    Tick("portfolios.tasks.fees_tick", crontab(minute="*"), daily=True),
    Tick("portfolios.tasks.valuations_tick", crontab(minute="15,30"), daily=True),
    Tick("portfolios.tasks.subscriptions_tick", crontab(minute="35"), daily=True),
    Tick("portfolios.tasks.statements_tick", crontab(minute="17,47"), daily=True),
    Tick("portfolios.tasks.notices_tick", schedule(15.0), daily=True),
    Tick("portfolios.tasks.notices_mail_tick", schedule(15.0)),
    Tick("indices.tasks.statistics_tick", crontab(minute="*/5")),
    Tick("portfolios.tasks.payments_tick", schedule(10.0)),
    Tick("portfolios.tasks.venues_tick", crontab(minute="50")),
    Tick("portfolios.tasks.usdc_tick", schedule(15.0)),
    Tick("portfolios.tasks.reserves_tick", crontab(minute="*/10")),
    Tick("portfolios.tasks.ledger_check_tick", crontab(minute="40")),
    Tick("portfolios.tasks.idempotency_prune_tick", crontab(minute="45", hour="3")),
    Tick("indices.tasks.beginnings_tick", crontab(minute="*")),
    Tick("signals.tasks.quotes_tick", schedule(15.0)),
    Tick("config.tasks.replay_tick", schedule(5.0)),
    Tick("config.tasks.heartbeat_tick", schedule(30.0)),
)


def beat_schedule() -> dict[str, dict[str, object]]:
    """The timetable in Celery's form. An entry expires after ten minutes: a late tick is repaired by the next one."""
    return {
        tick.task: {"task": tick.task, "schedule": tick.when, "options": {"expires": 600}}
        for tick in TIMETABLE
    }
