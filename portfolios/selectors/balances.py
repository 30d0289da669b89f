"""What the ledger says a person has."""

from decimal import Decimal

from portfolios.models import Balance, User


def cash(user: User) -> Decimal:
    """USD that the user may invest or withdraw now."""
    return _usd(f"user:{user.pk}:cash")


def reserved(user: User) -> Decimal:
    """USD set aside for orders that wait for the next dealing."""
    return _usd(f"user:{user.pk}:reserved")


def _usd(key: str) -> Decimal:
    amount = (
        Balance.objects.filter(account__key=key, asset__code="USD").values_list("amount", flat=True).first()
    )
    return (amount or Decimal(0)).quantize(Decimal("0.000001"))
