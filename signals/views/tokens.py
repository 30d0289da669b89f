"""Pages about tokens: the list, and one token."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from signals import selectors
from signals.core import figures
from signals.core.categories import shown
from signals.core.charting import line_chart, sparkline
from signals.views.listing import SIGNALS, VOLUMES, Asked

PAGE_SIZE = 50
SPARK_DAYS = 30
HISTORY_DAYS = 365
RANGES = {"1m": ("1M", 30), "3m": ("3M", 91), "1y": ("1Y", 365), "all": ("All", 36_500)}


@require_safe
def tokens(request: HttpRequest) -> HttpResponse:
    """Every token with a price, by the order and the filters of the address."""
    asked = Asked.read(request.GET)
    day = selectors.last_closed_day()
    start = (asked.page - 1) * PAGE_SIZE
    found = selectors.asset_list(
        as_of=day,
        search=asked.search,
        category=asked.category,
        signal=int(asked.signal) if asked.signal else None,
        min_volume=float(asked.volume) if asked.volume else None,
        order=asked.sort,
        limit=PAGE_SIZE + 1,
        offset=start,
    )
    rows = found[:PAGE_SIZE]
    sparks = sparklines([row.slug for row in rows], as_of=day)
    is_part = bool(getattr(request, "htmx", False)) and not request.htmx.boosted  # type: ignore[attr-defined]
    context: dict[str, Any] = {
        "rows": [(start + number, row, sparks.get(row.slug, "")) for number, row in enumerate(rows, start=1)],
        "asked": asked,
        "headings": asked.headings(),
        "previous": asked.href(page=asked.page - 1) if asked.page > 1 else "",
        "next": asked.href(page=asked.page + 1) if len(found) > PAGE_SIZE else "",
        "day": day,
        "is_part": is_part,
    }
    if is_part:
        return render(request, "signals/_token_table.html", context)
    graded = selectors.grades_day(as_of=day)
    context |= {
        "categories": selectors.category_counts(as_of=day),
        "signals": SIGNALS,
        "volumes": VOLUMES,
        "graded_on": graded,
        "state": selectors.grading_state(as_of=day),
        "progress": None if graded else selectors.grading_progress(),
        "evidence": selectors.evidence(),
    }
    return render(request, "signals/tokens.html", context)


def sparklines(slugs: list[str], *, as_of: date) -> dict[str, str]:
    """Slug -> path of the closes of the last SPARK_DAYS days; two queries for all of them."""
    if not slugs:
        return {}
    panel = selectors.panel(as_of=as_of, days=SPARK_DAYS, assets=slugs)
    paths = {}
    for number, slug in enumerate(panel.assets):
        closes = panel.close[:, number]
        paths[slug] = sparkline(closes[closes == closes].tolist())  # noqa: PLR0124 - NaN differs from itself
    return paths


@require_safe
def token(request: HttpRequest, slug: str) -> HttpResponse:
    """One token: its grades and why, its price, what its history says, and all its features."""
    day = selectors.last_closed_day()
    asset = selectors.assets_by_slug([slug]).get(slug)
    if asset is None:
        raise Http404(f"There is no token named {slug}.")
    chosen = request.GET.get("range", "1y")
    if chosen not in RANGES:
        chosen = "1y"
    history = selectors.price_history(slug, as_of=day, days=RANGES[chosen][1])
    context: dict[str, Any] = {
        "chart": line_chart(history, write=figures.chart_usd),
        "ranges": [(key, label) for key, (label, _) in RANGES.items()],
        "range": chosen,
    }
    if getattr(request, "htmx", False):
        return render(request, "components/range_chart.html", context)
    context |= {
        "asset": asset,
        "kinds": shown(asset.categories),
        "day": day,
        "row": selectors.asset_row(slug, as_of=day),
        "last": history[-1] if history else None,
        "sheet": selectors.feature_sheet(slug, as_of=day),
        **graded(slug, as_of=day),
        **measured(slug, as_of=day),
    }
    return render(request, "signals/token.html", context)


@dataclass(frozen=True)
class Bar:
    """What one feature did to the grade, drawn from the middle: left lowers, right raises."""

    name: str
    formula: str
    raises: bool
    left: str
    width: str


def graded(slug: str, *, as_of: date) -> dict[str, Any]:
    """The part of the page about the grades of a token; without any, what is being done about it."""
    grade = selectors.grade_asof(slug, as_of=as_of)
    history = selectors.grade_history(slug, as_of=as_of, days=HISTORY_DAYS) if grade else []
    day = grade.as_of if grade else selectors.grades_day(as_of=as_of)
    return {
        "grade": grade,
        "graded_on": day,
        "grades": ()
        if grade is None
        else (
            grade_card(
                "Trader grade",
                "next week",
                grade.trader_grade,
                (grade.trader_change_1d, grade.trader_change_7d),
                [(point.as_of, point.trader_grade) for point in history],
            ),
            grade_card(
                "Investor grade",
                "next four weeks",
                grade.investor_grade,
                (grade.investor_change_1d, grade.investor_change_7d),
                [(point.as_of, point.investor_grade) for point in history],
            ),
        ),
        "bars": bars(grade.contributions) if grade else [],
        "state": selectors.grading_state(as_of=as_of),
        "progress": None if day else selectors.grading_progress(),
        "evidence": selectors.evidence(),
    }


def grade_card(
    title: str,
    horizon: str,
    value: float,
    changes: tuple[float | None, float | None],
    history: list[tuple[date, float]],
) -> dict[str, Any]:
    """One grade: what it says of how many tokens, over which time, since when, and its history as a chart."""
    return {
        "title": title,
        "horizon": horizon,
        "value": value,
        "key": title.split(maxsplit=1)[0].lower(),
        "change_1d": changes[0],
        "change_7d": changes[1],
        "chart": line_chart(history, write=lambda grade: f"{grade:.1f}"),
    }


def bars(contributions: list[Any]) -> list[Bar]:
    """The bars of a grade's contributions, the longest as long as half the drawing."""
    from signals.core.features import catalogue

    formulas = {feature.name: feature.formula for feature in catalogue()}
    parts = [(str(row[0]), float(row[-1])) for row in contributions]
    widest = max((abs(part) for _, part in parts), default=0.0)
    if not widest:
        return []
    made = []
    for name, part in sorted(parts, key=lambda row: -abs(row[1])):
        half = 50 * abs(part) / widest
        left = 50.0 if part > 0 else 50.0 - half
        made.append(Bar(name, formulas.get(name, ""), part > 0, f"{left:.1f}%", f"{half:.1f}%"))
    return made


def measured(slug: str, *, as_of: date) -> dict[str, Any]:
    """The part of the page about what the price history says; without a recent close, why there is none."""
    try:
        found = selectors.quant(slug, as_of=as_of)
    except selectors.NoRecentClose as error:
        return {"quant": None, "quant_reason": str(error)}
    return {
        "quant": found,
        "relations": [
            ("The whole market" if relation.name == "market" else found.names[relation.name], relation)
            for relation in found.relations
        ],
        "falls_name": found.names.get(found.reference, found.reference),
        "is_own_reference": found.reference == slug,
    }
