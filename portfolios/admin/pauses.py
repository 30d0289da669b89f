"""The kill switch for operators: stop something in one's own name, and let it go on."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import F, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from portfolios.admin.readonly import ReadOnlyAdmin
from portfolios.errors import MoneyError
from portfolios.models import Pause, User
from portfolios.services import pauses

LIST = "admin:portfolios_pause_changelist"


@admin.register(Pause)
class PauseAdmin(ReadOnlyAdmin):
    """Open ones first. `Add` stops something; nobody edits a row."""

    list_display = ("what", "reason", "started_at", "started_by", "ended_at", "ended_by", "action")
    list_filter = ("scope", ("ended_at", admin.EmptyFieldListFilter))
    list_select_related = ("started_by", "ended_by")
    search_fields = ("target", "reason")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Pause]:
        rows: QuerySet[Pause] = super().get_queryset(request)
        return rows.order_by(F("ended_at").desc(nulls_first=True), "-started_at")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("portfolios.add_pause")

    def get_urls(self) -> list[URLPattern]:
        own = path(
            "<int:pause_id>/end/", self.admin_site.admin_view(self.end_view), name="portfolios_pause_end"
        )
        return [own, *super().get_urls()]

    @admin.display(description="stopped")
    def what(self, row: Pause) -> str:
        return f"{row.get_scope_display()} {row.target}".strip()

    @admin.display(description="go on")
    def action(self, row: Pause) -> SafeString | str:
        if row.ended_at is not None:
            return "-"
        address = reverse("admin:portfolios_pause_end", args=[row.pk])
        return format_html('<a class="font-semibold underline" href="{}">End it</a>', address)

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """What to stop and why; a POST stops it at once."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        if request.method == "POST" and self._started(request):
            return redirect(LIST)
        context = {
            **self.admin_site.each_context(request),
            "title": "Stop something",
            "opts": self.opts,
            "typed": request.POST,
            "scopes": Pause.Scope.choices,
        }
        return TemplateResponse(request, "admin/pause_start.html", context)

    def end_view(self, request: HttpRequest, pause_id: int) -> HttpResponse:
        """Asks once; a POST ends the pause."""
        if not isinstance(request.user, User) or not request.user.has_perm("portfolios.change_pause"):
            raise PermissionDenied
        row = Pause.objects.filter(pk=pause_id).first()
        if row is None:
            messages.error(request, f"Nothing was changed: there is no pause {pause_id}.")
            return redirect(LIST)
        if request.method == "POST":
            pauses.pause_end(row.pk, by=request.user)
            self.log_change(request, row, f"ended the pause of {self.what(row)}")
            messages.success(
                request, f"Not stopped any more: {self.what(row)}. What waited goes on by itself."
            )
            return redirect(LIST)
        context = {
            **self.admin_site.each_context(request),
            "title": "Let it go on",
            "opts": self.opts,
            "pause": row,
            "what": self.what(row),
        }
        return TemplateResponse(request, "admin/pause_end.html", context)

    def _started(self, request: HttpRequest) -> bool:
        typed = request.POST
        by = request.user if isinstance(request.user, User) else None
        try:
            row = pauses.pause_start(
                typed.get("scope", ""), typed.get("target", "").strip(), reason=typed.get("reason", ""), by=by
            )
        except MoneyError as error:
            messages.error(request, f"{error.field}: {error.message}")
            return False
        self.log_addition(request, row, f"stopped {self.what(row)}: {row.reason}")
        messages.success(request, f"Stopped: {self.what(row)}. What was sent before is followed to its end.")
        return True
