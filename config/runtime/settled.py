"""What is decided once per var folder and kept: ports, passwords, which Valkey database belongs to which world."""

from __future__ import annotations

import json
import secrets
import socket
from dataclasses import asdict, dataclass, field
from pathlib import Path

from config.runtime.paths import folder, read_json, write_private


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        number = probe.getsockname()[1]
    return int(number)


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


@dataclass
class Settled:
    """The contents of var/servers.json (mode 0600)."""

    var: Path
    postgres_port: int
    postgres_password: str
    superuser_password: str
    valkey_port: int
    valkey_password: str
    valkey_databases: dict[str, int] = field(default_factory=dict)

    @classmethod
    def load(cls, var: Path) -> Settled:
        """What is stored for `var`; made and stored first where nothing is."""
        folder(var)
        stored = read_json(var / "servers.json")
        if stored:
            return cls(var=var, **stored)
        made = cls(
            var=var,
            postgres_port=_free_port(),
            postgres_password=secrets.token_hex(24),
            superuser_password=secrets.token_hex(24),
            valkey_port=_free_port(),
            valkey_password=secrets.token_hex(24),
        )
        made.save()
        return made

    def save(self) -> None:
        """The file says what this object says."""
        stored = {name: value for name, value in asdict(self).items() if name != "var"}
        write_private(self.var / "servers.json", json.dumps(stored, indent=2) + "\n")

    def ensure_free_ports(self) -> None:
        """Both ports can be bound; a port that someone else took meanwhile is replaced and stored."""
        changed = False
        if not _is_free(self.postgres_port):
            self.postgres_port, changed = _free_port(), True
        if not _is_free(self.valkey_port):
            self.valkey_port, changed = _free_port(), True
        if changed:
            self.save()

    def valkey_database(self, world: str) -> int:
        """The number of the world's broker database; the next one is its cache."""
        if world not in self.valkey_databases:
            self.valkey_databases[world] = 2 * len(self.valkey_databases)
            self.save()
        return self.valkey_databases[world]

    def postgres_url(self, database: str) -> str:
        """Connection address of `database` for the application's own role."""
        return f"postgresql://bellwether:{self.postgres_password}@127.0.0.1:{self.postgres_port}/{database}"

    def valkey_url(self, world: str) -> str:
        """Connection address of the world's broker database."""
        database = self.valkey_database(world)
        return f"redis://:{self.valkey_password}@127.0.0.1:{self.valkey_port}/{database}"
