"""The API's addresses. Each room lists its own; what nothing answers is a problem document as well."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import include, path
from django.views.decorators.http import require_safe
from drf_spectacular.views import SpectacularSwaggerSplitView

from config.api_schema import schema_bytes

app_name = "api-v1"


@require_safe
def schema(request: HttpRequest) -> HttpResponse:
    """The OpenAPI 3.1 document, JSON."""
    response = HttpResponse(schema_bytes(), content_type="application/vnd.oai.openapi+json; version=3.1")
    response.headers["Cache-Control"] = "public, max-age=300"
    return response


class DocsView(SpectacularSwaggerSplitView):
    """The documentation page: Swagger UI from our own static files, its script under our own policy."""

    url_name = "api-v1:schema"
    template_name = "config/api_docs.html"
    authentication_classes: list[Any] = []
    permission_classes: list[Any] = []
    throttle_classes: list[Any] = []


urlpatterns = [
    path("schema/", schema, name="schema"),
    path("docs/", DocsView.as_view(), name="docs"),
    path("", include("signals.api")),
    path("", include("indices.api")),
    path("", include("portfolios.api.urls")),
]
