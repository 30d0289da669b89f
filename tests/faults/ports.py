"""Everything that is not decided by the schedule's seed, decided by it: clocks, ids, prices, the venue, payments."""

from __future__ import annotations

import random
import sys
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cache
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from django.utils import timezone

from portfolios.selectors import market as market_selectors
from signals import selectors as signal_selectors

FIRST_DAY = date(2022, 2, 13)  # a Sunday: the next week, and decision, is near


def end_of(day: date) -> datetime:
    """The first moment at which the close of `day` is known."""
    return datetime.combine(day + timedelta(days=1), datetime.min.time(), UTC)


@dataclass
class Clock:
    """The wall clock, a millisecond later each time it is read, and the market's, which stands at a day's end."""

    day: date = FIRST_DAY
    wall: datetime = field(default_factory=lambda: end_of(FIRST_DAY) + timedelta(hours=1))

    def now(self) -> datetime:
        self.wall += timedelta(milliseconds=1)
        return self.wall

    def market_time(self, market: object = None) -> datetime:
        return end_of(self.day)

    def last_closed_day(self, market: object = None) -> date:
        return self.day

    def wait(self, seconds: float) -> None:
        self.wall += timedelta(seconds=seconds)

    def next_day(self) -> None:
        self.day += timedelta(days=1)
        self.wall = max(self.wall, end_of(self.day) + timedelta(hours=1))


@dataclass
class Feed:
    """The prices of each day, and which tokens the price guard has frozen."""

    seed: int
    clock: Clock
    first: dict[str, float]
    frozen: set[str] = field(default_factory=set)
    daily_usd: int = 50_000_000
    known: dict[tuple[str, date], float] = field(default_factory=dict)

    def price(self, slug: str, day: date) -> float:
        """A walk of up to 12 % a day, the same whenever it is asked for."""
        if (slug, day) not in self.known:
            before = self.first[slug] if day <= FIRST_DAY else self.price(slug, day - timedelta(days=1))
            step = random.Random(f"{self.seed}:{slug}:{day}").uniform(-0.12, 0.12) if day > FIRST_DAY else 0.0
            self.known[slug, day] = float(f"{before * (1 + step):.8g}")
        return self.known[slug, day]

    def prices(self, slugs: Iterable[str], *, at: datetime) -> dict[str, float]:
        day = (at - timedelta(microseconds=1)).date()
        return {slug: self.price(slug, day) for slug in slugs if slug in self.first}

    def volumes(self, slugs: Iterable[str], *, at: datetime) -> dict[str, int]:
        return dict.fromkeys(sorted(slugs), self.daily_usd)

    def halts(self, slugs: Iterable[str], *, at: datetime) -> dict[str, signal_selectors.Halt]:
        return {
            slug: signal_selectors.Halt(
                "frozen", f"The price of {slug} is frozen.", self.price(slug, self.clock.day)
            )
            for slug in sorted(slugs)
            if slug in self.frozen
        }


@dataclass
class Ids:
    """Random ids in the order in which they are asked for."""

    source: random.Random

    def urandom(self, size: int) -> bytes:
        return self.source.randbytes(size)


@contextmanager
def installed(clock: Clock, feed: Feed, ids: Ids) -> Iterator[None]:
    """The product reads these clocks, prices and ids wherever it has imported the readers."""
    replacements: list[tuple[Callable[..., Any], Callable[..., Any]]] = [
        (signal_selectors.market_time, clock.market_time),
        (signal_selectors.last_closed_day, clock.last_closed_day),
        (signal_selectors.prices, feed.prices),
        (signal_selectors.halts, feed.halts),
        (signal_selectors.market_guarded, lambda: True),
        (signal_selectors.pegs, dict),
        (market_selectors.volumes, feed.volumes),
    ]
    with ExitStack() as stack:
        for original, fake in replacements:
            for module, name in _imported(original):
                stack.enter_context(patch.object(module, name, fake))
        stack.enter_context(patch.object(timezone, "now", clock.now))
        stack.enter_context(patch.object(uuid, "os", SimpleNamespace(urandom=ids.urandom)))
        yield


@cache
def _imported(original: Callable[..., Any]) -> list[tuple[Any, str]]:
    """Every module of the product that has the function, and under which name."""
    return [
        (module, name)
        for key, module in sorted(sys.modules.items())
        if key.startswith(("portfolios", "indices", "signals"))
        for name, value in list(vars(module).items())
        if value is original
    ]
