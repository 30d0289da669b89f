"""Ticks that meet, ticks that fall over, and wallets in the proof of reserves."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from eth_account import Account

from portfolios import tasks
from portfolios.chain.signing import hot_wallet
from portfolios.models import (
    ChainTransaction,
    ChainTransfer,
    CustodyReport,
    Entry,
    ReserveLine,
    WithdrawalDestination,
)
from portfolios.services import payments, reserves, usdc
from tests.portfolios.chain.local import LocalChain
from tests.portfolios.chain.scene import CONFIRMATIONS, NOW, Scene, price_set, scene_set

KEY = "0x" + "4c" * 32


@pytest.mark.django_db(transaction=True)
def test_ticks_at_once_credit_once_even_without_their_lock(
    settings: Any, chain: LocalChain, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = scene_set(settings, chain, monkeypatch)
    for amount in (10, 20, 30):
        chain.pay(scene.address, amount)
    chain.mine(CONFIRMATIONS)

    def look(_: int) -> None:
        try:
            usdc.transfers_scan([scene.node], now=NOW)
            usdc.transfers_credit([scene.node], now=NOW)
        finally:
            connection.close()

    # The chain in this process answers one question at a time; what is tested is the database.
    import threading

    one = threading.Lock()
    for name in ("head", "block", "transfers", "mined"):
        scene.node.lies[name] = lambda truth, *_: _locked(one, truth)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(look, range(8)))
    assert scene.cash() == 60
    assert Entry.objects.filter(kind="deposit").count() == 3
    assert ChainTransfer.objects.count() == 3
    scene.books_hold()


def _locked(lock: Any, truth: Any) -> Any:
    with lock:
        return truth()


@pytest.mark.django_db(transaction=True)
def test_a_second_driver_steps_aside(
    settings: Any, chain: LocalChain, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = scene_set(settings, chain, monkeypatch)
    seen: list[object] = []

    def other() -> None:
        try:
            seen.append(usdc.usdc_drive(now=NOW))
        finally:
            connection.close()

    def meanwhile(truth: Any) -> Any:
        if not seen:
            with ThreadPoolExecutor(1) as pool:
                pool.submit(other).result()
        return truth()

    scene.node.lies["head"] = meanwhile
    assert scene.look().failed == ""
    assert seen == [None]


@pytest.mark.django_db
def test_the_task_runs_without_usdc_and_with_it(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    scene.chain.pay(scene.address, 5, blocks=CONFIRMATIONS)
    assert tasks.usdc_tick() == {"credited": 1, "failed": ""}
    from portfolios.chain.registry import NODES

    monkeypatch.setitem(NODES, "usdc", list)
    assert tasks.usdc_tick() == {}


@pytest.mark.django_db
def test_wallets_are_part_of_the_reserves_and_what_is_on_its_way_is_not_missed(
    scene: Scene, settings: Any
) -> None:
    settings.USDC_HOT_KEY = KEY
    scene.chain.fund(hot_wallet(KEY).address, usdc=50)
    scene.chain.pay(scene.address, 1_000, blocks=CONFIRMATIONS)
    scene.look()
    settings.USDC_WALLETS = [hot_wallet(KEY).address]
    covered = reserves.reserves_prove(now=NOW)
    assert covered is not None
    assert covered.verdict == "covered"
    line = ReserveLine.objects.get(asset__code="USD")
    assert (line.owed, line.held, line.simulated, line.stood_in) == (1000, 1050, 0, 1050)

    now = timezone.now()
    listed = WithdrawalDestination.objects.create(
        user=scene.user,
        method="usdc",
        address=Account.from_key("0x" + "77" * 32).address,
        created_at=now,
        usable_from=now,
    )
    payments.withdraw(scene.user, "40", "usdc", destination=listed.pk)
    payments.withdrawals_send(now=now)
    scene.look()
    assert ChainTransaction.objects.count() == 1
    second = reserves.reserves_prove(now=NOW + timedelta(days=1))
    assert second is not None
    assert second.verdict == "covered"
    line = ReserveLine.objects.get(asset__code="USD", snapshot=second)
    assert (line.owed, line.held) == (1000, 1050)
    transit = CustodyReport.objects.get(custodian="transit:usdc", as_of=NOW + timedelta(days=1))
    assert transit.balances.get().amount == 40


@pytest.mark.django_db
def test_usdc_that_lost_its_dollar_covers_less(scene: Scene) -> None:
    scene.chain.pay(scene.address, 1_000, blocks=CONFIRMATIONS)
    scene.look()
    price_set("0.996")
    first = reserves.reserves_prove(now=NOW)
    assert first is not None
    assert first.verdict == "covered"
    price_set("0.97")
    second = reserves.reserves_prove(now=NOW + timedelta(days=1))
    assert second is not None
    assert second.verdict == "short"
    assert ReserveLine.objects.get(snapshot=second, asset__code="USD").held == 970
    reserves.capital_add(Decimal(31), reference="wire 1")
    reserves.capital_add(Decimal(31), reference="wire 1")
    third = reserves.reserves_prove(now=NOW + timedelta(days=2))
    assert third is not None
    assert third.verdict == "covered"
    scene.books_hold()


@pytest.mark.django_db
def test_the_public_page_and_ones_own(scene: Scene) -> None:
    browser = Client()
    assert "No snapshot" in browser.get(reverse("portfolios:reserves")).content.decode()
    scene.chain.pay(scene.address, 1_000, blocks=CONFIRMATIONS)
    scene.look()
    made = reserves.reserves_prove(now=NOW)
    assert made is not None
    body = browser.get(reverse("portfolios:reserves")).content.decode()
    assert made.commitment in body
    assert "Everything owed is held" in body
    assert "100.00%" in body
    assert browser.get(reverse("portfolios:reserves_mine")).status_code == 302
    browser.force_login(scene.user, backend="django.contrib.auth.backends.ModelBackend")
    mine = browser.get(reverse("portfolios:reserves_mine")).content.decode()
    assert made.commitment in mine
    assert "1000" in mine or "1,000" in mine
    file = browser.get(reverse("portfolios:reserves_proof_file"))
    assert file["Content-Disposition"].startswith("attachment")
    assert file.json()["commitment"] == made.commitment
    answer = browser.get("/api/v1/reserves/").json()
    assert (answer["verdict"], answer["commitment"]) == ("covered", made.commitment)
    assert browser.get("/api/v1/reserves/proof/").json() == file.json()
