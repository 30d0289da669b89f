"""The model card: what grades the tokens, what it was trained on, and every gate it passed or failed."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from signals import selectors

SHOWN_RUNS = 24


@require_safe
def model(request: HttpRequest) -> HttpResponse:
    """The model card; without a model or a validation it says so."""
    if selectors.market_active_or_none() is None:
        return render(request, "signals/model.html", {"evidence": selectors.evidence()})
    day = selectors.last_closed_day()
    graded_on = selectors.grades_day(as_of=day)
    validation = selectors.validation_latest()
    context: dict[str, Any] = {
        "day": day,
        "graded_on": graded_on,
        "models": list(selectors.model_in_force(as_of=day).values()),
        "runs": selectors.model_runs(limit=SHOWN_RUNS),
        "trials": selectors.experiment_count(),
        "evidence": selectors.evidence(),
        "validation": validation,
        "made": [
            (name.replace("_", " "), value) for name, value in (validation or {}).get("made", {}).items()
        ],
        "state": selectors.grading_state(as_of=day),
        "progress": selectors.grading_progress(),
        "alerts": selectors.alerts_open(),
    }
    return render(request, "signals/model.html", context)
