"""USDC comes in: confirmations, reorganisations, lying nodes, prices away from a dollar, and dust."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from portfolios.chain.node import Block
from portfolios.errors import InvalidTransfer
from portfolios.models import ChainTransfer, Entry, Notice, Payment
from portfolios.services import investing, usdc
from portfolios.services.payments.receivables import owed
from tests.factories import user_make
from tests.portfolios.chain.scene import CONFIRMATIONS, Scene, price_set

pytestmark = pytest.mark.django_db


def test_a_deposit_is_credited_when_it_is_confirmed_and_once(scene: Scene) -> None:
    scene.chain.pay(scene.address, "123.456789")
    scene.look()
    assert scene.statuses() == ["seen"]
    assert scene.cash() == 0
    scene.chain.mine(CONFIRMATIONS - 2)
    scene.look()
    assert scene.cash() == 0
    scene.chain.mine(1)
    assert scene.look().credited == 1
    assert scene.cash() == Decimal("123.45")
    for _ in range(3):
        scene.chain.mine(1)
        assert scene.look().credited == 0
    assert scene.cash() == Decimal("123.45")
    payment = Payment.objects.get(method="usdc")
    assert (payment.status, payment.amount, payment.direction) == ("completed", Decimal("123.45"), "deposit")
    assert Notice.objects.get(user=scene.user).title == "USDC has arrived"
    scene.books_hold()


def test_it_is_credited_at_its_mark_and_never_above_a_dollar(scene: Scene) -> None:
    price_set("0.997")
    scene.chain.pay(scene.address, 100, blocks=CONFIRMATIONS)
    scene.look()
    assert scene.cash() == Decimal("99.70")
    price_set("1.004")
    scene.chain.pay(scene.address, 100, blocks=CONFIRMATIONS)
    scene.look()
    assert scene.cash() == Decimal("199.70")
    scene.books_hold()


@pytest.mark.parametrize("depth", range(1, 7))
def test_a_reorganisation_before_the_credit_moves_nothing(scene: Scene, depth: int, settings: Any) -> None:
    settings.USDC_CONFIRMATIONS = 8
    point = scene.chain.fork()
    scene.chain.pay(scene.address, 50, blocks=depth - 1)
    scene.look()
    assert scene.statuses() == ["seen"]
    scene.chain.undo(point)
    scene.chain.mine(depth + 9)
    scene.look()
    assert scene.statuses() == ["orphaned"]
    assert scene.cash() == 0
    assert not Entry.objects.filter(kind="deposit").exists()
    scene.books_hold()


@pytest.mark.parametrize("depth", range(CONFIRMATIONS, 7))
def test_a_reorganisation_after_the_credit_takes_it_back_once(scene: Scene, depth: int) -> None:
    point = scene.chain.fork()
    scene.chain.pay(scene.address, 50, blocks=depth - 1)
    scene.look()
    assert scene.cash() == 50
    scene.chain.undo(point)
    scene.chain.mine(depth + 1)
    for _ in range(3):
        scene.look()
    assert scene.statuses() == ["reversed"]
    assert scene.cash() == 0
    assert Entry.objects.filter(kind="reversal").count() == 1
    assert Payment.objects.get(method="usdc").status == "reversed"
    scene.books_hold()


@pytest.mark.parametrize("credited", [False, True])
def test_the_same_transaction_in_another_block_is_credited_again_once(scene: Scene, credited: bool) -> None:
    point = scene.chain.fork()
    first = scene.chain.pay(scene.address, 50, blocks=CONFIRMATIONS if credited else 0)
    scene.look()
    scene.chain.undo(point)
    again = scene.chain.pay(scene.address, 50)
    assert again == first  # same sender, nonce and amount
    scene.chain.mine(CONFIRMATIONS + 3)
    for _ in range(3):
        scene.look()
    assert scene.statuses() == ["reversed" if credited else "orphaned", "credited"]
    assert scene.cash() == 50
    assert Entry.objects.filter(kind="deposit").count() == 1 + credited
    scene.books_hold()


def test_a_block_that_comes_back_brings_its_transfers_back(scene: Scene) -> None:
    scene.chain.pay(scene.address, 50, blocks=CONFIRMATIONS)
    scene.look()
    held = ChainTransfer.objects.get()

    def elsewhere(truth: Any, number: int) -> Block | None:
        block = truth()
        return Block(number, "0x" + "ab" * 32) if number >= held.block_number and block else block

    scene.node.lies["block"] = elsewhere
    scene.node.lies["transfers"] = lambda truth, first, last: []
    scene.look()
    assert scene.statuses() == ["reversed"]
    scene.node.lies.clear()
    for _ in range(3):
        scene.look()
    assert scene.statuses() == ["credited"]
    assert ChainTransfer.objects.get().turn == 2
    assert scene.cash() == 50
    assert Payment.objects.filter(method="usdc").count() == 2
    scene.books_hold()


def test_what_was_spent_meanwhile_is_owed_and_paid_by_what_comes_next(scene: Scene) -> None:
    point = scene.chain.fork()
    scene.chain.pay(scene.address, 80, blocks=CONFIRMATIONS)
    scene.look()
    investing.invest(scene.user, "global-100", "60")
    scene.chain.undo(point)
    scene.chain.mine(CONFIRMATIONS + 2)
    scene.look()
    assert scene.cash() == 0
    assert owed(scene.user) == 60
    scene.chain.pay(scene.address, 100, blocks=CONFIRMATIONS)
    scene.look()
    assert owed(scene.user) == 0
    assert scene.cash() == 40
    scene.books_hold()


def test_two_transfers_in_one_transaction_are_two(scene: Scene) -> None:
    other = user_make()
    theirs = usdc.address_assign(other).address
    scene.chain.pay_twice(scene.address, 10, scene.address, 10)
    scene.chain.pay_twice(scene.address, 5, theirs, 7)
    scene.chain.mine(CONFIRMATIONS)
    assert scene.look().credited == 4
    assert scene.cash() == 25
    assert sorted(ChainTransfer.objects.values_list("ordinal", flat=True)) == [0, 0, 0, 1]
    scene.books_hold()


@pytest.mark.parametrize("method", ["head", "block", "transfers", "mined"])
def test_a_node_that_fails_moves_nothing_and_is_asked_again(scene: Scene, method: str) -> None:
    scene.chain.pay(scene.address, 50, blocks=CONFIRMATIONS)
    scene.node.fails.add(method)
    assert "does not answer" in scene.look().failed
    assert scene.cash() == 0
    scene.node.fails.clear()
    assert scene.look().credited == 1
    assert scene.cash() == 50


def test_logs_that_are_missing_at_first_are_found_later(scene: Scene) -> None:
    scene.chain.pay(scene.address, 50)
    scene.node.lies["transfers"] = lambda truth, first, last: []
    scene.look()
    scene.node.lies.clear()
    scene.chain.mine(CONFIRMATIONS)
    scene.look()
    assert scene.cash() == 50


def test_a_log_of_a_block_that_the_node_does_not_have_is_a_lie(scene: Scene) -> None:
    scene.chain.pay(scene.address, 50, blocks=CONFIRMATIONS)

    def invented(truth: Any, first: int, last: int) -> Any:
        from dataclasses import replace

        return [replace(log, block=Block(log.block.number, "0x" + "cd" * 32)) for log in truth()]

    scene.node.lies["transfers"] = invented
    assert "another block" in scene.look().failed
    assert not ChainTransfer.objects.exists()


def test_a_node_that_lies_about_its_height_credits_nothing_when_the_second_does_not_agree(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    from portfolios.chain.registry import NODES

    second = scene.chain.node()
    monkeypatch.setitem(NODES, "usdc", lambda: [scene.node, second])
    scene.chain.pay(scene.address, 50, blocks=CONFIRMATIONS)
    second.lies["head"] = lambda truth: Block(truth().number - CONFIRMATIONS, truth().hash)
    scene.look()
    assert scene.cash() == 0
    second.lies.clear()
    second.lies["mined"] = lambda truth, tx_hash: None
    scene.look()
    assert scene.cash() == 0
    second.lies.clear()
    scene.look()
    assert scene.cash() == 50
    # One of two that says the block is gone takes nothing back.
    second.lies["block"] = lambda truth, number: Block(number, "0x" + "ef" * 32)
    scene.look()
    assert scene.statuses() == ["credited"]
    assert scene.cash() == 50


def test_below_98_cents_it_waits_for_a_person_or_for_the_price(scene: Scene) -> None:
    price_set("0.97")
    scene.chain.pay(scene.address, 100, blocks=CONFIRMATIONS)
    scene.look()
    waiting = ChainTransfer.objects.get()
    assert (waiting.status, scene.cash()) == ("waiting", 0)
    assert "$0.97" in waiting.reason
    assert "100 USDC are safe" in Notice.objects.get(user=scene.user).text
    with pytest.raises(InvalidTransfer, match="their own"):
        usdc.transfer_release(waiting.pk, by=scene.user)
    usdc.transfer_release(waiting.pk, by=user_make())
    scene.look()
    assert scene.cash() == 97
    scene.chain.pay(scene.address, 100, blocks=CONFIRMATIONS)
    scene.look()
    assert scene.cash() == 97
    price_set("0.99")
    scene.look()
    assert scene.cash() == 196
    scene.books_hold()


def test_without_a_price_an_operator_must_name_one(scene: Scene, settings: Any) -> None:
    settings.USDC_ASSET = "no-such-coin"
    scene.chain.pay(scene.address, 100, blocks=CONFIRMATIONS)
    scene.look()
    waiting = ChainTransfer.objects.get()
    staff = user_make()
    for mark in (None, Decimal("1.1"), Decimal(0), Decimal("0.1234567")):
        with pytest.raises(InvalidTransfer):
            usdc.transfer_release(waiting.pk, by=staff, mark=mark)
    usdc.transfer_release(waiting.pk, by=staff, mark=Decimal("0.95"))
    scene.look()
    assert scene.cash() == 95


def test_dust_waits_and_says_so_until_there_is_enough(scene: Scene) -> None:
    scene.chain.pay(scene.address, "0.6", blocks=CONFIRMATIONS)
    scene.look()
    assert (scene.statuses(), scene.cash()) == (["waiting"], 0)
    assert "0.6 USDC wait until more comes" in ChainTransfer.objects.get().reason
    scene.chain.pay(scene.address, "0.7", blocks=CONFIRMATIONS)
    scene.look()
    assert scene.statuses() == ["credited", "credited"]
    assert scene.cash() == Decimal("1.30")


def test_nothing_is_sent_in_somebodys_name(scene: Scene) -> None:
    scene.chain.pay(scene.address, 0, blocks=CONFIRMATIONS)
    assert scene.look().scan == usdc.Scan(head=scene.chain.height, found=0, gone=0, behind=0)


def test_a_credit_that_dies_half_way_is_made_by_the_next_look(scene: Scene, monkeypatch: Any) -> None:
    scene.chain.pay(scene.address, 50, blocks=CONFIRMATIONS)
    with monkeypatch.context() as broken:
        broken.setattr(
            "portfolios.services.usdc.crediting.collect", lambda *_, **__: (_ for _ in ()).throw(KeyError)
        )
        with pytest.raises(KeyError):
            scene.look()
    assert scene.cash() == 0
    scene.look()
    assert scene.cash() == 50
    scene.books_hold()
