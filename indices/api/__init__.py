"""Indices over the API, public and point in time: one module per kind of thing, each with its own `urlpatterns`."""

from indices.api import catalogue, history, previews, receipts, statistics

urlpatterns = [
    *catalogue.urlpatterns,
    *history.urlpatterns,
    *receipts.urlpatterns,
    *statistics.urlpatterns,
    *previews.urlpatterns,
]
