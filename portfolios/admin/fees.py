"""The house's fees: announced here, called off here, their units redeemed here. What was taken is only looked at."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from portfolios.admin.readonly import ReadOnlyAdmin
from portfolios.errors import MoneyError
from portfolios.models import FeeAccrual, FeeSchedule
from portfolios.services import fees
from signals import selectors as signal_selectors


class FeeScheduleForm(forms.ModelForm):
    """A schedule is announced by the service, which also tells the holders: nothing else can make one."""

    class Meta:
        model = FeeSchedule
        fields = ("index", "management_rate", "performance_rate", "effective_from")

    announcer = ""

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if self.errors:
            return cleaned
        index = cleaned.get("index")
        try:
            fees.announcement_checked(
                "" if index is None else index.slug,
                management_rate=cleaned["management_rate"],
                performance_rate=cleaned["performance_rate"],
                effective_from=cleaned["effective_from"],
            )
        except MoneyError as error:
            field = error.field if error.field in self.fields else None
            raise forms.ValidationError({field: error.message} if field else error.message) from error
        return cleaned


@admin.register(FeeSchedule)
class FeeScheduleAdmin(ModelAdmin):
    """`Add` announces. One that does not apply yet can be deleted: holders are told that it was called off."""

    form = FeeScheduleForm
    list_display = (
        "index_or_all",
        "management_rate",
        "performance_rate",
        "effective_from",
        "announced_on",
        "announced_by",
    )
    list_select_related = ("index",)
    actions = ("redeem",)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: FeeSchedule | None = None) -> bool:
        # One by one: a list could hold some that apply already.
        if obj is None or obj.effective_from <= signal_selectors.last_closed_day():
            return False
        return bool(super().has_delete_permission(request, obj))

    def save_model(self, request: HttpRequest, obj: FeeSchedule, form: Any, change: bool) -> None:
        made = fees.schedule_announce(
            "" if obj.index is None else obj.index.slug,
            management_rate=obj.management_rate,
            performance_rate=obj.performance_rate,
            effective_from=obj.effective_from,
            by=str(request.user),
        )
        obj.pk, obj.announced_on = made.pk, made.announced_on

    def delete_model(self, request: HttpRequest, obj: FeeSchedule) -> None:
        fees.schedule_call_off(obj)

    @admin.display(description="index")
    def index_or_all(self, row: FeeSchedule) -> str:
        return "every index of ours" if row.index is None else row.index.name


@admin.register(FeeAccrual)
class FeeAccrualAdmin(ReadOnlyAdmin):
    list_display = ("portfolio", "kind", "day", "rate", "units_before", "units", "unit_price")
    list_filter = ("kind", "portfolio__index")
    list_select_related = ("portfolio__index",)
    date_hierarchy = "day"
    actions = ("redeem",)

    def has_redeem_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("portfolios.add_feeschedule")

    @admin.action(
        description="Redeem the units of the house in these indices",
        permissions=["redeem"],
    )
    def redeem(self, request: HttpRequest, rows: QuerySet[FeeAccrual]) -> None:
        for slug in sorted(set(rows.values_list("portfolio__index__slug", flat=True))):
            try:
                order = fees.house_redeem(slug, by=str(request.user))
            except MoneyError as error:
                self.message_user(request, f"{slug}: {error.message}", messages.WARNING)
            else:
                self.message_user(
                    request, f"{slug}: {order.units:f} units will be redeemed at the next dealing."
                )
