"""Seeded schedules of faults over the real services: nothing is created, lost, or left half done."""

from __future__ import annotations

import os
import sys

import pytest
from django.db import connection

from tests.faults.running import PER_WORLD, Report, run_in
from tests.faults.schedule import Schedule
from tests.faults.world import world

pytestmark = pytest.mark.django_db(transaction=True)

SCHEDULES = int(os.environ.get("FAULT_SCHEDULES", "150"))
"""As many as `make test` has minutes for; `make proof` runs 10,000 others."""
FIRST_SEED = int(os.environ.get("FAULT_FIRST_SEED", "0"))


@pytest.mark.parametrize("first", range(FIRST_SEED, FIRST_SEED + SCHEDULES, PER_WORLD))
def test_no_schedule_breaks_the_books(first: int) -> None:
    report = Report()
    with world() as made:
        run_in(made, range(first, min(first + PER_WORLD, FIRST_SEED + SCHEDULES)), report)
    sys.stdout.write(f"\n{report}\n")
    with connection.cursor() as cursor:
        # What was rolled back stays in the tables and would slow down the schedules after these.
        cursor.execute("VACUUM")
    assert report.kills.total() > report.schedules / 10, "a harness that kills nobody proves nothing"


def test_a_replay_is_identical() -> None:
    seeds = [FIRST_SEED + 3, FIRST_SEED + 4, FIRST_SEED + 5]
    runs = []
    for order in (seeds, list(reversed(seeds))):
        with world() as made:
            runs.append({seed: Schedule(made, seed).run() for seed in order})
    assert runs[0] == runs[1]
    assert len(set(runs[0].values())) == len(seeds)
