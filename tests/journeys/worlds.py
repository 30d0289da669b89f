"""A market small enough to know by heart: five tokens, sixty days, two indices, and a clock that stands on day 41."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from indices.models import Decision, Index, IndexLevel, RulebookVersion, TargetWeight
from portfolios.services.plans import plans_seed
from signals.models import Asset, Candle, Market

FIRST_DAY = date(2022, 1, 1)
LAST_DAY = date(2022, 3, 1)
TODAY = date(2022, 2, 10)

# slug: (symbol, first close, daily volume). Every close grows by 1 % of the first one a day.
TOKENS = {
    "alpha": ("ALP", 40000.0, 5e9),
    "beta": ("BET", 3000.0, 5e8),
    "gamma": ("GAM", 1.25, 2e7),
    "delta": ("DEL", 0.00002, 3e6),
    "epsilon": ("EPS", 75.0, 2e5),
}
BEFORE = {"alpha": "0.5", "beta": "0.4", "delta": "0.1"}
NOW = {"alpha": "0.4", "beta": "0.3", "gamma": "0.15", "delta": "0.1", "epsilon": "0.05"}


def world_create() -> Market:
    """The market, `global-100` (two decisions, for everybody) and `sqrt-30` (one decision, Silver and up)."""
    market = Market.objects.create(
        source=Market.Source.SIMULATED,
        is_active=True,
        time=datetime.combine(TODAY + timedelta(days=1), datetime.min.time(), UTC),
        first_day=FIRST_DAY,
        last_day=LAST_DAY,
    )
    for slug, (symbol, _, _) in TOKENS.items():
        candles_create(Asset.objects.create(slug=slug, symbol=symbol, name=slug.title(), first_day=FIRST_DAY))
    broad = index_create("global-100", "Bellwether Global 100", 1)
    decision_create(broad, TODAY - timedelta(days=9), BEFORE)
    decision_create(broad, TODAY - timedelta(days=2), NOW)
    square_root = index_create("sqrt-30", "Bellwether Square Root 30", 3)
    decision_create(square_root, TODAY - timedelta(days=2), NOW)
    plans_seed()
    return market


def candles_create(token: Asset) -> None:
    """A daily candle for every day of the market."""
    _, first, volume = TOKENS[token.slug]
    Candle.objects.bulk_create(
        Candle(
            asset=token,
            interval=Candle.Interval.DAY,
            opened_at=datetime.combine(FIRST_DAY + timedelta(days=number), datetime.min.time(), UTC),
            source=Market.Source.SIMULATED,
            close=first * (1 + 0.01 * number),
            volume=volume,
            market_cap=volume * 20,
        )
        for number in range((LAST_DAY - FIRST_DAY).days + 1)
    )


def index_create(slug: str, name: str, position: int) -> Index:
    """A published index whose level climbs by 10 points a day, but for the 20th, when it is half of that."""
    index = Index.objects.create(slug=slug, name=name, family=Index.Family.MARKET_CAP, position=position)
    body = {"slug": slug, "name": name, "family": "market_cap", "base": {"level": 1000, "date": "2022-01-01"}}
    RulebookVersion.objects.create(index=index, version=1, body=body, digest=slug)
    IndexLevel.objects.bulk_create(
        IndexLevel(
            index=index,
            date=FIRST_DAY + timedelta(days=number),
            level=(1000.0 + 10 * number) * (0.5 if number == 20 else 1),
        )
        for number in range((TODAY - FIRST_DAY).days + 1)
    )
    return index


def decision_create(index: Index, as_of: date, weights: dict[str, str]) -> Decision:
    """A decision that is traded the day after."""
    year, week, _ = as_of.isocalendar()
    decision = Decision.objects.create(
        index=index,
        rulebook=index.versions.get(version=1),
        as_of=as_of,
        effective_on=as_of + timedelta(days=1),
        epoch=f"{year}-W{week:02d}",
        input_hash="0" * 64,
        turnover=0.4,
        reasons=dict.fromkeys(weights, "in the top five"),
    )
    TargetWeight.objects.bulk_create(
        TargetWeight(decision=decision, asset=Asset.objects.get(slug=slug), weight=Decimal(weight), rank=rank)
        for rank, (slug, weight) in enumerate(weights.items(), start=1)
    )
    return decision
