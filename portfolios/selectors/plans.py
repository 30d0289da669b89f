"""Plans, a person's contract, and what it lets them hold."""

from indices import selectors as index_selectors
from portfolios.models import CustomIndex, Invoice, Plan, Subscription, User
from portfolios.selectors.records import InvoiceRow, PlanRow, SubscriptionRow


class PlansNotReady(LookupError):
    """The plans have not been stored yet."""


def plans() -> list[PlanRow]:
    """The plans on offer, the smallest first."""
    return [plan_row(plan) for plan in Plan.objects.filter(is_offered=True).prefetch_related("indices")]


def plan_of(user: User) -> PlanRow:
    """The plan the user is on now; without a contract, the plan of rank 0."""
    return plan_row(_plan(user))


def free_plan() -> PlanRow:
    """The plan of those who have no contract, known or not: the one of rank 0. Raises PlansNotReady."""
    return plan_row(_smallest())


def subscription_of(user: User) -> SubscriptionRow:
    """The user's contract: plan, period, and what follows it."""
    contract = _contract(user)
    if contract is None:
        return SubscriptionRow(plan_of(user), None, None, None, cancel_at_period_end=False)
    return SubscriptionRow(
        plan=plan_row(contract.plan),
        next_plan=None if contract.next_plan is None else plan_row(contract.next_plan),
        period_start=contract.period_start,
        period_end=contract.period_end,
        cancel_at_period_end=contract.cancel_at_period_end,
    )


def invoices(user: User, *, limit: int = 50) -> list[InvoiceRow]:
    """What the user was charged for plans, newest first."""
    rows = (
        Invoice.objects.filter(subscription__user=user)
        .select_related("plan")
        .order_by("-effective_at", "-id")
    )
    return [
        InvoiceRow(
            reference=row.reference,
            plan_name=row.plan.name,
            amount=row.amount,
            status=row.status,
            at=row.effective_at,
            period_start=row.period_start,
            period_end=row.period_end,
        )
        for row in rows[:limit]
    ]


def index_allowed(user: User, index_slug: str) -> bool:
    """Whether the user's plan admits to this index: one that they built asks for what its base asks for."""
    plan = _plan(user)
    return plan.all_indices or plan.indices.filter(slug=_charged(index_slug)).exists()


def plan_needed(index_slug: str) -> PlanRow | None:
    """The smallest offered plan that admits to this index, or None."""
    slug = _charged(index_slug)
    return next((plan for plan in plans() if plan.all_indices or slug in plan.index_slugs), None)


def _charged(index_slug: str) -> str:
    """The index of ours whose plan counts: the base of one that somebody built, else the index itself."""
    if not index_selectors.is_custom(index_slug):
        return index_slug
    base = CustomIndex.objects.filter(index__slug=index_slug).values_list("based_on", flat=True).first()
    return base or index_slug


def plan_row(plan: Plan) -> PlanRow:
    """A plan in the form in which it is offered."""
    return PlanRow(
        slug=plan.slug,
        name=plan.name,
        rank=plan.rank,
        summary=plan.summary,
        monthly_price=plan.monthly_price,
        api_requests_per_minute=plan.api_requests_per_minute,
        custom_indices=plan.custom_indices,
        all_indices=plan.all_indices,
        index_slugs=[] if plan.all_indices else sorted(index.slug for index in plan.indices.all()),
    )


def _contract(user: User) -> Subscription | None:
    return (
        Subscription.objects.filter(user=user, status=Subscription.Status.ACTIVE)
        .select_related("plan", "next_plan")
        .first()
    )


def _plan(user: User) -> Plan:
    contract = _contract(user)
    return contract.plan if contract is not None else _smallest()


def _smallest() -> Plan:
    plan = Plan.objects.filter(rank=0).first()
    if plan is None:
        raise PlansNotReady("There is no plan of rank 0; run manage.py prepare.")
    return plan
