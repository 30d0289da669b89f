"""How a person's money has done: the page, and the rows that its figures follow from as files."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import render
from django.utils.cache import patch_cache_control
from django.views.decorators.http import require_safe

from portfolios.selectors.returns.alternatives import FORMULAS, HANDS_OFF, LINE_COLUMNS, WORDS
from portfolios.selectors.returns.figures import COLUMNS, Figures
from portfolios.selectors.returns.report import (
    PERIODS,
    Performance,
    PeriodError,
    performance,
)
from portfolios.services.spreadsheets import rows_csv
from portfolios.views.visitors import person
from signals.core import figures
from signals.core.charting import LineChart, line_chart

ROWS_SHOWN = 60
BASE = Decimal(100)


@login_required
@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """Gain, both returns with their recomputation, what they are made of, and what else the money might have done."""
    try:
        report = _asked(request)
    except PeriodError as error:
        refused = {"complaint": str(error), "periods": PERIODS}
        return render(request, "portfolios/performance.html", refused, status=400)
    whole = report.figures
    turning = whole.turning_points
    context = {
        "report": report,
        "figures": whole,
        "holdings": report.holdings,
        "name": report.holdings[0].index_name if report.index and report.holdings else "",
        "chart": _chart(whole),
        "rows": turning[:ROWS_SHOWN],
        "rows_left": max(0, len(turning) - ROWS_SHOWN),
        "closes_left_out": len(whole.steps) - len(turning),
        "alternatives": _alternatives(report),
        "periods": PERIODS,
        "query": _query(report),
        "span": _query(report, with_index=False),
    }
    return render(request, "portfolios/performance.html", context)


@login_required
@require_safe
def export(request: HttpRequest) -> HttpResponse:
    """The rows behind a figure as CSV: of the account, of one index (`index`), or of an alternative to one index
    (`index` and `alternative`)."""
    try:
        report = _asked(request)
    except PeriodError as error:
        return HttpResponseBadRequest(str(error), content_type="text/plain; charset=utf-8")
    wanted = request.GET.get("alternative", "")
    rows: list[tuple[str, ...]] = [COLUMNS, *report.figures.rows]
    if wanted:
        known = report.holdings[0].alternatives if report.index and report.holdings else ()
        found = [row for row in known if row.key == wanted]
        if not found:
            text = "alternative: name one of them, and the index it is an alternative to."
            return HttpResponseBadRequest(text, content_type="text/plain; charset=utf-8")
        last = "" if found[0].last_price is None else f"{found[0].last_price:f}"
        end = (report.as_of.isoformat(), "0.00", "0.00", "0.00", last, "")
        rows = [LINE_COLUMNS, *found[0].lines, end]
    response = HttpResponse(b"".join(rows_csv(rows)), content_type="text/csv; charset=utf-8")
    name = "-".join(
        filter(None, ["performance", report.index or "account", wanted, report.as_of.isoformat()])
    )
    response["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    patch_cache_control(response, private=True, no_store=True)
    return response


def _asked(request: HttpRequest) -> Performance:
    period = request.GET.get("period", "") or "all"
    return performance(
        person(request),
        period=period,
        start=_day(request, "start"),
        as_of=_day(request, "as_of"),
        index=request.GET.get("index", ""),
    )


def _day(request: HttpRequest, name: str) -> date | None:
    text = request.GET.get(name, "")
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        raise PeriodError(f"{name}: must be a day like 2022-01-31, got {text[:40]!r}.") from error


def _query(report: Performance, *, with_index: bool = True) -> str:
    asked: dict[str, str] = {"as_of": report.as_of.isoformat()}
    if report.period:
        asked["period"] = report.period
    elif report.start is not None:
        asked["start"] = report.start.isoformat()
    if with_index and report.index:
        asked["index"] = report.index
    return urlencode(asked)


def _alternatives(report: Performance) -> list[dict[str, Any]]:
    rows = report.holdings[0].alternatives if report.index and report.holdings else report.alternatives
    return [
        {
            "row": row,
            "words": WORDS[row.key],
            "formula": FORMULAS[row.key],
            "has_file": bool(report.index) and row.gain is not None and row.key != HANDS_OFF,
        }
        for row in rows
    ]


def _chart(whole: Figures) -> LineChart | None:
    """What 100 at the start has become, time-weighted: the last value of each day."""
    by_day = {
        step.day: BASE * grown
        for step, grown in zip(whole.steps, whole.grown, strict=True)
        if grown is not None and grown > 0
    }
    return line_chart(sorted(by_day.items()), write=figures.level)
