"""The panel out of the store: one binary COPY per source, straight into [date x asset] arrays."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta

import numpy as np
import numpy.typing as npt
import pandas as pd
from django.db import connection

from signals.core import clock
from signals.core.panel import FIELDS, Panel
from signals.models import Asset, Candle, Market
from signals.selectors.market import candle_sources, market_active, require_known
from signals.selectors.observations import observing

_HEADER_BYTES = 19  # signature 11, flags 4, length of extension 4
_TRAILER_BYTES = 2
# Unknowns travel as NaN, so every tuple has the same width and the stream is one big record array.
_TUPLE = np.dtype(
    [("fields", ">i2"), ("asset_size", ">i4"), ("asset", ">i8"), ("day_size", ">i4"), ("day", ">i4")]
    + [item for name in FIELDS for item in ((f"{name}_size", ">i4"), (name, ">f8"))]
)
_COLUMNS = ", ".join(f"coalesce({name}, 'NaN'::float8)" for name in FIELDS)
_SELECT = f"""
    SELECT asset_id, (opened_at AT TIME ZONE 'UTC')::date - DATE '1970-01-01', {_COLUMNS}
    FROM {{table}}
    WHERE interval = '1d' AND source = %s AND opened_at >= %s AND opened_at <= %s AND (%s OR asset_id = ANY(%s))
"""  # noqa: S608 - the only insertion is the constant list of columns
_QUERY = f"COPY ({_SELECT.format(table='signals_candle')}) TO STDOUT (FORMAT BINARY)"
# What was known then: candles that have not changed since, and of the others the values in force at that moment.
_QUERY_KNOWN = f"""
COPY (
    {_SELECT.format(table="signals_candle")} AND (known_from IS NULL OR known_from <= %s)
    UNION ALL
    {_SELECT.format(table="signals_candlerevision")} AND known_until > %s AND (known_from IS NULL OR known_from <= %s)
) TO STDOUT (FORMAT BINARY)
"""


def panel(
    *,
    as_of: date,
    days: int | None = None,
    assets: Iterable[str] | None = None,
    market: Market | None = None,
    observed: bool = False,
    known_at: datetime | None = None,
) -> Panel:
    """Daily candles of the active market known at the close of `as_of`, [date x asset], USD, assets in slug order.

    `market` asks another loaded market, by its own clock. `days` keeps the calendar days (as_of - days, as_of]; default
    all. `assets` limits it to these slugs; default every asset with a candle in the window. Days without any candle
    have no row. `first_days` is each asset's true first day even where it lies before the window. `observed` adds what
    is stored beside the candles, each number as it was known at its row's close. `known_at` (wall clock) gives the
    candles as our store held them at that moment, before later corrections and late arrivals; default: as they are now.
    Raises NotYetKnown where `as_of` is ahead of the market clock, and MarketNotLoaded.
    """
    market = market or market_active()
    require_known(market, as_of)
    if days is not None and days < 1:
        raise ValueError(f"days: must be at least 1, got {days}.")
    start = as_of - timedelta(days=days - 1) if days is not None else date(1970, 1, 1)
    wanted = Asset.objects.order_by("slug").values_list("id", "slug", "categories", "first_day")
    if assets is not None:
        wanted = wanted.filter(slug__in=list(assets))
    known = list(wanted)
    ids = np.array([row[0] for row in known], dtype=np.int64)
    batches = [
        _rows(source, start, as_of, ids if assets is not None else None, known_at)
        for source in candle_sources(market)
    ]
    found = _panel(batches, known, ids)
    return observing(found, market=market) if observed else found


def _rows(
    source: str,
    start: date,
    as_of: date,
    ids: npt.NDArray[np.int64] | None,
    known_at: datetime | None,
) -> npt.NDArray[np.void]:
    span = [source, clock.start_of_day(start), clock.start_of_day(as_of)]
    asked = [*span, ids is None, [] if ids is None else ids.tolist()]
    query, parameters = _QUERY, asked
    if known_at is not None:
        query, parameters = _QUERY_KNOWN, [*asked, known_at, *asked, known_at, known_at]
    # The driver's own cursor: Django's wrapper for DEBUG takes no parameters here.
    with connection.cursor() as cursor, cursor.cursor.copy(query, parameters) as copy:
        stream = b"".join(copy)
    count = (len(stream) - _HEADER_BYTES - _TRAILER_BYTES) // _TUPLE.itemsize
    return np.frombuffer(stream, dtype=_TUPLE, count=count, offset=_HEADER_BYTES)


def _panel(
    batches: list[npt.NDArray[np.void]],
    known: list[tuple[int, str, list[str], date | None]],
    ids: npt.NDArray[np.int64],
) -> Panel:
    days = np.unique(np.concatenate([batch["day"].astype(np.int32) for batch in batches]))
    seen = np.unique(np.concatenate([batch["asset"].astype(np.int64) for batch in batches]))
    kept = [known[number] for number in np.flatnonzero(np.isin(ids, seen))]
    kept_ids = np.array([row[0] for row in kept], dtype=np.int64)
    by_id = np.argsort(kept_ids)
    arrays = {name: np.full((len(days), len(kept)), np.nan) for name in FIELDS}
    for batch in batches:
        if not len(batch):
            continue
        column = by_id[np.searchsorted(kept_ids[by_id], batch["asset"].astype(np.int64))]
        place = np.searchsorted(days, batch["day"].astype(np.int32)) * len(kept) + column
        for name in FIELDS:
            flat = arrays[name].reshape(-1)
            still_unknown = np.isnan(flat[place])
            flat[place[still_unknown]] = batch[name][still_unknown]
    return Panel.from_arrays(
        dates=pd.DatetimeIndex(days.astype("datetime64[D]").astype("datetime64[s]")),
        assets=[row[1] for row in kept],
        arrays=arrays,
        categories={row[1]: row[2] for row in kept},
        first_days={row[1]: row[3] for row in kept if row[3] is not None},
    )


def candle_days(source: str) -> tuple[date, date] | None:
    """First and last day with a daily candle from `source`, or None where there is none."""
    stored = Candle.objects.filter(interval=Candle.Interval.DAY, source=source).order_by("opened_at")
    first, last = (
        stored.values_list("opened_at", flat=True).first(),
        stored.values_list("opened_at", flat=True).last(),
    )
    return (first.date(), last.date()) if first is not None and last is not None else None
