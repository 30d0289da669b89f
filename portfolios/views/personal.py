"""Portfolios of one's own: opened, looked into, set anew, paid into and paid out of."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from indices import selectors as index_selectors
from portfolios import selectors
from portfolios.errors import MoneyError
from portfolios.models import Order
from portfolios.selectors import personal as books
from portfolios.selectors.orders import order_queryset, order_row
from portfolios.services import personal as service
from portfolios.views.overview import next_rebalance
from portfolios.views.personal_forms import (
    PersonalInvestForm,
    PersonalRedeemForm,
    SettingsForm,
    settings_initial,
)
from portfolios.views.visitors import person, wants_fragment
from signals import selectors as signal_selectors

LINES = 10


@login_required
@require_safe
def mine(request: HttpRequest) -> HttpResponse:
    """The person's own portfolios, and the indices that one can be made of."""
    user = person(request)
    context = {
        "rows": books.personals(user),
        "indices": [index for index in index_selectors.index_list() if books.index_tokens(index.slug)],
        "most": service.MOST_BOOKS,
    }
    return render(request, "portfolios/personal_list.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def opening(request: HttpRequest, slug: str) -> HttpResponse:
    """Settings for a new portfolio of the index, what it would hold, and one button that opens it."""
    user = person(request)
    index = next((row for row in index_selectors.index_list() if row.slug == slug), None)
    if index is None or not books.index_tokens(slug):
        raise Http404(f"There is no index named {slug} to make a portfolio of.")
    form = _settings_form(request, slug, books.Settings(), f"My {index.name}")
    if "save" in request.POST and form.is_valid():
        try:
            book = service.book_create(user, slug, form.settings(), name=form.cleaned_data["name"])
        except MoneyError as error:
            form.refuse(error)
        else:
            messages.success(request, "Your portfolio is open. Nothing was moved yet: choose what to invest.")
            return redirect("portfolios:personal", book_id=book.pk)
    context = {
        "index": index,
        "form": form,
        "allowed": selectors.index_allowed(user, slug),
        "plan_needed": selectors.plan_needed(slug),
        "save_label": "Open this portfolio",
        **_preview(slug, form),
    }
    return _draft(request, "portfolios/personal_settings.html", context, form)


@login_required
@require_safe
def one(request: HttpRequest, book_id: int) -> HttpResponse:
    """One portfolio: what is in it beside its index, what was left out, and what comes next."""
    return _page(request, book_id)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def settings(request: HttpRequest, book_id: int) -> HttpResponse:
    """Other settings for the portfolio, what they would trade and cost, and one button that stores them."""
    user = person(request)
    row, book = books.personal(user, book_id), books.book_of(user, book_id)
    if row is None or book is None:
        raise Http404("You have no such portfolio.")
    form = _settings_form(request, row.index_slug, row.wanted, row.name)
    if "save" in request.POST and form.is_valid():
        try:
            if form.cleaned_data["name"] not in ("", row.name):
                service.book_rename(user, book_id, form.cleaned_data["name"])
            if form.settings() != row.wanted:
                service.book_change(user, book_id, form.settings())
        except MoneyError as error:
            form.refuse(error)
        else:
            messages.success(request, "Stored. Nothing was traded yet: it takes effect at the next dealing.")
            return redirect("portfolios:personal", book_id=book_id)
    preview = _preview(row.index_slug, form)
    if row.positions and "targets" in preview:
        trades = books.trades_preview(book, form.settings() if form.is_bound else row.wanted)
        preview["trades"] = trades
        preview["trades_cost"] = sum(trade.cost_usd for trade in trades)
    context = {"row": row, "form": form, "allowed": True, "save_label": "Store these settings", **preview}
    return _draft(request, "portfolios/personal_settings.html", context, form)


@login_required
@require_POST
def invest(request: HttpRequest, book_id: int) -> HttpResponse:
    """An order to invest, or the page again with what is wrong."""
    form = PersonalInvestForm(request.POST)
    if form.is_valid():
        given = form.cleaned_data
        try:
            order = service.book_invest(
                person(request), book_id, given["amount"], reference=f"web:{given['token']}"
            )
        except MoneyError as error:
            form.refuse(error)
        else:
            return redirect("portfolios:order", order_id=order.pk)
    return _page(request, book_id, invest_form=form, status=422)


@login_required
@require_POST
def redeem(request: HttpRequest, book_id: int) -> HttpResponse:
    """An order to sell, or the page again with what is wrong."""
    form = PersonalRedeemForm(request.POST)
    if form.is_valid():
        try:
            order = service.book_redeem(
                person(request), book_id, reference=f"web:{form.cleaned_data['token']}", **form.size()
            )
        except MoneyError as error:
            form.refuse(error)
        else:
            return redirect("portfolios:order", order_id=order.pk)
    return _page(request, book_id, redeem_form=form, status=422)


def _page(
    request: HttpRequest,
    book_id: int,
    *,
    invest_form: PersonalInvestForm | None = None,
    redeem_form: PersonalRedeemForm | None = None,
    status: int = 200,
) -> HttpResponse:
    user = person(request)
    row, book = books.personal(user, book_id), books.book_of(user, book_id)
    if row is None or book is None:
        raise Http404("You have no such portfolio.")
    allocation = books.allocation(row.index_slug, row.wanted)
    targets = {target.token: target for target in allocation.targets}
    trades = books.trades_preview(book, row.wanted) if row.positions else []
    orders = order_queryset(user).filter(book=book)
    context = {
        "row": row,
        "lines": [
            {"position": position, "target": targets.get(position.token)} for position in row.positions
        ],
        "widest": max((position.weight for position in row.positions), default=0),
        "allocation": allocation,
        "trades": trades,
        "trades_cost": sum(trade.cost_usd for trade in trades),
        "next_rebalance": next_rebalance(row.index_slug),
        "cash": selectors.cash(user),
        "minimum": selectors.MINIMUM_INVESTMENT,
        "invest_form": invest_form or PersonalInvestForm(prefix=None, auto_id="invest_%s"),
        "redeem_form": redeem_form or PersonalRedeemForm(auto_id="redeem_%s"),
        "orders": [order_row(order) for order in orders[:LINES]],
        "is_dealt": orders.filter(status=Order.Status.DEALING).exists(),
        "history": [
            line for line in books.book_activity(user, limit=LINES) if line.reference.endswith(f":{book_id}")
        ],
    }
    return render(request, "portfolios/personal.html", context, status=status)


def _settings_form(request: HttpRequest, slug: str, now: books.Settings, name: str) -> SettingsForm:
    tokens = sorted({*books.index_tokens(slug), *now.exclude})
    known = signal_selectors.assets_by_slug(tokens)
    weights = books.index_tokens(slug)
    ordered = sorted(known, key=lambda token: (-weights.get(token, 0), token))
    choices = [(token, f"{known[token].name} ({known[token].symbol})") for token in ordered]
    return SettingsForm(request.POST or None, initial=settings_initial(now, name), tokens=choices)


def _preview(slug: str, form: SettingsForm) -> dict[str, Any]:
    """What the settings of the form would hold; empty where it is not valid."""
    if form.is_bound and not form.is_valid():
        return {}
    chosen = form.settings() if form.is_bound else _initial(form)
    allocation = books.allocation(slug, chosen)
    return {
        "targets": allocation.targets,
        "allocation": allocation,
        "widest": max((target.weight for target in allocation.targets), default=0),
    }


def _initial(form: SettingsForm) -> books.Settings:
    shown = SettingsForm(form.initial, tokens=form.fields["exclude"].choices)  # type: ignore[attr-defined]
    return shown.settings() if shown.is_valid() else books.Settings()


def _draft(request: HttpRequest, page: str, context: dict[str, Any], form: SettingsForm) -> HttpResponse:
    form.narrowed()
    if wants_fragment(request):
        page = "portfolios/_personal_preview.html"
    return render(request, page, context, status=422 if form.is_bound and form.errors else 200)
