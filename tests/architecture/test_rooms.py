"""The house rules that import-linter cannot say (docs/adr/0001)."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.rooms import ROOMS, ROOT, dotted, imported, modules

LONGEST = 400
FORBIDDEN_NAMES = {"utils", "util", "helpers", "helper", "common", "misc", "signals"}
DOORS = {"selectors", "services", "core"}
HEAVY = ("ccxt", "web3", "sklearn", "lightgbm", "scipy")
TEST_FILES = sorted((ROOT / "tests").rglob("*.py"))


def test_no_file_is_longer_than_a_person_reads_at_once() -> None:
    long = {
        str(path.relative_to(ROOT)): lines
        for path in [*modules(), *TEST_FILES]
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > LONGEST
    }
    assert long == {}, "a module becomes a package of the same name at about 400 lines"


def test_no_drawer_for_odds_and_ends() -> None:
    found = [
        str(path.relative_to(ROOT))
        for path in modules()
        if path.stem in FORBIDDEN_NAMES or set(path.relative_to(ROOT).parts[1:-1]) & FORBIDDEN_NAMES
    ]
    assert found == []


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_has_an_empty_front_door(room: str) -> None:
    assert (ROOT / room / "__init__.py").read_text(encoding="utf-8") == ""


def test_every_test_folder_is_a_package() -> None:
    # Otherwise tests/signals would hide the room of that name.
    assert [
        str(path.parent.relative_to(ROOT))
        for path in TEST_FILES
        if not (path.parent / "__init__.py").exists()
    ] == []


def neighbours_used(path: Path) -> list[str]:
    """Imports of a file that enter another business room by anything but one of its doors."""
    own = dotted(path).partition(".")[0]
    entered = []
    for name in imported(path):
        room, _, rest = name.partition(".")
        door = rest.partition(".")[0]
        if room in ROOMS and room not in (own, "config") and door and door not in DOORS:
            entered.append(name)
    return entered


def test_neighbours_are_entered_by_their_doors() -> None:
    # config wires urls and api together, so it alone may name those.
    broken = {
        dotted(path): used
        for path in modules("portfolios", "indices", "signals")
        if (used := neighbours_used(path))
    }
    assert broken == {}


def test_the_walls_are_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sample = ROOT / "portfolios" / "sample.py"
    monkeypatch.setattr(
        Path, "read_text", lambda *a, **k: "from indices.models import Index\nimport signals.selectors\n"
    )
    assert neighbours_used(sample) == ["indices.models", "indices.models.Index"]


def test_django_signals_are_not_used() -> None:
    used = [
        dotted(path)
        for path in modules()
        for name in imported(path)
        if name.startswith(("django.db.models.signals", "django.dispatch", "django.core.signals"))
    ]
    assert used == []


def floats(source: str) -> list[int]:
    """The lines on which a source makes or names a float."""
    found = []
    for node in ast.walk(ast.parse(source)):
        literal = isinstance(node, ast.Constant) and isinstance(node.value, float)
        named = isinstance(node, ast.Name) and node.id == "float"
        field = isinstance(node, ast.Attribute) and node.attr == "FloatField"
        if literal or named or field:
            found.append(getattr(node, "lineno", 0))
    return sorted(found)


def test_float_never_enters_portfolios() -> None:
    offending = {
        str(path.relative_to(ROOT)): lines
        for path in modules("portfolios")
        if (lines := floats(path.read_text(encoding="utf-8")))
    }
    assert offending == {}


def test_a_float_is_seen() -> None:
    assert floats("a = 1\nb = 0.5\nc = float('1')\nd = models.FloatField()\n") == [2, 3, 4]


def test_heavy_libraries_are_not_loaded_to_serve_a_page() -> None:
    code = (
        "import os, sys, django\n"
        "os.environ['DJANGO_SETTINGS_MODULE'] = 'config.settings'\n"
        "django.setup()\n"
        "from django.urls import get_resolver\n"
        "get_resolver().url_patterns\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"
