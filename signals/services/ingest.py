"""Candles into the store: screened, then by COPY, so that a million rows take seconds and twice makes no duplicate."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
import numpy.typing as npt
import pandas as pd
from django.db import connection, transaction

from signals.core import clock
from signals.core.candles import NUMBERS, screen
from signals.models import Asset, Candle, Market
from signals.selectors.market import candle_sources
from signals.services.progress import Progress, silent

BATCH_ROWS = 100_000
_INGEST_LOCK = 5_270_002  # one writer of candles at a time: two would wait for each other's rows in turn

_COPY_START = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
_COPY_END = b"\xff\xff"
_MICROSECONDS_2000 = 946_684_800_000_000  # PostgreSQL counts time from 2000-01-01
_TUPLE = np.dtype(
    [("fields", ">i2"), ("asset_size", ">i4"), ("asset", ">i8"), ("opened_size", ">i4"), ("opened", ">i8")]
    + [item for name in NUMBERS for item in ((f"{name}_size", ">i4"), (name, ">f8"))]
)
_STAGE = """
CREATE TEMPORARY TABLE signals_candle_stage (
    asset_id bigint, opened_at timestamptz, open float8, high float8, low float8, close float8, volume float8,
    market_cap float8
) ON COMMIT DROP
"""
_MERGE = """
INSERT INTO signals_candle AS stored (asset_id, interval, opened_at, source, open, high, low, close, volume, market_cap,
                                     known_from)
SELECT asset_id, %s, opened_at, %s, nullif(open, 'NaN'), nullif(high, 'NaN'), nullif(low, 'NaN'), close,
       nullif(volume, 'NaN'), nullif(market_cap, 'NaN'), CASE WHEN opened_at <= %s THEN clock_timestamp() END
FROM signals_candle_stage
ON CONFLICT (asset_id, interval, opened_at, source) DO UPDATE
SET open = excluded.open, high = excluded.high, low = excluded.low, close = excluded.close, volume = excluded.volume,
    market_cap = excluded.market_cap
WHERE (stored.open, stored.high, stored.low, stored.close, stored.volume, stored.market_cap) IS DISTINCT FROM
      (excluded.open, excluded.high, excluded.low, excluded.close, excluded.volume, excluded.market_cap)
"""
_SPANS = """
UPDATE signals_asset AS asset
SET first_day = least(asset.first_day, span.first_day), last_day = greatest(asset.last_day, span.last_day)
FROM unnest(%s::bigint[], %s::date[], %s::date[]) AS span(id, first_day, last_day)
WHERE asset.id = span.id
  AND (asset.first_day IS NULL OR asset.first_day > span.first_day OR asset.last_day < span.last_day)
"""
_BARS = {Candle.Interval.DAY: pd.Timedelta(days=1), Candle.Interval.MINUTE: pd.Timedelta(minutes=1)}


@dataclass
class Ingested:
    """What came of one ingest: rows read, rows new or changed, and counts by reason of what was left out or blanked."""

    read: int = 0
    written: int = 0
    refused: dict[str, int] = field(default_factory=dict)
    cleared: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class AssetFacts:
    """What is known of an asset besides its candles."""

    slug: str
    symbol: str
    name: str
    categories: tuple[str, ...] = ()
    is_simulated: bool = False


class AssetConflict(ValueError):
    """An invented asset and a real one claim the same slug."""


@transaction.atomic
def assets_upsert(facts: Iterable[AssetFacts]) -> dict[str, int]:
    """Every asset of `facts` is stored under its slug as stated; returns slug -> id. Raises AssetConflict."""
    wanted = {fact.slug: fact for fact in facts}
    stored = dict(Asset.objects.filter(slug__in=wanted).values_list("slug", "is_simulated"))
    clash = sorted(slug for slug, simulated in stored.items() if simulated != wanted[slug].is_simulated)
    if clash:
        raise AssetConflict(
            f"assets: {', '.join(clash[:5])} exist both in the simulated market and in a real one; "
            "give each market a database of its own."
        )
    Asset.objects.bulk_create(
        [
            Asset(
                slug=fact.slug,
                symbol=fact.symbol,
                name=fact.name,
                categories=sorted(fact.categories),
                is_simulated=fact.is_simulated,
            )
            for fact in wanted.values()
        ],
        update_conflicts=True,
        unique_fields=["slug"],
        update_fields=["symbol", "name", "categories"],
    )
    return dict(Asset.objects.filter(slug__in=wanted).values_list("slug", "id"))


def candles_ingest(
    rows: pd.DataFrame,
    *,
    source: str,
    interval: str,
    known_at: datetime,
    suspects: Mapping[str, npt.NDArray[np.bool_]] | None = None,
    progress: Progress = silent,
) -> Ingested:
    """The sound ones of `rows` (signals.core.candles.COLUMNS, `asset` the slug) are stored once, the newest values win.

    A bar that ends after `known_at` is refused, as is every row that `screen` refuses or whose asset is not stored
    (`asset_unknown`). A daily candle that changes leaves what it said in CandleRevision; one of a day whose ticks have
    run already is marked as known from now on. All or nothing: one transaction.
    """
    known = dict(Asset.objects.values_list("slug", "id"))
    outcome = Ingested(read=len(rows))
    screened = screen(rows, known_at=known_at, bar=_BARS[Candle.Interval(interval)], suspects=suspects)
    outcome.refused, outcome.cleared = screened.refused, screened.cleared
    clean = screened.clean
    identity = clean["asset"].astype(object).map(known)
    if unknown := int(identity.isna().sum()):
        outcome.refused["asset_unknown"] = unknown
        clean, identity = clean[identity.notna()], identity[identity.notna()]
    opened = clean["opened_at"].to_numpy().astype("datetime64[us]")
    ids = np.asarray(identity, dtype=np.int64)
    # By day, then asset: neighbours on disk are neighbours in time, which is how panels are read.
    order = np.lexsort((ids, opened))
    records = _records(clean, ids, opened)[order]
    settled = _settled(source) if interval == Candle.Interval.DAY else None
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_INGEST_LOCK])
        cursor.execute(_STAGE)
        for start in range(0, len(records), BATCH_ROWS):
            batch = records[start : start + BATCH_ROWS]
            with cursor.copy("COPY signals_candle_stage FROM STDIN (FORMAT BINARY)") as copy:
                copy.write(_COPY_START + batch.tobytes() + _COPY_END)
            cursor.execute(_MERGE, [interval, source, settled])
            outcome.written += cursor.rowcount
            cursor.execute("TRUNCATE signals_candle_stage")
            progress("storing candles", min(start + BATCH_ROWS, len(records)), len(records))
        cursor.execute("DROP TABLE signals_candle_stage")
        if interval == Candle.Interval.DAY and len(records):
            _spans_extend(ids, opened)
        if outcome.written >= BATCH_ROWS:
            cursor.execute("ANALYZE signals_candle")
    return outcome


def _settled(source: str) -> datetime | None:
    """The opening of the last day of this source's market whose every tick has run: later arrivals came too late."""
    days = [
        market.ticked_through
        for market in Market.objects.filter(ticked_through__isnull=False)
        if source in candle_sources(market) and market.ticked_through is not None
    ]
    return clock.start_of_day(max(days)) if days else None


def _records(
    clean: pd.DataFrame, ids: npt.NDArray[np.int64], opened: npt.NDArray[np.datetime64]
) -> npt.NDArray[np.void]:
    records = np.empty(len(clean), dtype=_TUPLE)
    records["fields"] = 2 + len(NUMBERS)
    for name in ("asset", "opened", *NUMBERS):
        records[f"{name}_size"] = 8
    records["asset"] = ids
    records["opened"] = opened.astype(np.int64) - _MICROSECONDS_2000
    for name in NUMBERS:
        records[name] = clean[name].to_numpy()
    return records


def _spans_extend(ids: npt.NDArray[np.int64], opened: npt.NDArray[np.datetime64]) -> None:
    days = pd.Series(opened.astype("datetime64[D]").astype("datetime64[s]")).groupby(ids).agg(["min", "max"])
    with connection.cursor() as cursor:
        cursor.execute(
            _SPANS,
            [
                days.index.tolist(),
                [moment.date() for moment in days["min"]],
                [moment.date() for moment in days["max"]],
            ],
        )


def quotes_drop(*, before: datetime) -> int:
    """Minute quotes opened before `before` are gone; returns how many. Daily candles are never dropped."""
    dropped, _ = Candle.objects.filter(interval=Candle.Interval.MINUTE, opened_at__lt=before).delete()
    return dropped
