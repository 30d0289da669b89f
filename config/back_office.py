"""The admin console's overview, and its control of the market clock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import redis
from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_POST

from config.heartbeat import heartbeat_age
from indices import selectors as index_selectors
from portfolios.selectors.operations import Operations, operations
from signals import selectors as signal_selectors


@dataclass(frozen=True)
class Figure:
    """One number of the overview; `alarm` where somebody should look."""

    label: str
    value: str
    note: str = ""
    link: str = ""
    alarm: bool = False


def market_badge(request: HttpRequest) -> list[str] | None:
    """The word beside the title of every page: where prices come from."""
    try:
        market = signal_selectors.market_active()
    except signal_selectors.MarketNotLoaded:
        return ["no market", "danger"]
    return [signal_selectors.market_label(), "success" if market.time is None else "info"]


def overview(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Key figures, the clock, and the indices with their last decision, for the first page."""
    try:
        market = signal_selectors.market_active()
    except signal_selectors.MarketNotLoaded:
        return {**context, "market": None, "worker": _worker()}
    figures = operations()
    day = signal_selectors.last_closed_day()
    decisions = [
        {"index": index, "decision": index_selectors.decision_in_force(index.slug, as_of=day)}
        for index in index_selectors.index_list()
    ]
    return {
        **context,
        "market": market,
        "market_label": signal_selectors.market_label(),
        "market_time": signal_selectors.market_time(),
        "can_replay": market.time is not None and _may_replay(request),
        "money": _money(figures),
        "work": _work(figures),
        "plans": figures.plans,
        "decisions": decisions,
        "worker": _worker(),
    }


def _money(figures: Operations) -> list[Figure]:
    return [
        Figure("Invested", f"${figures.invested_usd:,.2f}", "value of all portfolios at the marks of now"),
        Figure("Free cash", f"${figures.cash_usd:,.2f}", "of all investors"),
        Figure("Set aside", f"${figures.reserved_usd:,.2f}", "for orders on their way"),
        Figure("Subscriptions", f"${figures.monthly_usd:,.2f}", "a month, active contracts"),
        Figure(
            "People", f"{figures.people:,}", "active, staff not counted", "admin:portfolios_user_changelist"
        ),
    ]


def _work(figures: Operations) -> list[Figure]:
    unknown = figures.unknown_block_orders
    return [
        Figure("Orders in flight", f"{figures.open_orders:,}", "", "admin:portfolios_order_changelist"),
        Figure(
            "Open dealing cycles", f"{figures.open_cycles:,}", "", "admin:portfolios_dealingcycle_changelist"
        ),
        Figure("Rebalances due", f"{figures.due_rebalances:,}", "", "admin:portfolios_rebalance_changelist"),
        Figure(
            "Unknown at the venue",
            f"{unknown:,}",
            "block orders that timed out; the venue is being asked"
            if unknown
            else "every block order is accounted for",
            "admin:portfolios_blockorder_changelist",
            alarm=unknown > 0,
        ),
        Figure(
            "Stopped",
            f"{figures.stopped:,}",
            "somebody, or the platform itself, stopped something" if figures.stopped else "everything runs",
            "admin:portfolios_pause_changelist",
            alarm=figures.stopped > 0,
        ),
        Figure(
            "To approve",
            f"{figures.to_approve:,}",
            "large withdrawals that wait for two people" if figures.to_approve else "",
            "admin:portfolios_payment_changelist",
            alarm=figures.to_approve > 0,
        ),
        Figure(
            "Venues in doubt",
            f"{len(figures.disagreeing):,}",
            ", ".join(figures.disagreeing) or "the last comparison with each agreed",
            "admin:portfolios_reconciliation_changelist",
            alarm=bool(figures.disagreeing),
        ),
        _freezes(),
        _alerts(),
        _grades(),
        Figure("Ledger entries", f"{figures.entries:,}", "", "admin:portfolios_entry_changelist"),
    ]


def _freezes() -> Figure:
    found = signal_selectors.guard_figures(at=signal_selectors.market_time())
    note = f"the oldest for {found.freeze_age / 60:,.0f} min; confirm or wait" if found.frozen else ""
    return Figure(
        "Frozen prices", f"{found.frozen:,}", note, "admin:signals_freeze_changelist", alarm=found.frozen > 0
    )


def _alerts() -> Figure:
    found = signal_selectors.alerts_open()
    note = ", ".join(alert.kind.replace("_", " ") for alert in found[:3]) if found else "nothing is wrong"
    return Figure("Alerts", f"{len(found):,}", note, "admin:signals_alert_changelist", alarm=bool(found))


def _grades() -> Figure:
    progress = signal_selectors.grading_progress()
    shown = f"{progress.days_done} of {progress.days_wanted} days"
    return Figure("Grades", shown, progress.text, "admin:signals_grade_changelist")


def _worker() -> Figure:
    try:
        age = heartbeat_age(timezone.now())
    except redis.RedisError:
        return Figure("Worker", "unknown", "Redis does not answer", alarm=True)
    if age is None:
        return Figure("Worker", "never seen", "no task has run yet", alarm=True)
    return Figure("Worker", f"{age:.0f} s ago", "last sign of life", alarm=age > 120)


@require_POST
def replay_start(request: HttpRequest) -> HttpResponse:
    """The replay clock is asked to advance by `days`; the worker walks it there, every tick in order."""
    # The walk reaches the task queue's application, which a page that only shows figures need not load.
    from config.replay import ReplayError, replay_request, replay_target

    if request.user.pk is None or not _may_replay(request):
        raise PermissionDenied
    try:
        days = int(request.POST.get("days", ""))
        target = replay_target(days)
        replay_request(target)
    except ReplayError as error:
        messages.error(request, f"The clock was not moved. {error}")
    except ValueError:
        messages.error(request, "The clock was not moved. days: give a whole number of days, 1 or more.")
    else:
        market = signal_selectors.market_active()
        LogEntry.objects.log_actions(
            request.user.pk,
            [market],
            CHANGE,
            f"replay to {target} asked for ({days} days)",
            single_object=True,
        )
        messages.success(
            request, f"The clock is on its way to the close of {target}. Reload to see how far it is."
        )
    return redirect("admin:index")


def _may_replay(request: HttpRequest) -> bool:
    return request.user.has_perm("signals.change_market")


replay_view = admin.site.admin_view(replay_start)
