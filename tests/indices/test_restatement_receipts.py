"""Receipts and what they say stay as they were signed, and still verify, after a price under them was corrected."""

from datetime import date, timedelta

import pytest

from indices import services
from indices.models import Index, Receipt
from signals.core.clock import end_of_day
from tests.indices.test_history import BODY, MIDDLE, PANEL, clock_at, index_of
from tests.indices.test_restatement_levels import applied
from tests.markets import market_store


@pytest.fixture
def stored(db: None) -> Index:
    market_store(PANEL, clock_at=end_of_day(MIDDLE))
    index = index_of(BODY)
    services.index_backfill(index, through=MIDDLE)
    return index


def faults(index: Index) -> list[str]:
    again = services.recomputed(index)
    return [
        *services.index_verify(index, again=again),
        *services.receipts_verify(index, decisions=again.decisions.values(), executions=again.executions),
    ]


def advanced(index: Index, days: int, start: date) -> date:
    day = start
    for _ in range(days):
        day += timedelta(days=1)
        clock_at(day)
        services.index_advance(index, through=day)
    return day


@pytest.mark.parametrize(
    "corrected",
    [
        date(2020, 3, 15),  # a day of decision
        date(2020, 3, 16),  # the purchase that follows it
        date(2020, 3, 18),
        date(2020, 3, 30),  # the last purchase
    ],
)
def test_every_receipt_verifies_after_a_correction(stored: Index, corrected: date) -> None:
    assert faults(stored) == []
    before = list(Receipt.objects.order_by("pk").values_list("digest", "body"))
    applied(stored, corrected, factor=1.25)
    assert faults(stored) == []
    advanced(stored, 15, MIDDLE)
    assert faults(stored) == []
    assert list(Receipt.objects.order_by("pk").values_list("digest", "body"))[: len(before)] == before


def test_a_correction_between_decision_trade_and_the_next_decision(stored: Index) -> None:
    day = advanced(stored, 4, MIDDLE)  # Sunday 5 April: decided, not traded
    assert day == date(2020, 4, 5)
    applied(stored, day, factor=1.2)
    assert faults(stored) == []
    day = advanced(stored, 1, day)  # Monday: traded on the corrected prices
    assert faults(stored) == []
    applied(stored, day, factor=0.8)
    assert faults(stored) == []
    applied(stored, date(2020, 3, 30), factor=1.1)
    day = advanced(stored, 9, day)
    assert faults(stored) == []


def test_a_forged_receipt_is_still_found(stored: Index) -> None:
    applied(stored, date(2020, 3, 16), factor=1.25)
    again = services.recomputed(stored)
    execution = again.executions[-1]
    forged = type(execution)(
        execution.traded_on,
        execution.before,
        execution.after,
        execution.turnover * 1.01,
        execution.cost,
        execution.level,
    )
    assert services.receipts_verify(stored, executions=[forged])
