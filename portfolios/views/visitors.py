"""Who is asking, and in which form they want the answer."""

from typing import Any, cast

from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails

from portfolios.models import User


def person(request: HttpRequest) -> User:
    """The signed-in user; views that call this are behind `login_required`."""
    return cast(User, request.user)


def wants_fragment(request: HttpRequest) -> bool:
    """Whether HTMX asks for a part of the page to put in place, not for the page."""
    htmx: HtmxDetails = cast(Any, request).htmx
    return bool(htmx) and not htmx.boosted
