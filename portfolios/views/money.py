"""Dollars in and out."""

from decimal import Decimal

from allauth.account.decorators import reauthentication_required
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST, require_safe

from portfolios import selectors
from portfolios.errors import MoneyError
from portfolios.forms import DepositForm, WithdrawForm
from portfolios.models import Payment, User
from portfolios.selectors import payments as payment_selectors
from portfolios.selectors.usdc import usdc_enabled
from portfolios.services import payments
from portfolios.views.visitors import person
from signals.core import figures

SUGGESTED = (Decimal(100), Decimal(500), Decimal(1000), Decimal(5000))


@login_required
@require_safe
def money(request: HttpRequest) -> HttpResponse:
    """The cash at hand, and the two forms that change it."""
    return page(request, deposit_form(), withdraw_form(person(request)))


@login_required
@require_POST
def deposit(request: HttpRequest) -> HttpResponse:
    """Sandbox money comes in, and on to where the person was going; a card is paid on the provider's page."""
    user, form = person(request), deposit_form(request)
    if form.is_valid():
        method = form.cleaned_data.get("method") or form.default
        try:
            paid = payments.deposit(
                user, form.cleaned_data["amount"], method, f"web:{form.cleaned_data['token']}"
            )
            if paid.status == Payment.Status.PENDING:
                return card_page(request, user, paid)
        except MoneyError as error:
            form.refuse(error)
        else:
            messages.success(request, f"{figures.usd(paid.amount)} was added to your cash.")
            return redirect(onward(request))
    return page(request, form, withdraw_form(user), status=422)


def card_page(request: HttpRequest, user: User, payment: Payment) -> HttpResponse:
    """Our page of the payment, from which a link leads to the provider's."""
    here = reverse("portfolios:payment", args=[payment.pk])
    try:
        payments.deposit_page_open(user, payment.pk, return_url=request.build_absolute_uri(here))
    except MoneyError as error:
        messages.error(request, error.message)
    return redirect(here)


@login_required
@require_POST
@reauthentication_required(enabled=lambda request: bool(request.POST.get("destination")))
def withdraw(request: HttpRequest) -> HttpResponse:
    """Cash goes out: play money at once, anything else to an address on the list after saying again who one is."""
    user = person(request)
    form = withdraw_form(user, request)
    if form.is_valid():
        try:
            paid = payments.withdraw(
                user,
                form.cleaned_data["amount"],
                reference=f"web:{form.cleaned_data['token']}",
                destination=form.cleaned_data.get("destination") or None,
            )
        except MoneyError as error:
            form.refuse(error)
        else:
            said = figures.usd(paid.amount)
            if paid.status == Payment.Status.COMPLETED:
                messages.success(request, f"{said} was paid out of your cash.")
                return redirect("portfolios:money")
            messages.success(request, f"{said} was set aside. You can cancel it until it is sent.")
            return redirect("portfolios:payment", paid.pk)
    return page(request, deposit_form(), form, status=422)


def deposit_form(request: HttpRequest | None = None) -> DepositForm:
    """The form on the left; its ids begin with `deposit`."""
    return DepositForm(
        request.POST if request else None,
        auto_id="deposit_%s",
        methods=payment_selectors.deposit_methods(),
    )


def withdraw_form(user: User, request: HttpRequest | None = None) -> WithdrawForm:
    """The form on the right; its ids begin with `withdraw`."""
    now = timezone.now()
    usable = [row for row in payment_selectors.destinations(user, now=now) if row.is_usable]
    choices = [(str(row.id), f"{row.label or row.address} ({row.title})") for row in usable]
    if payment_selectors.play_money_pays_out():
        choices.insert(0, ("", "Sandbox, at once"))
    return WithdrawForm(request.POST if request else None, auto_id="withdraw_%s", destinations=choices)


def page(
    request: HttpRequest, deposits: DepositForm, withdrawals: WithdrawForm, *, status: int = 200
) -> HttpResponse:
    """The money page with these two forms."""
    user = person(request)
    context = {
        "deposit_form": deposits,
        "withdraw_form": withdrawals,
        "cash": selectors.cash(user),
        "reserved": selectors.reserved(user),
        "owed": payment_selectors.owed(user),
        "usdc": usdc_enabled(),
        "waiting": payment_selectors.withdrawals_open(user),
        "unpaid": payment_selectors.deposits_open(user),
        "is_sandbox": payment_selectors.play_money_pays_out(),
        "by_page": payment_selectors.pays_by_page(),
        "can_withdraw": payment_selectors.play_money_pays_out() or "destination" in withdrawals.fields,
        "suggested": SUGGESTED,
        "next": request.POST.get("next") or request.GET.get("next") or "",
        "lines": [
            line
            for line in selectors.activity(user, limit=100)
            if line.kind in ("deposit", "withdrawal") or line.reference.startswith("payment:")
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
