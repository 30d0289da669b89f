"""How long the embedded servers take to be there."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from config.runtime import servers


@pytest.mark.parametrize("start", ["first", "second"])
def test_seconds_until_the_servers_are_ready(tmp_path: Path, start: str) -> None:
    var = tmp_path / "var"
    if start == "second":
        assert servers.hold(var).release(20.0)
    began = time.monotonic()
    share = servers.hold(var)
    seconds = time.monotonic() - began
    assert share.release(20.0)
    sys.stdout.write(f"\n{start} start of PostgreSQL and Valkey: {seconds:.2f} s\n")
    assert seconds < 15
