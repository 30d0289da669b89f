"""The market row: which market is active, and its clock, which only ever moves forward."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.db import transaction

from signals.core import clock
from signals.models import Market
from signals.selectors import candle_days, candle_sources, market_active_or_none

RUN_AT_MOST = timedelta(seconds=60)
"""A running clock never jumps: after a pause it goes on from where it stood."""


class ClockError(ValueError):
    """The market clock cannot be set as asked; the message says where it stands."""


@transaction.atomic
def market_open(
    source: str,
    *,
    replay_from: date | None = None,
    settings: dict[str, Any] | None = None,
    activate: bool = True,
) -> Market:
    """The market of `source` exists with the days that its candles cover, and is the active one if `activate`.

    A new archived or simulated market's clock stands at the end of `replay_from`, by default of its last day. A market
    that is already there keeps its clock: money may have moved by it. `settings` are merged into the stored ones.
    Raises ClockError where `replay_from` lies outside the stored days, and for the live market.
    """
    market, created = Market.objects.select_for_update().get_or_create(source=source)
    market.settings = {**market.settings, **(settings or {})}
    spans = [span for name in candle_sources(market) if (span := candle_days(name)) is not None]
    market.first_day = min((first for first, _ in spans), default=None)
    market.last_day = max((last for _, last in spans), default=None)
    if market.source == Market.Source.LIVE:
        if replay_from is not None:
            raise ClockError(
                "replay_from: the live market's clock is the wall clock; replay an archive instead."
            )
    elif created or market.time is None:
        if market.first_day is None or market.last_day is None:
            raise ClockError(f"The {market} holds no candles; its clock has nowhere to stand.")
        if replay_from is not None and not market.first_day <= replay_from <= market.last_day:
            raise ClockError(
                f"replay_from: {replay_from} lies outside the {market}, "
                f"which has {market.first_day} to {market.last_day}."
            )
        market.time = clock.end_of_day(replay_from or market.last_day)
    market.save()
    if activate:
        market_activate(market)
    return market


@transaction.atomic
def market_activate(market: Market) -> None:
    """`market` is the active market and no other is."""
    Market.objects.filter(is_active=True).exclude(pk=market.pk).update(is_active=False)
    Market.objects.filter(pk=market.pk).update(is_active=True)
    market.is_active = True


@transaction.atomic
def clock_set(moment: datetime) -> Market:
    """The active market's replay clock stands at `moment`. Raises ClockError for the past and for a live market."""
    market = _active_locked()
    stands = _replay_time(market)
    if moment < stands:
        raise ClockError(
            f"moment: {moment.isoformat()} is before the market clock, which stands at {stands.isoformat()}."
        )
    market.time = moment
    market.save(update_fields=["time"])
    return market


@transaction.atomic
def clock_run(*, wall: datetime) -> Market:
    """The simulated market's clock has advanced by the wall time since the last call, at most RUN_AT_MOST.

    It stands while a replay is under way, and for every other market. Returns the active market.
    """
    market = _active_locked()
    if market.source != Market.Source.SIMULATED:
        return market
    stands = _replay_time(market)
    before = market.settings.get("clock_ran_at")
    market.settings["clock_ran_at"] = wall.astimezone(UTC).isoformat()
    if before is not None and market.replay_until is None:
        passed = wall - datetime.fromisoformat(before)
        market.time = stands + min(max(passed, timedelta(0)), RUN_AT_MOST)
    market.save(update_fields=["time", "settings"])
    return market


@transaction.atomic
def replay_until_set(day: date | None) -> Market:
    """The clock is asked to walk to the end of `day`; None calls the walk off. Raises ClockError for a live market."""
    market = _active_locked()
    # Pages show how far the walk has come, so its start is kept.
    market.settings["replay_start"] = clock.last_closed_day(_replay_time(market)).isoformat()
    market.replay_until = day
    market.save(update_fields=["replay_until", "settings"])
    return market


@transaction.atomic
def ticked_through_set(day: date) -> Market:
    """Every tick of `day` has run; a walk that ends there is over."""
    market = _active_locked()
    market.ticked_through = max(day, market.ticked_through or day)
    if market.replay_until is not None and market.replay_until <= market.ticked_through:
        market.replay_until = None
    market.save(update_fields=["ticked_through", "replay_until"])
    return market


def _active_locked() -> Market:
    market = Market.objects.select_for_update().filter(is_active=True).first()
    if market is None:
        raise ClockError("No market is active; load one with manage.py market_load.")
    return market


def _replay_time(market: Market) -> datetime:
    if market.time is None:
        raise ClockError(f"The {market} has no replay clock: its time is the wall clock.")
    return market.time


def activate_by_default() -> bool:
    """Whether a market that is loaded now should become the active one: only where none is."""
    return market_active_or_none() is None
