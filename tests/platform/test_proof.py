"""Slow evidence (`make proof`): the process tree killed piece by piece, and the postmaster again and again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from functools import partial
from pathlib import Path

import psycopg
import pytest

from config.runtime.locks import held_by_another
from config.runtime.settled import Settled
from tests.platform.servers_at import ROOT, alive, connect, connect_again, eventually, keeper, postmaster

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


class Site:
    """`manage.py up` in a folder of its own."""

    def __init__(self, var: Path, port: int) -> None:
        self.var = var
        self.url = f"http://127.0.0.1:{port}"
        clean = {
            name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL")
        }
        clean |= {"VAR_DIR": str(var), "PORT": str(port), "MARKET": "simulated", "STATIC_HASHED": "1"}
        self.began = time.monotonic()
        with (var.parent / "up.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "up"], cwd=ROOT, env=clean, stdout=log, stderr=log
            )

    def served(self, path: str = "/readyz") -> bool:
        try:
            with urllib.request.urlopen(self.url + path, timeout=5) as answer:
                return answer.status == 200
        except (OSError, urllib.error.URLError):
            return False

    def wait(self, seconds: float) -> float:
        """Seconds until the home page was served."""
        up = eventually(lambda: self.process.poll() is not None or self.served("/"), seconds)
        assert up, "not served in time"
        assert self.process.poll() is None, (self.var.parent / "up.log").read_text()
        return time.monotonic() - self.began

    def children(self) -> dict[str, int]:
        """Process ids below this one by what they are."""
        found = {}
        for line in subprocess.run(
            ["ps", "--ppid", str(self.process.pid), "-o", "pid=,args="],
            capture_output=True,
            text=True,
            check=False,
        ).stdout.splitlines():
            pid, _, arguments = line.strip().partition(" ")
            for name in ("gunicorn", "worker", "beat"):
                if name in arguments:
                    found[name] = int(pid)
                    break
        return found

    def replaced(self, name: str, before: int) -> bool:
        """Whether the child runs under another process id than `before`."""
        return self.children().get(name, before) != before


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

    family = [*site.children().values(), keeper(var), postmaster(var)]
    site.process.kill()
    site.process.wait()
    assert eventually(lambda: not any(alive(pid) for pid in family), 20), "something outlived the killed `up`"

    again = Site(var, port)
    warm = again.wait(60)
    began = time.monotonic()
    again.process.send_signal(signal.SIGTERM)
    assert again.process.wait(30) == 0
    stop = time.monotonic() - began
    assert not held_by_another(var / "run" / "keeper.lock")
    sys.stdout.write(f"\nfirst start {cold:.1f} s, second start {warm:.1f} s, stop {stop:.1f} s\n")
    assert warm < 15
    assert stop < 20
