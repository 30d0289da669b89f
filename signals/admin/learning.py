"""The signals for operators: what was read off the market, which models graded it, what was tried, what is wrong."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from signals.admin.readonly import ReadOnlyAdmin
from signals.models import Alert, Experiment, FeatureVector, Grade, ModelRun, Observation, Regime


@admin.register(Alert)
class AlertAdmin(ReadOnlyAdmin):
    """The open ones are what somebody should look at; each says what was done instead and what to do."""

    list_display = ("kind", "as_of", "text", "raised_at", "cleared_on")
    list_filter = ("kind", ("cleared_on", admin.EmptyFieldListFilter))
    search_fields = ("kind", "text")


@admin.register(ModelRun)
class ModelRunAdmin(ReadOnlyAdmin):
    list_display = ("name", "trained_through", "digest", "code_version", "created_at")
    list_filter = ("name",)
    search_fields = ("name", "sha256", "spec_hash", "data_hash")

    @admin.display(description="SHA-256")
    def digest(self, run: ModelRun) -> str:
        return run.sha256[:12]

    def get_queryset(self, request: HttpRequest) -> QuerySet[ModelRun]:
        """A list does not need the whole text of every model."""
        runs: QuerySet[ModelRun] = super().get_queryset(request)
        return runs.defer("text")


@admin.register(Experiment)
class ExperimentAdmin(ReadOnlyAdmin):
    """Every look at the data: the database refuses to change or delete one."""

    list_display = ("id", "kind", "made_at", "code_version", "digest")
    list_filter = ("kind",)
    search_fields = ("spec_hash", "data_hash", "digest")
    ordering = ("-pk",)


@admin.register(Grade)
class GradeAdmin(ReadOnlyAdmin):
    list_display = ("asset", "as_of", "trader_grade", "investor_grade", "signal", "confidence")
    list_filter = ("signal",)
    list_select_related = ("asset",)
    search_fields = ("asset__slug", "asset__name")
    date_hierarchy = "as_of"
    ordering = ("-as_of", "-trader_grade")


@admin.register(Regime)
class RegimeAdmin(ReadOnlyAdmin):
    list_display = ("as_of", "risk_share", "wanted", "moved_on", "rules_version")
    ordering = ("-as_of",)
    search_fields = ("rules_version",)


@admin.register(FeatureVector)
class FeatureVectorAdmin(ReadOnlyAdmin):
    list_display = ("asset", "as_of", "known", "set_version")
    list_select_related = ("asset",)
    search_fields = ("asset__slug", "asset__name")
    ordering = ("-as_of", "asset__slug")


@admin.register(Observation)
class ObservationAdmin(ReadOnlyAdmin):
    list_display = ("asset", "family", "day", "source", "known_at")
    list_filter = ("family", "source")
    list_select_related = ("asset",)
    search_fields = ("asset__slug", "asset__name")
    ordering = ("-day",)
