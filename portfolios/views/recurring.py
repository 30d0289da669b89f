"""Recurring plans: what is set up, what became of each date, and a form for another one."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from portfolios import selectors
from portfolios.errors import MoneyError
from portfolios.selectors.recurring import recurring_queryset, recurring_row
from portfolios.services import recurring as plans
from portfolios.views.order_forms import RecurringForm
from portfolios.views.selling import targets_of
from portfolios.views.visitors import person


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def recurring(request: HttpRequest) -> HttpResponse:
    """The person's plans, the open ones first, and a form for a new one."""
    user = person(request)
    wanted = {name: request.GET[name] for name in ("index", "amount") if request.GET.get(name)}
    form = RecurringForm(request.POST or None, indices=targets_of(user, ""), initial=wanted)
    if request.method == "POST" and form.is_valid():
        try:
            plan = plans.recurring_create(
                user,
                form.cleaned_data["index"],
                form.cleaned_data["amount"],
                reference=f"web:{form.cleaned_data['token']}",
                **form.rule(),
            )
        except MoneyError as error:
            form.refuse(error)
        else:
            messages.success(request, f"The plan is set up. It is due first on {plan.next_due:%-d %B %Y}.")
            return redirect("portfolios:recurring")
    rows = [recurring_row(row) for row in recurring_queryset(user)]
    context = {
        "form": form,
        "open_plans": [row for row in rows if row.is_open],
        "over": [row for row in rows if not row.is_open],
        "cash": selectors.cash(user),
        "today": plans.today(),
    }
    return render(request, "portfolios/recurring.html", context, status=422 if form.errors else 200)


@login_required
@require_POST
def recurring_change(request: HttpRequest, plan_id: UUID) -> HttpResponse:
    """The plan paused, going on, ended, or with another amount: what the pressed button says."""
    user = person(request)
    acts: dict[str, Any] = {
        "pause": (lambda: plans.recurring_change(user, plan_id, paused=True), "The plan rests."),
        "resume": (lambda: plans.recurring_change(user, plan_id, paused=False), "The plan goes on."),
        "cancel": (
            lambda: plans.recurring_cancel(user, plan_id),
            "The plan has ended. Orders on their way go on.",
        ),
        "amount": (
            lambda: plans.recurring_change(
                user, plan_id, amount=request.POST.get("amount", "").removeprefix("$").replace(",", "")
            ),
            "The new amount holds from the next date on.",
        ),
    }
    act, told = acts.get(request.POST.get("act", ""), (None, ""))
    if act is not None:
        try:
            plan = act()
        except MoneyError as error:
            messages.error(request, error.message)
        else:
            is_due = plan.status == "active" and plan.next_due
            due = f" Due next on {plan.next_due:%-d %B %Y}." if is_due else ""
            messages.success(request, told + due)
    return redirect("portfolios:recurring")
