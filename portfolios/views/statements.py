"""Monthly statements: the list, one of them, and the files to keep."""

from datetime import date

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from portfolios.core.sheets import from_body
from portfolios.models import Statement, User
from portfolios.selectors.statements import statement, statement_queryset, statement_versions
from portfolios.services.spreadsheets import sheet_csv
from portfolios.services.statements import statement_pdf
from portfolios.views.sheets import CSV, PDF, file, tables
from portfolios.views.visitors import person


@login_required
@require_safe
def statements(request: HttpRequest) -> HttpResponse:
    """Every month there is a statement of, newest first."""
    rows = list(statement_queryset(person(request)))
    return render(request, "portfolios/statements.html", {"statements": rows})


@login_required
@require_safe
def one(request: HttpRequest, month: str) -> HttpResponse:
    """One statement as it was issued."""
    user = person(request)
    row = found(user, month, request.GET.get("version", ""))
    versions = statement_versions(user, row.month)
    context = {
        "statement": row,
        "sheet": from_body(row.body),
        "tables": tables(from_body(row.body)),
        "versions": versions if len(versions) > 1 else [],
        "is_newest": row.version == versions[0].version,
    }
    return render(request, "portfolios/statement.html", context)


@login_required
@require_safe
def export(request: HttpRequest, month: str, form: str) -> HttpResponse:
    """The statement as a file: csv or pdf."""
    row = found(person(request), month, request.GET.get("version", ""))
    name = f"bellwether-statement-{row.month:%Y-%m}-v{row.version}.{form}"
    if form == "pdf":
        return file(statement_pdf(row), PDF, name)
    return file(sheet_csv(from_body(row.body)), CSV, name)


def found(user: User, month: str, version: str) -> Statement:
    """The user's statement of that month, its newest version or the one asked for; or 404."""
    first = month_first(month)
    wanted = int(version) if version.isascii() and version.isdigit() and len(version) < 6 else None
    row = None if first is None else statement(user, first, version=wanted)
    if row is None:
        raise Http404(f"There is no statement of {month} here.")
    return row


def month_first(text: str) -> date | None:
    """The first day of a month written 2026-01; None for anything else."""
    try:
        return date.fromisoformat(f"{text}-01") if len(text) == 7 else None
    except ValueError:
        return None
