"""Where money may go, how much of it, and what touched the safety of accounts."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from portfolios.admin.readonly import ReadOnlyAdmin
from portfolios.models import SecurityEvent, User, WithdrawalDestination, WithdrawalLimit
from portfolios.services.payments.telling import security_note


@admin.register(WithdrawalDestination)
class WithdrawalDestinationAdmin(ReadOnlyAdmin):
    list_display = ("user", "method", "address", "label", "created_at", "usable_from", "removed_at")
    list_filter = ("method", ("removed_at", admin.EmptyFieldListFilter))
    search_fields = ("user__email", "address", "label")
    list_select_related = ("user",)


@admin.register(SecurityEvent)
class SecurityEventAdmin(ReadOnlyAdmin):
    list_display = ("at", "user", "kind", "detail", "actor", "subject")
    list_filter = ("kind",)
    search_fields = ("user__email", "actor__email", "detail", "subject")
    list_select_related = ("user", "actor")
    date_hierarchy = "at"


@admin.register(WithdrawalLimit)
class WithdrawalLimitAdmin(ModelAdmin):
    """Other limits for one person, never one's own; each change is on record with its author."""

    list_display = ("user", "daily", "approval_above", "note")
    search_fields = ("user__email", "note")
    list_select_related = ("user",)
    autocomplete_fields = ("user",)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        own = obj is not None and obj.user_id == request.user.pk
        return not own and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A limit that is no longer wanted is emptied: its history stays in the events."""
        return False

    def get_form(self, request: HttpRequest, obj: Any = None, **options: Any) -> type[forms.ModelForm[Any]]:
        base: type[forms.ModelForm[Any]] = super().get_form(request, obj, **options)
        staff = request.user.pk

        class NotOneself(base):  # type: ignore[misc, valid-type]
            def clean_user(self) -> User:
                user: User = self.cleaned_data["user"]
                if user.pk == staff:
                    raise forms.ValidationError("Nobody sets a limit of their own.")
                return user

        return NotOneself

    def save_model(self, request: HttpRequest, obj: Any, form: forms.ModelForm[Any], change: bool) -> None:
        super().save_model(request, obj, form, change)
        staff = request.user
        security_note(
            obj.user,
            "withdrawal_limit_set",
            actor=staff if isinstance(staff, User) else None,
            detail=f"daily {obj.daily}, approval above {obj.approval_above}: {obj.note}",
            subject=obj.pk,
        )
