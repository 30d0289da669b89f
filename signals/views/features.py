"""The catalogue of features."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from signals.core import features as catalogue


@require_safe
def features(request: HttpRequest) -> HttpResponse:
    """The catalogue of features: what is measured of every token, how, and who thought of it."""
    found = catalogue.catalogue()
    groups = [
        (title, [feature for feature in found if feature.category == key])
        for key, title in catalogue.CATEGORIES.items()
    ]
    candles = [feature for feature in found if not feature.needs]
    own = sum(not feature.shared for feature in candles)
    more = len(found) - len(candles)
    context = {"groups": groups, "count": len(candles), "own": own, "more": more}
    return render(request, "signals/features.html", context)
