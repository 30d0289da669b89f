"""The inbox: what happened to a person's money, and how they want to hear of it."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from portfolios.errors import UnknownNotice
from portfolios.selectors.notices import notice_choices, notices, notices_unread
from portfolios.services.notices import notice_read, notices_read, preferences_set
from portfolios.views.visitors import person, whole_number

A_PAGE = 30


@login_required
@never_cache
@require_safe
def inbox(request: HttpRequest) -> HttpResponse:
    """The person's notices, newest first. Looking at the list reads nothing: what is new stays marked until it is
    opened or marked read."""
    user = person(request)
    before = whole_number(request, "before")
    found = notices(user, limit=A_PAGE + 1, before=before)
    context = {
        "notices": found[:A_PAGE],
        "older": found[A_PAGE - 1].pk if len(found) > A_PAGE else None,
        "is_first_page": before is None,
        "unread": notices_unread(user),
    }
    return render(request, "portfolios/notices.html", context)


@login_required
@require_POST
def notice_open(request: HttpRequest, notice_id: int) -> HttpResponse:
    """The notice is read, and the browser is sent to what it is about."""
    try:
        notice = notice_read(person(request), notice_id, now=timezone.now())
    except UnknownNotice as error:
        raise Http404(error.message) from error
    return redirect(notice.url or "portfolios:notices")


@login_required
@require_POST
def notices_mark(request: HttpRequest) -> HttpResponse:
    """Everything is read."""
    notices_read(person(request), now=timezone.now())
    return redirect("portfolios:notices")


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def preferences(request: HttpRequest) -> HttpResponse:
    """Which kinds of notice come by e-mail too."""
    user = person(request)
    if request.method == "POST":
        wanted = set(request.POST.getlist("kind"))
        preferences_set(
            user,
            {choice.kind: choice.kind in wanted for choice in notice_choices(user) if not choice.is_fixed},
        )
        messages.success(request, "Saved. What waits to be mailed follows it too.")
        return redirect("portfolios:notice_preferences")
    return render(request, "portfolios/notice_preferences.html", {"choices": notice_choices(user)})
