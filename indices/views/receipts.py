"""The receipts of an index: the list, one of them, and its text as it was signed."""

from decimal import Decimal
from typing import Any

from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from indices import selectors, services
from indices.models import Index
from signals import selectors as signal_selectors

RECEIPTS_A_PAGE = 40


@require_safe
def receipt_list(request: HttpRequest, slug: str) -> HttpResponse:
    """The receipts of an index, the newest first."""
    index, day = _open(slug), signal_selectors.last_closed_day()
    asked = request.GET.get("before", "")
    before = int(asked) if asked.isdecimal() and len(asked) < 10 else None
    rows = selectors.receipt_list(index, as_of=day, limit=RECEIPTS_A_PAGE + 1, before=before)
    shown = rows[:RECEIPTS_A_PAGE]
    context = {
        "index": index,
        "rows": [{"receipt": row, **_figures(row.document)} for row in shown],
        "keys": selectors.signing_keys(),
        "older": shown[-1].sequence if len(rows) > RECEIPTS_A_PAGE else None,
        "is_first_page": before is None,
    }
    return render(request, "indices/receipts.html", context)


@require_safe
def receipt(request: HttpRequest, slug: str, sequence: int) -> HttpResponse:
    """One receipt: what changed, which rule moved each token, what it cost, and how to check it."""
    index, row = _found(slug, sequence)
    document = row.document
    opening = document.get("opening") or {}
    context = {
        "index": index,
        "receipt": row,
        "document": document,
        "figures": _figures(document),
        "lines": _lines(document),
        "opened": _lines(opening),
        "opening": opening,
        "address": request.build_absolute_uri(reverse("indices:receipt_text", args=[slug, sequence])),
    }
    return render(request, "indices/receipt.html", context)


@require_safe
def receipt_text(request: HttpRequest, slug: str, sequence: int) -> HttpResponse:
    """The text of a receipt, byte for byte as it was signed."""
    index, row = _found(slug, sequence)
    response = HttpResponse(row.text, content_type="application/json; charset=utf-8")
    response.headers["Content-Disposition"] = f'inline; filename="{index.slug}-receipt-{sequence}.json"'
    return response


@require_safe
def receipt_bundle(request: HttpRequest, slug: str) -> HttpResponseBase:
    """The index with everything it was made from, as a file; or why the public may not have it."""
    index = _open(slug)
    refusal = services.bundle_refusal()
    if refusal and not request.user.is_staff:
        return render(request, "indices/bundle_refused.html", {"index": index, "why": refusal}, status=403)
    try:
        path = services.bundle_file(index)
    except ValueError as error:
        raise Http404(str(error)) from error
    return FileResponse(path.open("rb"), as_attachment=True, filename=f"{index.slug}.zip")


def _open(slug: str) -> Index:
    try:
        return selectors.index_open(slug)
    except selectors.IndexNotFound as error:
        raise Http404(str(error)) from error


def _found(slug: str, sequence: int) -> tuple[Index, selectors.ReceiptRow]:
    index = _open(slug)
    row = selectors.receipt(index, sequence, as_of=signal_selectors.last_closed_day())
    if row is None:
        raise Http404(f"{index.name} has no receipt {sequence}.")
    return index, row


def _figures(document: dict[str, Any]) -> dict[str, Decimal | None]:
    """Numbers that a page formats, from their text."""
    return {
        name: Decimal(document[name]) if name in document else None for name in ("turnover", "cost", "level")
    }


def _lines(document: dict[str, Any]) -> list[dict[str, Any]]:
    numbers = ("weight_before", "weight_planned", "weight_after", "trade", "grade")
    return [
        {
            "asset": line.asset,
            "name": line.name,
            "symbol": line.symbol,
            "reason": line.told.get("reason", ""),
            "rank_before": line.told.get("rank_before"),
            "rank_after": line.told.get("rank_after"),
            "contributions": [
                {"feature": part["feature"].replace("_", " "), "share": Decimal(part["share"])}
                for part in line.told.get("contributions", [])
            ],
            **{name: Decimal(line.told[name]) if name in line.told else None for name in numbers},
        }
        for line in selectors.receipt_lines(document)
    ]
