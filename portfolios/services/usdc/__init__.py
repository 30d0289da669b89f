"""USDC: addresses given out, transfers read and credited, payouts signed and followed."""

from portfolios.services.usdc.addresses import address_assign, addresses_add, addresses_derive
from portfolios.services.usdc.crediting import transfer_gone, transfer_release, transfers_credit
from portfolios.services.usdc.driving import Look, usdc_drive
from portfolios.services.usdc.payouts import Progress, payout_refuse, payouts_drive
from portfolios.services.usdc.scanning import Scan, transfers_scan

__all__ = [
    "Look",
    "Progress",
    "Scan",
    "address_assign",
    "addresses_add",
    "addresses_derive",
    "payout_refuse",
    "payouts_drive",
    "transfer_gone",
    "transfer_release",
    "transfers_credit",
    "transfers_scan",
    "usdc_drive",
]
