"""The supervisor: web, worker and timetable as children that are restarted, watched, logged and stopped in order.

Holds no Django: `manage.py up` prepares everything and then becomes this program, so it stays small and has
nothing in it that could fail. Run as `python -m config.runtime.supervisor --host H --port P`.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import selectors
import signal
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType

from config.runtime import servers
from config.runtime.child import Child
from config.runtime.locks import held_by_another
from config.runtime.paths import ROOT, folder, var_dir
from config.runtime.start import address
from config.runtime.terminal import say
from config.runtime.worlds import current

_PROBE_EVERY, _PROBE_SECONDS, _PROBE_FAILURES = 5.0, 5.0, 4
_SERVERS_EVERY = 1.0
_PAGE_FIRST_SECONDS = 20.0


class Watchdog:
    """Restarts the web child when /livez has stopped answering; never before it answered once."""

    def __init__(self, web: Child, url: str) -> None:
        self.web = web
        self.url = url
        self.answered = False
        self.failures = 0
        self.next_probe = 0.0
        self.process = 0

    def probe(self, now: float) -> None:
        """One look, if it is time for one."""
        if now < self.next_probe:
            return
        if self.web.pid != self.process:  # a fresh process starts with a clean record
            self.process, self.answered, self.failures = self.web.pid, False, 0
        if answers(self.url):
            self.answered, self.failures = True, 0
        elif self.answered:
            self.failures += 1
            if self.failures >= _PROBE_FAILURES:
                say(f"! web has not answered {self.failures} times in a row: restarting it")
                self.web.kill()
        self.next_probe = now + (_PROBE_EVERY if self.answered else 0.2)


def answers(url: str) -> bool:
    """Whether /livez below `url` says 200 in time."""
    try:
        with urllib.request.urlopen(f"{url}livez", timeout=_PROBE_SECONDS) as response:  # noqa: S310
            return bool(response.status == 200)
    except (OSError, urllib.error.URLError):
        return False


class Supervisor:
    """Keeps `children` running until told to stop. Started in order, stopped in reverse order."""

    def __init__(self, children: Sequence[Child], every_loop: Sequence[Callable[[float], None]] = ()) -> None:
        self.children = list(children)
        self.every_loop = list(every_loop)
        self.selector = selectors.DefaultSelector()
        self.stopping = False

    def request_stop(self, number: int, frame: FrameType | None) -> None:
        """Signal handler: the loop ends after its present turn."""
        self.stopping = True

    def run(self) -> None:
        """Returns after SIGTERM or SIGINT, when every child has ended."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self.request_stop)
        try:
            while not self.stopping:
                now = time.monotonic()
                for child in self.children:
                    if child.starts or child.may_start(now):
                        child.ensure(now, self.selector)
                for look in self.every_loop:
                    look(now)
                self._read(0.2)
        finally:
            for child in reversed(self.children):
                child.begin_stop()
                while not child.ended():
                    self._read(0.05)

    def _read(self, seconds: float) -> None:
        for key, _ in self.selector.select(seconds):
            child: Child = key.data
            child.read(self.selector)


def platform_children(var: Path) -> list[Child]:
    """Web, worker, beat: stopped in the opposite order, so that nothing new is started while work is finished."""
    python = sys.executable
    celery = [python, "-m", "celery", "-A", "config.celery"]
    log = folder(var / "log")
    # `up` has just loaded everything that Django's checks look at; for worker and beat they only cost time and memory.
    unchecked = {"CELERY_SKIP_CHECKS": "1"}
    # The worker alone signs: what answers the world must not know the key.
    keyless = {"USDC_HOT_KEY": ""}
    return [
        Child(
            "web",
            [
                python,
                "-m",
                "gunicorn",
                "-c",
                "python:config.runtime.gunicorn_config",
                "config.wsgi:application",
            ],
            log=log / "web.log",
            stop_seconds=6.0,
            environment=keyless,
        ),
        Child(
            "worker",
            [
                *(*celery, "worker", "--pool", "prefork", "--concurrency", os.environ.get("WORKERS") or "2"),
                *("--loglevel", "INFO", "--without-gossip", "--without-mingle"),
            ],
            log=log / "worker.log",
            stop_seconds=8.0,
            environment=unchecked,
        ),
        Child(
            "beat",
            [*celery, "beat", "--loglevel", "INFO", "--pidfile="],
            log=log / "beat.log",
            stop_seconds=3.0,
            environment={"BELLWETHER_PROCESS": "beat", **unchecked, **keyless},
        ),
    ]


class ServerWatch:
    """Brings the embedded servers back when even their keeper was killed; children follow a changed address."""

    def __init__(self, var: Path, children: Sequence[Child]) -> None:
        self.var = var
        self.children = children
        self.next_look = 0.0

    def look(self, now: float) -> None:
        """One look, if it is time for one."""
        if now < self.next_look:
            return
        self.next_look = now + _SERVERS_EVERY
        if held_by_another(self.var / "run" / "keeper.lock"):
            return
        say("! the database keeper ended: starting it again")
        try:
            servers.hold(self.var).release()  # the share of `up` itself is still held: they stay
        except servers.ServersUnavailable as error:
            say(f"! {error}")
            return
        now_at = servers.addresses(self.var, current(os.environ, self.var))
        if any(os.environ[name] != value for name, value in now_at.items()):
            os.environ.update(now_at)
            for child in self.children:
                child.kill()


class Greeting:
    """Says once where the site is, as soon as it answers."""

    def __init__(self, url: str, watchdog: Watchdog, lines: Sequence[str]) -> None:
        self.url = url
        self.watchdog = watchdog
        self.lines = lines
        self.done = False
        self.began = time.monotonic()

    def look(self, now: float) -> None:
        """Speaks when the web child has answered for the first time."""
        if not self.done and self.watchdog.answered:
            self.done = True
            say(f"✓ The site answers: {now - self.began:.1f} s")
            for line in self.lines:
                say(line)


def main() -> int:
    """The exit code: 0 after a clean stop."""
    parser = argparse.ArgumentParser(description="Runs web, worker and timetable.")
    parser.add_argument("--host", required=True)
    parser.add_argument("--port", required=True)
    parser.add_argument("--label", default="")
    parser.add_argument("--mail", default="")
    parser.add_argument("--share", type=int, default=None)
    options = parser.parse_args()
    var = var_dir(os.environ)
    os.environ.update(
        {"HOST": options.host, "PORT": options.port, "DJANGO_SETTINGS_MODULE": "config.settings"}
    )
    url = address(options.host, int(options.port))
    say("· Starting web, then worker and timetable")
    children = platform_children(var)
    watchdog = Watchdog(children[0], url)
    began = time.monotonic()
    for child in children[1:]:  # the page first: three programs that load at once would all be late
        child.may_start = lambda now: watchdog.answered or now - began > _PAGE_FIRST_SECONDS
    lines = ["", f"  Bellwether is at {url}   ({options.label})"]
    if options.mail:
        lines.append(f"  Mail, sign-up codes too, is written to {options.mail}")
    lines += [f"  Logs are in {var / 'log'}. Ctrl-C stops everything.", ""]
    greeting = Greeting(url, watchdog, lines)
    looks: list[Callable[[float], None]] = [watchdog.probe, greeting.look]
    if options.share is not None:
        looks.append(ServerWatch(var, children).look)
    os.chdir(ROOT)
    try:
        Supervisor(children, looks).run()
    finally:
        released = time.monotonic()
        if options.share is not None:
            with contextlib.suppress(OSError):
                os.close(options.share)
            while held_by_another(var / "run" / "keeper.lock") and time.monotonic() - released < 12:
                time.sleep(0.05)
    say("Stopped.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
