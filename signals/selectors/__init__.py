"""Questions put to the market store. Every read of market data takes a keyword-only `as_of` or `at`."""

from signals.selectors.assets import AssetRow, asset, asset_ids, asset_list, assets_by_slug
from signals.selectors.market import (
    MarketNotLoaded,
    NotYetKnown,
    candle_sources,
    last_closed_day,
    last_complete_day,
    market_active,
    market_active_or_none,
    market_covering,
    market_label,
    market_loaded,
    market_time,
)
from signals.selectors.panels import candle_days, panel
from signals.selectors.prices import price_history, prices

__all__ = [
    "AssetRow",
    "MarketNotLoaded",
    "NotYetKnown",
    "asset",
    "asset_ids",
    "asset_list",
    "assets_by_slug",
    "candle_days",
    "candle_sources",
    "last_closed_day",
    "last_complete_day",
    "market_active",
    "market_active_or_none",
    "market_covering",
    "market_label",
    "market_loaded",
    "market_time",
    "panel",
    "price_history",
    "prices",
]
