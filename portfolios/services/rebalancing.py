"""Which portfolios have to follow a new decision. One rebalance per portfolio and epoch, by a key of the database."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db import transaction

from indices import selectors as index_selectors
from portfolios.models import Account, Balance, Dealing, Portfolio, Rebalance


@dataclass(frozen=True)
class DueRebalance:
    """A portfolio whose decision in force it has not moved to yet."""

    portfolio: Portfolio
    decision_id: int
    epoch: str


def rebalances_due(through: date) -> list[DueRebalance]:
    """Every portfolio with a decision in force at the close of `through` that has no rebalance of that epoch."""
    due = []
    for portfolio in Portfolio.objects.select_related("index", "units").order_by("id"):
        decision = index_selectors.decision_in_force(portfolio.index, as_of=through)
        if decision is None:
            continue
        if not Rebalance.objects.filter(portfolio=portfolio, epoch=decision.epoch).exists():
            due.append(DueRebalance(portfolio, decision.pk, decision.epoch))
    return due


@transaction.atomic
def rebalance_ensure(due: DueRebalance) -> Rebalance:
    """The rebalance of this portfolio and epoch, made if it is not there: due, or skipped where nothing is held."""
    # The first investor's tokens are being bought by an older decision before there are units.
    held = (
        Dealing.objects.filter(portfolio=due.portfolio, is_open=True).exists()
        or Balance.objects.filter(
            account__portfolio=due.portfolio, account__kind=Account.Kind.ISSUED, amount__lt=Decimal(0)
        ).exists()
        or Balance.objects.filter(
            account__portfolio=due.portfolio, account__kind=Account.Kind.BOOKS, amount__gt=Decimal(0)
        ).exists()
    )
    rebalance, _ = Rebalance.objects.get_or_create(
        portfolio=due.portfolio,
        epoch=due.epoch,
        defaults={
            "decision_id": due.decision_id,
            "status": Rebalance.Status.DUE if held else Rebalance.Status.SKIPPED,
            "reason": "" if held else Rebalance.NOBODY,
        },
    )
    return rebalance


def rebalances_ensure(through: date) -> list[Rebalance]:
    """Every rebalance that is due at the close of `through`, stored."""
    return [rebalance_ensure(due) for due in rebalances_due(through)]
