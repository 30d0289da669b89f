"""What every API answer carries besides its body: validators, cache rules and the state of the rate limit."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils.cache import get_conditional_response


class ApiHeadersMiddleware:
    """Under /api/: a strong ETag and 304 on public reads, `no-store` on everything else, `RateLimit-*` on all."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if not request.path.startswith("/api/"):
            return response
        if response.status_code == 200 and "public" in response.headers.get("Cache-Control", ""):
            response = self._validated(request, response)
        else:
            response.headers["Cache-Control"] = "no-store"
        if "Allow" in response.headers:
            # REST framework lists OPTIONS for every view; here none answers it.
            allowed = [method for method in response.headers["Allow"].split(", ") if method != "OPTIONS"]
            response.headers["Allow"] = ", ".join(allowed)
        standing = getattr(request, "rate_limit", None)
        if standing is not None:
            response.headers["RateLimit-Limit"] = str(standing.limit)
            response.headers["RateLimit-Remaining"] = str(standing.remaining)
            response.headers["RateLimit-Reset"] = str(standing.reset)
        return response

    @staticmethod
    def _validated(request: HttpRequest, response: HttpResponse) -> HttpResponse:
        etag = f'"{hashlib.sha256(response.content).hexdigest()[:32]}"'
        response.headers["ETag"] = etag
        conditional = get_conditional_response(request, etag=etag, response=response)
        return conditional if isinstance(conditional, HttpResponse) else response
