"""The front page, the list of indices and how it works."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from indices import selectors
from indices.models import Index
from indices.selectors.overview import performances, recent_levels
from signals import selectors as signal_selectors
from signals.core.charting import line_chart, sparkline

SPARKLINE_DAYS = 365

ABOUT = {
    Index.Family.MARKET_CAP: "The market as it is: the larger a token, the more of it.",
    Index.Family.THEMATIC: "One corner of the market. Fewer tokens that move together: deeper falls than the whole.",
    Index.Family.AI: (
        "More of what the model grades high, less of what it grades low, and stablecoins when the regime turns. Each "
        "stands beside its passive twin: the same tokens without grades and without regime."
    ),
}


@dataclass(frozen=True)
class Card:
    """One index as the lists show it. `sparkline` is the path of the last year's levels.

    `performance` is None while its history has not begun; `twin` is the passive twin's, None where there is none.
    """

    index: Index
    performance: selectors.Performance | None
    sparkline: str
    twin: selectors.Performance | None = None


@dataclass(frozen=True)
class Family:
    """The indices of one family. `slug` is the value in addresses."""

    slug: str
    name: str
    about: str
    cards: list[Card]


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """What this is, the first index's whole history, and the indices by family."""
    shown = cards()
    chart = None
    if shown and shown[0].performance is not None:
        chart = line_chart(level_series(shown[0].index, signal_selectors.last_closed_day(), None))
    context = {"cards": shown, "families": families(shown), "chart": chart}
    return render(request, "indices/home.html", context)


@require_safe
def index_list(request: HttpRequest) -> HttpResponse:
    """All published indices by family, or those of one family."""
    every = families(cards())
    asked = request.GET.get("family", "")
    if asked not in [family.slug for family in every]:
        asked = ""
    context = {
        "every": every,
        "families": [family for family in every if asked in ("", family.slug)],
        "family": asked,
        "first_two": [card.index.slug for family in every for card in family.cards][:2],
    }
    is_part = bool(getattr(request, "htmx", False)) and not request.htmx.boosted  # type: ignore[attr-defined]
    return render(request, "indices/_families.html" if is_part else "indices/list.html", context)


@require_safe
def method(request: HttpRequest) -> HttpResponse:
    """How it works, in short answers."""
    return render(request, "indices/method.html")


def cards() -> list[Card]:
    """Every published index with its figures at the last closed day; empty while there is no market, or no level."""
    try:
        day = signal_selectors.last_closed_day()
    except signal_selectors.MarketNotLoaded:
        return []
    indices = selectors.index_list()
    twins = twins_of(indices)
    figures = performances([*indices, *twins.values()], as_of=day)
    levels = recent_levels(indices, as_of=day, days=SPARKLINE_DAYS)
    if not any(index.pk in figures for index in indices):
        return []
    return [
        Card(
            index,
            figures.get(index.pk),
            sparkline(levels.get(index.pk, [])),
            figures.get(twins[index.pk].pk) if index.pk in twins else None,
        )
        for index in indices
    ]


def families(shown: Iterable[Card]) -> list[Family]:
    """The cards by family, families in the order of their first card."""
    found: dict[str, list[Card]] = {}
    for card in shown:
        found.setdefault(card.index.family, []).append(card)
    return [Family(slug, Index.Family(slug).label, ABOUT[Index.Family(slug)], found[slug]) for slug in found]


def twins_of(indices: Iterable[Index]) -> dict[int, Index]:
    """Index id -> its passive twin, for those that have one."""
    twins = Index.objects.filter(kind=Index.Kind.TWIN, twin_of__in=[index.pk for index in indices])
    return {twin.twin_of_id: twin for twin in twins if twin.twin_of_id is not None}


def level_series(index: Index, day: date, days: int | None) -> list[tuple[date, float]]:
    """(day, level) over the last `days` days up to `day`, or since the beginning."""
    start = None if days is None else day - timedelta(days=days)
    return selectors.levels(index, start=start, end=day)
