"""Proofs of reserves and what custodians reported."""

from __future__ import annotations

from django.contrib import admin

from portfolios.admin.readonly import ReadOnlyAdmin, ReadOnlyInline
from portfolios.models import CustodyBalance, CustodyReport, ReserveLine, ReserveSnapshot


class CustodyBalanceInline(ReadOnlyInline):
    model = CustodyBalance


@admin.register(CustodyReport)
class CustodyReportAdmin(ReadOnlyAdmin):
    list_display = ("custodian", "kind", "as_of")
    list_filter = ("kind", "custodian")
    search_fields = ("custodian",)
    inlines = (CustodyBalanceInline,)


class ReserveLineInline(ReadOnlyInline):
    model = ReserveLine
    fields = ("asset", "owed", "held", "simulated", "stood_in", "mark", "short")


@admin.register(ReserveSnapshot)
class ReserveSnapshotAdmin(ReadOnlyAdmin):
    list_display = ("day", "verdict", "reason", "people", "commitment")
    list_filter = ("verdict",)
    search_fields = ("commitment",)
    # The secret of the salts stays in the database: with it, anybody's leaf could be guessed.
    fields = ("day", "taken_at", "market_time", "verdict", "reason", "people", "root", "commitment")
    inlines = (ReserveLineInline,)
