"""Selling a holding for dollars, and switching it into another index: the same question of how much."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from indices import selectors as index_selectors
from portfolios import selectors
from portfolios.errors import MoneyError
from portfolios.forms import AmountField
from portfolios.models import User
from portfolios.selectors.admission import percent_checked
from portfolios.services import investing
from portfolios.services.payments import checked_amount
from portfolios.views.order_forms import SizeForm, SwitchForm
from portfolios.views.visitors import index_page, person, wants_fragment

SHARES = (25, 50, 75, 100)


@dataclass(frozen=True)
class Wish:
    """How much somebody has typed so far; `refusal` where that is nothing."""

    amount: Decimal | None = None
    percent: Decimal | None = None
    refusal: str = ""

    @property
    def is_sized(self) -> bool:
        """Whether it says how much."""
        return self.amount is not None or self.percent is not None


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def redeem(request: HttpRequest, slug: str) -> HttpResponse:
    """Part of a holding, or all of it, back into dollars."""
    user = person(request)
    holding = selectors.holding(user, slug)
    if holding is None:
        return nothing_held(request, slug)
    form = SizeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            order = investing.redeem(user, slug, reference=f"web:{form.cleaned_data['token']}", **form.size())
        except MoneyError as error:
            form.refuse(error)
        else:
            return redirect("portfolios:order", order_id=order.pk)
    wish = wished(request)
    context = page_of(holding, form, wish)
    if wish.is_sized:
        try:
            context["preview"] = selectors.redeem_preview(
                user, slug, amount=wish.amount, percent=wish.percent
            )
        except MoneyError as error:
            context["refusal"] = error.message
    page = "portfolios/_redeem_review.html" if wants_fragment(request) else "portfolios/redeem.html"
    return render(request, page, context, status=422 if form.errors else 200)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def switch(request: HttpRequest, slug: str) -> HttpResponse:
    """Part of a holding, or all of it, into another index."""
    user = person(request)
    holding = selectors.holding(user, slug)
    if holding is None:
        return nothing_held(request, slug)
    form = SwitchForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            placed = investing.switch(
                user,
                slug,
                form.cleaned_data["into"],
                reference=f"web:{form.cleaned_data['token']}",
                **form.size(),
            )
        except MoneyError as error:
            form.refuse(error)
        else:
            return redirect("portfolios:order", order_id=placed.redeem_id)
    wish = wished(request)
    targets = targets_of(user, slug)
    into = request.POST.get("into") or request.GET.get("into") or ""
    context = page_of(holding, form, wish) | {"targets": targets, "into": into}
    if wish.is_sized and into in dict(targets):
        try:
            context["preview"] = selectors.switch_preview(
                user, slug, into, amount=wish.amount, percent=wish.percent
            )
        except MoneyError as error:
            context["refusal"] = error.message
    page = "portfolios/_switch_review.html" if wants_fragment(request) else "portfolios/switch.html"
    return render(request, page, context, status=422 if form.errors else 200)


@login_required
@require_POST
def switch_cancel(request: HttpRequest, switch_id: UUID) -> HttpResponse:
    """The switch is cancelled, or a message says why not."""
    user = person(request)
    try:
        row = investing.switch_cancel(user, switch_id)
    except MoneyError as error:
        messages.error(request, error.message)
        known = selectors.switch(user, switch_id)
        return (
            redirect("portfolios:dashboard")
            if known is None
            else redirect("portfolios:order", order_id=known.redeem_id)
        )
    messages.success(
        request,
        "The switch was cancelled. Your units are yours as before."
        if row.invest_id is None
        else "The switch was cancelled. What the units brought is in your cash.",
    )
    return redirect("portfolios:order", order_id=row.invest_id or row.redeem_id)


def wished(request: HttpRequest) -> Wish:
    """How much the address or the form says; a part that was chosen goes before an amount."""
    given = request.POST if request.method == "POST" else request.GET
    typed, percent = given.get("amount", ""), given.get("percent", "")
    try:
        if percent:
            return Wish(percent=percent_checked(percent.replace("%", "")))
        return Wish(amount=checked_amount(AmountField().to_python(typed))) if typed else Wish()
    except MoneyError as error:
        return Wish(refusal=error.message)


def page_of(holding: selectors.Holding, form: SizeForm, wish: Wish) -> dict[str, Any]:
    """What both pages show."""
    return {
        "holding": holding,
        "form": form,
        "free_units": holding.units - holding.reserved_units,
        "shares": SHARES,
        "amount": wish.amount,
        "percent": wish.percent,
        "refusal": wish.refusal,
        "preview": None,
    }


def targets_of(user: User, slug: str) -> list[tuple[str, str]]:
    """(slug, name) of every index that the user may put money into, but for the one with `slug`."""
    ours = [row for row in index_selectors.index_list() if selectors.index_allowed(user, row.slug)]
    own = [row.index for row in selectors.custom_indices(user)]
    return [(row.slug, row.name) for row in (*ours, *own) if row.slug != slug]


def nothing_held(request: HttpRequest, slug: str) -> HttpResponse:
    """Back to the index, with a word about why."""
    messages.info(request, "You hold nothing in this index, so there is nothing to sell.")
    return redirect(index_page(slug))
