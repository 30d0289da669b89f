"""The page of the market's regime: gauge, readings, history and the price tag."""

from datetime import timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from signals import selectors
from signals.core.regime import RegimeRules
from signals.core.regime.drawing import gauge, history_chart
from signals.core.regime.wording import (
    WEEKDAYS,
    account,
    held_alike,
    lines,
    next_look,
    reckoning,
    verdict,
)

RANGES = {"1y": ("1Y", 365), "3y": ("3Y", 1096), "all": ("All", None)}


@require_safe
def regime(request: HttpRequest) -> HttpResponse:
    """Where the regime stands, why, and what following it would have saved and cost."""
    day = selectors.last_closed_day()
    chosen = request.GET.get("range", "all")
    if chosen not in RANGES:
        chosen = "all"
    points = selectors.regime_points(as_of=day)
    days = RANGES[chosen][1]
    first = day - timedelta(days=days) if days is not None else None
    context: dict[str, Any] = {
        "chart": history_chart([point for point in points if first is None or point.day >= first]),
        "ranges": [(key, label) for key, (label, _) in RANGES.items()],
        "range": chosen,
    }
    if getattr(request, "htmx", False):
        return render(request, "signals/_regime_chart.html", context)
    standing = selectors.regime_day(as_of=day)
    if standing is None:
        return render(request, "signals/regime.html", context)
    rules = RegimeRules()
    leader = selectors.assets_by_slug([standing.leader]).get(standing.leader) if standing.leader else None
    cash = standing.ledger.get("cash") or 0.0
    alike = held_alike([point.passive for point in points], 1 - cash)
    avoided = standing.ledger.get("drawdown_avoided") or 0.0
    context |= {
        "avoided": f"{100 * avoided:.0f} points",
        "standing": standing,
        "gauge": gauge(standing.risk_share),
        "verdict": verdict(standing.risk_share),
        "lines": lines(standing.readings, rules, leader=leader.name if leader else ""),
        "reckoning": reckoning(standing.readings, standing.wanted, rules),
        "next_look": next_look(standing.day, rules),
        "weekday": WEEKDAYS[rules.weekday],
        "is_late": standing.day < day,
        "account": account(standing.ledger, first=points[0].day, day=standing.day, alike=alike),
        "cost": rules.cost,
    }
    return render(request, "signals/regime.html", context)
