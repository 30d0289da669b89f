"""Slow evidence (`make proof`): ten thousand schedules nobody has seen before; planted bugs under fresh seeds."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import psycopg
import pytest

from tests.platform.servers_at import ROOT

SCHEDULES = int(os.environ.get("FAULT_PROOF_SCHEDULES", "10000"))
FIRST_SEED = int(os.environ.get("FAULT_FIRST_SEED", str(int(time.time()) * 100_000)))

pytestmark = pytest.mark.proof


def on_every_core(arguments: list[list[str]]) -> str:
    """What `python -m tests.faults` said with each of these, all at once, each in a database of its own."""
    server, _, _ = os.environ["DATABASE_URL"].rpartition("/")
    running = []
    for number, words in enumerate(arguments):
        name = f"faults_{number}"
        with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {name}".encode())
            connection.execute(f"CREATE DATABASE {name}".encode())
        running.append(
            subprocess.Popen(
                [sys.executable, "-m", "tests.faults", *words],
                cwd=ROOT,
                env={**os.environ, "DATABASE_URL": f"{server}/{name}"},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
        )
    told = "\n".join(process.communicate()[0] for process in running)
    sys.stdout.write(f"\n{told}")
    assert [process.returncode for process in running] == [0] * len(running), told
    return told


def test_ten_thousand_fresh_schedules() -> None:
    workers = os.cpu_count() or 1
    each = -(-SCHEDULES // workers)
    firsts = [FIRST_SEED + number * each for number in range(workers)]
    told = on_every_core([["--count", str(each), "--first", str(first)] for first in firsts])
    assert told.count(f"{each} schedules") == workers


def test_planted_bugs_are_caught_under_fresh_seeds() -> None:
    workers = os.cpu_count() or 1
    shared = ["--bugs", "--first", str(FIRST_SEED), "--parts", str(workers)]
    on_every_core([[*shared, "--part", str(part)] for part in range(workers)])
