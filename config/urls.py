"""Every address of the site."""

from django.contrib import admin
from django.urls import include, path, re_path
from django.urls.resolvers import URLPattern, URLResolver

from config import back_office, health, metrics, problems

urlpatterns: list[URLPattern | URLResolver] = [
    path("livez", health.livez, name="livez"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", metrics.metrics, name="metrics"),
    path("api/v1/", include("config.api")),
    re_path(r"^api/(?P<path>.*)$", problems.api_not_found),
    path("admin/replay/", back_office.replay_view, name="admin-replay"),
    path("admin/", admin.site.urls),
    path("account/", include("allauth.urls")),
    path("", include("indices.urls")),
    path("", include("signals.urls")),
    path("", include("portfolios.urls")),
]
