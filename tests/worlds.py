"""A tiny world for tests of money: five tokens with sixty days of simple prices, one index, and a clock to turn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from indices.models import Decision, Index, RulebookVersion, TargetWeight
from portfolios.services.plans import plans_seed
from signals.models import Asset, Candle, Market

FIRST_DAY = date(2022, 1, 1)
DAYS = 60
LAST_DAY = FIRST_DAY + timedelta(days=DAYS - 1)

# slug: (symbol, name, first close, daily volume). The close grows by 1 % of the first one a day, except `delta`: flat.
TOKENS: dict[str, tuple[str, str, float, float]] = {
    "alpha": ("ALP", "Alpha", 40000.0, 5e9),
    "beta": ("BET", "Beta", 3000.0, 5e8),
    "gamma": ("GAM", "Gamma", 1.25, 2e7),
    "delta": ("DEL", "Delta", 0.00002, 3e6),
    "epsilon": ("EPS", "Epsilon", 75.0, 2e5),
}
WEIGHTS = {"alpha": "0.4", "beta": "0.3", "gamma": "0.15", "delta": "0.1", "epsilon": "0.05"}


@dataclass
class World:
    """The market row, its tokens by slug, and the index `global-100` with one decision in force."""

    market: Market
    tokens: dict[str, Asset]
    index: Index
    decisions: list[Decision] = field(default_factory=list)


def end_of(day: date) -> datetime:
    """The first moment at which the close of `day` is known."""
    return datetime.combine(day + timedelta(days=1), datetime.min.time(), UTC)


def close_of(slug: str, day: date) -> float:
    """The made-up close of a token."""
    first = TOKENS[slug][2]
    return first if slug == "delta" else first * (1 + 0.01 * (day - FIRST_DAY).days)


def world_create(
    *, today: date = FIRST_DAY + timedelta(days=40), weights: Mapping[str, str] | None = None
) -> World:
    """The world with its clock at the end of `today`, prices for all sixty days, and plans that admit to the index."""
    market = Market.objects.create(
        source=Market.Source.SIMULATED,
        is_active=True,
        time=end_of(today),
        first_day=FIRST_DAY,
        last_day=LAST_DAY,
    )
    tokens = {
        slug: Asset.objects.create(
            slug=slug, symbol=symbol, name=name, is_simulated=True, first_day=FIRST_DAY
        )
        for slug, (symbol, name, _, _) in TOKENS.items()
    }
    for slug in TOKENS:
        candles_create(tokens[slug], FIRST_DAY, LAST_DAY)
    index = index_create("global-100", "Bellwether Global 100")
    world = World(market, tokens, index)
    decision_create(world, as_of=today - timedelta(days=2), weights=weights or WEIGHTS)
    plans_seed()
    return world


def candles_create(token: Asset, first: date, last: date) -> None:
    """A daily candle for every day from `first` to `last`."""
    volume = TOKENS[token.slug][3]
    Candle.objects.bulk_create(
        Candle(
            asset=token,
            interval=Candle.Interval.DAY,
            opened_at=datetime.combine(day, datetime.min.time(), UTC),
            source=Market.Source.SIMULATED,
            close=close_of(token.slug, day),
            volume=volume,
            market_cap=volume * 20,
        )
        for day in (first + timedelta(days=n) for n in range((last - first).days + 1))
    )


def index_create(slug: str, name: str) -> Index:
    """A published index with a rulebook of which only the slug matters here."""
    index = Index.objects.create(slug=slug, name=name, family=Index.Family.MARKET_CAP)
    body = {"slug": slug, "name": name, "family": "market_cap"}
    RulebookVersion.objects.create(index=index, version=1, body=body, digest=slug)
    return index


def decision_create(
    world: World, *, as_of: date, weights: Mapping[str, str], index: Index | None = None, lag_days: int = 1
) -> Decision:
    """A stored decision of the index, effective `lag_days` later."""
    target = index or world.index
    year, week, _ = as_of.isocalendar()
    decision = Decision.objects.create(
        index=target,
        rulebook=target.versions.get(version=1),
        as_of=as_of,
        effective_on=as_of + timedelta(days=lag_days),
        epoch=f"{year}-W{week:02d}",
        input_hash="0" * 64,
        turnover=0,
        reasons=dict.fromkeys(weights, "stays: in the top"),
    )
    TargetWeight.objects.bulk_create(
        TargetWeight(decision=decision, asset=world.tokens[slug], weight=Decimal(weight), rank=rank)
        for rank, (slug, weight) in enumerate(weights.items(), start=1)
    )
    world.decisions.append(decision)
    return decision


def clock_to(world: World, day: date) -> None:
    """Market time is the end of `day`."""
    world.market.time = end_of(day)
    world.market.save(update_fields=["time"])
