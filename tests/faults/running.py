"""Many schedules one after the other, and what they did."""

from __future__ import annotations

import gc
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from django.db import connection

from tests.faults.schedule import Schedule
from tests.faults.world import World, world

PER_WORLD = 50
"""Schedules of one world: what they leave behind in the tables slows the next ones down until it is swept away."""


@dataclass
class Report:
    """Schedules run, where processes were killed, what requests ended in, and CPU seconds of this process."""

    schedules: int = 0
    kills: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    commits: int = 0
    seconds: float = 0.0

    def add(self, schedule: Schedule) -> None:
        self.schedules += 1
        self.kills += schedule.kills
        self.outcomes += schedule.outcomes
        self.commits += schedule.made.database.commits

    def __str__(self) -> str:
        killed = ", ".join(f"{place} {count}" for place, count in sorted(self.kills.items()))
        return (
            f"{self.schedules} schedules, {self.commits} commits, {self.kills.total()} kills, 0 imbalances, "
            f"{self.seconds:.0f} CPU seconds\nkilled at: {killed}\noutcomes: {dict(self.outcomes.most_common())}"
        )


@contextmanager
def unhindered() -> Iterator[None]:
    """Without the collector of garbage walking over everything that is imported, again and again."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def run_in(made: World, seeds: Sequence[int], report: Report) -> None:
    """Every seed in this world. Raises Broken with the seed of the first that does not hold."""
    began = time.process_time()
    with unhindered():
        for seed in seeds:
            schedule = Schedule(made, seed)
            schedule.run()
            report.add(schedule)
    report.seconds += time.process_time() - began


def run_all(seeds: Sequence[int]) -> Report:
    """Every seed, in as many worlds as it takes. The database is left as it was found."""
    report = Report()
    for start in range(0, len(seeds), PER_WORLD):
        with world() as made:
            run_in(made, seeds[start : start + PER_WORLD], report)
        with connection.cursor() as cursor:
            cursor.execute("VACUUM")
    return report
