"""What every page carries: the market strip, and the choice of theme."""

from datetime import timedelta

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST, require_safe

from signals.context import THEMES

YEAR = int(timedelta(days=365).total_seconds())


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
