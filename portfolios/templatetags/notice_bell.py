"""How many notices the signed-in person has not read, for the bell on every page."""

from django import template

from portfolios.models import User
from portfolios.selectors.notices import MOST_COUNTED, notices_unread

register = template.Library()


@register.simple_tag
def unread_notices(user: User) -> str:
    """`` (none), `1` to `99`, or `99+`. One query that counts no further."""
    count = notices_unread(user)
    return f"{MOST_COUNTED}+" if count > MOST_COUNTED else str(count or "")
