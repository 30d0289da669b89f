"""The keeper: the one process that owns the embedded servers of a var folder.

It starts PostgreSQL and Valkey, starts them again when they die, and stops both cleanly as soon as nobody holds
the in-use lock. Users (`up`, a manage.py command, a test run) hold that lock shared for as long as they live, so
the kernel itself tells the keeper of a user that was killed. Run as `python -m config.runtime.keeper VAR`.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType

from config.runtime import spawning
from config.runtime.locks import EXCLUSIVE, FileLock
from config.runtime.paths import folder, write_private
from config.runtime.postgres import Postgres, ServerFailed
from config.runtime.settled import Settled
from config.runtime.valkey import Valkey

_POLL_SECONDS = 0.1
_START_SECONDS = 120.0
_LAST_CALL_SECONDS = 15.0
_LOG_LIMIT = 5_000_000


def _log_file(var: Path, name: str) -> Path:
    path = folder(var / "log") / f"{name}.log"
    if path.exists() and path.stat().st_size > _LOG_LIMIT:
        path.replace(path.with_suffix(".log.1"))
    return path


class _Kept:
    """One server under watch: its child, and when it may be started again."""

    def __init__(self, name: str, server: Postgres | Valkey) -> None:
        self.name = name
        self.server = server
        self.child: subprocess.Popen[bytes] | None = None
        self.delay = 0.1
        self.not_before = 0.0
        self.started = 0.0

    def watch(self) -> None:
        now = time.monotonic()
        if self.child is not None and self.child.poll() is not None:
            _say(f"{self.name} ended with code {self.child.returncode}")
            self.child = None
            self.delay = 0.1 if now - self.started > 30 else min(self.delay * 2, 5.0)
            self.not_before = now + self.delay
        if self.child is None and now >= self.not_before:
            self.child = self.server.spawn()
            self.started = now
            _say(f"{self.name} started as process {self.child.pid} on port {self.server.port}")

    def ready(self) -> bool:
        return self.child is not None and self.child.poll() is None and self.server.ready()

    def stop(self, stop_signal: int) -> None:
        if self.child is None or self.child.poll() is not None:
            return
        for number, seconds in ((stop_signal, 10.0), (signal.SIGQUIT, 3.0), (signal.SIGKILL, 3.0)):
            self.child.send_signal(number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.child.wait(seconds)
                break
        _say(f"{self.name} stopped with code {self.child.returncode}")


def _say(text: str) -> None:
    stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime())
    sys.stdout.write(f"{stamp} UTC keeper[{os.getpid()}] {text}\n")
    sys.stdout.flush()


class Keeper:
    """Both servers of `var`. `ephemeral` trades durability for speed and removes `var` at the end."""

    def __init__(self, var: Path, *, ephemeral: bool, mode: str) -> None:
        settled = Settled.load(var)
        settled.ensure_free_ports()
        durable = not ephemeral
        self.var = var
        self.ephemeral = ephemeral
        self.postgres = _Kept(
            "PostgreSQL",
            Postgres(
                home=var / "postgres",
                port=settled.postgres_port,
                password=settled.postgres_password,
                superuser_password=settled.superuser_password,
                log=_log_file(var, "postgres"),
                mode=mode,
                durable=durable,
            ),
        )
        self.valkey = _Kept(
            "Valkey",
            Valkey(
                home=var / "valkey",
                port=settled.valkey_port,
                password=settled.valkey_password,
                log=_log_file(var, "valkey"),
                mode=mode,
                durable=durable,
            ),
        )
        self.stop_by = float("inf")

    def run(self) -> None:
        """Returns, with both servers stopped, once nobody needs them any more.

        After SIGTERM the users have a little time to finish: a host that shuts down signals everyone at once.
        """
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop_requested)
        in_use = FileLock(self.var / "run" / "in-use.lock")
        announced = False
        deadline = time.monotonic() + _START_SECONDS
        try:
            for kept in (self.postgres, self.valkey):
                kept.server.create()
            while time.monotonic() < self.stop_by:
                for kept in (self.postgres, self.valkey):
                    kept.watch()
                if not announced and self.postgres.ready() and self.valkey.ready():
                    write_private(self.var / "run" / "keeper.ready", str(os.getpid()))
                    announced = True
                if not announced and time.monotonic() > deadline:
                    raise ServerFailed(f"The servers were not ready after {_START_SECONDS:.0f} s.")
                # Held to the end: a newcomer waits until the servers are down, then starts its own keeper.
                if in_use.try_acquire(EXCLUSIVE):
                    _say("nobody uses the servers any more")
                    break
                time.sleep(_POLL_SECONDS if announced else 0.02)
        finally:
            (self.var / "run" / "keeper.ready").unlink(missing_ok=True)
            self.valkey.stop(signal.SIGTERM)
            self.postgres.stop(signal.SIGINT)
            if self.ephemeral:
                shutil.rmtree(self.var, ignore_errors=True)

    def _stop_requested(self, number: int, frame: FrameType | None) -> None:
        self.stop_by = min(self.stop_by, time.monotonic() + _LAST_CALL_SECONDS)


def main() -> int:
    """The exit code: 0 after a clean stop, 1 with the reason on standard output."""
    parser = argparse.ArgumentParser(description="Owns the embedded servers of one var folder.")
    parser.add_argument("var", type=Path)
    parser.add_argument("--ephemeral", action="store_true")
    options = parser.parse_args()
    folder(options.var)
    folder(options.var / "run")
    life = FileLock(options.var / "run" / "keeper.lock")
    if not life.try_acquire():
        _say("another keeper owns this folder")
        return 1
    try:
        mode = spawning.server_mode(os.environ.get("SERVER_MODE", ""))
        Keeper(options.var, ephemeral=options.ephemeral, mode=mode).run()
    except (OSError, RuntimeError, subprocess.SubprocessError) as error:
        _say(f"ERROR {error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
