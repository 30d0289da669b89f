"""How long a proof of reserves of 100,000 people takes, each of whom has cash and units of a pool of 100 tokens."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest
from django.db import connection

from portfolios.core import merkle
from portfolios.models import User
from portfolios.selectors.reserves import reserve_proof
from portfolios.services import accounts, reserves
from signals.models import Asset
from tests.factories import user_make
from tests.worlds import world_create

pytestmark = [pytest.mark.django_db, pytest.mark.benchmark]

PEOPLE, TOKENS = 100_000, 100
FILL = """
INSERT INTO portfolios_user (email, password, name, is_superuser, is_staff, is_active, date_joined)
  SELECT 'bench-' || n || '@example.org', '!', '', false, false, true, now() FROM generate_series(1, {people}) n;
INSERT INTO portfolios_account (key, kind, user_id, may_be_negative)
  SELECT 'user:' || id || ':cash', 'cash', id, false FROM portfolios_user WHERE email LIKE 'bench-%';
INSERT INTO portfolios_balance (account_id, asset_id, amount, may_be_negative)
  SELECT c.id, a.id, 1 + (c.id %% 1000) / 100.0, false FROM portfolios_account c, portfolios_ledgerasset a
  WHERE c.kind = 'cash' AND a.code IN ('USD', 'unit:global-100');
INSERT INTO portfolios_ledgerasset (code, kind, scale, token_id)
  SELECT 'token:' || slug, 'token', 10, id FROM signals_asset WHERE slug LIKE 'bench-%';
INSERT INTO portfolios_account (key, kind, portfolio_id, may_be_negative)
  SELECT 'portfolio:' || id || ':' || k, k, id, k = 'issued'
  FROM portfolios_portfolio, unnest(ARRAY['assets', 'issued']) k;
INSERT INTO portfolios_balance (account_id, asset_id, amount, may_be_negative)
  SELECT c.id, a.id, 12345.6789 * (1 + a.id %% 7), false FROM portfolios_account c, portfolios_ledgerasset a
  WHERE c.kind = 'assets' AND a.code LIKE 'token:bench-%%';
INSERT INTO portfolios_balance (account_id, asset_id, amount, may_be_negative)
  SELECT c.id, a.id, -(SELECT SUM(amount) FROM portfolios_balance b WHERE b.asset_id = a.id), true
  FROM portfolios_account c, portfolios_ledgerasset a WHERE c.kind = 'issued' AND a.code = 'unit:global-100';
"""


def test_a_hundred_thousand_people() -> None:
    world = world_create()
    accounts.usd()
    accounts.portfolio_ensure(world.index.pk, "global-100")
    Asset.objects.bulk_create(
        Asset(slug=f"bench-{n}", symbol=f"B{n}", name=f"Bench {n}", is_simulated=True) for n in range(TOKENS)
    )
    with connection.cursor() as cursor:
        cursor.execute(FILL.format(people=PEOPLE).replace("%%", "%"))
    began, busy = time.perf_counter(), time.process_time()
    snapshot = reserves.snapshot_take(now=datetime(2026, 11, 23, tzinfo=UTC))
    seconds, cpu = time.perf_counter() - began, time.process_time() - busy
    assert snapshot is not None
    assert snapshot.people == PEOPLE
    person = User.objects.get(email="bench-777@example.org")
    began = time.perf_counter()
    proof = reserve_proof(person)
    one = time.perf_counter() - began
    assert merkle.verify(proof) == ""
    assert proof["commitment"] == snapshot.commitment
    assert user_make().pk
    print(  # noqa: T201
        f"\nreserves of {PEOPLE:,} people, {TOKENS} tokens: {seconds:.1f} s ({cpu:.1f} s of Python); "
        f"one proof {one * 1000:.0f} ms, {len(str(proof)) / 1024:.0f} kB"
    )
    assert cpu < 60
