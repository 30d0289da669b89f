"""What `make test` does, stage by stage: a line with seconds for each, and the output of those that fail.

python -m tests.stages            all of them
python -m tests.stages lint types only these
"""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent

# The checks run under production settings. Nothing listens at these addresses: they read files only.
PRODUCTION = {
    "BELLWETHER_ENV": "production",
    "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
    "REDIS_URL": "redis://127.0.0.1:1/0",
    "SECRET_KEY": "only-for-the-checks-0123456789-abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJ",
    "ALLOWED_HOSTS": "bellwether.example",
    "EMAIL_URL": "smtp+tls://user:password@mail.bellwether.example:587",
    "BEHIND_PROXY": "1",
}


@dataclass(frozen=True)
class Stage:
    """One command. `group` selects it; `shown` lets its output through as it comes."""

    group: str
    title: str
    argv: tuple[str, ...]
    shown: bool = False


def _tool(name: str, *arguments: str) -> tuple[str, ...]:
    return (str(BIN / name), *arguments)


def _manage(*arguments: str) -> tuple[str, ...]:
    return (sys.executable, "manage.py", *arguments)


STAGES = (
    Stage("lint", "ruff check", _tool("ruff", "check", "--no-cache", ".")),
    Stage("lint", "ruff format", _tool("ruff", "format", "--check", "--no-cache", ".")),
    Stage("lint", "templates", _tool("djlint", "templates", "--lint", "--quiet")),
    Stage("types", "types", _tool("mypy")),
    Stage("contracts", "import contracts", _tool("lint-imports", "--no-logo", "--no-cache")),
    Stage("checks", "migrations", _manage("makemigrations", "--check", "--dry-run")),
    Stage("checks", "deployment", _manage("check", "--deploy", "--fail-level", "WARNING")),
    Stage(
        "checks", "API schema", _manage("spectacular", "--validate", "--fail-on-warn", "--file", os.devnull)
    ),
    Stage(
        "tests",
        "tests",
        (sys.executable, "-m", "pytest", "-n", "2", "-q", "-p", "no:cacheprovider"),
        shown=True,
    ),
)


def run(stage: Stage, var: str) -> bool:
    """Whether the stage passed; it has said so, with its seconds."""
    environment = dict(os.environ)
    if stage.group in ("types", "checks"):
        environment |= PRODUCTION | {"VAR_DIR": var}
    began = time.monotonic()
    if stage.shown:
        _say(f"· {stage.title}")
    done = subprocess.run(
        stage.argv,
        cwd=ROOT,
        env=environment,
        stdout=None if stage.shown else subprocess.PIPE,
        stderr=None if stage.shown else subprocess.STDOUT,
        check=False,
    )
    passed = done.returncode == 0
    _say(f"{'✓' if passed else '✗'} {stage.title}: {time.monotonic() - began:.1f} s")
    if not passed and done.stdout:
        _say(done.stdout.decode(errors="replace"))
    return passed


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def main() -> int:
    """0 when every chosen stage passed, 1 otherwise; the tests run only after all others passed."""
    chosen = set(sys.argv[1:])
    unknown = chosen - {stage.group for stage in STAGES}
    if unknown:
        sys.exit(f"No such stage: {', '.join(sorted(unknown))}.")
    began = time.monotonic()
    with Path(__file__).open() as lock, tempfile.TemporaryDirectory(prefix="bellwether-checks-") as var:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            sys.exit("Another `make test` runs in this folder; wait for it or stop it.")
        wanted = [stage for stage in STAGES if not chosen or stage.group in chosen]
        # Types take as long as all the others that only read: side by side, types first.
        reading = sorted((stage for stage in wanted if not stage.shown), key=lambda one: one.group != "types")
        with ThreadPoolExecutor(2) as pool:
            passed = list(pool.map(lambda stage: run(stage, var), reading))
        if not all(passed) or not all(run(stage, var) for stage in wanted if stage.shown):
            return 1
    _say(f"✓ everything: {time.monotonic() - began:.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
