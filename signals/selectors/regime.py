"""The published regime: where it stood on a day, what it read, what following it saved and cost."""

import hashlib
from dataclasses import dataclass
from datetime import date, timedelta

from django.db.models import QuerySet

from signals.core.regime import RegimeRules
from signals.core.regime.drawing import Point
from signals.models import Market, Regime
from signals.selectors.market import market_active, require_known


@dataclass(frozen=True)
class RegimeDay:
    """The regime at the close of `day`.

    `risk_share` is percent, `wanted` the fraction before rounding and hysteresis (None: too little is known),
    `moved_on` the day of the last move (None: never). `readings` and `ledger` are those of signals.core.regime; None is
    unknown.
    """

    day: date
    risk_share: int
    wanted: float | None
    moved_on: date | None
    readings: dict[str, float | None]
    leader: str
    ledger: dict[str, float | None]


def regime_version(market: Market) -> str:
    """Under which version the regime of `market` is stored: the digest of the rules and of whose market it is."""
    return hashlib.sha256(f"{RegimeRules().digest()} {market.source}".encode()).hexdigest()[:16]


def regimes_stored(market: Market) -> QuerySet[Regime]:
    """The rows of `market` under the present rules."""
    return Regime.objects.filter(rules_version=regime_version(market))


def regime_day(*, as_of: date) -> RegimeDay | None:
    """The regime of the last published day at or before `as_of`, None where there is none: `day` says which.

    Raises NotYetKnown where `as_of` has not closed, and MarketNotLoaded.
    """
    market = market_active()
    require_known(market, as_of)
    row = regimes_stored(market).filter(as_of__lte=as_of).order_by("-as_of").first()
    return None if row is None else _day(row)


def regime_history(*, as_of: date, days: int | None = None, start: date | None = None) -> list[RegimeDay]:
    """The published regime of each day through `as_of`, oldest first; of the last `days` calendar days, or from `start`
    on; default all.

    Raises NotYetKnown where `as_of` has not closed, MarketNotLoaded, and ValueError for `days` under 1.
    """
    market = market_active()
    require_known(market, as_of)
    if days is not None and days < 1:
        raise ValueError(f"days: must be at least 1, got {days}.")
    rows = regimes_stored(market).filter(as_of__lte=as_of)
    if days is not None:
        rows = rows.filter(as_of__gt=as_of - timedelta(days=days))
    if start is not None:
        rows = rows.filter(as_of__gte=start)
    return [_day(row) for row in rows.order_by("as_of")]


def regime_points(*, as_of: date, start: date | None = None) -> list[Point]:
    """Risk share and value lines of each published day from `start` (default all) through `as_of`, oldest first.

    Raises NotYetKnown where `as_of` has not closed, and MarketNotLoaded.
    """
    market = market_active()
    require_known(market, as_of)
    rows = regimes_stored(market).filter(as_of__lte=as_of)
    if start is not None:
        rows = rows.filter(as_of__gte=start)
    found = rows.order_by("as_of").values_list("as_of", "risk_share", "ledger__passive", "ledger__followed")
    return [Point(day, percent, float(passive), float(followed)) for day, percent, passive, followed in found]


def _day(row: Regime) -> RegimeDay:
    readings = dict(row.readings)
    return RegimeDay(
        day=row.as_of,
        risk_share=row.risk_share,
        wanted=row.wanted,
        moved_on=row.moved_on,
        leader=readings.pop("leader", ""),
        readings=readings,
        ledger=dict(row.ledger),
    )
