"""The price guard for operators: the queue of freezes, and what the guard thinks of every asset."""

from __future__ import annotations

import math
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import F, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from signals import selectors, services
from signals.admin.readonly import ReadOnlyAdmin
from signals.core import figures
from signals.models import Freeze, GuardRecord


@admin.register(Freeze)
class FreezeAdmin(ReadOnlyAdmin):
    """Open ones first. A freeze ends when sources or a person confirm the price; nobody edits one."""

    list_display = ("asset", "before", "said", "began_at", "ended_at", "ended_by", "action")
    list_filter = (("ended_at", admin.EmptyFieldListFilter),)
    list_select_related = ("asset",)
    search_fields = ("asset__slug", "asset__name", "ended_by")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Freeze]:
        freezes: QuerySet[Freeze] = super().get_queryset(request)
        return freezes.order_by(F("ended_at").desc(nulls_first=True), "-began_at")

    def get_urls(self) -> list[URLPattern]:
        own = path(
            "<int:freeze_id>/confirm/",
            self.admin_site.admin_view(self.confirm_view),
            name="signals_freeze_confirm",
        )
        return [own, *super().get_urls()]

    @admin.display(description="last mark")
    def before(self, freeze: Freeze) -> str:
        return figures.price(freeze.last_mark)

    @admin.display(description="price that waits")
    def said(self, freeze: Freeze) -> str:
        return figures.price(freeze.candidate)

    @admin.display(description="confirm")
    def action(self, freeze: Freeze) -> SafeString | str:
        if freeze.ended_at is not None:
            return figures.DASH
        return format_html(
            '<a class="font-semibold underline" href="{}">Look at it</a>',
            reverse("admin:signals_freeze_confirm", args=[freeze.pk]),
        )

    def confirm_view(self, request: HttpRequest, freeze_id: int) -> HttpResponse:
        """Both prices and what each source says; a POST with the price typed ends the freeze in the operator's name."""
        if not request.user.has_perm("signals.change_freeze"):
            raise PermissionDenied
        freeze = get_object_or_404(Freeze.objects.select_related("asset"), pk=freeze_id)
        if request.method == "POST" and self._confirmed(request, freeze):
            return redirect("admin:signals_freeze_changelist")
        record = GuardRecord.objects.filter(asset=freeze.asset).first()
        verdict: dict[str, Any] = record.verdict if record is not None else {}
        context = {
            **self.admin_site.each_context(request),
            "title": f"Freeze of {freeze.asset.name}",
            "opts": self.opts,
            "freeze": freeze,
            "last_mark": figures.price(freeze.last_mark),
            "began_with": figures.price(freeze.candidate),
            "candidate": figures.price(verdict.get("candidate")) if verdict.get("candidate") else "",
            "move": figures.signed_percent(verdict["move"], 1) if verdict.get("move") is not None else "",
            "reasons": verdict.get("reasons", freeze.reasons),
            "stepped_at": record.stepped_at if record is not None else None,
            "quotes": [
                {**quote, "price": figures.price(quote["price"])} for quote in verdict.get("quotes", [])
            ],
            "began_sources": [(name, figures.price(price)) for name, price in freeze.sources.items()],
        }
        return TemplateResponse(request, "admin/freeze.html", context)

    def _confirmed(self, request: HttpRequest, freeze: Freeze) -> bool:
        typed = typed_price(request.POST.get("candidate", ""))
        if typed is None:
            messages.error(request, "Nothing was changed: type the price that you stand for, such as 0.0002.")
            return False
        try:
            services.freeze_confirm(
                freeze.pk,
                candidate=typed,
                by=request.user.get_username(),
                at=selectors.market_time(),
            )
        except services.ConfirmationRefused as refusal:
            messages.error(request, str(refusal))
            return False
        self.log_change(request, freeze, f"confirmed the price of {freeze.asset.slug}: typed {typed:g} USD")
        messages.success(request, f"{freeze.asset.name} trades again at the price you confirmed.")
        return True


@admin.register(GuardRecord)
class GuardRecordAdmin(ReadOnlyAdmin):
    """The last round of every asset with live quotes."""

    list_display = ("asset", "status", "marked", "marked_at", "stepped_at", "why")
    list_filter = ("status",)
    list_select_related = ("asset",)
    search_fields = ("asset__slug", "asset__name")
    ordering = ("asset__slug",)

    @admin.display(description="mark", ordering="mark")
    def marked(self, record: GuardRecord) -> str:
        return figures.price(record.mark)

    @admin.display(description="why")
    def why(self, record: GuardRecord) -> str:
        return " ".join(record.verdict.get("reasons", []))


def typed_price(text: str) -> float | None:
    """USD as a person writes it (`$1,234.50`, `0.0002`), or None where that is no positive number."""
    try:
        price = float(text.strip().removeprefix("$").replace(",", ""))
    except ValueError:
        return None
    return price if math.isfinite(price) and price > 0 else None
