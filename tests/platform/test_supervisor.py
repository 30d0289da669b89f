"""The supervisor with tiny programs as children: restarts, pauses, order of stopping, death of the parent."""

from __future__ import annotations

import os
import selectors
import signal
import socket
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from config.runtime import start
from config.runtime.child import Child
from config.runtime.servers import ServersUnavailable
from config.runtime.supervisor import Supervisor, Watchdog, answers
from tests.platform.servers_at import ROOT, alive, eventually

FOREVER = "import time; time.sleep(600)"


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def ended(child: Child) -> bool:
    return child.pid == 0 or not alive(child.pid)


def test_pauses_between_restarts_double_up_to_a_limit_and_shrink_after_a_stable_time(tmp_path: Path) -> None:
    selector = selectors.DefaultSelector()
    child = Child("crashing", python("raise SystemExit(3)"), log=tmp_path / "log")
    now = 1000.0
    pauses = []
    for _ in range(9):
        child.ensure(now, selector)
        starts = child.starts
        assert eventually(lambda: ended(child))
        child.ensure(now, selector)  # notices the end, and waits
        assert child.starts == starts
        pauses.append(child._not_before - now)
        child.ensure(child._not_before - 0.01, selector)
        assert child.starts == starts, "started before its pause was over"
        now = child._not_before
    assert pauses == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0]
    child.ensure(now, selector)
    assert eventually(lambda: ended(child))
    child.ensure(now + 31.0, selector)  # it had run for half a minute: a clean record
    assert child._not_before == now + 31.5


def test_a_crashing_child_is_started_again_while_the_others_go_on(tmp_path: Path) -> None:
    marks = tmp_path / "marks"
    crashing = Child(
        "crashing", python(f"open({str(marks)!r}, 'a').write('x'); raise SystemExit(1)"), log=tmp_path / "a"
    )
    steady = Child("steady", python(FOREVER), log=tmp_path / "b")
    supervisor = Supervisor([steady, crashing], [lambda now: _stop_when(supervisor, crashing.starts >= 3)])
    _run(supervisor)
    assert len(marks.read_text()) >= 2
    assert steady.starts == 1
    assert ended(steady)


def test_children_stop_in_the_opposite_order_and_are_asked_first(tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    code = (
        "import signal, sys, time\n"
        "def bye(*a):\n"
        f"    open({str(notes)!r}, 'a').write(sys.argv[1]); sys.exit(0)\n"
        "signal.signal(signal.SIGTERM, bye); print('up', flush=True)\n"
        "time.sleep(600)"
    )
    children = [Child(name, [*python(code), name], log=tmp_path / name) for name in ("1", "2", "3")]
    supervisor = Supervisor(children, [lambda now: _stop_when(supervisor, _all_said_up(tmp_path))])
    _run(supervisor)
    assert notes.read_text() == "321"


def test_a_child_that_ignores_the_request_is_made_to_stop(tmp_path: Path) -> None:
    deafness = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
    code = deafness + "print('up', flush=True); time.sleep(600)"
    deaf = Child("1", python(code), log=tmp_path / "1", stop_seconds=0.3)
    supervisor = Supervisor([deaf], [lambda now: _stop_when(supervisor, _all_said_up(tmp_path, "1"))])
    began = time.monotonic()
    _run(supervisor)
    assert ended(deaf)
    assert time.monotonic() - began < 8


def test_what_a_child_started_does_not_outlive_it(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    code = (
        "import subprocess, sys, time\n"
        f"p = subprocess.Popen([sys.executable, '-c', {FOREVER!r}])\n"
        f"open({str(note)!r}, 'w').write(str(p.pid)); time.sleep(600)"
    )
    child = Child("family", python(code), log=tmp_path / "log", stop_seconds=0.2)
    supervisor = Supervisor(
        [child], [lambda now: _stop_when(supervisor, note.exists() and note.read_text() != "")]
    )
    _run(supervisor)
    assert eventually(lambda: not alive(int(note.read_text())))


def test_children_die_with_a_killed_supervisor(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    code = (
        "import os\nfrom pathlib import Path\n"
        "from config.runtime.child import Child\nfrom config.runtime.supervisor import Supervisor\nimport sys\n"
        f"child = Child('c', [sys.executable, '-c', {FOREVER!r}], log=Path({str(tmp_path / 'log')!r}))\n"
        f"look = lambda now: Path({str(note)!r}).write_text(str(child.pid))\n"
        "Supervisor([child], [look]).run()\n"
    )
    supervisor = subprocess.Popen(python(code), cwd=ROOT)
    assert eventually(lambda: note.exists() and note.read_text() not in ("", "0"))
    pid = int(note.read_text())
    assert alive(pid)
    supervisor.kill()
    supervisor.wait()
    assert eventually(lambda: not alive(pid)), "a child outlived the killed supervisor"


def test_output_is_in_the_log_and_warnings_reach_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = '2026-01-01 00:00:00 INFO quiet: a\n2026-01-01 00:00:00 WARNING loud: b\n{"level": "ERROR"} c\n'
    log = tmp_path / "log"
    child = Child("worker", python(f"print({lines!r}, end='', flush=True); {FOREVER}"), log=log)
    supervisor = Supervisor([child], [lambda now: _stop_when(supervisor, log.exists())])
    _run(supervisor)
    assert log.read_text() == lines
    shown = capsys.readouterr().out
    assert "[worker] 2026-01-01 00:00:00 WARNING loud: b" in shown
    assert '[worker] {"level": "ERROR"} c' in shown
    assert "quiet" not in shown


def test_a_flood_of_warnings_is_cut_on_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    child = Child("worker", [], log=tmp_path / "log")
    for number in range(100):
        child._alarm(f"WARNING {number}")
    shown = capsys.readouterr().out.splitlines()
    assert len(shown) == 20
    assert shown[-1].startswith("[worker] more warnings this minute")


class _Site(HTTPServer):
    answering = True


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        assert isinstance(self.server, _Site)
        self.send_response(200 if self.server.answering and self.path == "/livez" else 500)
        self.end_headers()

    def log_message(self, *parts: object) -> None:
        """Says nothing."""


def test_the_watchdog_restarts_a_web_child_that_stopped_answering(tmp_path: Path) -> None:
    site = _Site(("127.0.0.1", 0), _Handler)
    threading.Thread(target=site.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{site.server_port}/"
    web = Child("web", python(FOREVER), log=tmp_path / "log")
    selector = selectors.DefaultSelector()
    web.ensure(0.0, selector)
    dog = Watchdog(web, url)
    try:
        site.answering = False
        for now in (1.0, 2.0, 3.0, 4.0, 5.0, 6.0):
            dog.probe(now)
        assert alive(web.pid), "restarted before it ever answered: that is its start"
        site.answering = True
        dog.probe(10.0)
        site.answering = False
        for now in (15.0, 20.0, 25.0):
            dog.probe(now)
        assert alive(web.pid)
        dog.probe(26.0)  # too early for the next look
        assert alive(web.pid)
        dog.probe(30.0)
        assert eventually(lambda: ended(web))
    finally:
        web.kill()
        site.shutdown()
        site.server_close()
    assert answers(url) is False


def test_a_taken_port_is_named_in_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(start, "_PORT_WAIT_SECONDS", 0.0)
    with socket.socket() as squatter:
        squatter.bind(("127.0.0.1", 0))
        squatter.listen()
        port = squatter.getsockname()[1]
        with pytest.raises(
            ServersUnavailable, match=f"Port {port} on 127.0.0.1 cannot be used .* PORT={port + 1}"
        ):
            start.require_port("127.0.0.1", port)
    start.require_port("127.0.0.1", port)


def test_a_second_up_refuses_politely(tmp_path: Path) -> None:
    var = tmp_path / "var"
    (var / "run").mkdir(parents=True)
    (var / "run" / "up.lock").write_text("process 1, http://localhost:8000/\n")
    code = (
        "import fcntl, sys\n"
        f"f = open({str(var / 'run' / 'up.lock')!r}, 'r+'); fcntl.flock(f, fcntl.LOCK_EX); print('held', flush=True)\n"
        "sys.stdin.read()"
    )
    first = subprocess.Popen(python(code), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert first.stdout is not None
    assert first.stdout.readline() == "held\n"
    second = subprocess.run(
        [sys.executable, "manage.py", "up"],
        cwd=ROOT,
        env={**os.environ, "VAR_DIR": str(var)},
        capture_output=True,
        text=True,
        check=False,
    )
    first.send_signal(signal.SIGKILL)
    first.wait()
    assert second.returncode == 1
    assert second.stderr.startswith(
        f"Bellwether already runs from {var} (process 1, http://localhost:8000/)."
    )
    assert "Traceback" not in second.stderr


def _stop_when(supervisor: Supervisor, condition: bool) -> None:
    if condition:
        supervisor.stopping = True


def _all_said_up(folder: Path, *names: str) -> bool:
    logs = [folder / name for name in names or ("1", "2", "3")]
    return all(log.exists() and log.read_text() == "up\n" for log in logs)


def _run(supervisor: Supervisor) -> None:
    """Runs it to its end here, with the signal handlers of the test run put back afterwards."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)}
    try:
        supervisor.run()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
