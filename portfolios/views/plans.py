"""Plans: what they admit to, what they cost, and the person's own."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from indices import selectors as index_selectors
from portfolios import selectors
from portfolios.errors import MoneyError
from portfolios.forms import PlanForm
from portfolios.services import plans as plan_services
from portfolios.views.visitors import person


@require_safe
def plans(request: HttpRequest) -> HttpResponse:
    """All plans side by side; a signed-in person sees which one is theirs."""
    contract = selectors.subscription_of(person(request)) if request.user.is_authenticated else None
    names = {index.slug: index.name for index in index_selectors.index_list()}
    context = {
        "contract": contract,
        "invoices": selectors.invoices(person(request), limit=12) if contract else [],
        "plans": [
            {
                "plan": plan,
                "indices": [names[slug] for slug in plan.index_slugs if slug in names],
                "is_current": contract is not None and contract.plan.slug == plan.slug,
                "is_next": contract is not None
                and contract.next_plan is not None
                and contract.next_plan.slug == plan.slug,
                "is_step_up": contract is not None and plan.rank == contract.plan.rank + 1,
                "form": PlanForm(initial={"plan": plan.slug}, auto_id=f"{plan.slug}_%s"),
            }
            for plan in selectors.plans()
        ],
    }
    return render(request, "portfolios/plans.html", context)


@login_required
@require_POST
def plan_change(request: HttpRequest) -> HttpResponse:
    """Another plan: at once where it is larger, at the end of the period where it is smaller."""
    form = PlanForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Nothing was charged: choose one of the plans.")
        return redirect("portfolios:plans")
    user = person(request)
    try:
        plan_services.subscribe(user, form.cleaned_data["plan"])
    except MoneyError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, outcome(selectors.subscription_of(user)))
    return redirect("portfolios:plans")


@login_required
@require_POST
def plan_cancel(request: HttpRequest) -> HttpResponse:
    """The plan ends with the period that is paid for."""
    try:
        plan_services.cancel(person(request))
    except MoneyError as error:
        messages.error(request, error.message)
    else:
        messages.success(
            request, "Nothing more will be charged. Your plan stays until the end of the period you paid for."
        )
    return redirect("portfolios:plans")


@login_required
@require_POST
def plan_resume(request: HttpRequest) -> HttpResponse:
    """A cancellation or a change that waits for the end of the period is withdrawn."""
    try:
        plan_services.resume(person(request))
    except MoneyError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, "Nothing was charged now. Your plan goes on as before.")
    return redirect("portfolios:plans")


def outcome(contract: selectors.SubscriptionRow) -> str:
    """What a change of plan came to, the money first."""
    end = f"{contract.period_end:%-d %B %Y}" if contract.period_end is not None else ""
    if contract.next_plan is not None:
        return f"Nothing was charged. You stay on {contract.plan.name} until {end}, then {contract.next_plan.name}."
    if contract.cancel_at_period_end:
        return f"Nothing more will be charged. {contract.plan.name} ends on {end}."
    return f"You are on the {contract.plan.name} plan. What was charged for it is listed below."
