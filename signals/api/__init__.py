"""The market over the API: one module per kind of thing, each with its own `urlpatterns`."""

from signals.api import features, grades, observations, quant, regime, restatements, tokens

urlpatterns = [
    *tokens.urlpatterns,
    *grades.urlpatterns,
    *quant.urlpatterns,
    *observations.urlpatterns,
    *features.urlpatterns,
    *regime.urlpatterns,
    *restatements.urlpatterns,
]
