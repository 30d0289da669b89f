"""The two facts about a token that a trade needs: its mark and how much of it is traded."""

from collections.abc import Iterable
from datetime import datetime

from signals import selectors as signal_selectors
from signals.core import clock


def volumes(slugs: Iterable[str], *, at: datetime) -> dict[str, int]:
    """Token slug -> whole USD traded on the last closed day before `at`, the median of the last week; a token without
    a candle in that week is absent."""
    import numpy as np

    wanted = sorted(set(slugs))
    if not wanted:
        return {}
    panel = signal_selectors.panel(as_of=clock.last_closed_day(at), days=7, assets=wanted)
    known = {}
    for column, slug in enumerate(panel.assets):
        days = panel.volume[:, column]
        days = days[~np.isnan(days)]
        if days.size:
            known[slug] = int(np.median(days))
    return known
