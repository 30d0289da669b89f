"""Which market is active and where its clock stands."""

from datetime import date, datetime

from django.utils import timezone

from signals.core import clock
from signals.models import Market


class MarketNotLoaded(LookupError):
    """No market is active yet."""


class NotYetKnown(ValueError):
    """The market clock has not reached the day that was asked for."""


def market_active_or_none() -> Market | None:
    """The active market, or None where none has been loaded."""
    return Market.objects.filter(is_active=True).first()


def market_active() -> Market:
    """The active market. Raises MarketNotLoaded where none has been loaded."""
    market = market_active_or_none()
    if market is None:
        raise MarketNotLoaded("No market is active; load one with manage.py market_load --source simulated.")
    return market


def market_loaded(source: str) -> Market:
    """The market of this source (live, archive, simulated), active or not. Raises MarketNotLoaded without candles."""
    market = Market.objects.filter(source=source, last_day__isnull=False).first()
    if market is None:
        raise MarketNotLoaded(
            f"market: no {source} market is loaded; load it with manage.py market_load --source {source}."
        )
    return market


def market_covering(*, first: date | None, last: date | None) -> Market:
    """The active market, unless days of [first, last] lie outside what is known of it and another loaded market knows
    them all. A bound left out asks for nothing. Raises MarketNotLoaded where no market is active."""
    active = market_active()
    others = Market.objects.filter(last_day__isnull=False).exclude(pk=active.pk).order_by("source")
    wanted = [day for day in (first, last) if day is not None]
    for market in (active, *others):
        known = last_complete_day(market)
        if known is not None and all((market.first_day or known) <= day <= known for day in wanted):
            return market
    return active


def market_label() -> str:
    """What a page says about the origin of its prices, e.g. `simulated market`."""
    return market_active().get_source_display()


def market_time(market: Market | None = None) -> datetime:
    """Market time, UTC: the replay clock, or the wall clock for live data."""
    market = market or market_active()
    return market.time if market.time is not None else timezone.now()


def last_closed_day(market: Market | None = None) -> date:
    """The latest day whose close is known at market time."""
    return clock.last_closed_day(market_time(market))


def last_complete_day(market: Market | None = None) -> date | None:
    """The latest day that has closed and whose candles are all in the store: what a decision may rest on.

    Live candles arrive some time after the day has closed, so this may lie behind `last_closed_day`. None = no candles.
    """
    market = market or market_active()
    return min(market.last_day, last_closed_day(market)) if market.last_day is not None else None


def candle_sources(market: Market) -> tuple[str, ...]:
    """The candle sources that make up a market, the most trusted first.

    The live market fills what the first source does not know (open, high, low) from the exchange.
    """
    if market.source == Market.Source.LIVE:
        return "coingecko", str(market.settings.get("exchange", "kraken"))
    return (market.source,)


def require_known(market: Market, as_of: date) -> None:
    """Raise NotYetKnown where the close of `as_of` lies ahead of the market clock: no read sees the future."""
    known = last_closed_day(market)
    if as_of > known:
        raise NotYetKnown(f"as_of: {as_of} has not closed; the last closed day of the {market} is {known}.")
