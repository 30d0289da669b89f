"""What can be done to the market store: load a market, move its clock, add a day, add quotes."""

from signals.providers.base import ProviderError
from signals.services.days import day_close, day_ingest, days_ingest, quotes_ingest
from signals.services.ingest import Ingested, assets_upsert, candles_ingest
from signals.services.loading import (
    archive_panel,
    market_load_archive,
    market_load_live,
    market_load_simulated,
)
from signals.services.markets import (
    ClockError,
    clock_run,
    clock_set,
    market_activate,
    market_open,
    replay_until_set,
    ticked_through_set,
)
from signals.services.progress import Progress

__all__ = [
    "ClockError",
    "Ingested",
    "Progress",
    "ProviderError",
    "archive_panel",
    "assets_upsert",
    "candles_ingest",
    "clock_run",
    "clock_set",
    "day_close",
    "day_ingest",
    "days_ingest",
    "market_activate",
    "market_load_archive",
    "market_load_live",
    "market_load_simulated",
    "market_open",
    "quotes_ingest",
    "replay_until_set",
    "ticked_through_set",
]
