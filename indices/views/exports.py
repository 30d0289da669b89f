"""The factsheet and the methodology as files. Each is written from what the pages show."""

from datetime import date

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBadRequest
from django.utils.cache import patch_cache_control
from django.views.decorators.http import require_safe

from indices import selectors
from indices.models import Index
from indices.selectors.factsheet import Factsheet, factsheet
from indices.services import documents
from signals import selectors as signal_selectors

TYPES = {"csv": "text/csv; charset=utf-8", "json": "application/json", "pdf": "application/pdf"}
WRITERS = {
    "csv": documents.factsheet_csv,
    "json": documents.factsheet_json,
    "pdf": documents.factsheet_pdf,
}


class _Wrong(ValueError):
    """A parameter cannot be used; the message names it."""


@require_safe
def export(request: HttpRequest, slug: str, form: str) -> HttpResponse:
    """The factsheet as `form`: csv, json or pdf; `as_of` and `start` as in the API."""
    try:
        sheet = _sheet(request, _index(slug))
    except (_Wrong, signal_selectors.NotYetKnown) as error:
        return HttpResponseBadRequest(str(error), content_type="text/plain; charset=utf-8")
    name = f"{sheet.slug}-{sheet.as_of.isoformat()}.{form}"
    return _file(WRITERS[form](sheet), TYPES[form], name)


@require_safe
def method_pdf(request: HttpRequest, slug: str) -> HttpResponse:
    """The methodology of one index, every version of it."""
    index = _index(slug)
    versions = selectors.rulebook_versions(index)
    if not versions:
        raise Http404(f"{slug} has no rules yet.")
    body = documents.methodology_pdf(index, versions)
    return _file(body, TYPES["pdf"], f"{slug}-method-{versions[0].version}.pdf")


def _index(slug: str) -> Index:
    try:
        return selectors.index_open(slug)
    except selectors.IndexNotFound as error:
        raise Http404(f"There is no index named {slug}.") from error


def _sheet(request: HttpRequest, index: Index) -> Factsheet:
    last = signal_selectors.last_closed_day()
    as_of = _day(request, "as_of") or last
    start = _day(request, "start")
    if as_of > last:
        raise _Wrong(f"as_of: {as_of} lies after the last closed day, {last}.")
    if start is not None and start >= as_of:
        raise _Wrong(f"start: {start} must lie before {as_of}.")
    sheet = factsheet(index, as_of=as_of, start=start)
    if sheet is None:
        raise Http404(f"{index.slug} has no history on these days yet.")
    return sheet


def _day(request: HttpRequest, name: str) -> date | None:
    text = request.GET.get(name, "")
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        raise _Wrong(f"{name}: must be a day like 2022-01-31, got {text[:40]!r}.") from error


def _file(body: bytes, kind: str, name: str) -> HttpResponse:
    response = HttpResponse(body, content_type=kind)
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    patch_cache_control(response, public=True, max_age=30)
    return response
