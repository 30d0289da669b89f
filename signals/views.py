"""Pages about the market: tokens, the market strip, and the choice of theme."""

from datetime import timedelta

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST, require_safe

from signals import selectors
from signals.context import THEMES
from signals.core import features as catalogue
from signals.core import figures
from signals.core.charting import line_chart

PAGE_SIZE = 50
RANGES = {"1m": ("1M", 30), "3m": ("3M", 91), "1y": ("1Y", 365), "all": ("All", 36_500)}
YEAR = int(timedelta(days=365).total_seconds())


@require_safe
def tokens(request: HttpRequest) -> HttpResponse:
    """Every token with a price, largest first; `q` searches, `page` turns the page."""
    search = request.GET.get("q", "").replace("\0", "").strip()[:64]
    number = page_number(request.GET.get("page", "1"))
    start = (number - 1) * PAGE_SIZE
    day = selectors.last_closed_day()
    found = selectors.asset_list(as_of=day, search=search, limit=PAGE_SIZE + 1, offset=start)
    context = {
        "rows": found[:PAGE_SIZE],
        "start": start,
        "search": search,
        "number": number,
        "has_next": len(found) > PAGE_SIZE,
        "day": day,
    }
    fragment = bool(getattr(request, "htmx", False)) and not request.htmx.boosted  # type: ignore[attr-defined]
    return render(request, "signals/_token_table.html" if fragment else "signals/tokens.html", context)


@require_safe
def token(request: HttpRequest, slug: str) -> HttpResponse:
    """One token: its price, its chart, what it did lately."""
    day = selectors.last_closed_day()
    asset = selectors.assets_by_slug([slug]).get(slug)
    if asset is None:
        raise Http404(f"There is no token named {slug}.")
    chosen = request.GET.get("range", "1y")
    if chosen not in RANGES:
        chosen = "1y"
    history = selectors.price_history(slug, as_of=day, days=RANGES[chosen][1])
    rows = selectors.asset_list(as_of=day, search=slug, limit=200)
    context = {
        "asset": asset,
        "row": next((row for row in rows if row.slug == slug), None),
        "chart": line_chart(history, write=figures.chart_usd),
        "ranges": [(key, label) for key, (label, _) in RANGES.items()],
        "range": chosen,
        "last": history[-1] if history else None,
    }
    fragment = bool(getattr(request, "htmx", False))
    return render(request, "components/range_chart.html" if fragment else "signals/token.html", context)


@require_safe
def features(request: HttpRequest) -> HttpResponse:
    """The catalogue of features: what is measured of every token, how, and who thought of it."""
    found = catalogue.catalogue()
    groups = [
        (title, [feature for feature in found if feature.category == key])
        for key, title in catalogue.CATEGORIES.items()
    ]
    own = sum(not feature.shared for feature in found)
    context = {"groups": groups, "count": len(found), "own": own}
    return render(request, "signals/features.html", context)


@require_safe
def market_strip(request: HttpRequest) -> HttpResponse:
    """The market strip alone, for pages that watch a replay."""
    return render(request, "components/market_strip.html")


@require_POST
def theme_set(request: HttpRequest) -> HttpResponse:
    """The visitor's theme is kept in a cookie for a year."""
    chosen = request.POST.get("theme", "auto")
    target = request.POST.get("next", "/")
    if not url_has_allowed_host_and_scheme(target, {request.get_host()}, require_https=request.is_secure()):
        target = "/"
    response = HttpResponseRedirect(target)
    response.set_cookie(
        "theme",
        chosen if chosen in THEMES else "auto",
        max_age=YEAR,
        samesite="Lax",
        secure=request.is_secure(),
    )
    return response


def page_number(text: str) -> int:
    """A page number from the address; anything that is none is page 1."""
    return min(max(int(text), 1), 10_000) if text.isdecimal() else 1
