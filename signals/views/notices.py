"""The public list of corrections: what was wrong, what it should have said, and what that changed."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from signals import selectors
from signals.core import figures

PAGE = 50


@require_safe
def notices(request: HttpRequest) -> HttpResponse:
    """The newest corrections, the newest first; `page` counts from 1."""
    text = request.GET.get("page", "1")
    page = max(int(text), 1) if text.isascii() and text.isdecimal() and len(text) < 5 else 1
    rows = selectors.notices(limit=PAGE + 1, offset=(page - 1) * PAGE)
    context = {
        "notices": [_shown(row) for row in rows[:PAGE]],
        "page": page,
        "following": page + 1 if len(rows) > PAGE else None,
    }
    return render(request, "signals/notices.html", context)


def _shown(row: selectors.Notice) -> dict[str, object]:
    indices = [
        {
            "slug": entry["slug"],
            "name": entry["name"],
            "count": entry["levels"]["count"],
            "first": entry["levels"]["first"],
            "last": entry["levels"]["last"],
            "largest": figures.signed_percent(entry["levels"]["largest"], 2),
        }
        for entry in row.effects.get("indices", [])
        if entry.get("levels") and entry.get("kind") != "custom"
    ]
    return {
        "row": row,
        "values": [
            (name.replace("_", " "), figures.price(row.old.get(name)), figures.price(value))
            for name, value in row.new.items()
        ],
        "indices": indices,
        "why": row.treatment_reason or row.effects.get("policy", {}).get("why", ""),
    }
