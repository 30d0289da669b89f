"""The formatter as template filters: {% load figures %}."""

from django import template

from signals.core import figures

register = template.Library()

for name in (
    "usd",
    "usd_exact",
    "signed_usd",
    "price",
    "chart_usd",
    "compact_usd",
    "percent",
    "signed_percent",
    "points",
    "ratio",
    "reading",
    "direction",
    "usd_direction",
    "level",
    "quantity",
    "market_day",
    "market_moment",
):
    register.filter(name, getattr(figures, name))


@register.filter
def negated(value: figures.Number | None) -> figures.Number | None:
    """The value with its sign turned; None stays None."""
    return None if value is None else -figures.decimal(value)


@register.filter
def bar_width(weight: figures.Number, widest: figures.Number) -> str:
    """The length of a weight's bar as a percentage of the widest one's, for an SVG attribute."""
    top = figures.decimal(widest)
    return f"{figures.decimal(weight) / top * 100:.1f}%" if top > 0 else "0%"
