"""`manage.py up` in a folder of its own, with doors for a test: commands, API, database, and its processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import psycopg

from config.runtime import worlds
from config.runtime.servers import addresses
from tests.platform.servers_at import ROOT, alive, eventually, keeper, postmaster


class Site:
    """The whole process tree of the simulated market, started here; `environment` adds to its variables."""

    def __init__(self, var: Path, port: int, **environment: str) -> None:
        self.var = var
        self.url = f"http://127.0.0.1:{port}"
        clean = {
            name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL")
        }
        self.environment = clean | {
            "VAR_DIR": str(var),
            "PORT": str(port),
            "MARKET": "simulated",
            "STATIC_HASHED": "1",
            **environment,
        }
        self._connection: psycopg.Connection[tuple[Any, ...]] | None = None
        self.start()

    def start(self) -> None:
        """`up` is on its way, also once more after its end."""
        self.began = time.monotonic()
        self.process = self.begin("up")

    @property
    def addresses(self) -> dict[str, str]:
        """DATABASE_URL and REDIS_URL of its world."""
        return addresses(self.var, worlds.from_environment(self.environment))

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
        for pid, arguments in processes_below(self.process.pid).items():
            for name in ("gunicorn", "worker", "beat"):
                if name in arguments:
                    found[name] = pid
                    break
        return found

    def replaced(self, name: str, before: int) -> bool:
        """Whether the child runs under another process id than `before`."""
        return self.children().get(name, before) != before

    def pool(self) -> list[int]:
        """The worker's pool processes."""
        worker = self.children().get("worker")
        return sorted(processes_below(worker)) if worker is not None else []

    def family(self) -> list[int]:
        """Every process that must not outlive `up`."""
        return [*self.children().values(), *self.pool(), keeper(self.var), postmaster(self.var)]

    def kill(self) -> None:
        """kill -9 of `up` alone: everything else follows by itself, which is checked."""
        self._forget()
        family = self.family()
        self.process.kill()
        self.process.wait()
        assert eventually(lambda: not any(alive(pid) for pid in family), 20), "something outlived `up`"

    def command(self, *arguments: str, text: str | None = None) -> subprocess.CompletedProcess[str]:
        """A manage.py command beside it, run to its end."""
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.environment,
            input=text,
            capture_output=True,
            text=True,
            check=False,
            timeout=240,
        )

    def begin(self, *arguments: str) -> subprocess.Popen[bytes]:
        """A manage.py command beside it, running; what it says is in a log."""
        with (self.var.parent / f"{arguments[0]}.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "manage.py", *arguments],
                cwd=ROOT,
                env=self.environment,
                stdout=log,
                stderr=log,
            )

    def post(self, key: str, path: str, **body: str) -> dict[str, Any]:
        """The answer of the API to a POST by the holder of `key`."""
        request = urllib.request.Request(
            f"{self.url}/api/v1/{path}",
            data=json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            found: dict[str, Any] = json.load(answer)
            return found

    def rows(self, question: str) -> list[tuple[Any, ...]]:
        """What the database answers; asked again while its server is away."""
        deadline = time.monotonic() + 60
        while True:
            try:
                if self._connection is None:
                    url = self.addresses["DATABASE_URL"]
                    self._connection = psycopg.connect(url, autocommit=True, connect_timeout=5)
                return self._connection.execute(question.encode()).fetchall()
            except psycopg.OperationalError:
                self._forget()
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)

    def stop(self) -> float:
        """The seconds that a clean stop (SIGTERM) took."""
        self._forget()
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(30) == 0
        return time.monotonic() - began

    def _forget(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def processes_below(parent: int) -> dict[int, str]:
    """Command lines of the children of a process, by process id."""
    listed = subprocess.run(
        ["ps", "--ppid", str(parent), "-o", "pid=,args="], capture_output=True, text=True, check=False
    )
    found = {}
    for line in listed.stdout.splitlines():
        pid, _, arguments = line.strip().partition(" ")
        found[int(pid)] = arguments
    return found
