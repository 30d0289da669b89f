"""The first second of `manage.py up`, before Django is loaded: is there room to start, and do the servers run?"""

from __future__ import annotations

import argparse
import os
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from config.runtime import worlds
from config.runtime.locks import FileLock
from config.runtime.paths import folder, var_dir
from config.runtime.servers import Attachment, ServersUnavailable, attach
from config.runtime.terminal import step

_PORT_WAIT_SECONDS = 4.0


@dataclass(frozen=True)
class Start:
    """What `up` holds: its place as the only one, its share in the servers, and where it will listen."""

    var: Path
    host: str
    port: int
    world: worlds.World
    life: FileLock
    attachment: Attachment | None

    @property
    def url(self) -> str:
        """Where a browser on this machine finds the site."""
        return address(self.host, self.port)


_started: list[Start] = []


def address(host: str, port: int) -> str:
    """The address to show for a server that listens on `host`."""
    shown = "localhost" if host in ("127.0.0.1", "0.0.0.0", "::", "::1") else host  # noqa: S104
    return f"http://{shown}:{port}/"


def arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `up` are added to `parser`; the environment gives the defaults."""
    parser.add_argument("--host", default=os.environ.get("HOST") or "127.0.0.1", help="HOST; 127.0.0.1")
    parser.add_argument("--port", type=_port, default=os.environ.get("PORT") or "8000", help="PORT; 8000")


def _port(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"PORT is {text!r}; give a number from 1 to 65535")
    return int(text)


def prepare(argv: Sequence[str]) -> Attachment | None:
    """This process is the only `up` of its var folder, its port is free, and the servers run.

    Raises ServersUnavailable with one sentence that says what is in the way.
    """
    parser = argparse.ArgumentParser(prog="manage.py up", add_help=False)
    arguments(parser)
    options, _ = parser.parse_known_args(argv)
    if "-h" in argv or "--help" in argv:
        return None
    var = folder(var_dir(os.environ))
    folder(var / "run")
    life = FileLock(var / "run" / "up.lock")
    if not life.try_acquire():
        raise ServersUnavailable(
            f"Bellwether already runs from {var} ({life.path.read_text().strip()}). "
            "Stop it first, or set another VAR_DIR and PORT."
        )
    require_port(options.host, options.port)
    life.path.write_text(f"process {os.getpid()}, {address(options.host, options.port)}\n")
    world = worlds.from_environment(os.environ)
    worlds.remember(var, world)
    os.environ.update(world.environment())
    with step("Starting PostgreSQL and Valkey"):
        attachment = attach()
    _started.append(Start(var, options.host, options.port, world, life, attachment))
    return attachment


def require_port(host: str, port: int) -> None:
    """`port` can be bound on `host`; a just-stopped site is given a moment to let go of it."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    deadline = time.monotonic() + _PORT_WAIT_SECONDS
    while True:
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError as error:
                if time.monotonic() > deadline:
                    raise ServersUnavailable(
                        f"Port {port} on {host} cannot be used ({error.strerror}). Another program has it, or it "
                        f"is reserved. Choose another: PORT={port + 1 if port < 65535 else 8000}"
                    ) from error
            else:
                return
        time.sleep(0.2)


def started() -> Start:
    """What `prepare` made in this process."""
    if not _started:
        raise ServersUnavailable("`up` is started as `python manage.py up`, not from other code.")
    return _started[-1]
