"""Users and the keys with which programs act for them."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as BaseUserAdmin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from unfold.admin import ModelAdmin
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from portfolios import selectors
from portfolios.admin.readonly import ReadOnlyAdmin
from portfolios.models import ApiKey, User
from portfolios.services.accounts import user_create
from portfolios.services.api_keys import api_key_revoke

_RIGHTS = ("is_staff", "is_superuser", "groups", "user_permissions")


class NewUserForm(UserCreationForm):
    class Meta:
        model = User
        fields = ("email", "name")

    def clean_email(self) -> str:
        """The address as it will be stored: accounts know no upper case, so neither does `taken`."""
        address: str = self.cleaned_data["email"].strip().lower()
        if User.objects.filter(email=address).exists():
            raise forms.ValidationError(f"{address} already has an account.")
        return address


class UserForm(UserChangeForm):
    class Meta:
        model = User
        fields = "__all__"


@admin.register(User)
class UserAdmin(BaseUserAdmin, ModelAdmin):
    """People. Nobody with a history is deleted: switch `active` off instead."""

    form = UserForm
    add_form = NewUserForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("email", "name", "is_active", "is_staff", "date_joined", "last_login")
    list_filter = ("is_active", "is_staff", "is_superuser", "groups")
    search_fields = ("email", "name")
    ordering = ("email",)
    readonly_fields = ("date_joined", "last_login", "plan", "free_cash", "set_aside", "holdings")
    filter_horizontal = ("groups", "user_permissions")
    fieldsets = (
        (None, {"fields": ("email", "name", "password")}),
        ("Money", {"fields": ("plan", "free_cash", "set_aside", "holdings")}),
        ("Access", {"fields": ("is_active", "is_staff", "is_superuser", "groups", "user_permissions")}),
        ("Dates", {"fields": ("date_joined", "last_login")}),
    )
    add_fieldsets = ((None, {"fields": ("email", "name", "password1", "password2")}),)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Only a superuser changes a superuser: whoever may set somebody's password may become them."""
        above = obj is not None and obj.is_superuser and not request.user.is_superuser
        return not above and super().has_change_permission(request, obj)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Rights are given by superusers alone, so that nobody gives them to themselves."""
        own = tuple(super().get_readonly_fields(request, obj))
        return own if request.user.is_superuser else (*own, *_RIGHTS)

    def save_model(self, request: HttpRequest, obj: User, form: forms.ModelForm[User], change: bool) -> None:
        """A new user is made by the service, so that the address counts as verified and the person can sign in."""
        if change:
            super().save_model(request, obj, form, change)
            return
        made = user_create(obj.email, form.cleaned_data["password1"], verified=True, name=obj.name)
        obj.__dict__.update(made.__dict__)

    @admin.display(description="plan")
    def plan(self, user: User) -> str:
        return selectors.plan_of(user).name

    @admin.display(description="free cash, USD")
    def free_cash(self, user: User) -> str:
        return f"{selectors.cash(user):,.2f}"

    @admin.display(description="set aside for orders, USD")
    def set_aside(self, user: User) -> str:
        return f"{selectors.reserved(user):,.2f}"

    @admin.display(description="holdings")
    def holdings(self, user: User) -> str:
        held = selectors.holdings(user)
        return (
            ", ".join(
                f"{row.index_name}: {row.units.normalize():f} units, {row.value_usd:,.2f} USD" for row in held
            )
            or "none"
        )


@admin.register(ApiKey)
class ApiKeyAdmin(ReadOnlyAdmin):
    """Keys by prefix; the secret is not known here either."""

    list_display = (
        "prefix",
        "name",
        "user",
        "scopes",
        "created_at",
        "last_used_at",
        "expires_at",
        "revoked_at",
    )
    list_filter = ("revoked_at",)
    search_fields = ("prefix", "name", "user__email")
    list_select_related = ("user",)
    fields = ("prefix", "name", "user", "scopes", "created_at", "last_used_at", "expires_at", "revoked_at")
    actions = ("revoke",)

    @admin.action(description="Revoke", permissions=["revoke"])
    def revoke(self, request: HttpRequest, keys: QuerySet[ApiKey]) -> None:
        for key in keys.select_related("user"):
            api_key_revoke(key.user, key.pk, now=timezone.now())
            self.log_change(request, key, "revoked")
        messages.success(request, f"{len(keys)} revoked.")

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("portfolios.change_apikey")
