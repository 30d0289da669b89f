"""The years of prices that previews look at, kept read-only by each process for one market day."""

from dataclasses import dataclass, field
from datetime import date, timedelta
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from indices.core.backtest import Backtest
from indices.core.rulebook import Outlook
from signals import selectors as signal_selectors
from signals.core.panel import Panel

YEARS = 5
_LOOKBACK_DAYS = 500
"""What the longest smoothing on offer looks back before the first day of a preview, and some."""
_STRETCH_DAYS = 400
"""So many days are read at once: all of them together would for a moment take eight times their memory."""
_USED = ("close", "market_cap", "volume")


@dataclass(frozen=True, eq=False)
class Shelf:
    """What one process keeps for one market day: prices, backtests of the bases, and what grades and regime said."""

    key: tuple[str, date, int]
    panel: Panel
    backtests: dict[tuple[Any, ...], Backtest] = field(default_factory=dict)
    outlooks: dict[Any, dict[date, Outlook]] = field(default_factory=dict)


_lock = Lock()
_shelf: Shelf | None = None


def shelf_at(as_of: date) -> Shelf:
    """This process's panel of the active market through `as_of`, read from the store where it is not there yet or a
    candle has been corrected since.

    One thread reads, the others wait for it. The panel before it is let go first, so that no two lie in memory. Raises
    signals.selectors.NotYetKnown and MarketNotLoaded.
    """
    global _shelf  # noqa: PLW0603 - one shelf per process is the point
    key = (signal_selectors.market_active().source, as_of, signal_selectors.revision_stamp())
    with _lock:
        if _shelf is None or _shelf.key != key:
            _shelf = None
            _shelf = Shelf(key, lean_panel(as_of=as_of, days=365 * YEARS + _LOOKBACK_DAYS))
        return _shelf


def shelf_clear() -> None:
    """What this process keeps is forgotten."""
    global _shelf  # noqa: PLW0603
    with _lock:
        _shelf = None


def lean_panel(*, as_of: date, days: int) -> Panel:
    """The panel of the calendar days (as_of - days, as_of] without what no rule looks at: one array of unknowns stands
    for open, high and low. Stretch by stretch, so that little more than the result is ever in memory."""
    parts: list[tuple[pd.DatetimeIndex, list[str], dict[str, npt.NDArray[np.float64]]]] = []
    categories: dict[str, frozenset[str]] = {}
    firsts: dict[str, date] = {}
    last, left = as_of, days
    while left > 0:
        stretch = signal_selectors.panel(as_of=last, days=min(left, _STRETCH_DAYS))
        parts.append((stretch.dates, stretch.assets, {name: getattr(stretch, name) for name in _USED}))
        categories |= stretch.categories
        firsts |= {
            asset: day.astype(date)
            for asset, day in zip(stretch.assets, stretch.first_days, strict=True)
            if not np.isnat(day)
        }
        last -= timedelta(days=_STRETCH_DAYS)
        left -= _STRETCH_DAYS
    parts.reverse()
    assets = sorted(categories)
    dates = pd.DatetimeIndex(np.concatenate([part[0].to_numpy() for part in parts]))
    place = {asset: column for column, asset in enumerate(assets)}
    arrays = {name: np.full((len(dates), len(assets)), np.nan) for name in _USED}
    row = 0
    for held, known, values in parts:
        columns = np.array([place[asset] for asset in known], dtype=np.intp)
        for name in _USED:
            arrays[name][row : row + len(held), columns] = values[name]
        row += len(held)
    unknown = np.full((len(dates), len(assets)), np.nan)
    return Panel.from_arrays(
        dates=dates,
        assets=assets,
        arrays={**arrays, "open": unknown, "high": unknown, "low": unknown},
        categories=categories,
        first_days=firsts,
        checked=True,
    )
