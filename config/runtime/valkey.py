"""The embedded Valkey (Redis protocol): broker, cache and throttles; append-only file, 127.0.0.1, password."""

from __future__ import annotations

import signal
import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path

from config.runtime import binaries, spawning
from config.runtime.paths import folder, write_private

DATABASES = 128


@dataclass(frozen=True)
class Valkey:
    """One server with its files in `home`."""

    home: Path
    port: int
    password: str
    log: Path
    mode: str
    durable: bool = True

    def create(self) -> None:
        """The folder and the configuration exist. The password is in the file, never on a command line."""
        folder(self.home)
        lines = [
            "bind 127.0.0.1",
            f"port {self.port}",
            "protected-mode yes",
            f"requirepass {self.password}",
            f'dir "{self.home}"',
            f"databases {DATABASES}",
            f"appendonly {'yes' if self.durable else 'no'}",
            "appendfsync everysec",
            'save ""',
            "maxmemory-policy noeviction",  # it is a broker too: a wake-up call must not be evicted
            "daemonize no",
        ]
        write_private(self.home / "valkey.conf", "\n".join(lines) + "\n")
        spawning.give_to(spawning.owner_of_data(self.mode), self.home)

    def spawn(self) -> subprocess.Popen[bytes]:
        """The server, starting. See `ready`."""
        with self.log.open("ab") as log:
            return spawning.spawn(
                [binaries.valkey_server(), self.home / "valkey.conf"],
                death_signal=signal.SIGTERM,
                mode=self.mode,
                cwd=self.home,
                output=log,
            )

    def ready(self) -> bool:
        """Whether it answers PING to our password (it says LOADING while it reads its file)."""
        request = f"AUTH {self.password}\r\nPING\r\n".encode()
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                connection.sendall(request)
                answer = b""
                while answer.count(b"\r\n") < 2 and (part := connection.recv(256)):
                    answer += part
        except OSError:
            return False
        return answer == b"+OK\r\n+PONG\r\n"
