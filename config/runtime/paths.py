"""Where the platform keeps what it writes: one folder, `var/`, and nothing outside it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


def var_dir(environ: Mapping[str, str]) -> Path:
    """The folder for data, logs and locks: `VAR_DIR`, or `var` beside manage.py. Absolute; not created here."""
    chosen = environ.get("VAR_DIR", "")
    return Path(chosen).expanduser().resolve() if chosen else ROOT / "var"


def folder(path: Path, mode: int = 0o700) -> Path:
    """`path` exists as a folder; a newly made one (not its parents) has `mode`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.mkdir(mode=mode, exist_ok=True)
    return path


def write_private(path: Path, text: str) -> None:
    """`path` holds `text`, is readable by its owner only, and was never half written."""
    draft = path.with_name(f"{path.name}.{os.getpid()}.draft")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def read_json(path: Path) -> dict[str, Any]:
    """The object stored at `path`, or an empty one where the file does not exist yet.

    Raises RuntimeError that names the file when it holds something else.
    """
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise RuntimeError(f"{path} is not readable JSON ({error}); restore it or remove it.") from error
    if not isinstance(stored, dict):
        raise RuntimeError(f"{path} must hold a JSON object; restore it or remove it.")
    return stored
