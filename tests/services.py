"""A pytest plugin: real PostgreSQL and Valkey for the run, in a temporary folder that vanishes with it.

Loaded with `-p tests.services`, because pytest-django reads the settings before any conftest.py. The xdist workers
inherit the controller's environment and share its servers; each has Valkey databases of its own.
"""

from __future__ import annotations

import atexit
import os
import tempfile
from pathlib import Path

from config.runtime import servers
from config.runtime.worlds import World

_WORLD = World()


def _start() -> None:
    # What a person has set to run the site must not leak into tests. MARKET_ARCHIVE stays: the tests read it.
    os.environ["MARKET"] = _WORLD.source
    for name in (
        "REPLAY_FROM",
        "BELLWETHER_ENV",
        "EMAIL_URL",
        "METRICS_TOKEN",
        "ALLOWED_HOSTS",
        "DEBUG",
        "STRIPE_SECRET_KEY",
        "STRIPE_LIVE",
        "USDC_RPC_URL",
        "SANDBOX_MONEY",
    ):
        os.environ.pop(name, None)
    os.environ["STATIC_HASHED"] = "0"
    var = Path(tempfile.mkdtemp(prefix="bellwether-tests-"))
    os.environ["VAR_DIR"] = str(var)
    if servers.external(os.environ):
        return
    attachment = servers.hold(var, ephemeral=True)
    os.environ.update(servers.addresses(var, _WORLD))
    atexit.register(attachment.release, 10.0)


def _separate(worker: str) -> None:
    """The Valkey databases of xdist worker `gwN` follow those of the controller, two for each."""
    base, _, number = os.environ["REDIS_URL"].rpartition("/")
    os.environ["REDIS_URL"] = f"{base}/{int(number) + 2 * (1 + int(worker.removeprefix('gw')))}"


if "PYTEST_XDIST_WORKER" in os.environ:
    _separate(os.environ["PYTEST_XDIST_WORKER"])
else:
    _start()
