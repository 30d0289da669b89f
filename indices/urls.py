"""Addresses of the index pages."""

from django.urls import path

from indices.views import catalogue, factsheet, methodology

app_name = "indices"
urlpatterns = [
    path("", catalogue.home, name="home"),
    path("indices/", catalogue.index_list, name="list"),
    path("indices/<slug:slug>/", factsheet.index_detail, name="detail"),
    path("indices/<slug:slug>/method/", methodology.rulebook, name="rulebook"),
    path("how-it-works/", catalogue.method, name="method"),
]
