"""Production refuses to guess, and its settings pass every deployment check."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from config import environment
from tests.platform.servers_at import ROOT
from tests.stages import PRODUCTION


def _check(tmp_path: Path, **changes: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL")}
    return subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=ROOT,
        env={**clean, "VAR_DIR": str(tmp_path), **PRODUCTION, **changes},
        capture_output=True,
        text=True,
        check=False,
    )


def test_everything_missing_is_listed_at_once_with_what_to_set() -> None:
    with pytest.raises(ImproperlyConfigured) as refused:
        environment.require_production({"SECRET_KEY": "x"})
    text = str(refused.value)
    for name in ("DATABASE_URL", "REDIS_URL", "ALLOWED_HOSTS"):
        assert f"\n  {name}: " in text
    assert "SECRET_KEY" not in text


def test_the_real_start_refuses_too(tmp_path: Path) -> None:
    done = _check(tmp_path, SECRET_KEY="")
    assert done.returncode != 0
    assert "BELLWETHER_ENV=production does not start without these variables" in done.stderr


def test_mail_that_goes_nowhere_is_warned_of(tmp_path: Path) -> None:
    done = _check(tmp_path, EMAIL_URL="")
    assert done.returncode == 1
    assert "bellwether.W001" in done.stderr


def test_an_unknown_mode_is_refused() -> None:
    with pytest.raises(ImproperlyConfigured, match="BELLWETHER_ENV is 'prod'"):
        environment.mode({"BELLWETHER_ENV": "prod"})


def test_the_local_secret_is_made_once_and_private(tmp_path: Path) -> None:
    first = environment.local_secret(tmp_path)
    assert len(first) >= 64
    assert environment.local_secret(tmp_path) == first
    assert stat.S_IMODE((tmp_path / "secret_key").stat().st_mode) == 0o600


def test_the_cache_uses_the_next_database() -> None:
    assert environment.next_database("redis://:secret@h:6379/4") == "redis://:secret@h:6379/5"
    with pytest.raises(ImproperlyConfigured, match="must end in a database number"):
        environment.next_database("redis://h:6379")
