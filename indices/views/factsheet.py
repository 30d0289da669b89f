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
from indices.models import Index
from indices.selectors.restatements import restated
from indices.views.asking import Asked
from indices.views.drawing import charts, tiles
from indices.views.sheets import sheet_context
from signals import selectors as signal_selectors

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
    context: dict[str, Any] = {"index": index, "day": day}
    context |= charts(index, day=day, asked=Asked.read(request.GET, day=day))
    is_part = bool(getattr(request, "htmx", False)) and not request.htmx.boosted  # type: ignore[attr-defined]
    if is_part:
        return render(request, "indices/_charts.html", context)
    in_force = selectors.rulebook(index)
    context |= held_today(index, day=day) | sheet_context(index, day=day)
    context |= {
        "performance": selectors.performance(index, as_of=day),
        "standing": selectors.standing_note(index, as_of=day),
        "restated": restated(index),
        "twin": twin_figures(index, day=day),
        "next_decision": next_decision(in_force, day),
        "rules": rules(in_force),
    }
    return render(request, "indices/detail.html", context)


def held_today(index: Index, *, day: date) -> dict[str, Any]:
    """What the index holds, as a table and as a treemap, and its last rebalances."""
    holdings = selectors.holdings(index, as_of=day)
    history = selectors.rebalance_history(index, as_of=day, limit=REBALANCES_SHOWN)
    return {
        "holdings": holdings,
        "widest": max((row.drifted_weight for row in holdings), default=0.0),
        "tiles": tiles(holdings, day=day),
        "history": history,
        "rebalance": next((row for row in history if not row.is_held), None),
    }


def twin_figures(index: Index, *, day: date) -> selectors.Performance | None:
    """How the passive twin has done; None where there is none, or nothing of it yet."""
    beside = selectors.twin(index)
    return None if beside is None else selectors.performance(beside, as_of=day)


def next_decision(rulebook: Rulebook, day: date) -> dict[str, date]:
    """When the index is decided next after `day`, and when that is traded."""
    decided = next(determination_days(rulebook.calendar, after=day, through=day + ONE_QUARTER))
    return {"as_of": decided, "effective_on": effective_day(rulebook.calendar, decided)}
