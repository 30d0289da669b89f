"""How much may leave in a day, and what is large enough to be looked at by two people."""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from django.conf import settings
from django.db.models import Sum

from portfolios.errors import DailyLimitReached
from portfolios.models import Payment, User, WithdrawalLimit
from portfolios.payments.base import PaymentProvider
from portfolios.payments.registry import PAYMENTS

APPROVALS = 2
_NOT_GONE = (Payment.Status.FAILED, Payment.Status.EXPIRED, Payment.Status.CANCELLED)


@dataclass(frozen=True)
class Limits:
    """USD. `daily` is what may leave in one UTC day of the wall clock; `used` is what was asked for today."""

    daily: Decimal
    approval_above: Decimal
    used: Decimal

    @property
    def left(self) -> Decimal:
        return max(Decimal(0), self.daily - self.used)


def limits_of(user: User, provider: PaymentProvider, *, now: datetime) -> Limits:
    """The limits of a person with one provider. Play money has its own, and does not use up the others."""
    kind = "PLAY_" if provider.play_money else ""
    daily = Decimal(getattr(settings, f"{kind}WITHDRAWAL_DAILY_LIMIT"))
    above = Decimal(getattr(settings, f"{kind}WITHDRAWAL_APPROVAL_ABOVE"))
    own = WithdrawalLimit.objects.filter(user=user).first()
    if own is not None:
        daily = daily if own.daily is None else own.daily
        above = above if own.approval_above is None else own.approval_above
    alike = [name for name, other in PAYMENTS.items() if other.play_money == provider.play_money]
    midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    used = (
        Payment.objects.filter(
            user=user, direction=Payment.Direction.WITHDRAWAL, method__in=alike, created_at__gte=midnight
        )
        .exclude(status__in=_NOT_GONE)
        .aggregate(total=Sum("amount"))["total"]
    )
    return Limits(daily, above, used or Decimal(0))


def approvals_for(amount: Decimal, limits: Limits) -> int:
    """How many members of staff must approve a withdrawal of `amount` USD. Raises DailyLimitReached."""
    if amount > limits.left:
        raise DailyLimitReached(
            f"Nothing was paid out: ${limits.daily:,.2f} may leave in one day (UTC), ${limits.used:,.2f} was asked for "
            f"today and ${amount:,.2f} would be more. Ask for less, or again tomorrow."
        )
    return APPROVALS if amount > limits.approval_above else 0
