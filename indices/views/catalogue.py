"""The front page, the list of indices and how it works."""

from dataclasses import dataclass
from datetime import date, timedelta

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from indices import selectors
from indices.models import Index
from signals import selectors as signal_selectors
from signals.core.charting import line_chart, sparkline

SPARKLINE_DAYS = 365


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


def level_series(index: Index, day: date, days: int | None) -> list[tuple[date, float]]:
    """(day, level) over the last `days` days up to `day`, or since the beginning."""
    start = None if days is None else day - timedelta(days=days)
    return selectors.levels(index, start=start, end=day)
