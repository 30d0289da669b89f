"""Two indices side by side: levels, falls, figures, and what they hold in common."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from indices import selectors
from indices.core import metrics
from indices.core.charting.lines import Named, Values, drawdowns, lines_chart
from indices.core.formulas import of_section
from indices.models import Index
from indices.selectors.factsheet import Row
from indices.selectors.factsheet.cells import figure_cell
from indices.selectors.overview import performances
from indices.views.drawing import short_name, whole_percent
from signals import selectors as signal_selectors

BASE = 1000.0
SHARED_SHOWN = 12


@dataclass(frozen=True)
class Common:
    """One token that both hold: its weight in each, fractions."""

    slug: str
    name: str
    first: float
    second: float


@require_safe
def compare(request: HttpRequest) -> HttpResponse:
    """The indices `a` and `b` of the address beside each other; the choice of two where one is missing or unknown."""
    indices = selectors.index_list()
    by_slug = {index.slug: index for index in indices}
    wanted = [request.GET.get(name, "") for name in ("a", "b")]
    unknown = [slug for slug in wanted if slug and slug not in by_slug]
    context: dict[str, Any] = {"indices": indices, "wanted": wanted, "unknown": unknown}
    pair = [by_slug[slug] for slug in wanted if slug in by_slug]
    if len(pair) == 2 and pair[0] != pair[1]:
        context |= beside(pair[0], pair[1], day=signal_selectors.last_closed_day())
    elif len(pair) == 2:
        context["is_same"] = True
    return render(request, "indices/compare.html", context)


def beside(one: Index, other: Index, *, day: date) -> dict[str, Any]:
    """Both from 1,000 on the first day that both have, their figures, and what they hold in common."""
    histories = [selectors.levels(index, end=day) for index in (one, other)]
    starts = [history[0][0] for history in histories if history]
    if len(starts) < 2:
        return {"pair": [one, other]}
    start = max(starts)
    names = [short_name(one), short_name(other)]
    if names[0] == names[1]:
        names = [one.name, other.name]
    keys = ("main", "second")
    series = [
        Named(key, name, from_base(history, start))
        for key, name, history in zip(keys, names, histories, strict=True)
    ]
    figures = performances([one, other], as_of=day)
    held = [{row.slug: row for row in selectors.holdings(index, as_of=day)} for index in (one, other)]
    shared = [
        Common(slug, row.name, row.drifted_weight, held[1][slug].drifted_weight)
        for slug, row in held[0].items()
        if slug in held[1]
    ]
    return {
        "pair": [one, other],
        "start": start,
        "day": day,
        "levels": lines_chart(series),
        "falls": lines_chart(
            [Named(line.key, line.name, drawdowns(line.values)) for line in series],
            scale="linear",
            write=whole_percent,
        ),
        "figures": [figures.get(one.pk), figures.get(other.pk)],
        "since": [line.values[-1][1] / BASE - 1.0 for line in series],
        "worst": [min(fall for _, fall in drawdowns(line.values)) for line in series],
        "facts": facts([line.values for line in series]),
        "counts": [len(rows) for rows in held],
        "overlap": sum(min(row.first, row.second) for row in shared),
        "shared": sorted(shared, key=lambda row: (-min(row.first, row.second), row.slug))[:SHARED_SHOWN],
        "shared_count": len(shared),
    }


def facts(series: list[Values]) -> list[Row]:
    """The figures of return and risk of each series by their formulas, over the days that all of them have."""
    found = [
        metrics.growth_figures(np.array([value for _, value in values]), [day for day, _ in values])
        for values in series
    ]
    return [
        Row(formula.key, formula.name, tuple(figure_cell(figures[formula.key]) for figures in found))
        for section in ("performance", "risk")
        for formula in of_section(section)
    ]


def from_base(history: Values, start: date) -> Values:
    """The history from `start` on, scaled to BASE on its first day there."""
    kept = [point for point in history if point[0] >= start]
    return [(day, BASE * value / kept[0][1]) for day, value in kept]
