"""Small markets for tests: panels with exact values, and the same panels as the active market of the database."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta

import numpy as np
import pandas as pd

from signals.core import clock
from signals.core.panel import Panel
from signals.models import Market
from signals.providers.base import AssetRecord
from signals.services.ingest import assets_upsert, candles_ingest
from signals.services.loading import facts
from tests.worlds import (  # a world of money; kept importable from here
    FIRST_DAY,
    TOKENS,
    WEIGHTS,
    World,
    clock_to,
    decision_create,
    index_create,
    world_create,
)

__all__ = [
    "FIRST_DAY",
    "TOKENS",
    "WEIGHTS",
    "World",
    "clock_to",
    "day_rows",
    "decision_create",
    "index_create",
    "market_store",
    "panel_make",
    "world_create",
]


def panel_make(
    close: Mapping[str, Sequence[float]],
    *,
    first_day: date = date(2022, 1, 1),
    market_cap: Mapping[str, Sequence[float]] | None = None,
    volume: Mapping[str, Sequence[float]] | None = None,
    categories: Mapping[str, Sequence[str]] | None = None,
) -> Panel:
    """A panel of these closes, slug -> one per day. Cap defaults to a million tokens, volume to a tenth of the cap."""
    frame = pd.DataFrame({slug: np.asarray(values, dtype=float) for slug, values in close.items()})
    frame.index = pd.date_range(first_day, periods=len(frame), freq="D")
    caps = frame * 1e6 if market_cap is None else pd.DataFrame(market_cap, index=frame.index, dtype=float)
    volumes = caps * 0.1 if volume is None else pd.DataFrame(volume, index=frame.index, dtype=float)
    return Panel.from_frames(close=frame, market_cap=caps, volume=volumes, categories=categories or {})


def market_store(
    panel: Panel, *, source: str = Market.Source.ARCHIVE, clock_at: datetime | None = None
) -> Market:
    """`panel` is the active market of the database, its clock at `clock_at` or at the end of the last day."""
    assets_upsert(
        facts(
            [
                AssetRecord(slug, slug[:8].upper(), slug.title(), tuple(panel.categories[slug]))
                for slug in panel.assets
            ],
            simulated=source == Market.Source.SIMULATED,
        )
    )
    row, column = np.nonzero(~np.isnan(panel.close))
    rows = pd.DataFrame(
        {
            "asset": np.array(panel.assets, dtype=object)[column],
            "opened_at": panel.dates.to_numpy()[row],
            **{
                name: getattr(panel, name)[row, column]
                for name in ("open", "high", "low", "close", "volume", "market_cap")
            },
        }
    )
    last_day = panel.dates[-1].date()
    candles_ingest(rows, source=source, interval="1d", known_at=clock.end_of_day(last_day))
    Market.objects.filter(is_active=True).exclude(source=source).update(is_active=False)
    market, _ = Market.objects.update_or_create(
        source=source,
        defaults={
            "is_active": True,
            "time": clock_at or clock.end_of_day(last_day),
            "first_day": panel.dates[0].date(),
            "last_day": last_day,
        },
    )
    return market


def day_rows(slug: str, start: date, closes: Sequence[float], **more: float) -> pd.DataFrame:
    """Raw daily candles of one asset from `start` on, as a provider would hand them over."""
    blank = dict.fromkeys(("open", "high", "low", "volume", "market_cap"), np.nan)
    days = [start + timedelta(days=number) for number in range(len(closes))]
    return pd.DataFrame(
        {
            "asset": slug,
            "opened_at": pd.to_datetime(days),
            "close": np.asarray(closes, dtype=float),
            **blank,
            **more,
        }
    )
