"""A world small enough to know by heart: three tokens, one index, 40 days, and people with keys."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from indices.core.rulebook import Rulebook
from indices.models import Decision, Index, IndexEffect, IndexLevel, RulebookVersion, TargetWeight
from portfolios.models import Plan, User
from portfolios.services.api_keys import api_key_create
from portfolios.services.payments import deposit
from portfolios.services.plans import plans_seed
from signals.models import Asset, Candle, Market
from tests.factories import user_make
from tests.grading import features_make, grades_make, model_run_make
from tests.regimes import regime_make

FIRST = date(2022, 1, 1)
LAST = date(2022, 2, 9)
DECIDED = (date(2022, 1, 9), date(2022, 1, 16))
PRICES = {"alpha": 100.0, "beta": 10.0, "gamma": 1.0}
WEIGHTS: tuple[dict[str, str], ...] = ({"alpha": "0.6", "beta": "0.4"}, {"alpha": "0.5", "gamma": "0.5"})


@dataclass(frozen=True)
class Person:
    """A user with one key per set of scopes."""

    user: User
    read_key: str
    trade_key: str


def price(slug: str, day: date) -> float:
    """Prices climb by 1 % of the first price a day."""
    return PRICES[slug] * (1 + 0.01 * (day - FIRST).days)


def person(email: str) -> Person:
    """A new user with a read key and a trade key."""
    user = user_make(email=email)
    _, read = api_key_create(user, name="read", scopes=["read"])
    _, trade = api_key_create(user, name="trade", scopes=["read", "trade"])
    return Person(user, read, trade)


def bearer(key: str) -> dict[str, str]:
    """The headers that carry `key`."""
    return {"Authorization": f"Bearer {key}"}


def build_world() -> None:
    """The market, its index with two decisions, and the plans."""
    days = [FIRST + timedelta(days=number) for number in range((LAST - FIRST).days + 1)]
    Market.objects.create(
        source=Market.Source.ARCHIVE,
        is_active=True,
        time=datetime(LAST.year, LAST.month, LAST.day, tzinfo=UTC) + timedelta(days=1),
        first_day=FIRST,
        last_day=date(2022, 12, 31),
        ticked_through=LAST,
    )
    assets = {
        slug: Asset.objects.create(
            slug=slug,
            symbol=slug[:3].upper(),
            name=slug.title(),
            categories=["layer-1"],
            first_day=FIRST,
            last_day=LAST,
        )
        for slug in PRICES
    }
    Candle.objects.bulk_create(
        Candle(
            asset=asset,
            opened_at=datetime(day.year, day.month, day.day, tzinfo=UTC),
            source="archive",
            close=price(slug, day),
            volume=1e9,
            market_cap=price(slug, day) * 1e9,
        )
        for slug, asset in assets.items()
        for day in days
    )
    body = Rulebook.from_dict({"slug": "tiny", "family": "market_cap", "name": "Tiny"}).to_dict()
    index = Index.objects.create(
        slug="tiny", name="Tiny", family="market_cap", summary="Two at a time.", position=1
    )
    Index.objects.create(slug="hidden", name="Hidden", family="ai", is_published=False)
    version = RulebookVersion.objects.create(index=index, version=1, body=body, digest="d" * 64)
    for number, (day, weights) in enumerate(zip(DECIDED, WEIGHTS, strict=True)):
        decision = Decision.objects.create(
            index=index,
            rulebook=version,
            as_of=day,
            effective_on=day + timedelta(days=1),
            epoch=f"2022-W0{number + 1}",
            input_hash=str(number) * 64,
            turnover=1.0,
            reasons={"alpha": "rank 1", "beta": "left the top two", "gamma": "entered at rank 2"},
        )
        for rank, (slug, weight) in enumerate(weights.items(), start=1):
            TargetWeight.objects.create(
                decision=decision, asset=assets[slug], weight=Decimal(weight), rank=rank
            )
    IndexLevel.objects.bulk_create(
        IndexLevel(index=index, date=day, level=1000.0 + number) for number, day in enumerate(days[9:])
    )
    IndexEffect.objects.bulk_create(
        IndexEffect(
            index=index,
            date=day,
            reference="bitcoin",
            level=1001.0 + number,
            reference_level=50.0,
            result=(1001.0 + number) / (1000.0 + number) - 1.0,
            reference_result=0.0,
            selection=(1001.0 + number) / (1000.0 + number) - 1.0,
            weighting=0.0,
            overlay=0.0,
            cost=0.0,
            own_cost=0.0,
            cash=0.0,
        )
        for number, day in enumerate(days[10:])
    )
    model = model_run_make(market=Market.Source.ARCHIVE)
    for number, day in enumerate(days[9:]):
        grades_make(model, day, {"alpha": (50.0 + number / 10, 55.0, 1), "beta": (45.0, 48.0, -1)})
    features_make("alpha", LAST, missing=["vol_90d"])
    regime_make(Market.objects.get(is_active=True), LAST)
    plans_seed()
    for plan in Plan.objects.filter(all_indices=False):
        plan.indices.add(index)


@pytest.fixture
def world(db: None) -> None:
    build_world()


@pytest.fixture(autouse=True)
def _fresh_counters() -> None:
    """No test inherits another's rate limit."""
    cache.clear()


@pytest.fixture
def api() -> Client:
    return Client()


@pytest.fixture
def ada(world: None) -> Person:
    return person("ada@example.org")


@pytest.fixture
def bob(world: None) -> Person:
    return person("bob@example.org")


@pytest.fixture
def rich(ada: Person) -> Person:
    """Ada with 500 dollars."""
    deposit(ada.user, Decimal(500), "sandbox", "start")
    return ada


def get(api: Client, path: str, key: str = "", **headers: str) -> Any:
    """GET under /api/v1/."""
    return api.get(f"/api/v1/{path}", headers={**(bearer(key) if key else {}), **headers})


def post(api: Client, path: str, body: Any, key: str = "", **headers: str) -> Any:
    """POST JSON under /api/v1/."""
    sent = {**(bearer(key) if key else {}), **headers}
    return api.post(f"/api/v1/{path}", body, content_type="application/json", headers=sent)
