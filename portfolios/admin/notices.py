"""What people were told, and whether its e-mail went out."""

from __future__ import annotations

from django.contrib import admin

from portfolios.admin.readonly import ReadOnlyAdmin
from portfolios.models import Announcement, Notice, NoticePreference


@admin.register(Notice)
class NoticeAdmin(ReadOnlyAdmin):
    list_display = ("id", "user", "kind", "title", "mail", "mail_attempts", "created_at", "read_at")
    list_filter = ("kind", "mail")
    search_fields = ("user__email", "key")
    list_select_related = ("user",)


@admin.register(Announcement)
class AnnouncementAdmin(ReadOnlyAdmin):
    list_display = ("key", "kind", "title", "people", "created_at")
    list_filter = ("kind",)
    search_fields = ("key", "title")


@admin.register(NoticePreference)
class NoticePreferenceAdmin(ReadOnlyAdmin):
    list_display = ("user", "kind", "by_email")
    list_filter = ("kind", "by_email")
    search_fields = ("user__email",)
    list_select_related = ("user",)
