"""Ticks that belong to no room: the walk of the replay clock and the worker's heartbeat."""

from celery import shared_task
from django.utils import timezone

from config.heartbeat import heartbeat_write
from config.replay import replay_advance
from signals import selectors as signal_selectors


@shared_task(ignore_result=True)
def replay_tick() -> None:
    """The replay clock has reached the day it was asked to reach, if any."""
    market = signal_selectors.market_active_or_none()
    if market is not None and market.replay_until is not None:
        replay_advance(market.replay_until)


@shared_task(ignore_result=True)
def heartbeat_tick() -> None:
    """The time of the last tick that a worker ran is known to /readyz."""
    heartbeat_write(timezone.now())
