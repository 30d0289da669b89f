"""What every schedule starts from: two indices, three investors with money, two of them invested."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from unittest.mock import patch

from indices.models import Decision, Index, TargetWeight
from portfolios import tasks
from portfolios.brokers.registry import BROKERS
from portfolios.models import FeeSchedule, User, WithdrawalDestination
from portfolios.payments.registry import BILLING, EVENTS, PAYMENTS
from portfolios.services import recurring
from portfolios.services.nominees import dealing as nominee_dealing
from portfolios.services.nominees import storing
from portfolios.services.plans import plans_seed
from signals.models import Asset, Market
from tests.factories import user_make
from tests.faults import ports
from tests.faults.bank import NAME, Bank
from tests.faults.database import Database
from tests.faults.people import People, Wish
from tests.faults.ports import Clock, Feed, Ids
from tests.faults.shadow import Shadow
from tests.faults.venue import Venue
from tests.worlds import index_create

TOKENS = {"alpha": 40000.0, "beta": 1.25, "gamma": 0.00002}
WEIGHTS = {
    "global-100": {"alpha": "0.6", "beta": "0.4"},
    "top-10": {"beta": "0.7", "gamma": "0.3"},
}


@dataclass
class World:
    """The rows that schedules start from, and the books of that moment."""

    database: Database
    market: Market
    tokens: dict[str, Asset]
    indices: dict[str, Index]
    people: People
    operator: User
    shadow: Shadow
    venue: Venue
    clock: Clock
    staff: list[User]


@contextmanager
def world() -> Iterator[World]:
    """The world, in a transaction that is rolled back."""
    database = Database()
    with database.installed(), quiet():
        # The same numbers on every machine, whatever ran before. Sequences know no transactions: one world at a time.
        database.raw("SELECT pg_advisory_xact_lock(2610)")
        database.raw(
            "SELECT setval(format('%I.%I', schemaname, sequencename)::regclass, 1000000) FROM pg_sequences "
            "WHERE schemaname = 'public'"
        )
        clock = Clock()
        feed = Feed(0, clock, TOKENS)
        venue, bank = Venue(0, clock, feed), Bank(0, clock)
        venue.faults = bank.faults = 0.0
        with doors(clock, feed, Ids(random.Random("world")), venue, bank), database.session("world"):
            made = _made(database, clock, venue)
            made.shadow.observe(made.people, venue, bank)
        yield made


@contextmanager
def doors(clock: Clock, feed: Feed, ids: Ids, venue: Venue, bank: Bank) -> Iterator[None]:
    """Everything outside is ours."""
    with ports.installed(clock, feed, ids), patch.dict(BROKERS, {"paper": venue}):
        with (
            patch.dict(PAYMENTS, {NAME: bank}),
            patch.dict(EVENTS, {NAME: bank}),
            patch.dict(BILLING, {"sandbox": bank}),
        ):
            # Blocks of two books, so that there are several; one connection serves one thread.
            with patch.object(storing, "BLOCK", 2), patch.object(nominee_dealing, "WORKERS", 1):
                yield


@contextmanager
def quiet() -> Iterator[None]:
    """Nothing is logged: an answer that was lost is no news here."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)


def _made(database: Database, clock: Clock, venue: Venue) -> World:
    market = Market.objects.create(
        source=Market.Source.SIMULATED,
        is_active=True,
        time=clock.market_time(),
        first_day=clock.day - timedelta(days=30),
        last_day=clock.day + timedelta(days=60),
    )
    tokens = {
        slug: Asset.objects.create(
            slug=slug,
            symbol=slug[:3].upper(),
            name=slug.title(),
            is_simulated=True,
            first_day=market.first_day,
        )
        for slug in TOKENS
    }
    indices = {slug: index_create(slug, slug) for slug in WEIGHTS}
    people = People(
        [user_make(email=f"{name}@example.org") for name in ("ann", "bob", "cid")], random.Random(0)
    )
    operator = user_make(email="operator@example.org")
    plans_seed()
    made = World(database, market, tokens, indices, people, operator, Shadow(database), venue, clock, [])
    for slug, weights in WEIGHTS.items():
        decide(made, indices[slug], clock.day - timedelta(days=1), weights)
    FeeSchedule.objects.create(
        index=indices["top-10"],
        management_rate=Decimal("0.02"),
        announced_on=clock.day - timedelta(days=40),
        effective_from=clock.day - timedelta(days=30),
    )
    for user in people.users:
        people.destinations[user.pk] = str(
            WithdrawalDestination.objects.create(
                user=user,
                method=NAME,
                address=f"account of {user.email}",
                created_at=clock.wall - timedelta(days=2),
                usable_from=clock.wall - timedelta(days=1),
            ).pk
        )
    _begin(people)
    tick(clock)
    made.staff = _staff(clock, people)
    return made


def _staff(clock: Clock, people: People) -> list[User]:
    """Two who do nothing else, and an investor."""
    wall = clock.wall
    staff = [*(user_make(email=f"{name}@example.org") for name in ("dot", "eve")), people.users[1]]
    clock.wall = wall
    for user in staff:
        user.is_staff = True
        user.save(update_fields=["is_staff"])
    return staff


def _begin(people: People) -> None:
    ann, bob, cid = people.users
    for user, verb, arguments in (
        (ann, "deposit", {"amount": "5000.00"}),
        (bob, "deposit", {"amount": "4000.00"}),
        (cid, "deposit", {"amount": "1000.00"}),
        (ann, "invest", {"index": "global-100", "amount": "2000.00"}),
        (bob, "invest", {"index": "top-10", "amount": "1500.00"}),
    ):
        wish = Wish(len(people.wishes), verb, user, arguments, f"w{len(people.wishes)}")
        people.wishes.append(wish)
        people.ask(wish)
    recurring.recurring_create(cid, "global-100", "60.00", frequency="weekly", weekday=0)


def epoch_of(day: date) -> str:
    """The ISO week of a day."""
    year, week, _ = day.isocalendar()
    return f"{year}-W{week:02d}"


def decide(made: World, index: Index, as_of: date, weights: dict[str, str]) -> Decision:
    """A decision in force from the next day."""
    decision = Decision.objects.create(
        index=index,
        rulebook=index.versions.get(version=1),
        as_of=as_of,
        effective_on=as_of + timedelta(days=1),
        epoch=epoch_of(as_of),
        input_hash="0" * 64,
        turnover=0,
        reasons=dict.fromkeys(weights, "stays: in the top"),
    )
    TargetWeight.objects.bulk_create(
        TargetWeight(decision=decision, asset=made.tokens[slug], weight=Decimal(weight), rank=rank)
        for rank, (slug, weight) in enumerate(weights.items(), start=1)
    )
    return decision


def tick(clock: Clock) -> bool:
    """What a worker does every few seconds, and first of all after a restart; whether dealing is at rest."""
    return bool(tasks.dealing_tick()["at_rest"])


CHORES: dict[str, Callable[[], object]] = {
    "payments": tasks.payments_tick,
    "recurring": tasks.recurring_tick,
    "fees": tasks.fees_tick,
    "notices": tasks.notices_tick,
}
"""What a worker does besides."""
OWNERS_CHORES: dict[str, Callable[[], object]] = {**CHORES, "subscriptions": tasks.subscriptions_tick}
"""And where people have plans that they pay for."""
