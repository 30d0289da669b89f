"""The stretch of the market that a day's features are made from, kept while one day follows another."""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pandas as pd

from signals.core.panel import FIELDS, Panel
from signals.models import LoadRun, Market
from signals.selectors import market_active, panel, revision_stamp

APPEND_DAYS = 40
"""A gap longer than this is read anew rather than appended."""


@dataclass(frozen=True)
class Window:
    """A panel that holds every candle of the market from `first` to `through`; `key` says of which market and load, and
    which corrections it knows."""

    key: tuple[int, int, int]
    first: date
    through: date
    panel: Panel


_kept: dict[str, Window] = {}


def window_panel(*, as_of: date, days: int, back_to: date | None = None, keep: bool = True) -> Panel:
    """The candles of the active market known at the close of `as_of`, the last `days` days.

    An asset whose last candle is older may have a column of unknowns. What was read is kept
    for the next call in this process: the day after only reads that day. `back_to` is the earliest day that will be
    asked for in this run, so that one reading serves all. Without `keep` nothing is kept that is not kept already.
    Raises NotYetKnown.
    """
    market = market_active()
    load = LoadRun.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    key = (market.pk, load, revision_stamp())
    first = min(as_of, back_to or as_of) - timedelta(days=days - 1)
    kept = _kept.get("window")
    if kept is None or kept.key != key or kept.first > first or (as_of - kept.through).days > APPEND_DAYS:
        kept = Window(key, first, as_of, _read(market, first, as_of))
        if not keep:
            return kept.panel
    elif kept.through < as_of:
        later = _read(market, kept.through + timedelta(days=1), as_of)
        # As long as it was: another reader may want more days than this one.
        start = min(first, kept.first + (as_of - kept.through))
        kept = Window(key, start, as_of, joined(_from(kept.panel, start), later))
    _kept["window"] = kept
    return _from(kept.panel.as_of(as_of), as_of - timedelta(days=days - 1))


def window_drop() -> None:
    """Nothing is kept: the memory is free, and the next call reads the store anew."""
    _kept.clear()


def joined(earlier: Panel, later: Panel) -> Panel:
    """`earlier` and, below it, `later`, whose days all come after; assets with a close in either, in slug order."""
    if not len(later.dates):
        return earlier
    alive = np.flatnonzero(~np.isnan(earlier.close).all(axis=0))
    kept = [earlier.assets[column] for column in alive]
    assets = sorted({*kept, *later.assets})
    place = {asset: number for number, asset in enumerate(assets)}
    above = [place[asset] for asset in kept]
    below = [place[asset] for asset in later.assets]
    rows = len(earlier.dates)
    arrays = {}
    for name in FIELDS:
        whole = np.empty((rows + len(later.dates), len(assets)))
        if len(above) < len(assets):
            whole[:rows] = np.nan
        whole[:rows, above] = getattr(earlier, name)[:, alive]
        whole[rows:] = np.nan
        whole[rows:, below] = getattr(later, name)
        arrays[name] = whole
    firsts = {
        asset: day.astype(date)
        for part in (earlier, later)
        for asset, day in zip(part.assets, part.first_days, strict=True)
        if not np.isnat(day)
    }
    return Panel.from_arrays(
        dates=pd.DatetimeIndex(earlier.dates.append(later.dates)),
        assets=assets,
        arrays=arrays,
        categories={**earlier.categories, **later.categories},
        first_days=firsts,
    )


def _read(market: Market, first: date, through: date) -> Panel:
    return panel(as_of=through, days=(through - first).days + 1, market=market)


def _from(whole: Panel, first: date) -> Panel:
    return whole.last(len(whole.dates) - int(whole.dates.searchsorted(np.datetime64(first, "s"))))
