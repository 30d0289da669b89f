"""Everything that happened to a person's money: on the screen and as a file."""

from datetime import date, datetime
from itertools import groupby
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, QueryDict, StreamingHttpResponse
from django.shortcuts import render
from django.utils.dateparse import parse_datetime
from django.views.decorators.http import require_safe

from portfolios import selectors
from portfolios.models import User
from portfolios.selectors.activity import KINDS, ActivityFilter, history, history_page
from portfolios.services.activity import activity_csv
from portfolios.views.sheets import CSV, stream
from portfolios.views.visitors import person
from signals.core import figures

LINES_A_PAGE = 50


@login_required
@require_safe
def activity(request: HttpRequest) -> HttpResponse:
    """Every movement of the person's money as dated lines with their costs, newest first."""
    user = person(request)
    before = moment(request.GET.get("before", ""))
    wanted, complaints = asked(request.GET)
    lines, older = history_page(user, wanted, limit=LINES_A_PAGE, before=before)
    kept = [
        (name, value)
        for name, values in request.GET.lists()
        for value in values
        if name != "before" and value
    ]
    context = {
        "days": [
            (day, list(group)) for day, group in groupby(lines, key=lambda line: figures.market_day(line.at))
        ],
        "older": urlencode([*kept, ("before", older.isoformat())]) if older is not None else "",
        "export": urlencode(kept),
        "is_first_page": before is None,
        "is_filtered": wanted != ActivityFilter(),
        "kinds": [(key, title, key in wanted.kinds) for key, title in KINDS.items()],
        "indices": indices_of(user),
        "wanted": wanted,
        "complaints": complaints,
        "cash": selectors.cash(user),
        "reserved": selectors.reserved(user),
    }
    return render(request, "portfolios/activity.html", context)


@login_required
@require_safe
def activity_export(request: HttpRequest) -> StreamingHttpResponse:
    """The same lines, all of them, oldest first, exactly."""
    wanted, _ = asked(request.GET)
    lines = history(person(request), wanted)
    return stream(activity_csv(lines), CSV, "bellwether-activity.csv")


def asked(query: QueryDict) -> tuple[ActivityFilter, list[str]]:
    """The filter that the address asks for, and what of it could not be understood."""
    complaints: list[str] = []
    days: dict[str, date | None] = {}
    for name in ("since", "until"):
        text = query.get(name, "").strip()
        try:
            days[name] = date.fromisoformat(text) if text else None
        except ValueError:
            days[name] = None
            complaints.append(f"{name}: write a day like 2026-01-31, not {text[:40]!r}. It was left out.")
    kinds = frozenset(query.getlist("kind")) & KINDS.keys()
    return ActivityFilter(kinds, query.get("index", "")[:64], days["since"], days["until"]), complaints


def indices_of(user: User) -> list[tuple[str, str]]:
    """(slug, name) of every index the person ever had an order in."""
    rows = selectors.order_queryset(user).order_by("portfolio__index__name")
    return list(rows.values_list("portfolio__index__slug", "portfolio__index__name").distinct())


def moment(text: str) -> datetime | None:
    """A moment from the address; anything that is none means now."""
    try:
        parsed = parse_datetime(text.replace(" ", "+"))
    except ValueError:
        return None
    return parsed if parsed is not None and parsed.tzinfo is not None else None
