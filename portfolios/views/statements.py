"""Monthly statements: the list, one of them, and the files to keep."""

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from portfolios.core.sheets import from_body
from portfolios.core.statement import month_named
from portfolios.models import Statement
from portfolios.selectors.statements import statement, statement_queryset, statement_versions
from portfolios.services.spreadsheets import sheet_csv
from portfolios.services.statements import statement_pdf
from portfolios.views.sheets import CSV, PDF, file, tables
from portfolios.views.visitors import person, whole_number


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
    row = found(request, month)
    versions = statement_versions(row.user, row.month)
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
    row = found(request, month)
    name = f"bellwether-statement-{row.month:%Y-%m}-v{row.version}.{form}"
    if form == "pdf":
        return file(statement_pdf(row), PDF, name)
    return file(sheet_csv(from_body(row.body)), CSV, name)


def found(request: HttpRequest, month: str) -> Statement:
    """The person's statement of that month, its newest version or the one asked for; or 404."""
    try:
        first = month_named(month)
    except ValueError as error:
        raise Http404(str(error)) from error
    row = statement(person(request), first, version=whole_number(request, "version"))
    if row is None:
        raise Http404(f"There is no statement of {month} here.")
    return row
