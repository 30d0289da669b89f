"""The paper venue: its book follows the law that previews show, misfortunes repeat themselves, caps are kept."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portfolios.brokers.base import BrokerOrder, BrokerReport, BrokerUnreachable
from portfolios.brokers.paper import PaperBroker, PaperRules
from portfolios.core.fees import PPB, slippage
from portfolios.models import BlockOrder, Fill, Order
from portfolios.services import execution, investing
from portfolios.services.ledger_check import checks_run
from tests.factories import user_make
from tests.worlds import world_create

BOOK = PaperBroker("paper", PaperRules(book=True))
PLAIN = PaperBroker("paper", PaperRules())


def order(side: Literal["buy", "sell"] = "buy", size: str = "1000", **changes: Any) -> BrokerOrder:
    """Whole tokens of a sale, dollars of a purchase; a token of 100 USD that trades 20 million a day."""
    return BrokerOrder(
        **{
            "client_id": str(UUID(int=1)),
            "token": "gamma",
            "side": side,
            "quantity": Decimal(size) if side == "sell" else None,
            "budget": Decimal(size) if side == "buy" else None,
            "scale": 12,
            "mark": Decimal(100),
            "volume": 20_000_000,
            "placed_at": datetime(2022, 1, 1, tzinfo=UTC),
            **changes,
        }
    )


def average(report: BrokerReport) -> Decimal:
    quantity = sum((fill.quantity for fill in report.fills), Decimal(0))
    return sum((fill.notional for fill in report.fills), Decimal(0)) / quantity


def test_the_default_is_one_price() -> None:
    report = PLAIN.order_place(order())
    assert report.state == "open"
    assert {fill.price for fill in report.fills} == {Decimal("100.120710000000000000")}
    assert PLAIN.order_find(order()) == PaperBroker("paper", PaperRules()).order_find(order())


@given(
    st.integers(50, 500_000),
    st.sampled_from([None, 200_000, 3_000_000, 20_000_000, 5_000_000_000]),
    st.sampled_from(["buy", "sell"]),
)
def test_walking_the_book_costs_what_the_law_says(
    dollars: int, volume: int | None, side: Literal["buy", "sell"]
) -> None:
    """Give or take a fifth of the distance from the mark, for any size and liquidity that the book can fill."""
    away = slippage(dollars * 10**6, volume)
    if away > PPB // 10:
        return  # the outer end of the book
    size = str(dollars) if side == "buy" else str(Decimal(dollars) / 100)
    report = BOOK.order_find(order(side, size, volume=volume))
    assert report is not None
    distance = abs(average(report) / 100 - 1)
    law = Decimal(away) / PPB
    assert law * Decimal("0.75") <= distance <= law * Decimal("1.25")
    assert 1 <= len(report.fills) <= 4


@given(st.integers(5, 5_000_000), st.integers(6, 18), st.integers(-8, 5), st.integers(0, 2**64))
def test_a_purchase_never_costs_more_than_its_budget(
    dollars: int, scale: int, digits: int, number: int
) -> None:
    wish = order(
        "buy", str(dollars), scale=scale, mark=Decimal("3.7").scaleb(digits), client_id=str(UUID(int=number))
    )
    for broker in (PLAIN, BOOK):
        report = broker.order_find(wish)
        assert report is not None
        assert sum(fill.notional + fill.fee for fill in report.fills) <= dollars


def test_a_cap_is_kept_and_what_is_left_is_said() -> None:
    wish = order("sell", "5000", cap=Decimal("0.005"))
    report = BOOK.order_find(wish)
    assert report is not None
    assert all(fill.price >= Decimal("99.5") for fill in report.fills)
    got = sum(fill.quantity for fill in report.fills)
    assert 0 < got < 5000
    assert report.reason == f"{got:f} of 5000.000000000000 tokens were filled."
    nothing = BOOK.order_find(replace(wish, cap=Decimal("0.0001")))
    assert nothing == BrokerReport("done", [], "Nobody at paper offers that near the mark.")


@pytest.mark.parametrize("kind", ["rejects", "partials"])
def test_misfortunes_come_at_their_rate_and_repeat_themselves(kind: str) -> None:
    rules = {
        "rejects": PaperRules(book=True, rejects=200_000),
        "partials": PaperRules(book=True, partials=200_000),
    }
    broker = PaperBroker("paper", rules[kind])
    hit = 0
    for number in range(500):
        wish = order(client_id=str(UUID(int=number)))
        first = broker.order_find(wish)
        assert first == broker.order_find(wish)
        assert first is not None
        hit += first.state == "rejected" or bool(first.reason)
    assert 60 < hit < 140


def test_an_outage_loses_the_order_or_the_answer_for_good() -> None:
    broker = PaperBroker("paper", PaperRules(outages=500_000))
    kinds = {"answered": 0, "answer lost": 0, "order lost": 0}
    for number in range(400):
        wish = order(client_id=str(UUID(int=number)))
        try:
            broker.order_place(wish)
            kind = "answered"
        except BrokerUnreachable:
            kind = "order lost" if broker.order_find(wish) is None else "answer lost"
        assert (broker.order_find(wish) is None) == (kind == "order lost")
        kinds[kind] += 1
    assert all(count > 60 for count in kinds.values())


def test_venues_have_books_of_their_own() -> None:
    first, second = (PaperBroker(name, PaperRules(book=True)).depth(order()) for name in ("a", "b"))
    assert first is not None
    assert second is not None
    assert first.levels != second.levels
    assert list(first.levels) == sorted(first.levels)


@pytest.mark.django_db
@pytest.mark.parametrize("seed", range(3))
def test_bad_luck_all_over_settles_in_the_end(
    settings: Any, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """Rejects, outages and partial fills at once: what was not bought stays cash, the books hold."""
    from datetime import timedelta

    from django.utils import timezone

    settings.PAPER_BOOK, settings.PAPER_REJECTS, settings.PAPER_OUTAGES, settings.PAPER_PARTIALS = (
        True, 150_000, 250_000, 300_000,
    )  # fmt: skip
    ahead = [timedelta()]
    real = timezone.now
    monkeypatch.setattr(timezone, "now", lambda: real() + ahead[0])
    world_create()
    orders = [investing.invest(user_make(cash="5000"), "global-100", str(1000 + seed)) for _ in range(2)]
    for _ in range(60):
        if execution.dealing_run().at_rest:
            break
        ahead[0] += timedelta(seconds=31)
    assert {Order.objects.get(pk=item.pk).status for item in orders} == {"settled"}
    assert [(check.name, check.detail) for check in checks_run() if not check.passed] == []
    unfilled = BlockOrder.objects.filter(fills=None)
    assert all(block.reason for block in unfilled)
    assert Fill.objects.exists()
