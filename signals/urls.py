"""Addresses of the market pages."""

from django.urls import path

from signals.views import everywhere, features, model_card, notices, regime, tokens

app_name = "signals"
urlpatterns = [
    path("tokens/", tokens.tokens, name="tokens"),
    path("tokens/<slug:slug>/", tokens.token, name="token"),
    path("features/", features.features, name="features"),
    path("model/", model_card.model, name="model"),
    path("regime/", regime.regime, name="regime"),
    path("notices/", notices.notices, name="notices"),
    path("market/strip/", everywhere.market_strip, name="market_strip"),
    path("theme/", everywhere.theme_set, name="theme"),
]
