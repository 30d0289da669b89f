"""The embedded PostgreSQL: made once, started on 127.0.0.1, stopped cleanly, recovered after any crash."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from config.runtime import binaries, spawning
from config.runtime.paths import folder, write_private

SUPERUSER = "postgres"
USER = "bellwether"


class ServerFailed(RuntimeError):
    """A server did not start; the message says which and where its log is."""


@dataclass(frozen=True)
class Postgres:
    """One cluster below `home`. `durable=False` switches fsync off: for throw-away test servers only."""

    home: Path
    port: int
    password: str
    superuser_password: str
    log: Path
    mode: str
    durable: bool = True

    @property
    def data(self) -> Path:
        """The data directory."""
        return self.home / "data"

    def create(self) -> None:
        """The cluster exists, with a role of our own that may create databases but is no superuser."""
        if (self.data / "PG_VERSION").exists():
            spawning.give_to(spawning.owner_of_data(self.mode), self.data)
            return
        folder(self.home)
        # Built beside its place and renamed at the end: a kill in the middle leaves nothing half made.
        draft = self.home / "data.draft"
        shutil.rmtree(draft, ignore_errors=True)
        secret = self.home / "superuser.secret"
        write_private(secret, self.superuser_password)
        try:
            self._run(
                [
                    *(binaries.postgres_program("initdb"), "-D", draft, "-U", SUPERUSER),
                    *("--auth=scram-sha-256", f"--pwfile={secret}", "--encoding=UTF8"),
                    *("--locale-provider=builtin", "--locale=C.UTF-8", "--no-instructions"),
                    *(() if self.durable else ("--no-sync",)),
                ]
            )
        finally:
            secret.unlink()
        role = (
            f"CREATE ROLE {USER} LOGIN CREATEDB PASSWORD '{self.password}';\n"  # the password is hexadecimal
        )
        self._run([binaries.postgres_program("postgres"), "--single", "-D", draft, "postgres"], text=role)
        draft.rename(self.data)

    def _run(self, argv: list[str | Path], text: str = "") -> None:
        done = subprocess.run(
            [str(part) for part in argv],
            input=text.encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            preexec_fn=spawning.preparation(self.mode, os.getpid(), signal.SIGKILL),
            env=_environment(),
            check=False,
        )
        with self.log.open("ab") as log:
            log.write(done.stdout)
        if done.returncode != 0 or b"ERROR" in done.stdout or b"FATAL" in done.stdout:
            raise ServerFailed(
                f"{Path(argv[0]).name} failed:\n{done.stdout.decode(errors='replace').strip()}"
            )

    def spawn(self) -> subprocess.Popen[bytes]:
        """The postmaster, starting. Whoever the last one was has gone first. See `ready`."""
        self._clear_stale()
        options = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": "",
            "password_encryption": "scram-sha-256",
            "timezone": "UTC",
            "log_timezone": "UTC",
            "max_connections": "120",
            "shared_buffers": "192MB" if self.durable else "64MB",
            "max_wal_size": "2GB",
            "fsync": "on" if self.durable else "off",
            "synchronous_commit": "on" if self.durable else "off",
            "full_page_writes": "on" if self.durable else "off",
        }
        argv: list[str | Path] = [binaries.postgres_program("postgres"), "-D", self.data]
        for name, value in options.items():
            argv += ["-c", f"{name}={value}"]
        with self.log.open("ab") as log:
            # SIGINT is PostgreSQL's fast shutdown: even a killed keeper leaves a cleanly closed cluster.
            return spawning.spawn(
                argv,
                death_signal=signal.SIGINT,
                mode=self.mode,
                cwd=self.home,
                env=_environment(),
                output=log,
            )

    def ready(self) -> bool:
        """Whether the server says of itself that it accepts connections (line 8 of postmaster.pid)."""
        lines = self._pid_file()
        return len(lines) > 7 and lines[7].strip() == "ready"

    def _pid_file(self) -> list[str]:
        try:
            return (self.data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return []

    def _clear_stale(self) -> None:
        """No postmaster of this cluster runs and no pid file claims so.

        The pid in a file left by a crash may belong to an unrelated process by now (always so in a
        restarted container); PostgreSQL would refuse to start, so the file goes when the process is not ours.
        """
        # First patience (it may be closing), then an immediate shutdown: the next start recovers from its log.
        for last_resort, seconds in ((None, 20.0), (signal.SIGQUIT, 5.0), (signal.SIGKILL, 5.0)):
            deadline = time.monotonic() + seconds
            while (lines := self._pid_file()) and lines[0].strip().isdigit():
                pid = int(lines[0])
                if not self._is_ours(pid):
                    (self.data / "postmaster.pid").unlink(missing_ok=True)
                    return
                if time.monotonic() > deadline:
                    break
                if last_resort is not None:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, last_resort)
                time.sleep(0.05)
            else:
                return
        raise ServerFailed(f"An older PostgreSQL still uses {self.data} and does not end.")

    def _is_ours(self, pid: int) -> bool:
        try:
            arguments = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except (FileNotFoundError, ProcessLookupError):
            return False
        return str(self.data).encode() in arguments


def _environment() -> dict[str, str]:
    # Nothing of the caller's: a stray PGDATA or PGPORT must not redirect the embedded server.
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}
