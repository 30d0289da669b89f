from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from config.runtime import servers


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Path]:
    """A var folder whose own servers (durable ones) run for the length of one test."""
    var = tmp_path / "var"
    attachment = servers.hold(var)
    yield var
    assert attachment.release(20.0), "the servers did not stop"
