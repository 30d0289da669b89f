"""Slow evidence (`make proof`): the process tree killed piece by piece, and the postmaster again and again."""

from __future__ import annotations

import os
import signal
import sys
import threading
from functools import partial
from pathlib import Path

import psycopg
import pytest

from config.runtime.locks import held_by_another
from config.runtime.settled import Settled
from tests.platform.servers_at import alive, connect, connect_again, eventually, keeper, postmaster
from tests.platform.sites import Site

pytestmark = pytest.mark.proof
KILLS = 20


def test_no_acknowledged_row_is_lost_over_many_kills(running: Path) -> None:
    with connect(running) as connection:
        connection.execute("CREATE TABLE posted (n bigint PRIMARY KEY)")
    acknowledged: set[int] = set()
    next_number = 0
    for _ in range(KILLS):
        reached = threading.Event()

        def insert(first: int, reached: threading.Event = reached) -> None:
            with connect_again(running) as connection:
                for n in range(first, first + 1_000_000):
                    try:
                        connection.execute("INSERT INTO posted VALUES (%s)", [n])
                    except psycopg.OperationalError:
                        return
                    acknowledged.add(n)
                    if n == first + 100:
                        reached.set()

        writer = threading.Thread(target=insert, args=(next_number,))
        writer.start()
        assert reached.wait(60)
        os.kill(postmaster(running), signal.SIGKILL)
        writer.join(60)
        next_number = max(acknowledged) + 2  # the number after the last may be stored though unanswered
        connect_again(running).close()
    with connect_again(running) as connection:
        stored = {n for (n,) in connection.execute("SELECT n FROM posted").fetchall()}
    lost = acknowledged - stored
    sys.stdout.write(f"\n{KILLS} kills, {len(acknowledged)} acknowledged rows, {len(lost)} lost\n")
    assert lost == set()


def gone(pid: int) -> bool:
    return not alive(pid)


def test_the_tree_comes_back_whatever_is_killed(tmp_path: Path) -> None:
    var = tmp_path / "var"
    port = Settled.load(tmp_path / "elsewhere").valkey_port  # a free one
    site = Site(var, port)
    cold = site.wait(600)
    assert eventually(lambda: len(site.children()) == 3)

    for name in ("gunicorn", "worker", "beat"):
        before = site.children()[name]
        os.kill(before, signal.SIGKILL)
        assert eventually(partial(site.replaced, name, before), 40), name
        assert eventually(site.served, 60), f"not ready after {name} was killed"
    for name, pid in (("postmaster", postmaster(var)), ("keeper", keeper(var))):
        os.kill(pid, signal.SIGKILL)
        assert eventually(partial(gone, pid), 10)
        assert eventually(site.served, 60), f"not ready after the {name} was killed"

    site.kill()

    again = Site(var, port)
    warm = again.wait(60)
    stop = again.stop()
    assert not held_by_another(var / "run" / "keeper.lock")
    sys.stdout.write(f"\nfirst start {cold:.1f} s, second start {warm:.1f} s, stop {stop:.1f} s\n")
    assert warm < 15
    assert stop < 20
