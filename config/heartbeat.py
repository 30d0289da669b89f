"""The worker's sign of life: written by a tick, read by /readyz."""

from __future__ import annotations

from datetime import datetime

from django.core.cache import cache

KEY = "worker-heartbeat"


def heartbeat_write(now: datetime) -> None:
    """`now` is the time of the last tick that a worker ran."""
    cache.set(KEY, now.isoformat(), timeout=None)


def heartbeat_age(now: datetime) -> float | None:
    """Seconds from the last sign of life to `now`; None when there was none. Raises redis.RedisError."""
    written = cache.get(KEY)
    return (now - datetime.fromisoformat(written)).total_seconds() if written else None
