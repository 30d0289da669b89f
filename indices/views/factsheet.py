"""One index: its level, what it holds, what changed and why."""

from datetime import date, timedelta
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from indices import selectors
from indices.core.calendar import determination_days, effective_day
from indices.core.prose import rules
from indices.core.rulebook import Rulebook
from indices.views.catalogue import level_series
from signals import selectors as signal_selectors
from signals.core.charting import line_chart

RANGES = {"1m": ("1M", 30), "3m": ("3M", 91), "1y": ("1Y", 365), "all": ("All", None)}
REBALANCES_SHOWN = 12
ONE_QUARTER = timedelta(days=100)
"""Longer than the longest period of a rulebook's calendar."""


@require_safe
def index_detail(request: HttpRequest, slug: str) -> HttpResponse:
    """One index: its level, what it holds, its last rebalance and its rules."""
    index = next((row for row in selectors.index_list() if row.slug == slug), None)
    if index is None:
        raise Http404(f"There is no index named {slug}.")
    day = signal_selectors.last_closed_day()
    chosen = request.GET.get("range", "1y")
    if chosen not in RANGES:
        chosen = "1y"
    context: dict[str, Any] = {
        "index": index,
        "day": day,
        "range": chosen,
        "ranges": [(key, label) for key, (label, _) in RANGES.items()],
        "chart": line_chart(level_series(index, day, RANGES[chosen][1])),
        "chart_title": index.name,
        "chart_note": "net of trading costs",
    }
    if getattr(request, "htmx", False):
        return render(request, "components/range_chart.html", context)
    in_force = selectors.rulebook(index)
    holdings = selectors.holdings(index, as_of=day)
    history = selectors.rebalance_history(index, as_of=day, limit=REBALANCES_SHOWN)
    context |= {
        "performance": selectors.performance(index, as_of=day),
        "holdings": holdings,
        "widest": max((row.drifted_weight for row in holdings), default=0.0),
        "history": history,
        "rebalance": next((row for row in history if not row.is_held), None),
        "next_decision": next_decision(in_force, day),
        "rules": rules(in_force),
    }
    return render(request, "indices/detail.html", context)


def next_decision(rulebook: Rulebook, day: date) -> dict[str, date]:
    """When the index is decided next after `day`, and when that is traded."""
    decided = next(determination_days(rulebook.calendar, after=day, through=day + ONE_QUARTER))
    return {"as_of": decided, "effective_on": effective_day(rulebook.calendar, decided)}
