"""Libraries' tables in the console's own look: task results, sign-in factors, sessions, groups."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as BaseGroupAdmin
from django.contrib.auth.models import Group
from django.http import HttpRequest
from django_celery_results.models import GroupResult, TaskResult
from unfold.admin import ModelAdmin

# Their own registrations come first, whatever the order of the apps, so that ours replace them.
for module in ("allauth.mfa", "allauth.usersessions", "django.contrib.auth", "django_celery_results"):
    import_module(f"{module}.admin")
admin.site.index_title = "Overview"
for model in (Authenticator, UserSession, Group, GroupResult, TaskResult):
    if admin.site.is_registered(model):
        admin.site.unregister(model)


class LookOnlyAdmin(ModelAdmin):
    """Shows and searches; the machine writes these rows."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(TaskResult)
class TaskResultAdmin(LookOnlyAdmin):
    list_display = ("task_name", "status", "date_done", "worker", "task_id")
    list_filter = ("status", "task_name")
    search_fields = ("task_id", "task_name")
    date_hierarchy = "date_done"
    show_full_result_count = False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Authenticator)
class AuthenticatorAdmin(LookOnlyAdmin):
    """A lost factor is removed here; its secret is shown nowhere."""

    list_display = ("user", "type", "created_at", "last_used_at")
    list_filter = ("type",)
    search_fields = ("user__email",)
    fields = ("user", "type", "created_at", "last_used_at")


@admin.register(UserSession)
class UserSessionAdmin(LookOnlyAdmin):
    list_display = ("user", "created_at", "last_seen_at", "ip", "user_agent")
    search_fields = ("user__email", "ip")
    fields = ("user", "created_at", "last_seen_at", "ip", "user_agent")


@admin.register(Group)
class GroupAdmin(BaseGroupAdmin, ModelAdmin):
    """What members of staff may do, by group."""
