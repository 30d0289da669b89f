"""Indices over the API, public and point in time: one module per kind of thing, each with its own `urlpatterns`."""

from indices.api import catalogue, history

urlpatterns = [
    *catalogue.urlpatterns,
    *history.urlpatterns,
]
