"""Contracts for plans: an upgrade takes effect and is charged at once for the rest of the period, a downgrade or a
cancellation waits for the period's end. Times are market time."""

from collections.abc import Collection, Mapping
from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.utils import timezone

from indices import selectors as index_selectors
from portfolios.core.periods import month_later, prorated
from portfolios.errors import PaymentDeclined, PlanUnchanged, UnknownPlan
from portfolios.models import Invoice, Plan, Subscription, User
from portfolios.payments.registry import BILLING
from portfolios.services import accounts, ledger
from signals import selectors as signal_selectors

_SEEDS: tuple[dict[str, object], ...] = (
    {
        "slug": "free",
        "name": "Free",
        "rank": 0,
        "monthly_price": Decimal("0.00"),
        "api_requests_per_minute": 60,
        "custom_indices": 1,
        "all_indices": False,
        "summary": "Two market-cap indices, everything shown, nothing hidden.",
    },
    {
        "slug": "silver",
        "name": "Silver",
        "rank": 1,
        "monthly_price": Decimal("29.00"),
        "api_requests_per_minute": 240,
        "custom_indices": 3,
        "all_indices": False,
        "summary": "More ways to weight the market, and a faster API.",
    },
    {
        "slug": "gold",
        "name": "Gold",
        "rank": 2,
        "monthly_price": Decimal("99.00"),
        "api_requests_per_minute": 600,
        "custom_indices": 10,
        "all_indices": True,
        "summary": "Every index, and an API for daily work.",
    },
    {
        "slug": "platinum",
        "name": "Platinum",
        "rank": 3,
        "monthly_price": Decimal("299.00"),
        "api_requests_per_minute": 3000,
        "custom_indices": 50,
        "all_indices": True,
        "summary": "Every index, and an API for programs that never sleep.",
    },
)
_ADMITS: Mapping[str, Collection[str]] = {
    "free": ("global-100", "top-10"),
    "silver": ("global-100", "top-10", "sqrt-30"),
}


@transaction.atomic
def plans_seed() -> list[Plan]:
    """The four plans exist; a new one admits to its usual indices as far as they exist. What an operator has changed
    stays."""
    plans = []
    for seed in _SEEDS:
        plan, created = Plan.objects.get_or_create(slug=seed["slug"], defaults=seed)
        if created:
            known = {index.slug: index.pk for index in index_selectors.index_list()}
            plan.indices.set([known[slug] for slug in _ADMITS.get(plan.slug, ()) if slug in known])
        plans.append(plan)
    return plans


@transaction.atomic
def subscribe(user: User, plan: str, *, provider: str = "sandbox") -> Subscription | None:
    """The user on this plan (slug), or on the way to it at the period's end; None for a user on the plan of rank 0
    without a contract. An alias of `change` for a first contract.

    Raises UnknownPlan, PlanUnchanged, PaymentDeclined; nothing is charged then.
    """
    return change(user, plan, provider=provider)


@transaction.atomic
def change(user: User, plan: str, *, provider: str = "sandbox") -> Subscription | None:
    """Move to another plan: up at once with a charge for the rest of the period, down at the period's end."""
    wanted = _offered(plan)
    User.objects.select_for_update().get(pk=user.pk)
    now = signal_selectors.market_time()
    contract = _active(user)
    if contract is None:
        if wanted.rank == 0:
            raise PlanUnchanged(f"Nothing was charged: you are on the {wanted.name} plan already.")
        return _begin(user, wanted, now, provider)
    if contract.plan_id == wanted.pk:
        if contract.next_plan_id is None and not contract.cancel_at_period_end:
            raise PlanUnchanged(f"Nothing was charged: you are on the {wanted.name} plan already.")
        return resume(user)
    if wanted.rank > contract.plan.rank:
        return _upgrade(contract, wanted, now)
    contract.next_plan = None if wanted.rank == 0 else wanted
    contract.cancel_at_period_end = wanted.rank == 0
    contract.save(update_fields=["next_plan", "cancel_at_period_end"])
    return contract


@transaction.atomic
def cancel(user: User) -> Subscription:
    """The contract ends with its period; until then nothing changes. Raises PlanUnchanged without a contract."""
    User.objects.select_for_update().get(pk=user.pk)
    contract = _required(user)
    contract.cancel_at_period_end, contract.next_plan = True, None
    contract.save(update_fields=["cancel_at_period_end", "next_plan"])
    return contract


@transaction.atomic
def resume(user: User) -> Subscription:
    """A pending cancellation or downgrade withdrawn. Raises PlanUnchanged without a contract."""
    User.objects.select_for_update().get(pk=user.pk)
    contract = _required(user)
    contract.cancel_at_period_end, contract.next_plan = False, None
    contract.save(update_fields=["cancel_at_period_end", "next_plan"])
    return contract


def subscriptions_renew(now: datetime) -> int:
    """Every contract whose period has ended by market time `now` renewed, moved to its next plan, or ended; how many.

    A declined renewal ends the contract, and so does an account that was switched off: its owner could not cancel. A
    second run finds nothing to do.
    """
    due = Subscription.objects.filter(status=Subscription.Status.ACTIVE, period_end__lte=now)
    done = 0
    for key in list(due.order_by("id").values_list("id", flat=True)):
        while _renew_once(key, now):
            done += 1
    return done


@transaction.atomic
def _renew_once(key: int, now: datetime) -> bool:
    contract = (
        Subscription.objects.select_for_update(skip_locked=True, of=("self",))
        .select_related("plan", "next_plan", "user")
        .filter(pk=key, status=Subscription.Status.ACTIVE, period_end__lte=now)
        .first()
    )
    if contract is None:
        return False
    plan = contract.next_plan or contract.plan
    if contract.cancel_at_period_end or plan.rank == 0 or not contract.user.is_active:
        return _end(contract)
    start, end = contract.period_end, month_later(contract.period_end, billing_day=contract.billing_day)
    try:
        with transaction.atomic():
            _charge(contract, plan, plan.monthly_price, start, start, end)
    except PaymentDeclined:
        return _end(contract)
    contract.plan, contract.next_plan = plan, None
    contract.period_start, contract.period_end = start, end
    contract.save(update_fields=["plan", "next_plan", "period_start", "period_end"])
    return True


def _end(contract: Subscription) -> bool:
    contract.status, contract.ended_at = Subscription.Status.ENDED, timezone.now()
    contract.save(update_fields=["status", "ended_at"])
    return True


def _begin(user: User, plan: Plan, now: datetime, provider: str) -> Subscription:
    contract = Subscription.objects.create(
        user=user,
        plan=plan,
        period_start=now,
        period_end=month_later(now),
        billing_day=now.day,
        provider=provider,
    )
    _charge(contract, plan, plan.monthly_price, now, now, contract.period_end)
    return contract


def _upgrade(contract: Subscription, plan: Plan, now: datetime) -> Subscription:
    start, end = contract.period_start, contract.period_end
    difference = plan.monthly_price - contract.plan.monthly_price
    _charge(contract, plan, prorated(difference, start=start, end=end, now=now), now, max(now, start), end)
    contract.plan, contract.next_plan, contract.cancel_at_period_end = plan, None, False
    contract.save(update_fields=["plan", "next_plan", "cancel_at_period_end"])
    return contract


def _charge(
    contract: Subscription, plan: Plan, amount: Decimal, now: datetime, start: datetime, end: datetime
) -> None:
    """One invoice, paid; the reference makes the same charge happen once."""
    if amount <= 0:
        return
    reference = f"subscription:{contract.pk}:{plan.slug}:{start.isoformat()}"
    if Invoice.objects.filter(reference=reference).exists():
        return
    provider = BILLING[contract.provider]
    answer = provider.charge(customer=str(contract.user_id), amount=amount, reference=reference)
    if not answer.paid:
        raise PaymentDeclined(
            f"Nothing was charged: the payment was declined ({answer.reason}). Your plan is unchanged."
        )
    Invoice.objects.create(
        subscription=contract,
        plan=plan,
        reference=reference,
        amount=amount,
        status=Invoice.Status.PAID,
        period_start=start,
        period_end=end,
        provider_reference=answer.reference,
        effective_at=now,
    )
    usd = accounts.usd()
    ledger.entry_post(
        reference=reference,
        kind="charge",
        effective_at=now,
        description=f"{plan.name} plan",
        legs=[
            ledger.Leg(accounts.outside(contract.provider), usd, -amount),
            ledger.Leg(accounts.revenue(), usd, amount),
        ],
    )


def _offered(slug: str) -> Plan:
    plan = Plan.objects.filter(slug=slug, is_offered=True).first()
    if plan is None:
        raise UnknownPlan(f"Nothing was charged: there is no plan {slug!r}.")
    return plan


def _active(user: User) -> Subscription | None:
    return (
        Subscription.objects.select_for_update(of=("self",))
        .filter(user=user, status=Subscription.Status.ACTIVE)
        .select_related("plan", "next_plan")
        .first()
    )


def _required(user: User) -> Subscription:
    contract = _active(user)
    if contract is None:
        raise PlanUnchanged("Nothing was charged: you have no paid plan.")
    return contract
