"""Restatements and events for operators: what a correction changes, the decision about it, and its application."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path

from indices.admin.rules import ReadOnlyAdmin
from indices.core.events import EventError
from indices.models import LevelRevision
from indices.services.eventing import event_enter, event_withdraw
from indices.services.restatement import restatement_apply, restatement_decide
from indices.tasks import restatement_preview_step
from signals import selectors as signal_selectors
from signals import services as signal_services
from signals.core import figures
from signals.core.restating import CorrectionError

DESK, LIST = "admin:indices_restatement", "admin:signals_restatement_changelist"
_EVENT_FIELDS = ("asset", "day", "until", "into", "ratio", "units_per_unit", "value_fraction", "return")
_NUMBERS = frozenset({"ratio", "units_per_unit", "value_fraction", "return"})


@admin.register(LevelRevision)
class LevelRevisionAdmin(ReadOnlyAdmin):
    """What was published until a restatement replaced it. The levels in force are under index levels."""

    list_display = ("index", "date", "level", "known_until", "restatement_id")
    list_filter = ("index",)
    list_select_related = ("index",)
    date_hierarchy = "date"
    ordering = ("-known_until", "-date")
    show_full_result_count = False

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        own = [
            path("restatement/<int:restatement_id>/", view(self.desk_view), name="indices_restatement"),
            path("event/", view(self.event_view), name="indices_event_enter"),
            path("event/<int:event_id>/withdraw/", view(self.withdraw_view), name="indices_event_withdraw"),
        ]
        return [*own, *super().get_urls()]

    def desk_view(self, request: HttpRequest, restatement_id: int) -> HttpResponse:
        """What was proposed, what it changes, and the buttons of those who may decide."""
        if not request.user.has_perm("signals.view_restatement"):
            raise PermissionDenied
        row = signal_selectors.restatement(restatement_id)
        if row is None:
            raise Http404(f"There is no restatement {restatement_id}.")
        if request.method == "POST":
            self._act(request, row)
            return redirect(DESK, restatement_id)
        policy = row.effects.get("policy", {})
        context = {
            **self.admin_site.each_context(request),
            "title": f"Correction {row.id}: {row.name}, {row.day}",
            "opts": self.opts,
            "row": row,
            "values": [
                (name, figures.price(row.old.get(name)), figures.price(value))
                for name, value in row.new.items()
            ],
            "policy": policy,
            "other": "notice" if policy.get("treatment") == "restate" else "restate",
            "largest": figures.percent(row.effects["largest"], 4) if "largest" in row.effects else "",
            "touched": [_touched(entry) for entry in row.effects.get("indices", [])],
            "may_decide": request.user.has_perm("signals.change_restatement"),
            "is_mine": request.user.get_username() == row.proposed_by,
        }
        return TemplateResponse(request, "admin/restatement.html", context)

    def _act(self, request: HttpRequest, row: signal_selectors.Correction) -> None:
        action, by, typed = request.POST.get("action"), request.user.get_username(), request.POST
        if request.user.pk is None:
            raise PermissionDenied
        mine = action == "withdraw" and by == row.proposed_by
        if not mine and not request.user.has_perm("signals.change_restatement"):
            raise PermissionDenied
        try:
            if action == "preview":
                restatement_preview_step.delay(row.id)
                said = "What it changes is being worked out. Reload in a moment."
            elif action == "approve":
                restatement_decide(
                    row.id, by=by, treatment=typed.get("treatment", ""), why=typed.get("why", "")
                )
                said = "Approved. Nothing has changed yet: apply it."
            elif action == "apply":
                effects = restatement_apply(row.id, by=by)
                changed = sum(1 for entry in effects["indices"] if entry.get("levels"))
                restated = f"The candle is corrected and levels of {changed} indices are restated."
                said = f"Applied and published. {restated if row.treatment == 'restate' else 'Nothing was changed.'}"
            elif action in ("reject", "withdraw"):
                to = "rejected" if action == "reject" else "withdrawn"
                signal_services.restatement_close(row.id, to=to, by=by, why=typed.get("why", ""))
                said = f"It is {to}."
            else:
                raise CorrectionError("action: press one of the buttons.")
        except (CorrectionError, EventError) as error:
            messages.error(request, f"Nothing was changed. {error}")
            return
        if action != "preview":
            LogEntry.objects.create(
                user_id=request.user.pk,
                content_type=ContentType.objects.get_by_natural_key("signals", "restatement"),
                object_id=str(row.id),
                object_repr=f"restatement {row.id}",
                action_flag=CHANGE,
                change_message=f"{action}: {row.slug} {row.day}",
            )
        messages.success(request, said)

    def event_view(self, request: HttpRequest) -> HttpResponse:
        """A form for one event; a POST enters it in the operator's name."""
        if not request.user.has_perm("signals.add_assetevent"):
            raise PermissionDenied
        if request.method == "POST" and self._entered(request):
            return redirect("admin:signals_assetevent_changelist")
        context = {
            **self.admin_site.each_context(request),
            "title": "Enter an event of a token",
            "opts": self.opts,
            "typed": request.POST,
            "kinds": ("redenomination", "airdrop", "halt", "delisting"),
            "fields": [(name, request.POST.get(name, "")) for name in _EVENT_FIELDS],
        }
        return TemplateResponse(request, "admin/event_enter.html", context)

    def _entered(self, request: HttpRequest) -> bool:
        try:
            pk = event_enter(
                _event_data(request),
                by=request.user.get_username(),
                source_url=request.POST.get("source_url", "").strip(),
                note=request.POST.get("note", "").strip(),
            )
        except (CorrectionError, EventError) as error:
            messages.error(request, f"Nothing was entered. {error}")
            return False
        messages.success(request, f"Event {pk} is known from now on.")
        return True

    def withdraw_view(self, request: HttpRequest, event_id: int) -> HttpResponse:
        """A POST with a reason withdraws the event."""
        if not request.user.has_perm("signals.change_assetevent"):
            raise PermissionDenied
        if request.method == "POST":
            try:
                event_withdraw(event_id, by=request.user.get_username(), why=request.POST.get("why", ""))
            except (CorrectionError, EventError) as error:
                messages.error(request, f"Nothing was changed. {error}")
            else:
                messages.success(request, "Withdrawn. What is decided from now on does not know it.")
        return redirect("admin:signals_assetevent_change", event_id)


def _event_data(request: HttpRequest) -> dict[str, Any]:
    data: dict[str, Any] = {"kind": request.POST.get("kind", "")}
    for name in _EVENT_FIELDS:
        text = request.POST.get(name, "").strip()
        if not text:
            continue
        if name in _NUMBERS:
            try:
                data[name] = float(text)
            except ValueError as error:
                raise EventError(f"{name}: must be a number, got {text!r}") from error
        else:
            data["from" if name == "day" and data["kind"] == "halt" else name] = text
    return data


def _touched(entry: dict[str, Any]) -> dict[str, Any]:
    levels, decisions = entry.get("levels"), entry.get("decisions", {})
    shown: dict[str, Any] = {"name": entry["name"], "slug": entry["slug"], "decisions": decisions}
    shown["receipts"] = entry.get("receipts", [])
    shown["rows"] = [
        {
            **row,
            "shifts": [
                (shift["asset"], figures.percent(shift["decided"], 2), figures.percent(shift["corrected"], 2))
                for shift in row["shifts"]
            ],
        }
        for row in decisions.get("rows", [])
    ]
    if levels:
        shown["levels"] = levels
        shown["largest"] = figures.signed_percent(levels["largest"], 4)
        shown["at_the_end"] = figures.signed_percent(levels["at_the_end"], 4)
    return shown
