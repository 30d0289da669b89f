"""How many requests a minute a plan allows, counted in Redis so that every process sees the same count."""

from __future__ import annotations

import functools
import logging
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import redis
from django.conf import settings
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from portfolios.selectors.plans import free_plan, plan_of

if TYPE_CHECKING:
    from rest_framework.views import APIView

logger = logging.getLogger(__name__)

WINDOW_SECONDS = 60
# Nobody is kept from their own money by a small plan: account routes count apart and allow at least this much.
ACCOUNT_MINIMUM = 120
# A backtest costs a hundred times what a read costs.
PREVIEW_MAXIMUM = 60


@dataclass(frozen=True)
class RateLimit:
    """Where one caller stands in the present window."""

    limit: int
    used: int
    reset: int

    @property
    def remaining(self) -> int:
        return max(self.limit - self.used, 0)

    @property
    def is_exceeded(self) -> bool:
        return self.used > self.limit


@functools.cache
def _client() -> redis.Redis:
    location = settings.CACHES["default"]["LOCATION"]
    return redis.Redis.from_url(str(location), socket_timeout=2, socket_connect_timeout=2)


def window_count(name: str, *, client: redis.Redis | None = None) -> tuple[int, int]:
    """Counts one request under `name`; returns (requests in the present window, seconds until it ends).

    One transaction: the key is made with its expiry before it is counted, so a counter without an end cannot arise,
    and of any number of simultaneous callers each gets a number of its own.
    """
    key = f"{settings.CACHES['default'].get('KEY_PREFIX', '')}:rate:{name}"
    with (client or _client()).pipeline(transaction=True) as pipe:
        pipe.set(key, 0, ex=WINDOW_SECONDS, nx=True)
        pipe.incr(key)
        pipe.pttl(key)
        _, count, left_ms = pipe.execute()
    return int(count), max(math.ceil(left_ms / 1000), 1)


class PlanRateThrottle(BaseThrottle):
    """Requests per minute of the caller's plan; callers without a key share the Free rate by address.

    A view with `rate_bucket = "account"` counts apart from market data. The count is left on the request as
    `rate_limit`; `config.conditional` turns it into headers.
    """

    def __init__(self) -> None:
        self.standing: RateLimit | None = None

    def allow_request(self, request: Request, view: APIView) -> bool:
        bucket = getattr(view, "rate_bucket", "data")
        user = request.user
        if user and user.is_authenticated:
            who = f"user:{user.pk}"
            limit = plan_of(user).api_requests_per_minute
        else:
            who = f"address:{self.get_ident(request)}"
            limit = free_plan().api_requests_per_minute
        if bucket == "account":
            limit = max(limit, ACCOUNT_MINIMUM)
        elif bucket == "preview":
            limit = min(limit, PREVIEW_MAXIMUM)
        try:
            used, reset = window_count(f"{bucket}:{who}")
        except redis.RedisError as error:
            # A lost counter must not stand between people and their money.
            logger.warning("request not counted, Redis does not answer: %s", error)
            return True
        self.standing = RateLimit(limit=limit, used=used, reset=reset)
        request._request.rate_limit = self.standing  # type: ignore[attr-defined]
        return not self.standing.is_exceeded

    def wait(self) -> float | None:
        return float(self.standing.reset) if self.standing else None
