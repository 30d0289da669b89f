"""Addresses of the market pages."""

from django.urls import path

from signals import views

app_name = "signals"
urlpatterns = [
    path("tokens/", views.tokens, name="tokens"),
    path("tokens/<slug:slug>/", views.token, name="token"),
    path("features/", views.features, name="features"),
    path("market/strip/", views.market_strip, name="market_strip"),
    path("theme/", views.theme_set, name="theme"),
]
