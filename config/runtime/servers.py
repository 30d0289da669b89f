"""Using the servers: a process attaches, and has DATABASE_URL and REDIS_URL for as long as it lives.

Where both variables are set already, those servers are used and nothing is started.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import MutableMapping
from pathlib import Path

from config.runtime.locks import SHARED, FileLock, held_by_another
from config.runtime.paths import ROOT, folder, var_dir
from config.runtime.settled import Settled
from config.runtime.worlds import World, current

_ATTACH_SECONDS = 150.0


class ServersUnavailable(RuntimeError):
    """The embedded servers could not be started; the message carries the reason."""


class Attachment:
    """A share in the running servers; they stop soon after the last share ends."""

    def __init__(self, var: Path, lock: FileLock) -> None:
        self.var = var
        self._lock = lock

    @property
    def descriptor(self) -> int:
        """The lock's file number, for handing the share on through exec."""
        return self._lock.descriptor

    def release(self, wait_seconds: float = 0.0) -> bool:
        """The share is given back. True when the servers are down before `wait_seconds` have passed."""
        self._lock.close()
        deadline = time.monotonic() + wait_seconds
        while held_by_another(self.var / "run" / "keeper.lock"):
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.02)
        return True


def external(environ: MutableMapping[str, str]) -> bool:
    """Whether the environment names servers of its own. Raises ServersUnavailable when it names only one."""
    named = [name for name in ("DATABASE_URL", "REDIS_URL") if environ.get(name)]
    if len(named) == 1:
        raise ServersUnavailable(f"Only {named[0]} is set. Set both DATABASE_URL and REDIS_URL, or neither.")
    return len(named) == 2


def hold(var: Path, *, ephemeral: bool = False) -> Attachment:
    """The embedded servers of `var` run and this process holds a share in them.

    Raises ServersUnavailable with the keeper's own words when they do not start.
    """
    folder(var)
    folder(var / "run")
    share = FileLock(var / "run" / "in-use.lock")
    share.acquire(SHARED)  # waits only while a keeper is shutting down
    try:
        with FileLock(var / "run" / "start.lock"):
            _ensure_running(var, ephemeral=ephemeral)
    except BaseException:
        share.close()
        raise
    return Attachment(var, share)


def _ensure_running(var: Path, *, ephemeral: bool) -> None:
    deadline = time.monotonic() + _ATTACH_SECONDS
    keeper: subprocess.Popen[bytes] | None = None
    log = folder(var / "log") / "keeper.log"
    while time.monotonic() < deadline:
        if (var / "run" / "keeper.ready").exists() and held_by_another(var / "run" / "keeper.lock"):
            return
        if keeper is not None and keeper.poll() is not None:
            raise ServersUnavailable(f"The embedded servers did not start ({log}):\n{_tail(log)}")
        if keeper is None and not held_by_another(var / "run" / "keeper.lock"):
            (var / "run" / "keeper.ready").unlink(missing_ok=True)
            keeper = _start_keeper(var, log, ephemeral=ephemeral)
        time.sleep(0.02)
    raise ServersUnavailable(f"The embedded servers were not ready in time ({log}):\n{_tail(log)}")


def _start_keeper(var: Path, log: Path, *, ephemeral: bool) -> subprocess.Popen[bytes]:
    argv = [sys.executable, "-m", "config.runtime.keeper", str(var)]
    if ephemeral:
        argv.append("--ephemeral")
    # A fresh file per keeper, so that an error shown is this start's.
    with log.open("wb") as output:
        return subprocess.Popen(
            argv,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def _tail(path: Path, lines: int = 12) -> str:
    return "\n".join(path.read_text(errors="replace").splitlines()[-lines:]) if path.exists() else ""


def _ensure_database(settled: Settled, name: str) -> None:
    import psycopg
    from psycopg import sql

    with psycopg.connect(settled.postgres_url("postgres"), autocommit=True, connect_timeout=10) as connection:
        found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone()
        if found is None:
            try:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
            except psycopg.errors.DuplicateDatabase:
                return  # another process was faster


def addresses(var: Path, world: World) -> dict[str, str]:
    """DATABASE_URL and REDIS_URL of the embedded servers for `world`, running or not."""
    settled = Settled.load(var)
    return {"DATABASE_URL": settled.postgres_url(world.database), "REDIS_URL": settled.valkey_url(world.name)}


def attach(environ: MutableMapping[str, str] | None = None) -> Attachment | None:
    """Servers run, the world's database exists, and `environ` (the process's own by default) names both.

    None when the environment names external servers. Keep the result: the share ends with it.
    Raises ServersUnavailable, WorldError.
    """
    environ = os.environ if environ is None else environ
    if external(environ):
        return None
    var = var_dir(environ)
    world = current(environ, var)
    attachment = hold(var)
    try:
        with FileLock(var / "run" / "start.lock"):
            _ensure_database(Settled.load(var), world.database)
            environ.update(addresses(var, world))
    except BaseException:
        attachment.release()
        raise
    return attachment
