"""Tax lots by calendar year: the report, its rule, the lots of a redemption."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from portfolios.core.money import UNIT_SCALE, from_base
from portfolios.core.sheets import Sheet
from portfolios.errors import MoneyError
from portfolios.models import User
from portfolios.selectors.taxes import (
    METHODS,
    RedemptionLots,
    redemption_lots,
    tax_report,
    tax_sheet,
    tax_years,
)
from portfolios.services import taxes
from portfolios.services.papers import sheet_pdf
from portfolios.services.spreadsheets import sheet_csv
from portfolios.views.sheets import CSV, PDF, file, tables
from portfolios.views.visitors import person
from signals import selectors as signal_selectors


@login_required
@require_safe
def years(request: HttpRequest) -> HttpResponse:
    """On to the current year."""
    return redirect("portfolios:tax_year", year=signal_selectors.last_closed_day().year)


@login_required
@require_safe
def year(request: HttpRequest, year: int) -> HttpResponse:
    """What went out in the year, from which lots, and what was gained."""
    user = person(request)
    known = known_years(user, year)
    report = tax_report(user, year)
    context = {
        "year": year,
        "years": known,
        "report": report,
        "sheet": tax_sheet(report),
        "tables": tables(tax_sheet(report)),
        "methods": [(method.value, text, method is report.method) for method, text in METHODS.items()],
        "redemptions": redemption_lots(user, report),
    }
    return render(request, "portfolios/taxes.html", context)


@login_required
@require_safe
def year_export(request: HttpRequest, year: int, form: str) -> HttpResponse:
    """The report as a file: csv or pdf."""
    user = person(request)
    known_years(user, year)
    sheet: Sheet = tax_sheet(tax_report(user, year))
    name = f"bellwether-taxes-{year}.{form}"
    if form == "pdf":
        return file(sheet_pdf(sheet, owner=user.email), PDF, name)
    return file(sheet_csv(sheet), CSV, name)


@login_required
@require_POST
def method(request: HttpRequest, year: int) -> HttpResponse:
    """The rule of the year is another one."""
    try:
        row = taxes.tax_method_set(person(request), year, request.POST.get("method", ""))
    except MoneyError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, f"{year} is matched {row.get_method_display()} now.")
    return redirect("portfolios:tax_year", year=year)


@login_required
@require_POST
def close(request: HttpRequest, year: int) -> HttpResponse:
    """The year's rule and choices stay for good."""
    try:
        taxes.tax_year_close(person(request), year)
    except MoneyError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, f"{year} is closed: its rule and its lots stay as they are.")
    return redirect("portfolios:tax_year", year=year)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def lots(request: HttpRequest, order_id: UUID) -> HttpResponse:
    """Which lots a redemption's units come from."""
    user = person(request)
    chosen = own(user, order_id)
    refusal, status = "", 200
    typed = typed_lots(request.POST)
    if request.method == "POST":
        wanted = {lot: units for lot, units in typed.items() if units not in ("", "0")}
        try:
            taxes.lots_choose(user, order_id, wanted)
        except MoneyError as error:
            refusal, status = error.message, 422
        else:
            messages.success(
                request, "Your choice of lots is kept." if wanted else "Your choice was taken back."
            )
            return redirect("portfolios:tax_year", year=chosen.year)
    rows = [
        {
            "lot": lot,
            "units": from_base(lot.quantity, UNIT_SCALE),
            "cost": None if lot.cost is None else from_base(lot.cost, 2),
            "chosen": typed.get(int(lot.acquired.key)) or chosen.chosen.get(int(lot.acquired.key), ""),
        }
        for lot in chosen.lots
    ]
    return render(
        request,
        "portfolios/tax_lots.html",
        {"redemption": chosen, "rows": rows, "refusal": refusal},
        status=status,
    )


def typed_lots(post: QueryDict) -> dict[int, str]:
    """Lot -> units as typed, of the fields named `lot-<number>`."""
    found = {}
    for name in post:
        number = name.removeprefix("lot-")
        if name.startswith("lot-") and number.isascii() and number.isdigit() and len(number) < 19:
            found[int(number)] = post.get(name, "").strip().replace(",", "")
    return found


def own(user: User, order_id: UUID) -> RedemptionLots:
    """The redemption, or 404."""
    found = redemption_lots(user, None, order_id=order_id)
    if not found:
        raise Http404("You have no such redemption.")
    return found[0]


def known_years(user: User, year: int) -> list[int]:
    """Every year of this account, or 404 where `year` is none of them."""
    known = tax_years(user)
    if year not in known:
        raise Http404(f"There is nothing of {year} here.")
    return known
