"""Plans that invest again and again, and switches between indices."""

from __future__ import annotations

from django.contrib import admin

from portfolios.admin.readonly import ReadOnlyAdmin, ReadOnlyInline
from portfolios.models import RecurringPlan, RecurringRun, Switch


class RecurringRunInline(ReadOnlyInline):
    model = RecurringRun
    fields = ("due_on", "status", "order", "reason", "created_at")
    readonly_fields = fields


@admin.register(RecurringPlan)
class RecurringPlanAdmin(ReadOnlyAdmin):
    list_display = ("id", "user", "index", "amount", "frequency", "status", "next_due", "created_at")
    list_filter = ("status", "frequency")
    search_fields = ("id", "user__email", "index__slug")
    list_select_related = ("user", "index")
    inlines = (RecurringRunInline,)


@admin.register(Switch)
class SwitchAdmin(ReadOnlyAdmin):
    list_display = ("id", "user", "redeem", "target", "status", "reason", "created_at", "finished_at")
    list_filter = ("status",)
    search_fields = ("id", "user__email", "target__slug")
    list_select_related = ("user", "redeem", "target")
