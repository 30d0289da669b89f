"""Dollars in and out."""

from decimal import Decimal

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST, require_safe

from portfolios import selectors
from portfolios.errors import MoneyError
from portfolios.forms import AmountForm
from portfolios.services import payments
from portfolios.views.visitors import person
from signals.core import figures

SUGGESTED = (Decimal(100), Decimal(500), Decimal(1000), Decimal(5000))


@login_required
@require_safe
def money(request: HttpRequest) -> HttpResponse:
    """The cash at hand, and the two forms that change it."""
    return page(request, deposit_form(), withdraw_form())


@login_required
@require_POST
def deposit(request: HttpRequest) -> HttpResponse:
    """Sandbox money comes in; then on to where the person was going."""
    form = deposit_form(request)
    if form.is_valid():
        try:
            paid = payments.deposit(
                person(request), form.cleaned_data["amount"], "sandbox", f"web:{form.cleaned_data['token']}"
            )
        except MoneyError as error:
            form.refuse(error)
        else:
            messages.success(request, f"{figures.usd(paid.amount)} was added to your cash.")
            return redirect(onward(request))
    return page(request, form, withdraw_form(), status=422)


@login_required
@require_POST
def withdraw(request: HttpRequest) -> HttpResponse:
    """Cash goes out."""
    form = withdraw_form(request)
    if form.is_valid():
        try:
            paid = payments.withdraw(
                person(request), form.cleaned_data["amount"], "sandbox", f"web:{form.cleaned_data['token']}"
            )
        except MoneyError as error:
            form.refuse(error)
        else:
            messages.success(request, f"{figures.usd(paid.amount)} was paid out of your cash.")
            return redirect("portfolios:money")
    return page(request, deposit_form(), form, status=422)


def deposit_form(request: HttpRequest | None = None) -> AmountForm:
    """The form on the left; its ids begin with `deposit`."""
    return AmountForm(request.POST if request else None, auto_id="deposit_%s")


def withdraw_form(request: HttpRequest | None = None) -> AmountForm:
    """The form on the right; its ids begin with `withdraw`."""
    return AmountForm(request.POST if request else None, auto_id="withdraw_%s")


def page(
    request: HttpRequest, deposits: AmountForm, withdrawals: AmountForm, *, status: int = 200
) -> HttpResponse:
    """The money page with these two forms."""
    user = person(request)
    context = {
        "deposit_form": deposits,
        "withdraw_form": withdrawals,
        "cash": selectors.cash(user),
        "reserved": selectors.reserved(user),
        "suggested": SUGGESTED,
        "next": request.POST.get("next") or request.GET.get("next") or "",
        "lines": [
            line for line in selectors.activity(user, limit=100) if line.kind in ("deposit", "withdrawal")
        ][:10],
    }
    return render(request, "portfolios/money.html", context, status=status)


def onward(request: HttpRequest) -> str:
    """Where to go after a deposit: the page the person came from, if it is one of ours."""
    target = request.POST.get("next", "")
    if target.startswith("/") and url_has_allowed_host_and_scheme(
        target, {request.get_host()}, require_https=request.is_secure()
    ):
        return target
    return reverse("portfolios:money")
