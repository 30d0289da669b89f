"""Small doors to real embedded servers in a folder of their own, for the runtime's tests."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psycopg

from config.runtime.settled import Settled

ROOT = Path(__file__).resolve().parents[2]


def eventually(condition: Callable[[], bool], seconds: float = 15.0) -> bool:
    """Whether `condition` came true before `seconds` had passed."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.02)
    return condition()


def alive(pid: int) -> bool:
    """Whether the process exists and is more than a zombie."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def postmaster(var: Path) -> int:
    """The process id that PostgreSQL itself has noted."""
    return int((var / "postgres" / "data" / "postmaster.pid").read_text().splitlines()[0])


def keeper(var: Path) -> int:
    """The process id of the keeper that says it is ready."""
    return int((var / "run" / "keeper.ready").read_text())


def connect(var: Path) -> psycopg.Connection[tuple[object, ...]]:
    """An autocommit connection as the application's role, to the database `books` (made where it is missing)."""
    settled = Settled.load(var)
    with psycopg.connect(settled.postgres_url("postgres"), autocommit=True, connect_timeout=5) as connection:
        if connection.execute("SELECT 1 FROM pg_database WHERE datname = 'books'").fetchone() is None:
            connection.execute("CREATE DATABASE books")
    return psycopg.connect(settled.postgres_url("books"), autocommit=True, connect_timeout=5)


def connect_again(var: Path) -> psycopg.Connection[tuple[object, ...]]:
    """A connection, once the servers answer again after a crash."""
    found: list[psycopg.Connection[tuple[object, ...]]] = []

    def attempt() -> bool:
        try:
            found.append(connect(var))
        except psycopg.OperationalError:
            return False
        return True

    assert eventually(attempt, 30.0), "PostgreSQL did not come back"
    return found[0]


def command(var: Path, code: str, **environment: str) -> subprocess.Popen[str]:
    """A Python program beside this one, in the repository, with VAR_DIR at `var` and no servers named."""
    clean = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL")}
    return subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**clean, "VAR_DIR": str(var), **environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
