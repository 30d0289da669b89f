"""One look at the chain: read, credit, pay out. One process at a time; the database remembers where it stood."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import connection

from portfolios.chain.node import NodeFailed
from portfolios.chain.registry import usdc_nodes
from portfolios.chain.signing import hot_wallet
from portfolios.services.usdc.crediting import transfers_credit
from portfolios.services.usdc.payouts import Progress, payouts_drive
from portfolios.services.usdc.scanning import Scan, transfers_scan

log = logging.getLogger(__name__)
_LOCK = 47


@dataclass(frozen=True)
class Look:
    """What one look did. `failed` says why it ended early; what was committed by then stays."""

    scan: Scan | None = None
    credited: int = 0
    payouts: Progress | None = None
    failed: str = ""


def usdc_drive(*, now: datetime) -> Look | None:
    """Transfers read and credited, payouts driven; None where USDC is not set up or another process is at it. A node
    that fails or lies moves nothing: the next look begins where this one did."""
    nodes = usdc_nodes()
    if not nodes:
        return None
    with _alone() as free:
        if not free:
            return None
        scan, credited, payouts = None, 0, None
        try:
            scan = transfers_scan(nodes, now=now)
            credited = transfers_credit(nodes, now=now)
            if settings.USDC_HOT_KEY:
                payouts = payouts_drive(nodes, hot_wallet(settings.USDC_HOT_KEY), now=now)
        except NodeFailed as error:
            log.warning("usdc: nothing moved: %s", error)
            return Look(scan, credited, payouts, str(error))
        return Look(scan, credited, payouts)


@contextmanager
def _alone() -> Iterator[bool]:
    """A lock of the session: it may be held across calls to a node, and vanishes when the process dies."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, 0)", [_LOCK])
        free = bool(cursor.fetchone()[0])
    try:
        yield free
    finally:
        if free:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s, 0)", [_LOCK])
