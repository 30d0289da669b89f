"""The price that independent sources agree on at one moment."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from signals.core.guard.rules import GuardRules

CLOCK_SKEW = timedelta(seconds=5)
"""A quote further ahead of our clock than this hides how old it is."""


class Drop(StrEnum):
    """Why a quote was left out."""

    INVALID = "invalid"
    FUTURE = "future"
    STALE = "stale"
    DEVIANT = "deviant"
    SUSPENDED = "suspended"


@dataclass(frozen=True, slots=True)
class Quote:
    """What one source says an asset costs in USD.

    `source` is an independent origin: two feeds of one venue are one source, and the caller merges them. `at` is an
    aware moment; a daily close carries the moment its day began, and so does the round that judges it.
    """

    source: str
    price: float
    at: datetime


@dataclass(frozen=True, slots=True)
class Dropped:
    """One quote left out. `measure` is its age in seconds (in the future: negative), its distance from the median as a
    fraction, or, where it is invalid, the price itself."""

    source: str
    why: Drop
    measure: float


@dataclass(frozen=True, slots=True)
class Consensus:
    """`price` is the median of the `kept` sources in USD, None with fewer than the rules ask for; `fresh` counts the
    sources with a valid price in time; `suspended` are those that must come closer before they count again."""

    price: float | None
    kept: tuple[str, ...]
    dropped: tuple[Dropped, ...]
    fresh: int
    suspended: frozenset[str]


def consensus(
    quotes: Iterable[Quote],
    *,
    at: datetime,
    rules: GuardRules,
    large: bool,
    suspended: frozenset[str] = frozenset(),
) -> Consensus:
    """The median of the sources that are fresh at `at` and close to the median of all fresh ones.

    A source in `suspended` strayed before and is readmitted only within `rules.readmission` of the limit. The reference
    is the median of every fresh source, suspended or not, so that no memory can outvote the market. Two sources judge
    each other: with the whole distance between them over the limit, neither counts. Raises ValueError for a source
    that speaks twice and for moments without a time zone.
    """
    if at.tzinfo is None:
        raise ValueError(f"at: has no time zone ({at.isoformat()}); pass an aware UTC datetime.")
    fresh: dict[str, float] = {}
    dropped: list[Dropped] = []
    seen: set[str] = set()
    for quote in sorted(quotes, key=lambda quote: quote.source):
        if quote.source in seen:
            raise ValueError(f"quotes: {quote.source} appears twice; give each independent source one quote.")
        seen.add(quote.source)
        fault = _fault(quote, at=at, rules=rules)
        if fault is None:
            fresh[quote.source] = quote.price
        else:
            dropped.append(fault)
    if not fresh:
        return Consensus(None, (), tuple(dropped), 0, suspended)
    reference = median(list(fresh.values()))
    spread = max(fresh.values()) - min(fresh.values())
    limit = rules.deviation(large=large)
    kept: list[str] = []
    strayed: set[str] = set()
    for source, price in fresh.items():
        again = source in suspended
        distance = spread if len(fresh) == 2 else abs(price - reference)
        if distance > limit * (rules.readmission if again else 1.0) * reference:
            strayed.add(source)
            why = Drop.DEVIANT if distance > limit * reference else Drop.SUSPENDED
            dropped.append(Dropped(source, why, distance / reference))
        else:
            kept.append(source)
    # With too few to compare with, nobody is convicted and nobody acquitted.
    if len(fresh) >= rules.min_sources:
        suspended = (suspended - fresh.keys()) | strayed
    price_agreed = median([fresh[source] for source in kept]) if len(kept) >= rules.min_sources else None
    return Consensus(price_agreed, tuple(kept), tuple(dropped), len(fresh), suspended)


def median(values: Sequence[float]) -> float:
    """The middle value, or the mean of the middle two. `values` is not empty."""
    ordered = sorted(values)
    return ordered[(len(ordered) - 1) // 2] * 0.5 + ordered[len(ordered) // 2] * 0.5


def _fault(quote: Quote, *, at: datetime, rules: GuardRules) -> Dropped | None:
    if quote.at.tzinfo is None:
        raise ValueError(
            f"quotes: {quote.source} has a moment without a time zone; pass an aware UTC datetime."
        )
    if not math.isfinite(quote.price) or quote.price <= 0:
        return Dropped(quote.source, Drop.INVALID, quote.price)
    age = at - quote.at
    if rules.max_age is None:
        day, today = quote.at.astimezone(UTC).date(), at.astimezone(UTC).date()
        why = Drop.STALE if day < today else Drop.FUTURE if day > today else None
    else:
        why = Drop.STALE if age > rules.max_age else Drop.FUTURE if -age > CLOCK_SKEW else None
    return Dropped(quote.source, why, age.total_seconds()) if why else None
