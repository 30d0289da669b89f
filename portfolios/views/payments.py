"""One payment, the addresses money may go to, and the door at which providers knock."""

from uuid import UUID

from allauth.account.decorators import reauthentication_required
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from portfolios.errors import MoneyError
from portfolios.forms import DestinationForm
from portfolios.payments.base import EventRefused
from portfolios.payments.registry import EVENTS
from portfolios.selectors import payments as payment_selectors
from portfolios.selectors.pauses import pauses
from portfolios.services import payments
from portfolios.views.money import card_page
from portfolios.views.visitors import person


@login_required
@never_cache
@require_safe
def payment(request: HttpRequest, payment_id: UUID) -> HttpResponse:
    """Where one payment stands, and what can still be done about it."""
    found = payment_selectors.payment_of(person(request), payment_id)
    if found is None:
        raise Http404
    context = {
        "payment": found,
        "title": payment_selectors.method_title(found.method),
        "can_cancel": found.direction == found.Direction.WITHDRAWAL
        and found.status in payment_selectors.CANCELLABLE,
        "paused": pauses().withdrawals if found.status in payment_selectors.CANCELLABLE else "",
        "owed": payment_selectors.owed(person(request)),
    }
    return render(request, "portfolios/money_payment.html", context)


@login_required
@require_POST
def payment_pay(request: HttpRequest, payment_id: UUID) -> HttpResponse:
    """The provider's page is opened, again where it could not be the first time."""
    user = person(request)
    found = payment_selectors.payment_of(user, payment_id)
    if found is None or found.direction != found.Direction.DEPOSIT:
        raise Http404
    return card_page(request, user, found)


@login_required
@require_POST
def payment_cancel(request: HttpRequest, payment_id: UUID) -> HttpResponse:
    """A withdrawal that has not been sent is not sent."""
    user = person(request)
    if payment_selectors.payment_of(user, payment_id) is None:
        raise Http404
    try:
        payments.withdrawal_cancel(user, payment_id)
    except MoneyError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, "The withdrawal was cancelled. Its money is in your cash.")
    return redirect("portfolios:payment", payment_id)


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@reauthentication_required(enabled=lambda request: request.method == "POST")
def destinations(request: HttpRequest) -> HttpResponse:
    """The addresses money may go to, when each may be used, and a form for a new one."""
    user, methods = person(request), payment_selectors.payout_methods()
    form = DestinationForm(request.POST if request.method == "POST" else None, methods=methods)
    if request.method == "POST" and form.is_valid():
        try:
            added = payments.destination_add(user, **form.cleaned_data)
        except MoneyError as error:
            form.refuse(error)
        else:
            messages.success(
                request, f"{added} was added. It can be used from {added.usable_from:%-d %B, %H:%M} UTC."
            )
            return redirect("portfolios:destinations")
    rows = payment_selectors.destinations(user, now=timezone.now())
    return render(
        request,
        "portfolios/money_destinations.html",
        {"form": form, "rows": rows, "methods": methods},
        status=422 if form.errors else 200,
    )


@login_required
@require_POST
def destination_remove(request: HttpRequest, destination_id: UUID) -> HttpResponse:
    """Nothing goes to this address any more. Who one is was asked at the login: stopping money is always easy."""
    try:
        cancelled = payments.destination_remove(person(request), destination_id)
    except MoneyError as error:
        messages.error(request, error.message)
    else:
        back = f" {cancelled} withdrawal{'s' if cancelled != 1 else ''} to it went back to your cash."
        messages.success(request, f"The address was removed.{back if cancelled else ''}")
    return redirect("portfolios:destinations")


@csrf_exempt
@never_cache
@require_POST
def webhook(request: HttpRequest, provider: str) -> HttpResponse:
    """A provider's message, judged by its signature alone: 200 once it is stored, 400 and no effect otherwise."""
    if provider not in EVENTS:
        raise Http404
    try:
        payments.event_receive(provider, request.body, request.headers.get("Stripe-Signature", ""))
    except EventRefused as error:
        return HttpResponse(f"Refused: {error}.\n", status=400, content_type="text/plain; charset=utf-8")
    return HttpResponse("Stored.\n", content_type="text/plain; charset=utf-8")
