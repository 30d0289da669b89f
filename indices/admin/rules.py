"""Indices for operators: what is published, the rules in force, and every decision with its weights."""

from __future__ import annotations

from typing import Any

import yaml
from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin, TabularInline

from indices.models import Decision, Index, IndexLevel, RulebookVersion, TargetWeight


class ReadOnlyAdmin(ModelAdmin):
    """Shows and searches; decisions, levels and rulebooks are made by rule, never by hand."""

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Every column, those too that a form would leave out."""
        return list(self.fields or [field.name for field in self.opts.concrete_fields])

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Index)
class IndexAdmin(ModelAdmin):
    """Name, summary, place in the list and whether it is open to new money. The rules come from the rulebook files."""

    list_display = ("name", "slug", "family", "is_published", "position", "rules")
    list_filter = ("family", "is_published")
    search_fields = ("name", "slug")
    readonly_fields = ("slug", "family", "rules")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.display(description="rulebook in force")
    def rules(self, index: Index) -> str:
        version = index.versions.order_by("-version").first()
        return f"version {version.version}" if version else "none"


@admin.register(RulebookVersion)
class RulebookVersionAdmin(ReadOnlyAdmin):
    list_display = ("index", "version", "digest", "created_at")
    list_filter = ("index",)
    fields = ("index", "version", "created_at", "digest", "text")

    @admin.display(description="rules")
    def text(self, version: RulebookVersion) -> SafeString:
        return format_html("<pre>{}</pre>", yaml.safe_dump(version.body, sort_keys=False, allow_unicode=True))


class TargetWeightInline(TabularInline):
    model = TargetWeight
    fields = ("rank", "asset", "weight")
    readonly_fields = fields
    ordering = ("rank", "-weight")
    extra = 0
    can_delete = False
    hide_title = True

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Decision)
class DecisionAdmin(ReadOnlyAdmin):
    list_display = ("index", "epoch", "as_of", "effective_on", "turnover_percent", "rulebook", "input_hash")
    list_filter = ("index",)
    list_select_related = ("index", "rulebook")
    date_hierarchy = "as_of"
    inlines = (TargetWeightInline,)

    @admin.display(description="turnover", ordering="turnover")
    def turnover_percent(self, decision: Decision) -> str:
        return f"{decision.turnover:.2%}"


@admin.register(IndexLevel)
class IndexLevelAdmin(ReadOnlyAdmin):
    list_display = ("index", "date", "level")
    list_filter = ("index",)
    list_select_related = ("index",)
    date_hierarchy = "date"
    ordering = ("-date",)
    show_full_result_count = False
