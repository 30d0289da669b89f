"""Investing in an index, and watching an order on its way."""

from decimal import Decimal
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from indices import selectors as index_selectors
from portfolios import selectors
from portfolios.errors import IndexNotReady, MoneyError
from portfolios.forms import AmountField, AmountForm
from portfolios.models import User
from portfolios.services import investing
from portfolios.services.payments import checked_amount
from portfolios.views.visitors import person, wants_fragment
from signals.core import figures

SUGGESTED = (Decimal(50), Decimal(100), Decimal(250), Decimal(1000))


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def invest(request: HttpRequest, slug: str) -> HttpResponse:
    """An amount, what it would buy and cost, and one button that commits to it."""
    user = person(request)
    index = open_to(user, slug)
    form = AmountForm(request.POST or None, initial={"amount": request.GET.get("amount", "")})
    if request.method == "POST" and form.is_valid():
        try:
            order = investing.invest(
                user, slug, form.cleaned_data["amount"], reference=f"web:{form.cleaned_data['token']}"
            )
        except MoneyError as error:
            form.refuse(error)
        else:
            return redirect("portfolios:order", order_id=order.pk)
    cash, minimum = selectors.cash(user), selectors.index_minimum(index)
    typed = request.POST.get("amount") or request.GET.get("amount") or ""
    amount, refusal = understood(typed, minimum)
    context = {
        "index": index,
        "form": form,
        "cash": cash,
        "minimum": minimum,
        "suggested": [choice for choice in SUGGESTED if minimum <= choice <= cash],
        "allowed": selectors.index_allowed(user, slug),
        "plan_needed": selectors.plan_needed(slug),
        "typed": typed,
        "amount": amount,
        "refusal": refusal or shortfall(amount, cash),
        "preview": previewed(user, slug, amount),
    }
    status = 422 if form.errors else 200
    page = "portfolios/_invest_review.html" if wants_fragment(request) else "portfolios/invest.html"
    return render(request, page, context, status=status)


@login_required
@require_safe
def order(request: HttpRequest, order_id: UUID) -> HttpResponse:
    """One order: where it stands, and when it has settled, what came of it."""
    row = selectors.order(person(request), order_id)
    if row is None:
        raise Http404("You have no such order.")
    page = "portfolios/_order_status.html" if wants_fragment(request) else "portfolios/order.html"
    waits = selectors.price_notices([], [row]) if row.status == "accepted" else []
    return render(request, page, {"order": row, "waits": waits, "compact": "compact" in request.GET})


@login_required
@require_POST
def order_cancel(request: HttpRequest, order_id: UUID) -> HttpResponse:
    """The order is cancelled and its money free again, or a message says why not."""
    try:
        investing.order_cancel(person(request), order_id)
    except MoneyError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, "The order was cancelled. What was set aside for it is yours to use again.")
    return redirect("portfolios:order", order_id=order_id)


def open_to(user: User, slug: str) -> object:
    """The index with this slug that the user may invest in, one of ours or one that they built; or 404."""
    if index_selectors.is_custom(slug):
        own = selectors.custom_index(user, slug)
        found: object | None = None if own is None else own.index
    else:
        found = next((index for index in index_selectors.index_list() if index.slug == slug), None)
    if found is None:
        raise Http404(f"There is no index named {slug}.")
    return found


def previewed(user: User, slug: str, amount: Decimal | None) -> selectors.OrderPreview | None:
    """What investing that much would do; None without an amount, or while the index cannot be bought."""
    if amount is None:
        return None
    try:
        return selectors.invest_preview(user, slug, amount)
    except IndexNotReady:
        return None


def understood(typed: str, minimum: Decimal) -> tuple[Decimal | None, str]:
    """What was typed as an amount, and why it is none."""
    if not typed:
        return None, ""
    try:
        amount = checked_amount(AmountField().to_python(typed))
    except MoneyError as error:
        return None, error.message
    if amount < minimum:
        return None, f"The smallest investment is {figures.usd(minimum)}."
    return amount, ""


def shortfall(amount: Decimal | None, cash: Decimal) -> str:
    """Why the cash at hand does not suffice, or nothing."""
    if amount is None or amount <= cash:
        return ""
    return (
        f"You have {figures.usd(cash)} to invest. Deposit {figures.usd(amount - cash)} more, or choose less."
    )
