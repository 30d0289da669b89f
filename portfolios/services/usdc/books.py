"""The legs of USDC: it arrives from outside as USDC, and the treasury changes it into dollars and back."""

from decimal import Decimal

from portfolios.models import UsdcPayout
from portfolios.services import accounts
from portfolios.services.ledger import Leg

METHOD = "usdc"


def arrived_legs(amount: Decimal, usd: Decimal) -> list[Leg]:
    """`amount` USDC come in and `usd` dollars go out of the treasury; the person's leg is still missing."""
    return [
        Leg(accounts.outside(METHOD), accounts.usdc(), -amount),
        Leg(accounts.treasury(), accounts.usdc(), amount),
        Leg(accounts.treasury(), accounts.usd(), -usd),
    ]


def gone_legs(amount: Decimal, usd: Decimal) -> list[Leg]:
    """The opposite: `usd` dollars into the treasury, `amount` USDC out of our books."""
    return [Leg(leg.account, leg.asset, -leg.amount) for leg in arrived_legs(amount, usd)]


def payout_legs(reference: str) -> list[Leg]:
    """What a payout moved once it is final: its dollars into the treasury, its USDC to the outside."""
    payout = UsdcPayout.objects.get(reference=reference)
    return gone_legs(payout.amount, payout.usd)
