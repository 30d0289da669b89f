"""A portfolio's rebalance names the receipt of the decision it followed."""

from datetime import timedelta

import pytest
from django.template.loader import render_to_string
from django.utils import timezone

from indices.core.receipts import NOTHING_BEFORE
from indices.models import Receipt, SigningKey
from portfolios import selectors
from portfolios.models import Rebalance
from portfolios.services import accounts
from tests.worlds import World, world_create


@pytest.fixture
def world(db: None) -> World:
    return world_create()


def test_a_rebalance_shows_number_and_digest(world: World) -> None:
    decision = world.decisions[0]
    pool = accounts.portfolio_ensure(world.index.pk, world.index.slug)
    Rebalance.objects.create(portfolio=pool, decision=decision, epoch=decision.epoch)
    (bare,) = selectors.rebalance_history(pool)
    assert bare.receipt is None
    Receipt.objects.create(
        index=world.index,
        decision=decision,
        kind="decision",
        sequence=7,
        previous_digest=NOTHING_BEFORE,
        digest="ab" * 32,
        body="{}",
        key=SigningKey.objects.create(key_id="k", public_key="p"),
        signature="s",
        published_at=timezone.now() - timedelta(days=1),
    )
    (row,) = selectors.rebalance_history(pool)
    assert row.receipt is not None
    assert (row.receipt.index_slug, row.receipt.sequence, row.receipt.digest) == ("global-100", 7, "ab" * 32)
    shown = render_to_string("portfolios/_receipt.html", {"receipt": row.receipt})
    assert 'href="/indices/global-100/receipts/7/"' in shown
    assert "abababababab…" in shown
    world.index.kind = "custom"
    world.index.save()
    (own,) = selectors.rebalance_history(pool)
    assert "href" not in render_to_string("portfolios/_receipt.html", {"receipt": own.receipt})
