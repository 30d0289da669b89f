"""Headers that every answer carries, and the looser script policy that the admin console's library needs."""

from __future__ import annotations

from collections.abc import Callable

from csp.constants import SELF, UNSAFE_EVAL, UNSAFE_INLINE
from csp.middleware import CSPMiddleware, PolicyParts
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render

from portfolios.selectors.plans import PlansNotReady
from signals.selectors import MarketNotLoaded

_PERMISSIONS = (
    "camera=(), geolocation=(), microphone=(), payment=(), usb=(), publickey-credentials-get=(self)"
)
# The admin theme evaluates Alpine expressions and writes inline styles. Only operators ever load these pages.
_ADMIN_POLICY = {"script-src": [SELF, UNSAFE_EVAL, UNSAFE_INLINE], "style-src": [SELF, UNSAFE_INLINE]}


class HeadersMiddleware:
    """Adds Permissions-Policy and Cross-Origin-Resource-Policy where a view has not set its own."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault("Permissions-Policy", _PERMISSIONS)
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        return response


class PreparingMiddleware:
    """A page that needs the market or the plans before either is there is a 503 that says so, not an error."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """The page for a platform that is not set up yet, or None for every other exception."""
        if not isinstance(exception, MarketNotLoaded | PlansNotReady):
            return None
        response = render(request, "503.html", status=503)
        response.headers["Retry-After"] = "60"
        return response


class ContentPolicyMiddleware(CSPMiddleware):
    """The Content-Security-Policy of the settings, widened below /admin/ only."""

    def get_policy_parts(
        self, request: HttpRequest, response: HttpResponseBase, report_only: bool = False
    ) -> PolicyParts:
        """The parts of the policy for this answer."""
        parts: PolicyParts = super().get_policy_parts(request, response, report_only)
        if request.path.startswith("/admin/"):
            parts.replace = {**(parts.replace or {}), **_ADMIN_POLICY}
        return parts
