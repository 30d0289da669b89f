"""Proof of reserves: what is owed, what is held, and a tree in which everybody finds their own part."""

from portfolios.services.reserves.custody import capital_add, custody_report, held, wallets_report
from portfolios.services.reserves.liabilities import liabilities
from portfolios.services.reserves.snapshots import reserves_prove, snapshot_take

__all__ = [
    "capital_add",
    "custody_report",
    "held",
    "liabilities",
    "reserves_prove",
    "snapshot_take",
    "wallets_report",
]
