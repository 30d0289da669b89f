"""Every pair of states of a block order: allowed or not, in the table and in the database alike."""

from contextlib import suppress
from itertools import product

import pytest
from django.db import IntegrityError, connection, transaction

from portfolios.core import order_states
from portfolios.models import BlockOrder, LedgerAsset
from portfolios.services import execution, investing
from tests.factories import user_make
from tests.worlds import world_create

STATES = sorted(BlockOrder.Status.values)
PAIRS = list(product(STATES, STATES))


def test_the_table_knows_every_state() -> None:
    assert sorted(order_states.EDGES) == STATES
    assert sorted(order_states.REST) == ["done", "rejected"]
    assert sum(len(onward) for onward in order_states.EDGES.values()) == 11


def test_no_edge_leads_back() -> None:
    """From no state can the same state be reached again by one step or more."""
    for start in STATES:
        seen: set[str] = set()
        ahead = set(order_states.EDGES[start])
        while ahead - seen:
            state = (ahead - seen).pop()
            seen.add(state)
            ahead |= order_states.EDGES[state]
        assert start not in seen


@pytest.mark.parametrize(("before", "after"), PAIRS)
def test_every_pair_in_the_table(before: str, after: str) -> None:
    allowed = before == after or after in order_states.EDGES[before]
    assert order_states.allowed(before, after) is allowed
    assert (before in order_states.sources(after)) is (allowed and before != after)
    if allowed:
        order_states.check(before, after)
    else:
        with pytest.raises(order_states.ForbiddenEdge, match=f"from {before} to {after}"):
            order_states.check(before, after)


@pytest.mark.django_db
def test_every_pair_in_the_database() -> None:
    """36 pairs: the trigger refuses exactly those that the table refuses, whoever writes."""
    world_create()
    investing.invest(user_make(cash="100"), "global-100", "100")
    cycle = execution.cycle_open()
    assert cycle is not None
    asset = LedgerAsset.objects.get(code="token:alpha")
    for number, (before, after) in enumerate(PAIRS):
        block = BlockOrder.objects.create(
            cycle=cycle, asset=asset, side="sell", quantity=1, attempt=100 + number, status=before
        )
        moved = True
        with suppress(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
            moved = False
            cursor.execute("UPDATE portfolios_blockorder SET status = %s WHERE id = %s", [after, block.pk])
            moved = True
        assert moved is order_states.allowed(before, after), f"{before} -> {after}"
