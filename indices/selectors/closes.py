"""Closes as Decimals: what each asset was worth at the end of each day."""

from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal

import numpy as np

from indices.core import exact
from signals import selectors as signal_selectors

MARK_DAYS = 7
"""A close counts as the mark of this many days, its own included."""


def close_marks(asset_slugs: Iterable[str], *, start: date, end: date) -> dict[str, dict[date, Decimal]]:
    """Slug -> day -> USD mark at the close of each day in [start, end]: its close, or the last one of the seven days up
    to it. Days without one are absent, and so are assets that nobody knows. Raises signals.selectors.NotYetKnown where
    `end` has not closed."""
    wanted = sorted(set(asset_slugs))
    if not wanted or end < start:
        return {}
    first = start - timedelta(days=MARK_DAYS - 1)
    panel = signal_selectors.panel(as_of=end, days=(end - first).days + 1, assets=wanted)
    days = [stamp.date() for stamp in panel.dates]
    return {
        slug: _marks(days, panel.close[:, column], start, end) for column, slug in enumerate(panel.assets)
    }


def _marks(days: list[date], closes: exact.Array, start: date, end: date) -> dict[date, Decimal]:
    known = {
        day: exact.price_exact(close)
        for day, close in zip(days, closes.tolist(), strict=True)
        if not np.isnan(close) and close >= exact.SMALLEST_PRICE
    }
    marks: dict[date, Decimal] = {}
    for offset in range((end - start).days + 1):
        day = start + timedelta(days=offset)
        back = (day - timedelta(days=age) for age in range(MARK_DAYS))
        found = next((one for one in back if one in known), None)
        if found is not None:
            marks[day] = known[found]
    return marks


def level_marks(levels: Iterable[tuple[date, float]]) -> dict[date, Decimal]:
    """Day -> level as the Decimal of its shortest decimal form."""
    return {day: exact.price_exact(level) for day, level in levels if level > 0}
