"""Where the page of an index is, for templates that show ours and one's own: {% load index_pages %}."""

from django import template

from portfolios.views import visitors

register = template.Library()


@register.filter
def index_page(slug: str) -> str:
    """The address of the page of the index with this slug."""
    return visitors.index_page(slug)
