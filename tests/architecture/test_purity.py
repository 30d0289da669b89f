"""Every core module can be imported where Django, tasks, networks and databases do not exist."""

from __future__ import annotations

import json
import subprocess
import sys

from tests.architecture.rooms import ROOT, dotted, modules

REFUSED = ("django", "celery", "rest_framework", "requests", "ccxt", "psycopg", "redis", "pyarrow", "allauth")
PROGRAM = """
import importlib, json, sys
refused, names = json.loads(sys.argv[1])
class Wall:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in refused:
            raise ImportError(f"a core module asks for {name}")
sys.meta_path.insert(0, Wall())
for name in names:
    try:
        importlib.import_module(name)
    except ImportError as error:
        print(f"{name}: {error}")
"""


def _complaints(names: list[str]) -> str:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, json.dumps([REFUSED, names])],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def core_modules() -> list[str]:
    """The dotted names of all modules below a `core` folder."""
    return [dotted(path) for path in modules() if "core" in path.parts]


def test_cores_need_no_framework() -> None:
    names = core_modules()
    assert {name.partition(".")[0] for name in names} == {"portfolios", "indices", "signals"}
    assert _complaints(names) == ""


def test_the_wall_of_this_test_stands() -> None:
    assert "a core module asks for django" in _complaints(["signals.models"])
