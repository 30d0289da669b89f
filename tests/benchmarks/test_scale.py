"""How long what grows takes: a pooled rebalance of a hundred assets, and the value of every holder of a pool.

Sizes by environment (SCALE_HOLDERS, SCALE_ASSETS, SCALE_BOOKS), so that a small run is possible. Figures are printed.
"""

from __future__ import annotations

import os
import sys
import time
from datetime import date
from decimal import Decimal
from uuid import uuid4

import pytest
from django.db import connection, transaction

from portfolios.brokers.base import BrokerFill
from portfolios.models import Allocation, BlockOrder, Dealing, DealingCycle, Fill, Portfolio, User
from portfolios.services import accounts, ledger
from portfolios.services.execution.venue import fills_post
from portfolios.services.holders import holders_value
from portfolios.services.nominees.rehearsal import rehearse
from signals.services.ingest import AssetFacts, assets_upsert
from tests.worlds import World, end_of, world_create

pytestmark = pytest.mark.django_db(transaction=True)

HOLDERS = int(os.environ.get("SCALE_HOLDERS", "100000"))
ASSETS = int(os.environ.get("SCALE_ASSETS", "100"))
BOOKS = int(os.environ.get("SCALE_BOOKS", "100000"))
STRICT = os.environ.get("SCALE_STRICT", "1") == "1"
"""Whether the bounds of the issue are asserted: not on a machine that does other things."""
WHEN = end_of(date(2022, 2, 10))


def say(text: str) -> None:
    """A figure, with how busy the machine is."""
    sys.stdout.write(f"\n{text} (load average {os.getloadavg()[0]:.1f})\n")


@pytest.fixture
def world() -> World:
    return world_create()


def pool_make(world: World, holders: int) -> Portfolio:
    """A pool whose units `holders` people hold, posted as one entry."""
    pool = accounts.portfolio_ensure(world.index.pk, world.index.slug)
    User.objects.bulk_create(
        [User(email=f"holder-{number}@example.org", password="!") for number in range(holders)],
        batch_size=5000,
    )
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO portfolios_account (key, kind, user_id, may_be_negative) "
            "SELECT 'user:' || id || ':cash', 'cash', id, false FROM portfolios_user WHERE email LIKE 'holder-%%'"
        )
        cursor.execute(
            "INSERT INTO portfolios_balance (account_id, asset_id, amount, may_be_negative) "
            "SELECT id, %s, (1 + id %% 997) * 0.123456789012, false FROM portfolios_account WHERE kind = 'cash'",
            [pool.units_id],
        )
        cursor.execute("SELECT SUM(amount) FROM portfolios_balance WHERE asset_id = %s", [pool.units_id])
        [issued] = cursor.fetchone()
        cursor.execute(
            "INSERT INTO portfolios_balance (account_id, asset_id, amount, may_be_negative) VALUES (%s, %s, %s, true)",
            [accounts.portfolio_issued(pool).pk, pool.units_id, -issued],
        )
        cursor.execute("ANALYZE portfolios_balance")
    return pool


def cycle_make(pool: Portfolio, world: World, count: int) -> list[tuple[BlockOrder, BrokerFill]]:
    """A cycle in which the pool sells `count` tokens, each filled at once."""
    names = [f"made-up-{number:03d}" for number in range(count)]
    assets_upsert([AssetFacts(name, name, name, is_simulated=True) for name in names])
    tokens = accounts.token_assets_ensure(dict.fromkeys(names, Decimal("2.5")))
    pot, venue = accounts.portfolio_assets(pool), accounts.venue("paper")
    with transaction.atomic():
        ledger.entry_post(
            reference=f"bought:{uuid4()}",
            kind="fill",
            effective_at=WHEN,
            legs=[
                leg
                for token in tokens.values()
                for leg in (ledger.Leg(pot, token, Decimal(1000)), ledger.Leg(venue, token, Decimal(-1000)))
            ],
        )
    DealingCycle.objects.update(status="settled")
    Dealing.objects.update(is_open=False)
    cycle = DealingCycle.objects.create(
        priced_at=WHEN, marks=dict.fromkeys((token.code for token in tokens.values()), "2.5")
    )
    dealing = Dealing.objects.create(
        cycle=cycle,
        portfolio=pool,
        kind=Dealing.Kind.REBALANCE,
        decision_id=world.decisions[0].pk,
        units_before=1,
        value_before=1,
    )
    lines = []
    for token in tokens.values():
        block = BlockOrder.objects.create(
            cycle=cycle, asset=token, side="sell", quantity=Decimal(10), status="open"
        )
        Allocation.objects.create(block_order=block, dealing=dealing, size=Decimal(10))
        fill = BrokerFill(str(uuid4()), Decimal(10), Decimal("2.5"), Decimal(25), Decimal("0.025"))
        lines.append((block, fill))
    return lines


def posted_once(lines: list[tuple[BlockOrder, BrokerFill]]) -> float:
    """Milliseconds of the transaction that posts all these fills, commit included."""
    with accounts.lookups_remembered():
        begun = time.perf_counter()
        with transaction.atomic():
            fills_post(lines)
        return (time.perf_counter() - begun) * 1000


def test_a_pooled_rebalance_commits_whatever_the_number_of_holders(world: World) -> None:
    pool = pool_make(world, HOLDERS)
    spent = sorted(posted_once(cycle_make(pool, world, ASSETS)) for _ in range(9))
    say(
        f"pooled rebalance of {ASSETS} assets, {HOLDERS:,} holders: {spent[0]:.1f} ms, median {spent[4]:.1f} ms"
    )
    assert Fill.objects.count() == 9 * ASSETS
    if STRICT and ASSETS == 100:
        assert spent[0] < 20


def test_every_holder_is_valued(world: World) -> None:
    pool = pool_make(world, HOLDERS)
    with transaction.atomic():
        ledger.entry_post(
            reference="pot",
            kind="fill",
            effective_at=WHEN,
            legs=[
                ledger.Leg(accounts.venue("paper"), accounts.usd(), Decimal("-1234567890.123457")),
                ledger.Leg(accounts.portfolio_assets(pool), accounts.usd(), Decimal("1234567890.123457")),
            ],
        )
    seconds = []
    for _ in range(5):
        begun = time.perf_counter()
        found = holders_value(pool)
        seconds.append(time.perf_counter() - begun)
    say(f"valuing {HOLDERS:,} holders: {min(seconds):.3f} s, {found.rest} micro-dollars left by rounding")
    assert found.count == HOLDERS
    assert int(found.worth.sum()) + found.rest == found.value == 1_234_567_890_123_457
    assert 0 <= found.rest < HOLDERS
    if STRICT:
        assert min(seconds) < max(1.0, 1.0 * HOLDERS / 1_000_000)


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_personal_portfolios_are_rebalanced(transactional_db: None, workers: int) -> None:
    outcome = rehearse(portfolios=BOOKS, assets=20, workers=workers, seed=1, effective_at=WHEN)
    seconds = outcome["seconds"]
    say(
        f"{BOOKS:,} personal portfolios x 20, {workers} workers: plan {seconds['plan']:.2f} s, durable "
        f"{outcome['durable_seconds']:.2f} s, {outcome['rows_per_second']:,} rows/s, "
        f"{outcome['positions_per_second']:,} positions/s"
    )
    assert outcome["broken"] == []
    if STRICT and BOOKS == 1_000_000 and workers == 2:
        assert seconds["plan"] < 5
        assert outcome["durable_seconds"] < 60
