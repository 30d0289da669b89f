"""Eight callers at the same instant, over HTTP: one effect per Idempotency-Key, and no overdraft without one."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from portfolios import selectors
from portfolios.models import Order, Payment
from portfolios.services.payments import deposit
from tests.api.conftest import Person, build_world, person, post

THREADS = 8


@pytest.fixture
def rich(transactional_db: None) -> Person:
    build_world()
    someone = person("ada@example.org")
    deposit(someone.user, Decimal(500), "sandbox", "start")
    return someone


def together(call: Callable[[int], Any]) -> list[Any]:
    """`call(number)` by eight threads that start at once, each on a connection of its own."""
    gate = threading.Barrier(THREADS)

    def run(number: int) -> Any:
        try:
            gate.wait(timeout=30)
            return call(number)
        finally:
            connection.close()

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(run, range(THREADS)))


def test_one_deposit_per_key(rich: Person) -> None:
    def deposit_once(key: str, _: int) -> Any:
        return post(Client(), "deposits/", {"amount": "10.00"}, rich.trade_key, **{"Idempotency-Key": key})

    for round_ in range(5):
        answers = together(partial(deposit_once, f"round-{round_}"))
        assert {answer.status_code for answer in answers} == {201}
        assert len({answer.content for answer in answers}) == 1
        assert sum("Idempotent-Replayed" not in answer for answer in answers) == 1
    assert selectors.cash(rich.user) == Decimal(550)
    assert Payment.objects.count() == 6


def test_one_order_for_money_that_suffices_once(rich: Person) -> None:
    body = {"index": "tiny", "side": "invest", "amount": "300.00"}
    answers = together(lambda _: post(Client(), "orders/", body, rich.trade_key))
    assert sorted(answer.status_code for answer in answers) == [202] + [409] * (THREADS - 1)
    assert Order.objects.count() == 1
    assert selectors.cash(rich.user) == Decimal(200)
    assert selectors.reserved(rich.user) == Decimal(300)
