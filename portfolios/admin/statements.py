"""Statements as issued, and what people chose about their tax years. A correction is issued by `statement_correct`."""

from __future__ import annotations

from django.contrib import admin

from portfolios.admin.readonly import ReadOnlyAdmin
from portfolios.models import LotChoice, Statement, TaxYear


@admin.register(Statement)
class StatementAdmin(ReadOnlyAdmin):
    list_display = ("user", "month", "version", "opening", "gains", "costs", "closing", "issued_at")
    search_fields = ("user__email", "digest", "pdf_digest")
    list_select_related = ("user",)
    date_hierarchy = "month"


@admin.register(TaxYear)
class TaxYearAdmin(ReadOnlyAdmin):
    list_display = ("user", "year", "method", "closed_at", "digest")
    list_filter = ("year", "method")
    search_fields = ("user__email",)
    list_select_related = ("user",)


@admin.register(LotChoice)
class LotChoiceAdmin(ReadOnlyAdmin):
    list_display = ("user", "order", "lot", "units", "chosen_at")
    search_fields = ("user__email", "order__id")
    list_select_related = ("user", "lot")
