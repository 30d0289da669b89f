"""Indices of one's own: the list, one of them, its link for others, and the page behind that link."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from indices import selectors as index_selectors
from indices.core.calendar import effective_day
from indices.core.prose import rules
from indices.services.preview import changes
from portfolios import selectors
from portfolios.errors import MoneyError
from portfolios.models import CustomIndex
from portfolios.services import custom
from portfolios.views.drafts import preview_context
from portfolios.views.overview import next_decision
from portfolios.views.visitors import person, wants_fragment
from signals import selectors as signal_selectors
from signals.core.charting import line_chart


@login_required
@require_safe
def mine(request: HttpRequest) -> HttpResponse:
    """The person's own indices, each with its level since it was made."""
    user = person(request)
    day = signal_selectors.last_closed_day()
    kept = selectors.custom_indices(user)
    names = {row.slug: row.name for row in index_selectors.index_list()}
    held = {holding.index_slug: holding for holding in selectors.holdings(user)}
    context = {
        "rows": [
            {
                "own": own,
                "base_name": names.get(own.based_on, own.based_on),
                "performance": index_selectors.performance(own.index, as_of=day),
                "holding": held.get(own.index.slug),
            }
            for own in kept
        ],
        "left": selectors.custom_indices_left(user),
        "plan": selectors.plan_of(user),
    }
    return render(request, "portfolios/custom_list.html", context)


@login_required
@require_safe
def own(request: HttpRequest, slug: str) -> HttpResponse:
    """One index of the person's own: rules, what it holds, its record, its backtest, and what can be done with it."""
    user = person(request)
    found = selectors.custom_index(user, slug)
    if found is None:
        raise Http404("You have no such index.")
    if wants_fragment(request) or "backtest" in request.GET:
        context = _backtest(request, found)
        if wants_fragment(request):
            return render(request, "portfolios/_preview.html", context)
    else:
        context = {}
    context |= _facts(found) | {
        "holding": selectors.holding(user, slug),
        "in_use": selectors.custom_index_in_use(found),
        "allowed": selectors.index_allowed(user, slug),
        "plan_needed": selectors.plan_needed(slug),
        "share_address": _share_address(request, found),
        "is_owner": True,
    }
    return render(request, "portfolios/custom_index.html", context)


@require_safe
def shared(request: HttpRequest, token: str) -> HttpResponse:
    """What whoever has the link may see: rules, backtest, record, and a way to copy. Not whose it is."""
    found = selectors.custom_index_shared(token)
    if found is None:
        raise Http404("This link opens nothing, or nothing any more.")
    if wants_fragment(request) or "backtest" in request.GET:
        context = _backtest(request, found)
        if wants_fragment(request):
            return render(request, "portfolios/_preview.html", context)
    else:
        context = {}
    response = render(request, "portfolios/custom_shared.html", context | _facts(found))
    # The link is the key: it must not reach a search engine, nor another site by a referrer.
    response.headers["X-Robots-Tag"] = "noindex"
    response.headers["Referrer-Policy"] = "same-origin"
    return response


@login_required
@require_POST
def share(request: HttpRequest, slug: str) -> HttpResponse:
    """The index has a link that anybody who knows it may open."""
    return _changed(
        request,
        lambda: custom.custom_index_share(person(request), slug),
        said="Whoever has the link below may now see the rules and copy them.",
        then=reverse("portfolios:custom_index", args=[slug]),
    )


@login_required
@require_POST
def unshare(request: HttpRequest, slug: str) -> HttpResponse:
    """The link opens nothing any more."""
    return _changed(
        request,
        lambda: custom.custom_index_unshare(person(request), slug),
        said="The link opens nothing any more. A new one will be a different one.",
        then=reverse("portfolios:custom_index", args=[slug]),
    )


@login_required
@require_POST
def archive(request: HttpRequest, slug: str) -> HttpResponse:
    """The index is put away, or a message says why not."""
    return _changed(
        request,
        lambda: custom.custom_index_archive(person(request), slug, now=timezone.now()),
        said="{name} was archived.",
        then=reverse("portfolios:custom_indices"),
    )


def _changed(
    request: HttpRequest, change: Callable[[], CustomIndex], *, said: str, then: str
) -> HttpResponse:
    """On to `then` with `said` (its {name} is the index), or back to the list with the reason why nothing changed."""
    try:
        changed = change()
    except MoneyError as error:
        messages.error(request, error.message)
        return redirect("portfolios:custom_indices")
    messages.success(request, said.format(name=changed.name))
    return redirect(then)


def _facts(found: CustomIndex) -> dict[str, Any]:
    day = signal_selectors.last_closed_day()
    index = found.index
    rulebook = index_selectors.rulebook(index)
    base = _base_rulebook(found.based_on)
    performance = index_selectors.performance(index, as_of=day)
    decided = next_decision(rulebook, day)
    holdings = index_selectors.holdings(index, as_of=day)
    return {
        "own": found,
        "index": index,
        "rulebook": rulebook,
        "base_name": found.based_on if base is None else base.name or base.slug,
        "base_exists": base is not None,
        "changes": [] if base is None else changes(base, rulebook),
        "rules": rules(rulebook),
        "performance": performance,
        "record": line_chart(index_selectors.levels(index, end=day)),
        "holdings": holdings,
        "widest_holding": max((row.drifted_weight for row in holdings), default=0),
        "day": day,
        "next_decided": decided,
        "next_traded": effective_day(rulebook.calendar, decided),
        "token": found.share_token,
    }


def _backtest(request: HttpRequest, found: CustomIndex) -> dict[str, Any]:
    base = _base_rulebook(found.based_on)
    rulebook = index_selectors.rulebook(found.index)
    if base is None:
        return {"refusal": f"{found.based_on} is no longer there to compare with."}
    try:
        day = custom.last_day()
    except MoneyError as error:
        return {"refusal": error.message}
    return preview_context(request, rulebook, base, as_of=day, name="This index") | {
        "is_backtest": True,
        "own": found,
    }


def _base_rulebook(slug: str) -> Any:
    try:
        return index_selectors.base_rulebook(slug)
    except index_selectors.IndexNotFound:
        return None


def _share_address(request: HttpRequest, found: CustomIndex) -> str:
    from django.urls import reverse

    if found.share_token is None:
        return ""
    return request.build_absolute_uri(reverse("portfolios:shared_index", args=[found.share_token]))
