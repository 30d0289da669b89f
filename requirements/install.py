"""Puts the pinned requirements into .venv. Needs Python 3.11 and nothing else; a second run costs nothing.

python3.11 requirements/install.py base|dev|production|bench        (bench: the peers of `make bench`, into .venv-bench)
"""

import fcntl
import hashlib
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# What is only compared with stays out of everybody's environment.
VENV = ROOT / (".venv-bench" if sys.argv[1:] == ["bench"] else ".venv")
PYTHON = VENV / "bin" / "python"
WANTED = (3, 11)
# What else is there once a set is installed: dev is base and more, so `make run` after `make test` installs nothing.
COVERS = {
    "base": ("base",),
    "dev": ("dev", "base"),
    "production": ("production", "base"),
    "bench": ("bench",),
}


def say(text: str) -> None:
    """One line, at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def digest(name: str) -> str:
    """Changes with the pins, the interpreter, and the place of the environment (which cannot be moved)."""
    pins = (ROOT / "requirements" / f"{name}.txt").read_bytes()
    return hashlib.sha256(pins + f"{VENV}\n{sys.version}".encode()).hexdigest()


def stamp(name: str) -> Path:
    """Holds the digest of the set `name` once it is completely installed."""
    return VENV / f".installed-{name}"


def installed(name: str) -> bool:
    """Whether exactly these pins are in the environment."""
    return stamp(name).is_file() and stamp(name).read_text() == digest(name) and PYTHON.exists()


def run(*argv: str | Path) -> None:
    """The command has succeeded; otherwise this program ends with its exit code, its output stands above."""
    code = subprocess.run([str(part) for part in argv], cwd=ROOT, check=False).returncode
    if code != 0:
        sys.exit(f"This command failed (exit {code}): {' '.join(str(part) for part in argv)}")


def make_environment() -> None:
    """.venv is a working environment of this interpreter with pip in it."""
    works = PYTHON.exists() and subprocess.run([PYTHON, "-c", "import pip"], check=False, capture_output=True)
    if works and works.returncode == 0:
        return
    say("· Creating the virtual environment")
    done = subprocess.run(
        [sys.executable, "-m", "venv", "--clear", str(VENV)], check=False, capture_output=True, text=True
    )
    if done.returncode != 0:
        sys.exit(
            f"{sys.executable} cannot make a virtual environment:\n{done.stdout}{done.stderr}\n"
            "On Debian and Ubuntu: apt-get install python3.11-venv"
        )


def main() -> None:
    """The set named on the command line is installed."""
    name = sys.argv[1] if len(sys.argv) == 2 else ""
    if name not in COVERS:
        sys.exit(f"Say which requirements to install: {', '.join(COVERS)}.")
    if sys.version_info[:2] != WANTED:
        sys.exit(
            f"Python 3.11 is needed; {sys.executable} is {sys.version.split()[0]}. Set PYTHON=/path/to/python3.11"
        )
    with (ROOT / "requirements" / "install.py").open() as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("· Waiting for another set-up of this folder to finish")
            fcntl.flock(lock, fcntl.LOCK_EX)
        if installed(name):
            return
        began = time.monotonic()
        make_environment()
        for done in COVERS:
            stamp(done).unlink(missing_ok=True)  # a set half replaced counts as not installed
        say("· Installing pinned requirements (about half a minute with a cold cache)")
        pip = [PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
        run(*pip, "--require-hashes", "-r", "requirements/uv.txt")
        os.environ.setdefault("UV_LINK_MODE", "copy" if os.environ.get("CI") else "hardlink")
        pins = f"requirements/{name}.txt"
        # A person sees progress, a log only what went wrong.
        quiet = () if sys.stdout.isatty() else ("--quiet",)
        run(VENV / "bin" / "uv", "pip", "install", *quiet, "--python", PYTHON, "--require-hashes", "-r", pins)
        for covered in COVERS[name]:
            stamp(covered).write_text(digest(covered))
        say(f"✓ Installing requirements: {time.monotonic() - began:.1f} s")


if __name__ == "__main__":
    main()
