"""What all tokens share at a day: the market's own returns and size over the last year, kept for the next reader."""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass
from datetime import date, timedelta

import redis
from django.core.cache import cache

from signals.models import Market
from signals.selectors.candles import revision_stamp
from signals.selectors.market import market_active, require_known
from signals.selectors.panels import panel

logger = logging.getLogger(__name__)

YEAR = 365
KEPT = timedelta(days=3)
"""How long it is kept: past the next day, which carries it on. Candles of a closed day seldom change."""
NEAR = 7
"""An earlier day kept within so many days is carried on instead of reading the whole year again."""
REFERENCES = ("bitcoin", "ethereum")


@dataclass(frozen=True)
class MarketYear:
    """The market over the last year, `days` consecutive, oldest first, through `as_of`.

    `returns` are simple daily fractions, weighted by the cap of the day before; `total_caps` USD; None is unknown.
    Stablecoins and tokens that stand for another one are in neither. `references` are the slugs of bitcoin and ether,
    or of the market's largest tokens where it does not have them.
    """

    days: list[date]
    returns: list[float | None]
    total_caps: list[float | None]
    references: list[str]


def market_year(*, as_of: date, market: Market | None = None) -> MarketYear:
    """The market over the year up to `as_of`. Raises NotYetKnown and MarketNotLoaded.

    The first reader of a day pays for reading a year of candles, or one day of them where the day before is kept.
    """
    market = market or market_active()
    require_known(market, as_of)
    near = [as_of - timedelta(days=number) for number in range(NEAR + 1)]
    # A corrected candle may lie in any kept year: none of them is used again.
    stamp = revision_stamp()
    kept = _kept({day: _key(market, day, stamp) for day in near})
    found = kept.get(as_of)
    if found is None:
        earlier = max(kept, default=None)
        found = _read(market, as_of, YEAR) if earlier is None else _carried(market, kept[earlier], as_of)
        _keep(_key(market, as_of, stamp), found)
    return found


def _read(market: Market, as_of: date, days: int) -> MarketYear:
    """`days` days read from the candles: one more is needed for the first return."""
    import numpy as np

    from signals.core.features.backdrop import NAMES, Backdrop

    known = panel(as_of=as_of, days=days + 1, market=market)
    calendar = [as_of - timedelta(days=number) for number in range(days - 1, -1, -1)]
    if not len(known.dates):
        return MarketYear(calendar, [None] * days, [None] * days, [])
    shared = Backdrop(known)
    total, move = shared.total_cap, np.expm1(shared.index_return)
    rows = {day.date(): row for row, day in enumerate(known.dates)}
    before = timedelta(days=1)
    # A return across a day on which the whole market is unknown is not a daily one.
    returns = [_known(move[rows[day]]) if day in rows and day - before in rows else None for day in calendar]
    totals = [_known(total[rows[day]]) if day in rows else None for day in calendar]
    own = [known.assets[at] for name in NAMES if (at := shared.column(name)) is not None]
    if len(own) < len(REFERENCES):
        caps = np.where(shared.counted, np.nan_to_num(known.market_cap[-1]), 0.0)
        largest = [known.assets[at] for at in np.argsort(-caps, kind="stable")[:4] if caps[at] > 0]
        own = list(dict.fromkeys([*own, *largest]))[: len(REFERENCES)]
    return MarketYear(calendar, returns, totals, own)


def _known(value: float) -> float | None:
    return float(value) if value == value else None  # noqa: PLR0124 - NaN is what differs from itself


def _carried(market: Market, earlier: MarketYear, as_of: date) -> MarketYear:
    fresh = _read(market, as_of, (as_of - earlier.days[-1]).days)
    return MarketYear(
        days=[*earlier.days, *fresh.days][-YEAR:],
        returns=[*earlier.returns, *fresh.returns][-YEAR:],
        total_caps=[*earlier.total_caps, *fresh.total_caps][-YEAR:],
        references=fresh.references,
    )


def _key(market: Market, day: date, stamp: int) -> str:
    return f"market-year:{market.pk}:{day}:{min(market.last_day or day, day)}:{stamp}"


def _kept(keys: dict[date, str]) -> dict[date, MarketYear]:
    try:
        found = cache.get_many(keys.values())
    except redis.RedisError as error:
        logger.warning(
            "The cache does not answer; the market's year is read from the candles.", exc_info=error
        )
        return {}
    return {day: MarketYear(**found[key]) for day, key in keys.items() if key in found}


def _keep(key: str, value: MarketYear) -> None:
    try:
        cache.set(key, asdict(value), timeout=int(KEPT.total_seconds()))
    except redis.RedisError as error:
        logger.warning("The cache does not answer; the market's year is not kept.", exc_info=error)
