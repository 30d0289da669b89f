"""What every test may ask for."""

from __future__ import annotations

import ipaddress
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, settings

# One profile everywhere: the same examples on every machine, and no verdict that depends on its speed.
settings.register_profile(
    "steady", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.load_profile("steady")

# An oracle of the tests brings bottleneck with it, which the product does not have: the same sums here as there.
pd.set_option("compute.use_bottleneck", False)

_ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def archive_path() -> Path:
    """The folder of the market archive: MARKET_ARCHIVE, or `../shared/data` beside the repository."""
    named = os.environ.get("MARKET_ARCHIVE")
    path = Path(named) if named else _ROOT.parent / "shared" / "data"
    if not (path / "daily.parquet").is_file():
        pytest.skip(f"no market archive at {path}; set MARKET_ARCHIVE to a folder that holds daily.parquet")
    return path


class NetworkReached(RuntimeError):
    """A test tried to leave this machine."""


def _is_local(address: Any) -> bool:
    if not isinstance(address, tuple):  # a Unix socket
        return True
    host = str(address[0])
    if host in ("localhost", ""):
        return True
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return False


@pytest.fixture(autouse=True, scope="session")
def no_network() -> Iterator[None]:
    """Connections go to this machine only; any other attempt fails the test that makes it."""
    patch = pytest.MonkeyPatch()
    for name in ("connect", "connect_ex"):
        original = getattr(socket.socket, name)

        def guarded(self: socket.socket, address: Any, _original: Any = original) -> Any:
            if self.family != socket.AF_UNIX and not _is_local(address):
                raise NetworkReached(f"Tests do not use the network, but one connects to {address}.")
            return _original(self, address)

        patch.setattr(socket.socket, name, guarded)
    yield
    patch.undo()


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> None:
    """Tests that commit are cleaned up with TRUNCATE, which the ledger refuses; its own test turns this on again."""
    from django.db import connection

    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE portfolios_entry DISABLE TRIGGER entry_no_truncate")
        cursor.execute("ALTER TABLE portfolios_posting DISABLE TRIGGER posting_no_truncate")
        cursor.execute("ALTER TABLE portfolios_basket DISABLE TRIGGER basket_no_truncate")
        cursor.execute("ALTER TABLE portfolios_batch DISABLE TRIGGER batch_no_truncate")
        cursor.execute("ALTER TABLE portfolios_bookposting DISABLE TRIGGER book_posting_no_truncate")
        cursor.execute("ALTER TABLE portfolios_statement DISABLE TRIGGER statement_no_truncate")
        cursor.execute("ALTER TABLE portfolios_feeaccrual DISABLE TRIGGER fee_accrual_no_truncate")
        cursor.execute("ALTER TABLE signals_modelrun DISABLE TRIGGER modelrun_no_truncate")
        cursor.execute("ALTER TABLE signals_experiment DISABLE TRIGGER experiment_no_truncate")
        cursor.execute("ALTER TABLE indices_receipt DISABLE TRIGGER receipt_no_truncate")
        cursor.execute("ALTER TABLE indices_weightcommitment DISABLE TRIGGER weightcommitment_no_truncate")
        cursor.execute("ALTER TABLE indices_signingkey DISABLE TRIGGER signingkey_no_truncate")
