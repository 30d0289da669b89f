"""What receives the dollars that leave a person, by method of payment."""

from portfolios.models import Payment
from portfolios.services import accounts
from portfolios.services.ledger import Leg
from portfolios.services.usdc.books import METHOD, payout_legs


def paid_out_legs(payment: Payment) -> list[Leg]:
    """The legs that take `payment.amount` USD out of our books: their dollars sum to the amount."""
    if payment.method == METHOD:
        return payout_legs(str(payment.pk))
    return [Leg(accounts.outside(payment.method), accounts.usd(), payment.amount)]
