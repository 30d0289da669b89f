"""Corrections for operators: propose one, and look at what was known before and at what happened to tokens.

What a correction or an event does to indices, and deciding about it, is on the indices' own pages: they are named by
address only.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from signals import services
from signals.admin.guarding import typed_price
from signals.admin.readonly import ReadOnlyAdmin
from signals.core import figures
from signals.core.restating import CORRECTABLE, CorrectionError
from signals.models import Asset, AssetEvent, CandleRevision, Restatement

DESK = "admin:indices_restatement"
"""The page of the indices that previews and decides, by name."""


@admin.register(Restatement)
class RestatementAdmin(ReadOnlyAdmin):
    """Open ones first in time. `Add` proposes a correction; a click leads to what it changes and to the decision."""

    list_display = (
        "pk",
        "asset",
        "day",
        "change",
        "status",
        "treatment",
        "proposed_by",
        "approved_by",
        "action",
    )
    list_display_links = None
    list_filter = ("status", "treatment")
    list_select_related = ("asset",)
    search_fields = ("asset__slug", "asset__name", "proposed_by", "approved_by")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("signals.add_restatement")

    @admin.display(description="old → new")
    def change(self, row: Restatement) -> str:
        return "; ".join(
            f"{name} {figures.price(row.old.get(name))} → {figures.price(value)}"
            for name, value in row.new.items()
        )

    @admin.display(description="decide")
    def action(self, row: Restatement) -> SafeString:
        return format_html(
            '<a class="font-semibold underline" href="{}">Look at it</a>', reverse(DESK, args=[row.pk])
        )

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """The page that previews it."""
        return redirect(DESK, int(object_id)) if object_id.isdecimal() else redirect(self.list_address)

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Token, day and corrected values; a POST proposes them in the operator's name."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        if request.method == "POST":
            row = self._proposed(request)
            if row is not None:
                return redirect(DESK, row.pk)
        context = {
            **self.admin_site.each_context(request),
            "title": "Propose a correction",
            "opts": self.opts,
            "typed": request.POST,
            "fields": [(name, request.POST.get(name, "")) for name in CORRECTABLE],
        }
        return TemplateResponse(request, "admin/restatement_propose.html", context)

    def _proposed(self, request: HttpRequest) -> Restatement | None:
        typed = request.POST
        new: dict[str, float] = {}
        for name in CORRECTABLE:
            text = typed.get(name, "").strip()
            if not text:
                continue
            value = 0.0 if name == "volume" and text == "0" else typed_price(text)
            if value is None:
                messages.error(
                    request, f"Nothing was proposed. {name}: type a number of USD, such as 10312.1."
                )
                return None
            new[name] = value
        try:
            row = services.restatement_propose(
                typed.get("token", "").strip(),
                day=date.fromisoformat(typed.get("day", "")),
                source=typed.get("source", "").strip(),
                new=new,
                reason=typed.get("reason", ""),
                evidence_url=typed.get("evidence_url", "").strip(),
                by=request.user.get_username(),
            )
        except Asset.DoesNotExist:
            messages.error(
                request, "Nothing was proposed. token: there is none of that id; see the list of tokens."
            )
            return None
        except (CorrectionError, ValueError) as error:
            messages.error(request, f"Nothing was proposed. {error}")
            return None
        self.log_addition(request, row, f"proposed {row.new} for {row.asset.slug} on {row.day}")
        messages.success(request, "Proposed. Nothing has changed yet; somebody else decides about it.")
        return row

    @property
    def list_address(self) -> str:
        """The address of the list."""
        return reverse("admin:signals_restatement_changelist")


@admin.register(CandleRevision)
class CandleRevisionAdmin(ReadOnlyAdmin):
    """What candles said before they were changed, by whatever."""

    list_display = ("asset", "day", "source", "close", "volume", "market_cap", "known_from", "known_until")
    list_filter = ("source",)
    list_select_related = ("asset",)
    search_fields = ("asset__slug", "asset__name")
    ordering = ("-known_until",)
    show_full_result_count = False

    @admin.display(description="day", ordering="opened_at")
    def day(self, row: CandleRevision) -> date:
        return row.opened_at.date()


@admin.register(AssetEvent)
class AssetEventAdmin(ReadOnlyAdmin):
    """What happened to tokens. Entered on the indices' page, which knows what an event needs; withdrawn here."""

    list_display = ("asset", "kind", "day", "until", "into", "terms", "known_from", "withdrawn_at")
    list_filter = ("kind", ("withdrawn_at", admin.EmptyFieldListFilter))
    list_select_related = ("asset", "into")
    search_fields = ("asset__slug", "asset__name", "note")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("signals.add_assetevent")

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The page of the indices that checks and enters it."""
        return redirect("admin:indices_event_enter")

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """The event as it was entered, with a form that asks the indices' page to withdraw it."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        event = get_object_or_404(AssetEvent.objects.select_related("asset", "into"), pk=object_id)
        context = {
            **self.admin_site.each_context(request),
            "title": str(event),
            "opts": self.opts,
            "event": event,
            "facts": [
                (field.verbose_name, getattr(event, field.name)) for field in self.opts.concrete_fields
            ],
        }
        return TemplateResponse(request, "admin/asset_event.html", context)
