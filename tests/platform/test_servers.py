"""The embedded servers, for real: started, shared, killed, recovered, stopped."""

from __future__ import annotations

import datetime
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
from pathlib import Path

import psycopg
import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from config.runtime import servers, spawning
from config.runtime.locks import held_by_another
from config.runtime.settled import Settled
from config.runtime.worlds import World
from tests.platform.servers_at import alive, command, connect, connect_again, eventually, keeper, postmaster

HOLD = """
import sys
from pathlib import Path
from config.runtime import servers
share = servers.hold(Path(__import__("os").environ["VAR_DIR"]))
print("held", flush=True)
sys.stdin.read()
"""


def test_first_start_makes_private_servers_with_our_own_role(running: Path) -> None:
    settled = Settled.load(running)
    with connect(running) as connection:
        role = connection.execute(
            "SELECT current_user, rolsuper FROM pg_roles WHERE rolname = current_user"
        ).fetchone()
        durable = connection.execute(
            "SELECT current_setting('fsync'), current_setting('data_checksums')"
        ).fetchone()
        listens = connection.execute("SELECT current_setting('listen_addresses')").fetchone()
    assert role == ("bellwether", False)
    assert durable == ("on", "on")
    assert listens == ("127.0.0.1",)
    assert stat.S_IMODE((running / "servers.json").stat().st_mode) == 0o600
    assert stat.S_IMODE((running / "valkey" / "valkey.conf").stat().st_mode) == 0o600
    assert stat.S_IMODE(running.stat().st_mode) == 0o700
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(settled.postgres_url("postgres").replace(settled.postgres_password, "wrong"))
    with pytest.raises(redis.AuthenticationError):
        redis.Redis(port=settled.valkey_port, retry=Retry(NoBackoff(), 0)).ping()


def test_no_secret_is_on_a_command_line(running: Path) -> None:
    settled = Settled.load(running)
    shown = b""
    for pid in (keeper(running), postmaster(running)):
        shown += Path(f"/proc/{pid}/cmdline").read_bytes()
    for line in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            text = line.read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if str(running).encode() in text:
            shown += text
    for secret in (settled.postgres_password, settled.superuser_password, settled.valkey_password):
        assert secret.encode() not in shown


def test_the_last_user_stops_the_servers_and_the_data_stay(tmp_path: Path) -> None:
    var = tmp_path / "var"
    mine = servers.hold(var)
    with connect(var) as connection:
        connection.execute("CREATE TABLE kept (n int)")
        connection.execute("INSERT INTO kept VALUES (7)")
    other = command(var, HOLD)
    assert other.stdout is not None
    assert other.stdout.readline() == "held\n"
    first, server = keeper(var), postmaster(var)

    assert mine.release(0.5) is False  # the other one still needs them
    assert alive(server)

    other.kill()  # not even a chance to say goodbye
    other.wait()
    assert eventually(lambda: not alive(server) and not held_by_another(var / "run" / "keeper.lock"))
    assert not (var / "postgres" / "data" / "postmaster.pid").exists()  # a clean stop

    again = servers.hold(var)
    with connect(var) as connection:
        assert connection.execute("SELECT n FROM kept").fetchall() == [(7,)]
    assert keeper(var) != first
    assert again.release(20.0)


def test_acknowledged_rows_survive_a_killed_postmaster(running: Path) -> None:
    with connect(running) as connection:
        connection.execute("CREATE TABLE posted (n int PRIMARY KEY)")
    acknowledged: list[int] = []
    enough = threading.Event()

    def insert() -> None:
        with connect(running) as connection:
            for n in range(1_000_000):
                try:
                    connection.execute("INSERT INTO posted VALUES (%s)", [n])
                except psycopg.OperationalError:
                    return
                acknowledged.append(n)
                if n == 200:
                    enough.set()

    writer = threading.Thread(target=insert)
    writer.start()
    assert enough.wait(30)
    os.kill(postmaster(running), signal.SIGKILL)
    writer.join(30)

    with connect_again(running) as connection:
        stored = {n for (n,) in connection.execute("SELECT n FROM posted").fetchall()}
    assert set(acknowledged) <= stored
    assert len(stored - set(acknowledged)) <= 1  # the one whose answer was lost


def test_a_killed_keeper_is_replaced_and_nothing_is_lost(running: Path) -> None:
    settled = Settled.load(running)
    with connect(running) as connection:
        connection.execute("CREATE TABLE kept (n int)")
        connection.execute("INSERT INTO kept VALUES (1)")
    store = redis.Redis(port=settled.valkey_port, password=settled.valkey_password)
    store.rpush("queue", *range(100))
    first, server = keeper(running), postmaster(running)

    os.kill(first, signal.SIGKILL)
    assert eventually(lambda: not alive(server)), "PostgreSQL outlived its keeper"
    servers.hold(running).release()

    assert keeper(running) != first
    with connect_again(running) as connection:
        assert connection.execute("SELECT n FROM kept").fetchall() == [(1,)]
    assert store.llen("queue") == 100


def test_a_pid_file_that_names_a_stranger_does_not_stop_the_start(tmp_path: Path) -> None:
    var = tmp_path / "var"
    assert servers.hold(var).release(20.0)
    with subprocess.Popen(
        [sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE
    ) as stranger:
        (var / "postgres" / "data" / "postmaster.pid").write_text(
            f"{stranger.pid}\n{var}\n0\n1\n\n\n\nready\n"
        )
        again = servers.hold(var)
        assert postmaster(var) != stranger.pid
        assert stranger.poll() is None, "an unrelated process was harmed"
    connect(var).close()
    assert again.release(20.0)


def test_a_port_taken_meanwhile_is_replaced(tmp_path: Path) -> None:
    var = tmp_path / "var"
    with socket.socket() as squatter:
        squatter.bind(("127.0.0.1", 0))
        squatter.listen()
        settled = Settled.load(var)
        settled.postgres_port = squatter.getsockname()[1]
        settled.save()
        share = servers.hold(var)
        assert Settled.load(var).postgres_port != squatter.getsockname()[1]
        connect(var).close()
        assert share.release(20.0)


def test_each_world_has_its_own_database_and_valkey_pair(tmp_path: Path) -> None:
    var = tmp_path / "var"
    environment = {"VAR_DIR": str(var)}
    first = servers.attach(environment)
    archive = tmp_path / "archive"
    archive.mkdir()
    other = {"VAR_DIR": str(var), "MARKET_ARCHIVE": str(archive), "REPLAY_FROM": "2022-06-01"}
    second = servers.attach(other)
    assert first is not None
    assert second is not None
    assert environment["DATABASE_URL"].endswith("/bellwether_simulated")
    assert other["DATABASE_URL"].endswith("/" + World("archive", str(archive), _day("2022-06-01")).database)
    assert environment["REDIS_URL"].endswith("/0")
    assert other["REDIS_URL"].endswith("/2")
    psycopg.connect(other["DATABASE_URL"]).close()
    first.release()
    assert second.release(20.0)


def test_named_servers_are_used_and_nothing_is_started(tmp_path: Path) -> None:
    environment = {
        "VAR_DIR": str(tmp_path / "var"),
        "DATABASE_URL": "postgresql://h/d",
        "REDIS_URL": "redis://h/0",
    }
    assert servers.attach(environment) is None
    assert not (tmp_path / "var").exists()


def test_naming_only_one_server_is_refused(tmp_path: Path) -> None:
    with pytest.raises(servers.ServersUnavailable, match="Only DATABASE_URL is set"):
        servers.attach({"VAR_DIR": str(tmp_path), "DATABASE_URL": "postgresql://h/d"})


def test_a_start_that_fails_says_why(tmp_path: Path) -> None:
    var = tmp_path / "var"
    assert servers.hold(var).release(20.0)
    (var / "servers.json").write_text("{ not json")
    with pytest.raises(servers.ServersUnavailable, match=r"servers\.json is not readable JSON"):
        servers.hold(var)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to change who it is")
@pytest.mark.parametrize("mode", ["namespace", "nobody"])
def test_root_starts_them_as_someone_else(tmp_path: Path, mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if not spawning._possible(mode):
        pytest.skip(f"this system does not allow the mode {mode}")
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)  # as a home folder is
    var = closed / "var"
    monkeypatch.setenv("SERVER_MODE", mode)
    share = servers.hold(var)
    assert connect(var).execute("SELECT 1").fetchone() == (1,)
    owner = Path(f"/proc/{postmaster(var)}").stat().st_uid
    assert owner == (spawning.ordinary_id() if mode == "nobody" else 0)
    capabilities = Path(f"/proc/{postmaster(var)}/status").read_text().partition("CapEff:\t")[2].split()[0]
    assert int(capabilities, 16) == (0b10 if mode == "nobody" else 0)
    assert share.release(20.0)
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700


def _day(text: str) -> datetime.date:
    return datetime.date.fromisoformat(text)


def test_a_keeper_told_to_stop_lets_its_users_finish_first(tmp_path: Path) -> None:
    var = tmp_path / "var"
    share = servers.hold(var)
    first = keeper(var)
    with connect(var) as connection:
        os.kill(first, signal.SIGTERM)
        for _ in range(20):
            assert connection.execute("SELECT pg_sleep(0.02), 1").fetchone() == ("", 1)
    assert alive(first)
    assert share.release(10.0), "it did not stop when the last user had gone"
    assert not alive(first)
