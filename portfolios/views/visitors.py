"""Who is asking, in which form they want the answer, and where the page of an index is."""

from typing import Any, cast

from django.http import Http404, HttpRequest
from django.urls import reverse
from django_htmx.middleware import HtmxDetails

from indices import selectors as index_selectors
from portfolios.models import User


def person(request: HttpRequest) -> User:
    """The signed-in user; views that call this are behind `login_required`."""
    return cast(User, request.user)


def wants_fragment(request: HttpRequest) -> bool:
    """Whether HTMX asks for a part of the page to put in place, not for the page."""
    htmx: HtmxDetails = cast(Any, request).htmx
    return bool(htmx) and not htmx.boosted


def whole_number(request: HttpRequest, name: str) -> int | None:
    """The positive whole number of that name in the address, None where there is none; 404 for anything else."""
    text = request.GET.get(name, "")
    if text and not (text.isascii() and text.isdigit() and len(text) < len(str(2**63 - 1))):
        raise Http404(f"{name}: must be a whole number.")
    return int(text) if text else None


def index_page(slug: str) -> str:
    """The address of an index's page: the owner's own one for an index that somebody built."""
    name = "portfolios:custom_index" if index_selectors.is_custom(slug) else "indices:detail"
    return reverse(name, args=[slug])
