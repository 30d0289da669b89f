"""What the price guard has decided: which assets may not be traded and why, and what waits for a person (ADR 7)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Count, Max, Min

from signals.core import clock, figures
from signals.core.guard import NAV, PegLevel, Quote
from signals.models import Candle, Freeze, GuardRecord, Market
from signals.selectors.market import candle_sources, last_complete_day, market_active

CONSENSUS = "consensus"
"""The candle source of accepted marks."""
QUOTE_EXCHANGES = ("kraken", "coinbase", "bitstamp")
"""Venues asked for live quotes unless the market's setting `quote_exchanges` names others."""
MARK_FRESH = timedelta(minutes=3)
"""A mark older than this sizes no order: one round a minute, from quotes up to a minute old, may fail once."""
LARGE = 20
MINUTE = timedelta(minutes=1)
_LOOK_BACK = NAV.max_age or timedelta(minutes=15)

_NEWEST = """
SELECT DISTINCT ON (candle.asset_id, candle.source) candle.asset_id, candle.source, candle.close, candle.opened_at
FROM signals_candle candle
WHERE candle.interval = '1m' AND candle.source = ANY(%(sources)s)
  AND candle.opened_at > %(after)s AND candle.opened_at <= %(until)s
  AND (%(assets)s::bigint[] IS NULL OR candle.asset_id = ANY(%(assets)s::bigint[]))
ORDER BY candle.asset_id, candle.source, candle.opened_at DESC
"""


@dataclass(frozen=True)
class Halt:
    """Why an asset may not be traded now. `status` is frozen, pending, withheld, stale or unmarked; `reason` is a
    sentence for everybody; prices in USD, `candidate` what the sources agree on without being believed yet."""

    status: str
    reason: str
    mark: float | None = None
    marked_at: datetime | None = None
    candidate: float | None = None


@dataclass(frozen=True)
class GuardFigures:
    """How many assets stand how, and in seconds the age of the oldest open freeze and of the last round."""

    accepted: int
    withheld: int
    pending: int
    frozen: int
    freeze_age: float
    round_age: float


def is_guarded(market: Market) -> bool:
    """Whether marks of this market pass the guard: an archive and the simulated market have one source by nature."""
    return market.source == Market.Source.LIVE


def market_guarded() -> bool:
    """Whether marks of the active market pass the guard."""
    return is_guarded(market_active())


def round_moment(at: datetime) -> datetime:
    """The round that a moment belongs to: one a minute."""
    return at.replace(second=0, microsecond=0)


def quote_feeds(market: Market) -> dict[str, str]:
    """Feed -> origin of every quote that may count. Two feeds with one origin (setting `origins`) are one source."""
    named = market.settings.get("quote_exchanges", list(QUOTE_EXCHANGES))
    origins = market.settings.get("origins", {})
    feeds = dict.fromkeys((*candle_sources(market), *map(str, named)))
    return {feed: str(origins.get(feed, feed)) for feed in feeds}


def quotes_of_round(
    market: Market, moment: datetime, *, assets: Iterable[int] | None = None
) -> dict[int, list[Quote]]:
    """Asset id -> the newest quote of each origin that ended at `moment` or in the quarter of an hour before."""
    feeds = quote_feeds(market)
    parameters: dict[str, Any] = {
        "sources": list(feeds),
        "after": moment - MINUTE - _LOOK_BACK - MINUTE,
        "until": moment - MINUTE,
        "assets": None if assets is None else list(assets),
    }
    with connection.cursor() as cursor:
        cursor.execute(_NEWEST, parameters)
        rows = cursor.fetchall()
    newest: dict[int, dict[str, Quote]] = {}
    for asset, feed, close, opened_at in sorted(rows, key=lambda row: (row[0], row[3], row[1])):
        newest.setdefault(asset, {})[feeds[feed]] = Quote(feeds[feed], close, opened_at + MINUTE)
    return {asset: list(quotes.values()) for asset, quotes in newest.items()}


def large_assets(market: Market) -> frozenset[int]:
    """Ids of the 20 largest assets by market cap at the last complete day; nobody's before there is one."""
    day = last_complete_day(market)
    if day is None:
        return frozenset()
    caps = Candle.objects.filter(
        interval=Candle.Interval.DAY,
        opened_at=clock.start_of_day(day),
        source__in=candle_sources(market),
        market_cap__isnull=False,
    )
    ranked = dict.fromkeys(caps.order_by("-market_cap", "asset_id").values_list("asset_id", flat=True))
    return frozenset(list(ranked)[:LARGE])


def halts(slugs: Iterable[str], *, at: datetime) -> dict[str, Halt]:
    """The ones of `slugs` that may not be traded at the moment `at`, and why. Empty for a market without a guard.

    Nothing judged is nothing to trade by: an asset without a mark, or whose mark is older than MARK_FRESH, is halted.
    """
    wanted = list(slugs)
    market = market_active()
    if not is_guarded(market) or not wanted:
        return {}
    records = {
        record.asset.slug: record
        for record in GuardRecord.objects.filter(asset__slug__in=wanted).select_related("asset")
    }
    found = {slug: _halt(records.get(slug), at) for slug in wanted}
    return {slug: halt for slug, halt in found.items() if halt is not None}


def pegs() -> dict[str, PegLevel]:
    """Slug -> how far it is from its dollar, of every watched stablecoin that is not at par."""
    if not is_guarded(market_active()):
        return {}
    rows = GuardRecord.objects.filter(peg__level__gt=PegLevel.PAR).values_list("asset__slug", "peg__level")
    return {slug: PegLevel(level) for slug, level in rows}


def guard_figures(*, at: datetime) -> GuardFigures:
    """Counts by the last verdict and the ages at `at`; nought where there is nothing."""
    counts = dict(GuardRecord.objects.values_list("status").annotate(count=Count("pk")))
    oldest = Freeze.objects.filter(ended_at__isnull=True).aggregate(at=Min("began_at"))["at"]
    last = GuardRecord.objects.aggregate(at=Max("stepped_at"))["at"]
    return GuardFigures(
        accepted=counts.get("accepted", 0),
        withheld=counts.get("withheld", 0),
        pending=counts.get("pending", 0),
        frozen=counts.get("frozen", 0),
        freeze_age=max(0.0, (at - oldest).total_seconds()) if oldest else 0.0,
        round_age=max(0.0, (at - last).total_seconds()) if last else 0.0,
    )


def _halt(record: GuardRecord | None, at: datetime) -> Halt | None:
    if record is None or record.mark is None:
        return Halt("unmarked", "Too few independent sources have agreed on a price of it yet.")
    candidate = record.verdict.get("candidate")
    about = {"mark": record.mark, "marked_at": record.marked_at, "candidate": candidate}
    before, now = figures.price(record.mark), figures.price(candidate)
    if record.status == "frozen":
        told = (
            f"Its price is said to be {now} after {before}" if candidate else f"Its price fell from {before}"
        )
        return Halt(
            "frozen",
            f"{told}. Nothing of it is traded until three sources or an operator confirm the price.",
            **about,
        )
    if record.status == "pending":
        return Halt(
            "pending",
            f"Its price is said to be {now} after {before}. That waits for two further confirmations.",
            **about,
        )
    if record.status == "withheld":
        return Halt("withheld", f"Its sources do not agree on a price now; the last was {before}.", **about)
    if record.marked_at is None or at - record.marked_at > MARK_FRESH:
        return Halt("stale", f"Its last agreed price, {before}, is too old to trade by.", **about)
    return None
