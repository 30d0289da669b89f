"""Pages about the indices: what there is, what each holds, what changed and why."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import yaml
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from indices import selectors
from indices.core.calendar import determination_days, effective_day
from indices.core.prose import rules
from indices.core.rulebook import Rulebook
from indices.models import Index
from signals import selectors as signal_selectors
from signals.core.charting import line_chart, sparkline

RANGES = {"1m": ("1M", 30), "3m": ("3M", 91), "1y": ("1Y", 365), "all": ("All", None)}
SPARKLINE_DAYS = 365
REBALANCES_SHOWN = 12
ONE_QUARTER = timedelta(days=100)
"""Longer than the longest period of a rulebook's calendar."""


@dataclass(frozen=True)
class Card:
    """One index as the lists show it. `sparkline` is the path of the last year's levels."""

    index: Index
    performance: selectors.Performance
    sparkline: str


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """What this is, the first index's whole history, and the indices."""
    shown = cards()
    chart = None
    if shown:
        chart = line_chart(level_series(shown[0].index, signal_selectors.last_closed_day(), None))
    return render(request, "indices/home.html", {"cards": shown, "chart": chart})


@require_safe
def index_list(request: HttpRequest) -> HttpResponse:
    """All published indices, side by side."""
    return render(request, "indices/list.html", {"cards": cards()})


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


@require_safe
def rulebook(request: HttpRequest, slug: str) -> HttpResponse:
    """The rules of one index in words, its versions with what each one changed, and the file itself."""
    index = next((row for row in selectors.index_list() if row.slug == slug), None)
    versions = selectors.rulebook_versions(index) if index is not None else []
    if index is None or not versions:
        raise Http404(f"There is no index named {slug}.")
    newest = versions[0]
    context = {
        "index": index,
        "newest": newest,
        "versions": versions,
        "rules": rules(newest.rulebook),
        "body": yaml.safe_dump(newest.rulebook.to_dict(whole=True), sort_keys=False, allow_unicode=True),
    }
    return render(request, "indices/rulebook.html", context)


@require_safe
def method(request: HttpRequest) -> HttpResponse:
    """How it works, in short answers."""
    return render(request, "indices/method.html")


def cards() -> list[Card]:
    """Every published index with its figures at the last closed day; empty while no market is loaded."""
    try:
        day = signal_selectors.last_closed_day()
    except signal_selectors.MarketNotLoaded:
        return []
    found = []
    for index in selectors.index_list():
        performance = selectors.performance(index, as_of=day)
        if performance is not None:
            levels = [level for _, level in level_series(index, day, SPARKLINE_DAYS)]
            found.append(Card(index, performance, sparkline(levels)))
    return found


def next_decision(rulebook: Rulebook, day: date) -> dict[str, date]:
    """When the index is decided next after `day`, and when that is traded."""
    decided = next(determination_days(rulebook.calendar, after=day, through=day + ONE_QUARTER))
    return {"as_of": decided, "effective_on": effective_day(rulebook.calendar, decided)}


def level_series(index: Index, day: date, days: int | None) -> list[tuple[date, float]]:
    """(day, level) over the last `days` days up to `day`, or since the beginning."""
    start = None if days is None else day - timedelta(days=days)
    return selectors.levels(index, start=start, end=day)
