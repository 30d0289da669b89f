"""What the house takes, with its arithmetic."""

from __future__ import annotations

from decimal import Decimal

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from portfolios import selectors
from portfolios.selectors.fees import fee_lines, fee_months, holding_terms
from portfolios.services.spreadsheets import rows_csv
from portfolios.views.visitors import person
from signals import selectors as signal_selectors

LINES_SHOWN = 31
COLUMNS = (
    "day",
    "index",
    "kind",
    "rate",
    "units_held",
    "units_issued",
    "units_to_house",
    "your_part_units",
    "unit_price_usd",
    "your_part_usd",
)


@login_required
@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """Per holding: rate, days, units, dollars; then day by day the numbers that they follow from."""
    user = person(request)
    lines = fee_lines(user)
    context = {
        "terms": holding_terms(selectors.holdings(user), signal_selectors.last_closed_day()),
        "months": fee_months(user),
        "lines": lines[::-1][:LINES_SHOWN],
        "lines_left": max(0, len(lines) - LINES_SHOWN),
        "total": sum((line.usd for line in lines), Decimal(0)),
    }
    return render(request, "portfolios/fees.html", context)


@login_required
@require_safe
def export(request: HttpRequest) -> HttpResponse:
    """Every fee of every day as CSV, oldest first."""
    rows: list[tuple[str, ...]] = [COLUMNS]
    for line in fee_lines(person(request)):
        amounts = (
            line.rate,
            line.held,
            line.issued,
            line.issued_to_house,
            line.units,
            line.unit_price,
            line.usd,
        )
        rows.append(
            (line.day.isoformat(), line.index_slug, line.kind, *(f"{amount:f}" for amount in amounts))
        )
    response = HttpResponse(b"".join(rows_csv(rows)), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="fees.csv"'
    return response
