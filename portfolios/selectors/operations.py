"""What an operator sees first: people, money and work in flight, over everybody."""

from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Count, Sum

from portfolios.core.money import USD_SCALE, from_base
from portfolios.models import (
    Account,
    Balance,
    BlockOrder,
    DealingCycle,
    Entry,
    Order,
    Pause,
    Payment,
    Portfolio,
    Rebalance,
    Reconciliation,
    Subscription,
    User,
)
from portfolios.selectors.stops import decision_stops
from portfolios.selectors.valuations import valuations
from signals import selectors as signal_selectors


@dataclass(frozen=True)
class PlanFigures:
    """One plan's active contracts and what they bring in a month, USD."""

    name: str
    contracts: int
    monthly_usd: Decimal


@dataclass(frozen=True)
class Operations:
    """Figures of the platform at market time. USD; counts of rows that are not at rest."""

    people: int
    invested_usd: Decimal
    cash_usd: Decimal
    reserved_usd: Decimal
    open_orders: int
    open_cycles: int
    unknown_block_orders: int
    due_rebalances: int
    stopped: int
    to_approve: int
    disagreeing: list[str]
    entries: int
    plans: list[PlanFigures]

    @property
    def monthly_usd(self) -> Decimal:
        """What all active contracts bring in a month."""
        return sum((plan.monthly_usd for plan in self.plans), Decimal(0))


def operations() -> Operations:
    """The figures of now. The number of queries does not depend on how many people there are."""
    portfolio_ids = list(Portfolio.objects.values_list("pk", flat=True))
    worth = valuations(portfolio_ids) if portfolio_ids else {}
    return Operations(
        people=User.objects.filter(is_active=True, is_staff=False).count(),
        invested_usd=from_base(sum(valuation.value for valuation in worth.values()), USD_SCALE),
        cash_usd=_held(Account.Kind.CASH),
        reserved_usd=_held(Account.Kind.RESERVED),
        open_orders=Order.objects.filter(status__in=[Order.Status.ACCEPTED, Order.Status.DEALING]).count(),
        open_cycles=DealingCycle.objects.exclude(status=DealingCycle.Status.SETTLED).count(),
        unknown_block_orders=BlockOrder.objects.filter(status=BlockOrder.Status.UNKNOWN).count(),
        due_rebalances=Rebalance.objects.filter(
            status__in=[Rebalance.Status.DUE, Rebalance.Status.DEALING]
        ).count(),
        stopped=Pause.objects.filter(ended_at__isnull=True).count(),
        to_approve=Payment.objects.filter(status=Payment.Status.AWAITING_APPROVAL).count(),
        disagreeing=_disagreeing(),
        entries=Entry.objects.count(),
        plans=_plans(),
    )


def dealing_at_rest() -> bool:
    """Whether every dealing cycle is settled and no rebalance waits for one. What waits because something was
    stopped is at rest."""
    if DealingCycle.objects.exclude(status=DealingCycle.Status.SETTLED).exists():
        return False
    if Rebalance.objects.filter(status=Rebalance.Status.DEALING).exists():
        return False
    due = Rebalance.objects.filter(status=Rebalance.Status.DUE).select_related("portfolio__index", "decision")
    waiting = {row.portfolio_id: row.decision for row in due.order_by("decision__as_of")}
    stopped = decision_stops(waiting, at=signal_selectors.market_time()) if waiting else {}
    return all(key in stopped and stopped[key].rebalances for key in waiting)


def _disagreeing() -> list[str]:
    """Venues whose last reconciliation did not come out even."""
    last = Reconciliation.objects.order_by("venue", "-pk").distinct("venue")
    doubtful = (Reconciliation.Result.BREAK, Reconciliation.Result.NO_ANSWER)
    return [row.venue for row in last if row.result in doubtful]


def _held(kind: Account.Kind) -> Decimal:
    held = Balance.objects.filter(account__kind=kind, account__user__isnull=False, asset__code="USD")
    return held.aggregate(total=Sum("amount"))["total"] or Decimal(0)


def _plans() -> list[PlanFigures]:
    active = Subscription.objects.filter(status=Subscription.Status.ACTIVE)
    rows = (
        active.values("plan__name", "plan__monthly_price").annotate(count=Count("pk")).order_by("plan__rank")
    )
    return [
        PlanFigures(row["plan__name"], row["count"], row["count"] * row["plan__monthly_price"])
        for row in rows
    ]
