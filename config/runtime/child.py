"""One supervised program: restarted with growing pauses, its output kept in a size-capped file."""

from __future__ import annotations

import os
import re
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from config.runtime.spawning import spawn
from config.runtime.terminal import say

_FIRST_PAUSE, _LONGEST_PAUSE, _STABLE_SECONDS = 0.5, 30.0, 30.0
_LOG_LIMIT = 10_000_000
_ALARM = re.compile(r"^.{0,80}?(\bWARNING\b|\bERROR\b|\bCRITICAL\b)")
_ALARMS_PER_MINUTE = 20


class Child:
    """A program and its life. `ensure` starts it when it should run and does not."""

    def __init__(
        self,
        name: str,
        argv: Sequence[str],
        *,
        log: Path,
        stop_seconds: float = 5.0,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        self.argv = list(argv)
        self.environment = dict(environment or {})
        self.log = log
        self.stop_seconds = stop_seconds
        self.starts = 0
        self.may_start: Callable[[float], bool] = lambda now: True  # asked before the first start only
        self.pause = _FIRST_PAUSE
        self._process: subprocess.Popen[bytes] | None = None
        self._output: int | None = None
        self._not_before = 0.0
        self._started = 0.0
        self._rest = b""
        self._kill_at = float("inf")
        self._stopping = False
        self._alarms: list[float] = []

    @property
    def pid(self) -> int:
        """The process id, or 0 while it does not run."""
        return self._process.pid if self._process is not None else 0

    def ensure(self, now: float, selector: selectors.BaseSelector) -> None:
        """It runs, or its pause before the next start has not passed yet."""
        if self._process is not None and self._process.poll() is not None:
            self._after_end(now, selector)
        if self._process is None and now >= self._not_before:
            self._start(now, selector)

    def _start(self, now: float, selector: selectors.BaseSelector) -> None:
        read_end, write_end = os.pipe()
        os.set_blocking(read_end, False)
        with os.fdopen(write_end, "wb") as output:
            self._process = spawn(
                self.argv, death_signal=signal.SIGKILL, output=output, env={**os.environ, **self.environment}
            )
        self._output = read_end
        self._started = now
        self.starts += 1
        selector.register(read_end, selectors.EVENT_READ, self)

    def _after_end(self, now: float, selector: selectors.BaseSelector) -> None:
        process = self._process
        if process is None:
            return
        self._kill_group(process.pid)  # nothing that it started outlives it or holds its output open
        give_up = time.monotonic() + 1.0
        while self._output is not None and time.monotonic() < give_up:
            self.read(selector)
        self._close(selector)
        if now - self._started >= _STABLE_SECONDS:
            self.pause = _FIRST_PAUSE
        self._not_before = now + self.pause
        if not self._stopping:
            say(
                f"! {self.name} ended with code {process.returncode}; again in {self.pause:.1f} s (see {self.log})"
            )
        self.pause = min(self.pause * 2, _LONGEST_PAUSE)
        self._process = None

    def read(self, selector: selectors.BaseSelector) -> None:
        """What it has written since is in its log; warnings and errors are on the terminal too."""
        if self._output is None:
            return
        try:
            data = os.read(self._output, 1 << 16)
        except BlockingIOError:
            return
        if not data:
            self._close(selector)
            return
        if self.log.exists() and self.log.stat().st_size > _LOG_LIMIT:
            self.log.replace(self.log.with_suffix(".log.1"))
        with self.log.open("ab") as log:
            log.write(data)
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._alarm(line.decode(errors="replace"))

    def _close(self, selector: selectors.BaseSelector) -> None:
        if self._output is not None:
            selector.unregister(self._output)
            os.close(self._output)
            self._output = None

    def _alarm(self, line: str) -> None:
        if not _ALARM.match(line):
            return
        now = time.monotonic()
        self._alarms = [moment for moment in self._alarms if moment > now - 60] + [now]
        if len(self._alarms) < _ALARMS_PER_MINUTE:
            say(f"[{self.name}] {line[:300]}")
        elif len(self._alarms) == _ALARMS_PER_MINUTE:
            say(f"[{self.name}] more warnings this minute: see {self.log}")

    def kill(self) -> None:
        """It and what it started end now, without ceremony."""
        if self._process is not None:
            self._kill_group(self._process.pid)

    @staticmethod
    def _kill_group(pid: int) -> None:
        try:
            os.killpg(pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            return

    def begin_stop(self) -> None:
        """It is asked to end, and will be made to after `stop_seconds`."""
        self._stopping = True
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            self._kill_at = time.monotonic() + self.stop_seconds

    def ended(self) -> bool:
        """Whether it runs no more; past its time to stop, it is killed here."""
        if self._process is None or self._process.poll() is not None:
            self.kill()
            return True
        if time.monotonic() > self._kill_at:
            self.kill()
        return False
